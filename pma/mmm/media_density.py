"""Adstock and saturation of one channel with their slopes, written out: what the density and the ridge are made of."""

from __future__ import annotations

import math

import numpy as np

from pma.mmm.compiled import jit
from pma.mmm.transforms import LEAST

# Rows of parameters of a channel; a slot of -1: the channel has no such parameter.
EFFECT, ADSTOCK_1, ADSTOCK_2, SATURATION_1, SATURATION_2, GAP = range(6)
ADSTOCKS = {"geometric": 0, "delayed": 1, "weibull_pdf": 2, "weibull_cdf": 3}
SATURATIONS = {"hill": 0, "michaelis_menten": 1, "logistic": 2, "tanh": 3}


@jit
def lag_weights(kind, first, second, weights, by_first, by_second):  # type: ignore[no-untyped-def]
    """Fill normalised weights and the derivatives of their logarithms before normalisation; all (lags,)."""
    lags = weights.shape[0]
    total = 0.0
    for lag in range(lags):
        by_second[lag] = 0.0
        if kind == 0:
            weights[lag] = lag * math.log(first)
            by_first[lag] = lag / first
        elif kind == 1:
            away = lag - second
            weights[lag] = away * away * math.log(first)
            by_first[lag] = away * away / first
            by_second[lag] = -2.0 * away * math.log(first)
        elif kind == 2:
            age = (lag + 1) / first
            powered = age**second
            weights[lag] = (second - 1.0) * math.log(age) - powered
            by_first[lag] = (-(second - 1.0) + second * powered) / first
            by_second[lag] = math.log(age) * (1.0 - powered)
        elif lag == 0:
            weights[lag] = 0.0
            by_first[lag] = 0.0
        else:
            powered = (lag / first) ** second
            weights[lag] = weights[lag - 1] - powered
            by_first[lag] = by_first[lag - 1] + second * powered / first
            by_second[lag] = by_second[lag - 1] - powered * math.log(lag / first)
    most = weights.max()
    for lag in range(lags):
        weights[lag] = math.exp(weights[lag] - most)
        total += weights[lag]
    for lag in range(lags):
        weights[lag] /= total


@jit
def saturated(kind, level, first, second, out, logs):  # type: ignore[no-untyped-def]
    """Fill saturation, and for Hill the logarithms of the level, which cost as much; (weeks,) each."""
    weeks = level.shape[0]
    if kind <= 1:
        slope = second if kind == 0 else 1.0
        shift = slope * math.log(first)
        for t in range(weeks):
            if level[t] > LEAST:
                logs[t] = math.log(level[t])
                out[t] = 1.0 / (1.0 + math.exp(shift - slope * logs[t]))
            else:
                out[t] = 0.0
        return
    factor = 0.5 * first if kind == 2 else 1.0 / first
    for t in range(weeks):
        out[t] = math.tanh(factor * level[t])


@jit
def saturated_back(kind, level, first, second, value, logs, slope_of):  # type: ignore[no-untyped-def]
    """Turn slopes by saturation into slopes by level, in place; return the slopes by log first and log second."""
    weeks = level.shape[0]
    by_first = by_second = 0.0
    if kind <= 1:
        slope = second if kind == 0 else 1.0
        shift = math.log(first)
        for t in range(weeks):
            if level[t] > LEAST:
                inner = slope_of[t] * value[t] * (1.0 - value[t]) * slope
                by_first -= inner
                by_second += inner * (logs[t] - shift)
                slope_of[t] = inner / level[t]
            else:
                slope_of[t] = 0.0
        return by_first, by_second
    factor = 0.5 * first if kind == 2 else 1.0 / first
    for t in range(weeks):
        inner = slope_of[t] * (1.0 - value[t] * value[t]) * factor
        by_first += inner * level[t]
        slope_of[t] = inner
    return (by_first if kind == 2 else -by_first), 0.0


@jit
def unpacked(theta: np.ndarray, slots: np.ndarray, bounded: np.ndarray) -> np.ndarray:
    """Return the parameters as numbers with a meaning, by row and channel; (6, channels).

    1 where a channel has none, but for the gap level: 0. `bounded`: channels whose first of adstock is a retention.
    """
    out = np.ones(slots.shape)
    for c in range(slots.shape[1]):
        for row in range(slots.shape[0]):
            if slots[row, c] >= 0:
                out[row, c] = math.exp(theta[slots[row, c]])
        if bounded[c]:
            # A retention of exactly 0 or 1, where the sampler strays, has no logarithm or no weights.
            odds = 1.0 / (1.0 + math.exp(-theta[slots[ADSTOCK_1, c]]))
            out[ADSTOCK_1, c] = min(max(odds, 1e-9), 1.0 - 1e-9)
        if slots[GAP, c] < 0:
            out[GAP, c] = 0.0
    return out


@jit
def adstocked(spend: np.ndarray, unknown: np.ndarray, gap: float, weights: np.ndarray, out: np.ndarray):  # type: ignore[no-untyped-def]
    """Add a channel's adstock to `out`; all (weeks,) but for the weights, (lags,)."""
    weeks = out.shape[0]
    for lag in range(min(weights.shape[0], weeks)):
        w = weights[lag]
        for t in range(lag, weeks):
            out[t] += w * spend[t - lag]
        if gap > 0.0:
            w *= gap
            for t in range(lag, weeks):
                out[t] += w * unknown[t - lag]


@jit
def adstocked_back(spend, unknown, gap, weights, by_first, by_second, back):  # type: ignore[no-untyped-def]
    """Return the slopes by the first and second parameter of adstock and by the gap level, from those by level."""
    weeks, lags = back.shape[0], weights.shape[0]
    w_1 = w_2 = mean_1 = mean_2 = by_gap = total = 0.0
    for lag in range(min(lags, weeks)):
        inner = 0.0
        for t in range(lag, weeks):
            inner += back[t] * spend[t - lag]
        if gap > 0.0:
            of_gap = 0.0
            for t in range(lag, weeks):
                of_gap += back[t] * unknown[t - lag]
            by_gap += weights[lag] * of_gap
            inner += gap * of_gap
        inner *= weights[lag]
        total += inner
        w_1 += inner * by_first[lag]
        w_2 += inner * by_second[lag]
    for lag in range(lags):
        mean_1 += weights[lag] * by_first[lag]
        mean_2 += weights[lag] * by_second[lag]
    return w_1 - total * mean_1, w_2 - total * mean_2, by_gap
