"""A marketplace with known truth: what a company's files would hold, and what no company knows."""
