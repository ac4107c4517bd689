"""What uncertain worth counts for: its mean, or the mean of the worst draws."""

from __future__ import annotations

import numpy as np


def objective(worth: np.ndarray, risk: float) -> float:
    """Return the mean of the worst share of draws, (D,): CVaR (Rockafellar and Uryasev, 2000); risk 1: the mean."""
    return float(worth @ worst(worth, risk))


def worst(worth: np.ndarray, risk: float) -> np.ndarray:
    """Return how much each draw counts in the mean of the worst share, (D,); they add up to 1."""
    draws, share = len(worth), np.zeros(len(worth))
    left = risk * draws
    for d in np.argsort(worth, kind="stable"):
        share[d] = min(1.0, left)
        left -= share[d]
        if left <= 0:
            break
    return share / share.sum()
