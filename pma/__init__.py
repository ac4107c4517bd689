"""Performance Marketing Acceleration."""
