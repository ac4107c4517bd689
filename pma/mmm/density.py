"""The model's log-density and gradient, written out, so that one compilation serves every geo, fold and candidate.

PyTensor's graph of the same model compiles for half a minute, per shape; this compiles once, whatever the shape, and
numba keeps it on disk. `pma.mmm.model` states the model in PyMC: the tests hold both against each other.

What makes it quick to sample:
- adstock by explicit lags, a saxpy each;
- each channel's saturated media centred on its own mean over the explained weeks, so that the level of the target,
  which the data know well, is sampled in place of the intercept;
- a channel's mean contribution sampled (as a logarithm) in place of its coefficient, which has heavy tails where
  saturation is not known; a prior on the coefficient is carried over by its Jacobian;
- linear columns in their principal axes, a standard normal prior each: a rotation leaves that prior as it is.
"""

from __future__ import annotations

import math

import numpy as np

from pma.mmm.compiled import jit
from pma.mmm.log_prior import digamma, log_prior
from pma.mmm.transforms import LEAST

# Rows of parameters of a channel; a slot of -1: the channel has no such parameter.
LEVEL, SIGMA = 0, 1
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


@jit
def likelihood(y, explained, mu, theta, gradient, scalars, e):  # type: ignore[no-untyped-def]
    """Return the log-likelihood with the priors of sigma and nu; fill `e`, its slope by mu, and their slopes."""
    weeks, at_nu = y.shape[0], int(scalars[0])
    sigma = math.exp(theta[SIGMA])
    logp = by_sigma = by_nu = 0.0
    nu = math.exp(theta[at_nu]) if at_nu >= 0 else 1.0
    constant = math.lgamma(0.5 * (nu + 1.0)) - math.lgamma(0.5 * nu) - 0.5 * math.log(nu * math.pi)
    slope = digamma(0.5 * (nu + 1.0)) - digamma(0.5 * nu) - 1.0 / nu
    for t in range(weeks):
        if explained[t] > 0.0:
            r = (y[t] - mu[t]) / sigma
            if at_nu >= 0:
                tail, heavy = math.log1p(r * r / nu), (nu + 1.0) / (nu + r * r)
                logp += constant - theta[SIGMA] - 0.5 * (nu + 1.0) * tail
                by_nu += 0.5 * (slope - tail + heavy * r * r / nu)
            else:
                heavy = 1.0
                logp += -0.5 * r * r - theta[SIGMA]
            e[t] = heavy * r / sigma
            by_sigma += heavy * r * r - 1.0
    if at_nu >= 0:
        logp_nu, slope_nu = log_prior(int(scalars[10]), theta[at_nu], scalars[11], scalars[12])
        logp += logp_nu
        gradient[at_nu] = by_nu * nu + slope_nu
    logp_sigma, slope_sigma = log_prior(int(scalars[7]), theta[SIGMA], scalars[8], scalars[9])
    gradient[SIGMA] = by_sigma + slope_sigma
    return logp + logp_sigma


@jit
def summed(block, values):  # type: ignore[no-untyped-def]
    """Return a block, (weeks, k), times its factors; (weeks,)."""
    out = np.zeros(block.shape[0])
    for t in range(block.shape[0]):
        for j in range(block.shape[1]):
            out[t] += block[t, j] * values[j]
    return out


@jit
def standard_normals(block, e, factor, values, gradient):  # type: ignore[no-untyped-def]
    """Return the log-prior of a block's factors and fill their slopes; the block, (weeks, k), counts `factor` times."""
    logp = 0.0
    for j in range(block.shape[1]):
        inner = 0.0
        for t in range(block.shape[0]):
            inner += block[t, j] * e[t]
        logp -= 0.5 * values[j] * values[j]
        gradient[j] = factor * inner - values[j]
    return logp


@jit
def channel_back(  # type: ignore[no-untyped-def]
    c, e, sum_e, pull, explained, known, kappa, mean, centre, value, slots, families, first, second, on_coefficient,
    theta, gradient, back,
):  # fmt: skip
    """Return the log-prior of a channel's effect; fill its slope, and `back`: the slopes by saturated media."""
    weeks = e.shape[0]
    by_kappa = -centre * (sum_e + pull)
    for t in range(weeks):
        by_kappa += e[t] * value[t] / mean
    # Of the mean: all of what kappa multiplies is divided by it.
    by_mean = -kappa * by_kappa / mean
    at = slots[EFFECT, c]
    u = theta[at] - math.log(mean) if on_coefficient else theta[at]
    logp, slope = log_prior(families[EFFECT, c], u, first[EFFECT, c], second[EFFECT, c])
    gradient[at] = kappa * by_kappa + slope
    if on_coefficient:
        by_mean -= slope / mean
    factor = kappa / mean
    level_pull = (sum_e + pull) / explained.sum()
    for t in range(weeks):
        back[t] = factor * (e[t] - explained[t] * level_pull) + by_mean * known[t]
    return logp


@jit
def log_density(  # type: ignore[no-untyped-def]
    theta,
    gradient,
    y,
    explained,
    spend,
    unknown,
    known,
    columns,
    column_means,
    basis,
    adstock_kind,
    saturation_kind,
    on_coefficient,
    slots,
    families,
    first,
    second,
    scalars,
    lags,
):
    """Return the log-density at theta up to a constant, and fill its gradient.

    theta, gradient: (dimensions,), laid out as `pma.mmm.layout.Layout` says. y: target in usual weeks, (weeks,).
    explained: 1 where the week enters the likelihood, (weeks,). spend: known spend in usual weeks, 0 where unknown;
    unknown: what a gap level of 1 would be there, 0 where known; known: weights that sum to 1 over explained weeks of
    known spend; all (channels, weeks). columns: (weeks, k), column_means: (k,). basis: (weeks, waves). adstock_kind,
    saturation_kind, on_coefficient (1: the prior is on the coefficient): (channels,). slots, families, first, second:
    (6, channels), place in theta and prior of each parameter. scalars: the numbers of `Layout.scalars`.
    """
    weeks, channels, k, waves = y.shape[0], spend.shape[0], columns.shape[1], basis.shape[1]
    at_tau, at_columns, at_waves = int(scalars[1]), int(scalars[2]), int(scalars[3])
    gradient[:] = 0.0
    own = unpacked(theta, slots, adstock_kind <= 1)
    weights = np.empty((channels, lags))
    by_first, by_second = np.empty((channels, lags)), np.empty((channels, lags))
    level, value, logs = np.zeros((channels, weeks)), np.empty((channels, weeks)), np.empty((channels, weeks))
    mean, centre = np.empty(channels), np.empty(channels)

    mu = np.full(weeks, theta[LEVEL])
    for c in range(channels):
        lag_weights(adstock_kind[c], own[ADSTOCK_1, c], own[ADSTOCK_2, c], weights[c], by_first[c], by_second[c])
        adstocked(spend[c], unknown[c], own[GAP, c], weights[c], level[c])
        saturated(saturation_kind[c], level[c], own[SATURATION_1, c], own[SATURATION_2, c], value[c], logs[c])
        mean[c] = max((known[c] * value[c]).sum(), 1e-300)
        centre[c] = (explained * value[c]).sum() / (explained.sum() * mean[c])
        mu += own[EFFECT, c] * (value[c] / mean[c] - centre[c])
    axes = theta[at_columns : at_columns + k]
    tau = math.exp(theta[at_tau]) if at_tau >= 0 else 0.0
    wave = summed(basis, theta[at_waves : at_waves + waves])
    mu += summed(columns, axes) + tau * wave

    e = np.zeros(weeks)
    logp = likelihood(y, explained, mu, theta, gradient, scalars, e)
    sum_e = e.sum()
    is_intercept = scalars[4] > 0.0
    anchor = theta[LEVEL]
    if is_intercept:
        anchor -= (own[EFFECT] * centre).sum() + (column_means * axes).sum()
    z = (anchor - scalars[5]) / scalars[6]
    logp -= 0.5 * z * z
    gradient[LEVEL] = sum_e - z / scalars[6]
    # Where the prior is on the intercept, it pulls at all that the level holds besides.
    pull = -z / scalars[6] if is_intercept else 0.0

    logp += standard_normals(columns, e, 1.0, axes, gradient[at_columns : at_columns + k])
    gradient[at_columns : at_columns + k] -= pull * column_means
    if at_tau >= 0:
        logp += standard_normals(
            basis, e, tau, theta[at_waves : at_waves + waves], gradient[at_waves : at_waves + waves]
        )
        logp_tau, slope_tau = log_prior(2, theta[at_tau], scalars[13], 1.0)
        logp += logp_tau
        gradient[at_tau] = tau * (wave * e).sum() + slope_tau

    back = np.empty(weeks)
    for c in range(channels):
        logp += channel_back(
            c, e, sum_e, pull, explained, known[c], own[EFFECT, c], mean[c], centre[c], value[c], slots, families,
            first, second, on_coefficient[c], theta, gradient, back,
        )  # fmt: skip
        by = np.zeros(6)
        by[SATURATION_1], by[SATURATION_2] = saturated_back(
            saturation_kind[c], level[c], own[SATURATION_1, c], own[SATURATION_2, c], value[c], logs[c], back
        )
        by_1, by_2, by_gap = adstocked_back(
            spend[c], unknown[c], own[GAP, c], weights[c], by_first[c], by_second[c], back
        )
        by[ADSTOCK_1] = by_1 * own[ADSTOCK_1, c] * (1.0 - own[ADSTOCK_1, c] if adstock_kind[c] <= 1 else 1.0)
        by[ADSTOCK_2], by[GAP] = by_2 * own[ADSTOCK_2, c], by_gap * own[GAP, c]
        for row in range(ADSTOCK_1, GAP + 1):
            at = slots[row, c]
            if at >= 0:
                logp_of, slope_of = log_prior(families[row, c], theta[at], first[row, c], second[row, c])
                logp += logp_of
                gradient[at] = by[row] + slope_of
    return logp
