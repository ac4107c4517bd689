"""Log-densities of priors on the sampler's scale, with their slopes."""

from __future__ import annotations

import math

from pma.media.compiled import exact_jit

FAMILIES = {"log_normal": 0, "gamma": 1, "half_normal": 2, "beta": 3}


@exact_jit
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


@exact_jit
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
