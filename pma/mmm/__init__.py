"""The media mix model: its fits, how far they can be trusted, and the choice of a model."""
