"""How good a forecast is, and how far what it rests on moves from one fold to the next. Plain numpy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def crps(draws: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score of draws of a forecast, (D, T), at what happened, (T,); (T,).

    E|X - y| - E|X - X'| / 2, exact for the D draws taken as the whole distribution; in the unit of the value, 0 at
    best, the absolute error of a forecast without spread. Gneiting & Raftery (2007), Strictly proper scoring rules,
    prediction, and estimation, equation 21. The mean of |x_i - x_j| over all pairs is taken from sorted draws.
    """
    count = len(draws)
    ordered = np.sort(draws, axis=0)
    weights = 2.0 * np.arange(1, count + 1) - count - 1.0
    spread = 2.0 * (weights[:, None] * ordered).sum(axis=0) / count**2
    return np.abs(draws - value).mean(axis=0) - 0.5 * spread


def mape(forecast: np.ndarray, value: np.ndarray) -> float:
    """Return the mean absolute error as a share of the mean value: a week near 0 cannot break it."""
    return float(np.mean(np.abs(forecast - value)) / np.mean(np.abs(value)))


def coverage(draws: np.ndarray, value: np.ndarray) -> float:
    """Return the share of weeks, (T,), inside the middle 90 % of their draws, (D, T)."""
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    return float(np.mean((low <= value) & (value <= high)))


def roas_change(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    """Return the median over channels of |ROAS after / ROAS before - 1|; None where they share no channel."""
    shared = [name for name in after if before.get(name, 0.0) > 0]
    if not shared:
        return None
    return float(np.median([abs(after[name] / before[name] - 1.0) for name in shared]))


def turnover(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Return half the sum of |change of a channel's share of the budget|: the share that is moved; 0 to 1."""
    names = {*before, *after}
    return 0.5 * float(sum(abs(after.get(name, 0.0) - before.get(name, 0.0)) for name in names))
