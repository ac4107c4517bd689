"""What uncertain worth counts for: its mean, the mean of its worst draws, or one of its quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Draws around a quantile whose slopes are taken together, as a share of all.
_AROUND = 0.05


@dataclass(frozen=True)
class Risk:
    """The worst share of draws whose mean counts, 1: of all; or a quantile in its place."""

    share: float = 1.0
    quantile: float | None = None

    def value(self, worth: np.ndarray) -> float:
        """Return what worth by draw, (D,), counts for."""
        if self.quantile is None:
            return objective(worth, self.share)
        return float(at_quantile(worth, self.quantile))

    def counts(self, worth: np.ndarray) -> np.ndarray:
        """Return how much each draw counts at the margin, (D,); they add up to 1. Of a quantile: those around it."""
        if self.quantile is None:
            return worst(worth, self.share)
        ranks = (np.argsort(np.argsort(worth, kind="stable")) + 0.5) / len(worth)
        near = np.abs(ranks - self.quantile) <= max(_AROUND, 0.5 / len(worth))
        return near / near.sum()


def objective(worth: np.ndarray, risk: float) -> float:
    """Return the mean of the worst share of draws, (D,): CVaR (Rockafellar and Uryasev, 2000); risk 1: the mean."""
    return float(worth @ worst(worth, risk))


def at_quantile(worth: np.ndarray, quantile: float) -> np.ndarray:
    """Return a quantile over draws, (D, ...) to (...): a draw, so that no more are below it than the quantile says."""
    found: np.ndarray = np.quantile(worth, quantile, axis=0, method="inverted_cdf")
    return found


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
