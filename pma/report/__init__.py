"""Pages that people open, made from the tables of the business layer: pandas frames in, HTML and text out."""
