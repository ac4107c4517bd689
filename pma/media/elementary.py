"""Exponential and logarithm in plain arithmetic: as many at a time as a vector holds; the C library's take one.

Their errors are of the last digit (tests/media/test_elementary.py).
"""

from __future__ import annotations

import numpy as np

from pma.media.compiled import exact_jit

# The logarithm of 2 in two parts, of which the first times a small whole number is exact.
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
LOG2_E = 1.4426950408889634
# Added to a number below 2^51, this rounds it to a whole one and leaves that in its lowest bits.
ROUND = 6755399441055744.0
# Beyond, the result or its inverse is no normal number.
FARTHEST = 700.0
# The bits of 1 and of the root of one half: where the exponent begins to count, and the mantissa is centred.
ONE, ROOT_HALF = np.int64(0x3FF0000000000000), np.int64(0x3FE6A09E667F3BCD)


@exact_jit
def exponential(x):  # type: ignore[no-untyped-def]
    """Return e^x, of x between -700 and 700 (beyond, of those): 2^n e^r with |r| at most half the logarithm of 2.

    Reduction of Cody and Waite (1980), Software manual for the elementary functions; the series to the 13th power.
    """
    x = min(max(x, -FARTHEST), FARTHEST)
    shifted = x * LOG2_E + ROUND
    n = shifted - ROUND
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    power = (np.float64(shifted).view(np.int64) << 52) + ONE
    return p * np.int64(power).view(np.float64)


@exact_jit
def logarithm(x):  # type: ignore[no-untyped-def]
    """Return log x of a positive, normal, finite x (of infinity and no number, 710): k log 2 + log(1 + f).

    1 + f lies between the roots of 1/2 and 2. Sun Microsystems' e_log.c of fdlibm (1993), whose numbers these are.
    """
    bits = np.float64(x).view(np.int64)
    whole = (bits - ROOT_HALF) >> 52
    f = np.int64(bits - (whole << 52)).view(np.float64) - 1.0
    k = np.float64(whole)
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    even = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    half_square = 0.5 * f * f
    return k * LN2_HIGH - ((half_square - (s * (half_square + odd + even) + k * LN2_LOW)) - f)
