"""The media mix model: its weekly input, and what is missing in it."""
