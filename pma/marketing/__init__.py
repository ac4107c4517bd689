"""Marketing measurement: ad spend, sessions, channels, attribution, the Weekly Growth Update."""
