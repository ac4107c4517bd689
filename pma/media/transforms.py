"""Adstock and saturation: what spend becomes before it works. Plain numpy, for draws, the ridge and the curves.

Spend is weeks x channels in the channel's usual spend; parameters may have axes of draws before that of channels.
"""

from __future__ import annotations

import numpy as np

# Below this, adstocked spend counts as none: the logarithm must not see zero.
LEAST = 1e-12


def log_weights(kind: str, first: np.ndarray, second: np.ndarray, lags: int) -> np.ndarray:
    """Return logarithms of what is left of an ad 0, 1, ... weeks later, up to a constant; (..., channels, lags).

    - geometric: first^l; Jin et al. (2017), Bayesian methods for media mix modeling with carryover and shape effects,
      equation 2. `second` is not used.
    - delayed: first^((l - second)^2), the peak `second` weeks later; the same, equation 3.
    - weibull_pdf: density of Weibull(scale first, shape second) at l + 1; Robyn's `adstock_weibull`, without its
      subtraction of the least weight, which would cut the last lag off whatever the parameters.
    - weibull_cdf: product over j = 1..l of exp(-(j / first)^second), Robyn's decay that changes with age.
    """
    a, b = np.asarray(first, dtype=float)[..., None], np.asarray(second, dtype=float)[..., None]
    # A retention of exactly 0, the ridge's bound, has no logarithm: nothing is left of the ad a week later.
    a = np.maximum(a, LEAST)
    lag = np.arange(lags, dtype=float)
    if kind == "geometric":
        return lag * np.log(a)
    if kind == "delayed":
        return (lag - b) ** 2 * np.log(a)
    if kind == "weibull_pdf":
        age = (lag + 1) / a
        return (b - 1) * np.log(age) - age**b
    if kind == "weibull_cdf":
        # Age 0 keeps all: 0^second is 0 for any positive shape.
        return -np.cumsum((lag / a) ** b, axis=-1)
    raise ValueError(f"adstock {kind!r} is none of geometric, delayed, weibull_pdf, weibull_cdf")


def adstock_weights(kind: str, first: np.ndarray, second: np.ndarray, lags: int) -> np.ndarray:
    """Return what is left of an ad 0, 1, ... weeks later as shares of 1; (..., channels, lags).

    Normalised: steady spend is its own adstock, so that half-saturation is a weekly spend.
    """
    logs = log_weights(kind, first, second, lags)
    weights = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def adstock(spend: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return sum over lags l of weights[..., c, l] spend[..., t - l, c]; nothing is spent before the first week.

    `spend` (..., weeks, channels), `weights` (..., channels, lags) -> (..., weeks, channels).
    """
    weeks = spend.shape[-2]
    shape = np.broadcast_shapes(spend.shape[:-2], weights.shape[:-2])
    out = np.zeros((*shape, *spend.shape[-2:]))
    for lag in range(min(weights.shape[-1], weeks)):
        out[..., lag:, :] += weights[..., None, :, lag] * spend[..., : weeks - lag, :]
    return out


def saturate(kind: str, level: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return saturation, 0 at 0 and 1 at the most; `level` (..., weeks, channels), parameters (..., channels).

    - hill: x^s / (x^s + h^s), h = first, s = second; Jin et al. (2017), equation 5; above s = 1 it is S-shaped.
    - michaelis_menten: x / (x + first), Hill's with slope 1.
    - logistic: (1 - e^(-l x)) / (1 + e^(-l x)) = tanh(l x / 2), l = first; pymc-marketing's `logistic_saturation`.
    - tanh: tanh(x / first); the inner part of pymc-marketing's `tanh_saturation`.
    """
    a, b = np.asarray(first, dtype=float)[..., None, :], np.asarray(second, dtype=float)[..., None, :]
    if kind in ("hill", "michaelis_menten"):
        slope = b if kind == "hill" else 1.0
        inner = slope * (np.log(np.maximum(level, LEAST)) - np.log(a))
        return np.where(level > LEAST, 0.5 * (1.0 + np.tanh(0.5 * inner)), 0.0)
    if kind == "logistic":
        return np.tanh(0.5 * a * level)
    if kind == "tanh":
        return np.tanh(level / a)
    raise ValueError(f"saturation {kind!r} is none of hill, logistic, michaelis_menten, tanh")
