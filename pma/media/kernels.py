"""Adstock and saturation of one channel with their slopes, written out: what densities and plans are made of."""

from __future__ import annotations

import math

import numpy as np

from pma.media.compiled import jit
from pma.media.elementary import exponential, logarithm
from pma.media.transforms import LEAST

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
    if not most > -math.inf:
        # Where the sampler strays, all underflow, and what would follow is not a number: no carry-over.
        weights[:] = -math.inf
        most = weights[0] = 0.0
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
        # Two loops without a branch: the compiler makes vector instructions of such.
        for t in range(weeks):
            logs[t] = logarithm(max(level[t], LEAST))
        for t in range(weeks):
            spent = 1.0 if level[t] > LEAST else 0.0
            out[t] = spent / (1.0 + exponential(shift - slope * logs[t]))
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
            inner = slope_of[t] * value[t] * (1.0 - value[t]) * slope
            by_first -= inner
            by_second += inner * (logs[t] - shift)
            slope_of[t] = inner / max(level[t], LEAST)
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
    carried(spend, weights, 1.0, out)
    if gap > 0.0:
        carried(unknown, weights, gap, out)


@jit
def carried(spend, weights, factor, out):  # type: ignore[no-untyped-def]
    """Add `factor` times what spend, (weeks,), carries over with weights, (lags,), to `out`, (weeks,)."""
    weeks = out.shape[0]
    lags = min(weights.shape[0], weeks)
    fours = lags - lags % 4
    # Four lags in one pass: `out` is read and written a quarter as often.
    for lag in range(0, fours, 4):
        for t in range(lag, lag + 3):
            for near in range(lag, t + 1):
                out[t] += factor * weights[near] * spend[t - near]
        w_0, w_1 = factor * weights[lag], factor * weights[lag + 1]
        w_2, w_3 = factor * weights[lag + 2], factor * weights[lag + 3]
        later, one, two, three = out[lag + 3 :], spend[1:], spend[2:], spend[3:]
        for t in range(weeks - lag - 3):
            later[t] += (w_0 * three[t] + w_1 * two[t]) + (w_2 * one[t] + w_3 * spend[t])
    for lag in range(fours, lags):
        w, later = factor * weights[lag], out[lag:]
        for t in range(weeks - lag):
            later[t] += w * spend[t]


@jit
def pulls(spend, back, out):  # type: ignore[no-untyped-def]
    """Fill the slope by each lag's weight, (lags,), from those by level, `back`, and spend; (weeks,) both."""
    weeks, lags = back.shape[0], min(out.shape[0], back.shape[0])
    fours = lags - lags % 4
    out[:] = 0.0
    for lag in range(0, fours, 4):
        for t in range(lag, lag + 3):
            for near in range(lag, t + 1):
                out[near] += back[t] * spend[t - near]
        at_0 = at_1 = at_2 = at_3 = 0.0
        later, one, two, three = back[lag + 3 :], spend[1:], spend[2:], spend[3:]
        for t in range(weeks - lag - 3):
            at_0 += later[t] * three[t]
            at_1 += later[t] * two[t]
            at_2 += later[t] * one[t]
            at_3 += later[t] * spend[t]
        out[lag] += at_0
        out[lag + 1] += at_1
        out[lag + 2] += at_2
        out[lag + 3] += at_3
    for lag in range(fours, lags):
        later = back[lag:]
        for t in range(weeks - lag):
            out[lag] += later[t] * spend[t]


@jit
def adstocked_back(spend, unknown, gap, weights, by_first, by_second, back):  # type: ignore[no-untyped-def]
    """Return the slopes by the first and second parameter of adstock and by the gap level, from those by level."""
    lags = weights.shape[0]
    pull, of_gap = np.empty(lags), np.empty(lags)
    pulls(spend, back, pull)
    by_gap = 0.0
    if gap > 0.0:
        pulls(unknown, back, of_gap)
        for lag in range(lags):
            by_gap += weights[lag] * of_gap[lag]
            pull[lag] += gap * of_gap[lag]
    w_1 = w_2 = mean_1 = mean_2 = total = 0.0
    for lag in range(lags):
        inner = pull[lag] * weights[lag]
        total += inner
        w_1 += inner * by_first[lag]
        w_2 += inner * by_second[lag]
        mean_1 += weights[lag] * by_first[lag]
        mean_2 += weights[lag] * by_second[lag]
    return w_1 - total * mean_1, w_2 - total * mean_2, by_gap
