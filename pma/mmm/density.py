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
from numba import njit

from pma.mmm.transforms import LEAST

# Rows of parameters of a channel; a slot of -1: the channel has no such parameter.
EFFECT, ADSTOCK_1, ADSTOCK_2, SATURATION_1, SATURATION_2, GAP = range(6)
FAMILIES = {"log_normal": 0, "gamma": 1, "half_normal": 2, "beta": 3}
ADSTOCKS = {"geometric": 0, "delayed": 1, "weibull_pdf": 2, "weibull_cdf": 3}
SATURATIONS = {"hill": 0, "michaelis_menten": 1, "logistic": 2, "tanh": 3}

# Sums may be taken in another order, for vector instructions; not-a-number and infinity keep their meaning.
_FAST = {"reassoc", "contract", "arcp", "nsz"}
_jit = njit(cache=True, fastmath=_FAST, error_model="numpy")


@njit(cache=True, error_model="numpy")
def digamma(x: float) -> float:
    """Return the derivative of the logarithm of the gamma function, x > 0.

    By recurrence up to 10, then the asymptotic series (Abramowitz and Stegun 6.3.5, 6.3.18): error below 1e-12.
    """
    value = 0.0
    while x < 10.0:
        value -= 1.0 / x
        x += 1.0
    inverse = 1.0 / (x * x)
    series = inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse * (1 / 240 - inverse / 132))))
    return value + math.log(x) - 0.5 / x - series


@njit(cache=True, error_model="numpy")
def log_prior(family: int, u: float, first: float, second: float) -> tuple[float, float]:
    """Return log-density and slope of an unconstrained parameter, up to a constant.

    u is the logarithm of the parameter, of a beta its log-odds; the Jacobian of that is in it.
    """
    if family == 0:
        z = (u - first) / second
        return -0.5 * z * z, -z / second
    if family == 1:
        rate = second * math.exp(u)
        return first * u - rate, first - rate
    if family == 2:
        square = math.exp(2 * u) / (first * first)
        return u - 0.5 * square, 1.0 - square
    p = 1.0 / (1.0 + math.exp(-u))
    # log p = -log(1 + e^-u), without overflow on either side.
    log_p = -math.log1p(math.exp(-u)) if u > 0 else u - math.log1p(math.exp(u))
    return first * log_p + second * (log_p - u), first - (first + second) * p


@_jit
def lag_weights(kind: int, first: float, second: float, weights: np.ndarray, by_first: np.ndarray, by_second: np.ndarray):  # type: ignore[no-untyped-def]
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


@_jit
def saturated(kind: int, level: np.ndarray, first: float, second: float, out: np.ndarray):  # type: ignore[no-untyped-def]
    """Fill saturation; (weeks,) in and out."""
    weeks = level.shape[0]
    if kind <= 1:
        slope = second if kind == 0 else 1.0
        shift = math.log(first)
        for t in range(weeks):
            if level[t] > LEAST:
                out[t] = 1.0 / (1.0 + math.exp(-slope * (math.log(level[t]) - shift)))
            else:
                out[t] = 0.0
        return
    factor = 0.5 * first if kind == 2 else 1.0 / first
    for t in range(weeks):
        out[t] = math.tanh(factor * level[t])


@_jit
def saturated_back(  # type: ignore[no-untyped-def]
    kind: int, level: np.ndarray, first: float, second: float, value: np.ndarray, slope_of: np.ndarray
):
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
                by_second += inner * (math.log(level[t]) - shift)
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


@_jit
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
    at_nu, at_tau, at_columns, at_waves = int(scalars[0]), int(scalars[1]), int(scalars[2]), int(scalars[3])
    gradient[:] = 0.0
    total_explained = explained.sum()

    weights = np.empty((channels, lags))
    by_first, by_second = np.empty((channels, lags)), np.empty((channels, lags))
    level, value = np.zeros((channels, weeks)), np.empty((channels, weeks))
    kappa, mean, centre = np.empty(channels), np.empty(channels), np.empty(channels)
    one, two = np.ones((2, channels)), np.ones((2, channels))
    gap = np.zeros(channels)
    mu = np.full(weeks, theta[0])
    for c in range(channels):
        kappa[c] = math.exp(theta[slots[EFFECT, c]])
        raw = theta[slots[ADSTOCK_1, c]]
        one[0, c] = 1.0 / (1.0 + math.exp(-raw)) if adstock_kind[c] <= 1 else math.exp(raw)
        # A retention of exactly 0 or 1, where the sampler strays, has no logarithm or no weights.
        if adstock_kind[c] <= 1:
            one[0, c] = min(max(one[0, c], 1e-9), 1.0 - 1e-9)
        if slots[ADSTOCK_2, c] >= 0:
            two[0, c] = math.exp(theta[slots[ADSTOCK_2, c]])
        one[1, c] = math.exp(theta[slots[SATURATION_1, c]])
        if slots[SATURATION_2, c] >= 0:
            two[1, c] = math.exp(theta[slots[SATURATION_2, c]])
        if slots[GAP, c] >= 0:
            gap[c] = math.exp(theta[slots[GAP, c]])
        lag_weights(adstock_kind[c], one[0, c], two[0, c], weights[c], by_first[c], by_second[c])
        for lag in range(min(lags, weeks)):
            w = weights[c, lag]
            for t in range(lag, weeks):
                level[c, t] += w * spend[c, t - lag]
            if gap[c] > 0.0:
                w *= gap[c]
                for t in range(lag, weeks):
                    level[c, t] += w * unknown[c, t - lag]
        saturated(saturation_kind[c], level[c], one[1, c], two[1, c], value[c])
        average = over = 0.0
        for t in range(weeks):
            average += known[c, t] * value[c, t]
            over += explained[t] * value[c, t]
        mean[c] = max(average, 1e-300)
        centre[c] = over / (total_explained * mean[c])
        factor = kappa[c] / mean[c]
        shift = kappa[c] * centre[c]
        for t in range(weeks):
            mu[t] += factor * value[c, t] - shift
    for t in range(weeks):
        for j in range(k):
            mu[t] += columns[t, j] * theta[at_columns + j]
    tau = math.exp(theta[at_tau]) if at_tau >= 0 else 0.0
    wave = np.zeros(weeks)
    for t in range(weeks):
        for j in range(waves):
            wave[t] += basis[t, j] * theta[at_waves + j]
        mu[t] += tau * wave[t]

    # Likelihood, and e: its slope by mu.
    sigma = math.exp(theta[1])
    e = np.zeros(weeks)
    logp = by_sigma = by_nu = 0.0
    if at_nu >= 0:
        nu = math.exp(theta[at_nu])
        constant = math.lgamma(0.5 * (nu + 1.0)) - math.lgamma(0.5 * nu) - 0.5 * math.log(nu * math.pi) - theta[1]
        slope = digamma(0.5 * (nu + 1.0)) - digamma(0.5 * nu) - 1.0 / nu
        for t in range(weeks):
            if explained[t] > 0.0:
                r = (y[t] - mu[t]) / sigma
                tail, heavy = math.log1p(r * r / nu), (nu + 1.0) / (nu + r * r)
                logp += constant - 0.5 * (nu + 1.0) * tail
                e[t] = heavy * r / sigma
                by_sigma += heavy * r * r - 1.0
                by_nu += 0.5 * (slope - tail + heavy * r * r / nu)
        logp_nu, slope_nu = log_prior(int(scalars[10]), theta[at_nu], scalars[11], scalars[12])
        logp += logp_nu
        gradient[at_nu] = by_nu * nu + slope_nu
    else:
        for t in range(weeks):
            if explained[t] > 0.0:
                r = (y[t] - mu[t]) / sigma
                logp += -0.5 * r * r - theta[1]
                e[t] = r / sigma
                by_sigma += r * r - 1.0
    logp_sigma, slope_sigma = log_prior(int(scalars[7]), theta[1], scalars[8], scalars[9])
    logp += logp_sigma
    gradient[1] = by_sigma + slope_sigma

    # Level or intercept.
    anchor = theta[0]
    if scalars[4] > 0.0:
        for c in range(channels):
            anchor -= kappa[c] * centre[c]
        for j in range(k):
            anchor -= column_means[j] * theta[at_columns + j]
    z = (anchor - scalars[5]) / scalars[6]
    logp -= 0.5 * z * z
    pull = -z / scalars[6]
    sum_e = e.sum()
    gradient[0] = sum_e + pull
    pull = pull if scalars[4] > 0.0 else 0.0

    for j in range(k):
        inner = 0.0
        for t in range(weeks):
            inner += columns[t, j] * e[t]
        a = theta[at_columns + j]
        logp -= 0.5 * a * a
        gradient[at_columns + j] = inner - a - pull * column_means[j]
    if at_tau >= 0:
        for j in range(waves):
            inner = 0.0
            for t in range(weeks):
                inner += basis[t, j] * e[t]
            a = theta[at_waves + j]
            logp -= 0.5 * a * a
            gradient[at_waves + j] = tau * inner - a
        inner = 0.0
        for t in range(weeks):
            inner += wave[t] * e[t]
        logp_tau, slope_tau = log_prior(2, theta[at_tau], scalars[13], 1.0)
        logp += logp_tau
        gradient[at_tau] = tau * inner + slope_tau

    back = np.empty(weeks)
    for c in range(channels):
        by_kappa = -centre[c] * (sum_e + pull)
        for t in range(weeks):
            by_kappa += e[t] * value[c, t] / mean[c]
        # Of the mean: all of what kappa multiplies is divided by it.
        by_mean = -kappa[c] * by_kappa / mean[c]
        at = slots[EFFECT, c]
        u = theta[at]
        if on_coefficient[c]:
            u -= math.log(mean[c])
        logp_effect, slope_effect = log_prior(families[EFFECT, c], u, first[EFFECT, c], second[EFFECT, c])
        logp += logp_effect
        gradient[at] = kappa[c] * by_kappa + slope_effect
        if on_coefficient[c]:
            by_mean -= slope_effect / mean[c]
        factor = kappa[c] / mean[c]
        level_pull = (sum_e + pull) / total_explained
        for t in range(weeks):
            back[t] = factor * (e[t] - explained[t] * level_pull) + by_mean * known[c, t]
        by_log_1, by_log_2 = saturated_back(saturation_kind[c], level[c], one[1, c], two[1, c], value[c], back)
        gradient[slots[SATURATION_1, c]] += by_log_1
        if slots[SATURATION_2, c] >= 0:
            gradient[slots[SATURATION_2, c]] += by_log_2
        w_1 = w_2 = mean_1 = mean_2 = by_gap = total = 0.0
        for lag in range(min(lags, weeks)):
            inner = 0.0
            for t in range(lag, weeks):
                inner += back[t] * spend[c, t - lag]
            if gap[c] > 0.0:
                of_gap = 0.0
                for t in range(lag, weeks):
                    of_gap += back[t] * unknown[c, t - lag]
                by_gap += weights[c, lag] * of_gap
                inner += gap[c] * of_gap
            inner *= weights[c, lag]
            total += inner
            w_1 += inner * by_first[c, lag]
            w_2 += inner * by_second[c, lag]
        for lag in range(lags):
            mean_1 += weights[c, lag] * by_first[c, lag]
            mean_2 += weights[c, lag] * by_second[c, lag]
        chain = one[0, c] * (1.0 - one[0, c]) if adstock_kind[c] <= 1 else one[0, c]
        gradient[slots[ADSTOCK_1, c]] += (w_1 - total * mean_1) * chain
        if slots[ADSTOCK_2, c] >= 0:
            gradient[slots[ADSTOCK_2, c]] += (w_2 - total * mean_2) * two[0, c]
        if slots[GAP, c] >= 0:
            gradient[slots[GAP, c]] += by_gap * gap[c]
        for row in range(ADSTOCK_1, GAP + 1):
            at = slots[row, c]
            if at >= 0:
                logp_of, slope_of = log_prior(families[row, c], theta[at], first[row, c], second[row, c])
                logp += logp_of
                gradient[at] += slope_of
    return logp
