"""The weekly input of the media mix model, and what is missing in it."""
