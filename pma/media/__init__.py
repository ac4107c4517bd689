"""What spend becomes before it works: adstock and saturation, of models and of plans alike."""
