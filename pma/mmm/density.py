"""The model's log-density and gradient, written out, so that one compilation serves every geo, fold and candidate.

PyTensor's graph of the same model compiles for half a minute, per shape; this compiles once, whatever the shape, and
numba keeps it on disk. `pma.mmm.model` states the model in PyMC: the tests hold both against each other.

What makes it quick to sample:
- adstock by explicit lags, four in a pass;
- each channel's saturated media centred on its own mean over the explained weeks, so that the level of the target,
  which the data know well, is sampled in place of the intercept;
- a channel's mean contribution sampled (as a logarithm) in place of its coefficient, which has heavy tails where
  saturation is not known; a prior on the coefficient is carried over by its Jacobian;
- linear columns in their principal axes, a standard normal prior each: a rotation leaves that prior as it is.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from pma.media.compiled import jit
from pma.media.kernels import (
    ADSTOCK_1,
    ADSTOCK_2,
    EFFECT,
    GAP,
    SATURATION_1,
    SATURATION_2,
    adstocked,
    adstocked_back,
    lag_weights,
    saturated,
    saturated_back,
    unpacked,
)
from pma.mmm.lift_density import lift_likelihood
from pma.mmm.log_prior import digamma, log_prior

LEVEL, SIGMA = 0, 1


class Data(NamedTuple):
    """What a density is of: the data of one design and its priors.

    y: target in usual weeks, (weeks,). explained: 1 where the week enters the likelihood, (weeks,). spend: known spend
    in usual weeks, 0 where unknown; unknown: what a gap level of 1 would be there, 0 where known; known: weights that
    sum to 1 over explained weeks of known spend; all (channels, weeks). columns: (k, weeks), column_means: (k,). basis:
    of the trend, drift: of the logarithm of how strongly media work; (waves, weeks) each. adstock_kind,
    saturation_kind, on_coefficient (1: the prior is on the coefficient): (channels,). slots, families, first, second:
    (6, channels), place in theta and prior of each parameter. scalars: the numbers of `Layout.scalars`. lags: of
    adstock. lift and what follows: see `pma.mmm.lift_density`; empty without tests.
    """

    y: np.ndarray
    explained: np.ndarray
    spend: np.ndarray
    unknown: np.ndarray
    known: np.ndarray
    columns: np.ndarray
    column_means: np.ndarray
    basis: np.ndarray
    drift: np.ndarray
    adstock_kind: np.ndarray
    saturation_kind: np.ndarray
    on_coefficient: np.ndarray
    slots: np.ndarray
    families: np.ndarray
    first: np.ndarray
    second: np.ndarray
    scalars: np.ndarray
    lags: int
    lift: np.ndarray
    lift_error: np.ndarray
    lift_of: np.ndarray
    lift_channel: np.ndarray
    lift_spend: np.ndarray
    lift_unknown: np.ndarray
    lift_counts: np.ndarray
    lift_week: np.ndarray


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
    """Return the sum of a block's columns, (k, weeks), each times its factor; (weeks,)."""
    out = np.zeros(block.shape[1])
    for j in range(block.shape[0]):
        for t in range(block.shape[1]):
            out[t] += values[j] * block[j, t]
    return out


@jit
def centred(known, explained, count, media, kappa, mu):  # type: ignore[no-untyped-def]
    """Return the mean of a channel's media over known weeks, and over explained ones in means; add its effect to `mu`.

    known, explained, media, mu: (weeks,); count: explained weeks; kappa: the mean contribution.
    """
    over_known = over_explained = 0.0
    for t in range(media.shape[0]):
        over_known += known[t] * media[t]
        over_explained += explained[t] * media[t]
    mean = max(over_known, 1e-200)
    centre = over_explained / (count * mean)
    for t in range(media.shape[0]):
        mu[t] += kappa / mean * media[t] - kappa * centre
    return mean, centre


@jit
def standard_normals(block, e, factor, values, gradient):  # type: ignore[no-untyped-def]
    """Return the log-prior of a block's factors and fill their slopes; the block, (k, weeks), counts `factor` times."""
    logp = 0.0
    for j in range(block.shape[0]):
        inner = 0.0
        for t in range(block.shape[1]):
            inner += block[j, t] * e[t]
        logp -= 0.5 * values[j] * values[j]
        gradient[j] = factor * inner - values[j]
    return logp


@jit
def channel_back(c, e, at_level, count, lift_slope, data, kappa, mean, centre, media, theta, gradient, back):  # type: ignore[no-untyped-def]
    """Return the log-prior of a channel's effect; fill its slope, and `back`: the slopes by its media.

    `e`: slopes by the target's mean, (weeks,); `at_level`: that by what the level holds; `count`: explained weeks;
    `lift_slope`: that by kappa of the lift tests; `data`: a `Data`; `kappa` to `media`: of the channel.
    """
    explained, known, on_coefficient = data.explained, data.known[c], data.on_coefficient[c]
    slots, families, first, second = data.slots, data.families, data.first, data.second
    weeks = e.shape[0]
    by_kappa = lift_slope - centre * at_level
    for t in range(weeks):
        by_kappa += e[t] * media[t] / mean
    # Of the mean: all of what kappa multiplies is divided by it.
    by_mean = -kappa * by_kappa / mean
    at = slots[EFFECT, c]
    u = theta[at] - math.log(mean) if on_coefficient else theta[at]
    logp, slope = log_prior(families[EFFECT, c], u, first[EFFECT, c], second[EFFECT, c])
    gradient[at] = kappa * by_kappa + slope
    if on_coefficient:
        by_mean -= slope / mean
    factor = kappa / mean
    level_pull = at_level / count
    for t in range(weeks):
        back[t] = factor * (e[t] - explained[t] * level_pull) + by_mean * known[t]
    return logp


@jit
def log_density(theta, gradient, data):  # type: ignore[no-untyped-def]
    """Return the log-density at theta up to a constant, and fill its gradient.

    theta, gradient: (dimensions,), laid out as `pma.mmm.layout.Layout` says. data: a `Data`.
    """
    y, explained, lags, scalars = data.y, data.explained, data.lags, data.scalars
    spend, unknown, known = data.spend, data.unknown, data.known
    columns, column_means, basis, drift = data.columns, data.column_means, data.basis, data.drift
    adstock_kind, saturation_kind = data.adstock_kind, data.saturation_kind
    slots, families, first, second = data.slots, data.families, data.first, data.second
    weeks, channels, k, waves, moves = y.shape[0], spend.shape[0], columns.shape[0], basis.shape[0], drift.shape[0]
    at_tau, at_columns, at_waves = int(scalars[1]), int(scalars[2]), int(scalars[3])
    at_omega, at_drift = int(scalars[14]), int(scalars[15])
    gradient[:] = 0.0
    own = unpacked(theta, slots, adstock_kind <= 1)
    weights = np.empty((channels, lags))
    by_first, by_second = np.empty((channels, lags)), np.empty((channels, lags))
    level, value, logs = np.zeros((channels, weeks)), np.empty((channels, weeks)), np.empty((channels, weeks))
    mean, centre = np.empty(channels), np.empty(channels)
    # Where media work alike in all weeks, nothing is spent on that: a gradient is most of what a fit costs.
    media = np.empty((channels, weeks)) if moves else value
    omega = math.exp(theta[at_omega]) if at_omega >= 0 else 0.0
    log_factor = summed(drift, theta[at_drift : at_drift + moves])
    factor = np.exp(omega * log_factor)

    mu, count = np.full(weeks, theta[LEVEL]), explained.sum()
    for c in range(channels):
        lag_weights(adstock_kind[c], own[ADSTOCK_1, c], own[ADSTOCK_2, c], weights[c], by_first[c], by_second[c])
        adstocked(spend[c], unknown[c], own[GAP, c], weights[c], level[c])
        saturated(saturation_kind[c], level[c], own[SATURATION_1, c], own[SATURATION_2, c], value[c], logs[c])
        if moves:
            media[c] = factor * value[c]
        mean[c], centre[c] = centred(known[c], explained, count, media[c], own[EFFECT, c], mu)
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

    by_lift, by_factor, back = np.empty((6, channels)), np.zeros(weeks), np.empty(weeks)
    logp += lift_likelihood(data, own, weights, by_first, by_second, mean, factor, by_lift, by_factor)
    for c in range(channels):
        logp += channel_back(
            c,
            e,
            sum_e + pull,
            count,
            by_lift[EFFECT, c],
            data,
            own[EFFECT, c],
            mean[c],
            centre[c],
            media[c],
            theta,
            gradient,
            back,
        )
        if moves:
            by_factor += back * value[c]
            back *= factor
        by = np.zeros(6)
        by[SATURATION_1], by[SATURATION_2] = saturated_back(
            saturation_kind[c], level[c], own[SATURATION_1, c], own[SATURATION_2, c], value[c], logs[c], back
        )
        by_1, by_2, by_gap = adstocked_back(
            spend[c], unknown[c], own[GAP, c], weights[c], by_first[c], by_second[c], back
        )
        by_1, by_2, by_gap = by_1 + by_lift[ADSTOCK_1, c], by_2 + by_lift[ADSTOCK_2, c], by_gap + by_lift[GAP, c]
        by[SATURATION_1] += by_lift[SATURATION_1, c]
        by[SATURATION_2] += by_lift[SATURATION_2, c]
        by[ADSTOCK_1] = by_1 * own[ADSTOCK_1, c] * (1.0 - own[ADSTOCK_1, c] if adstock_kind[c] <= 1 else 1.0)
        by[ADSTOCK_2], by[GAP] = by_2 * own[ADSTOCK_2, c], by_gap * own[GAP, c]
        for row in range(ADSTOCK_1, GAP + 1):
            at = slots[row, c]
            if at >= 0:
                logp_of, slope_of = log_prior(families[row, c], theta[at], first[row, c], second[row, c])
                logp += logp_of
                gradient[at] = by[row] + slope_of
    if moves:
        by_factor *= factor
        place = slice(at_drift, at_drift + moves)
        logp += standard_normals(drift, by_factor, omega, theta[place], gradient[place])
        logp_omega, slope_omega = log_prior(2, theta[at_omega], scalars[16], 1.0)
        logp += logp_omega
        gradient[at_omega] = omega * (log_factor * by_factor).sum() + slope_omega
    return logp
