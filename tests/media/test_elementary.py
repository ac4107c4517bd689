"""What the exponential and the logarithm of plain arithmetic are worth, against those of the C library."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from pma.media.elementary import FARTHEST, exponential, logarithm

SMALLEST, LARGEST = np.finfo(float).tiny, np.finfo(float).max


@given(st.floats(-FARTHEST, FARTHEST))
def test_the_exponential_is_right_to_the_last_digits(x):
    assert abs(exponential(x) - math.exp(x)) <= 2 * math.ulp(math.exp(x))


@given(st.floats(SMALLEST, LARGEST))
def test_the_logarithm_is_right_to_the_last_digits(x):
    assert abs(logarithm(x) - math.log(x)) <= 2 * math.ulp(math.log(x))


@pytest.mark.parametrize("x", [FARTHEST, 1e6, 1e300, math.inf])
def test_beyond_its_bounds_the_exponential_stays_at_them(x):
    assert exponential(x) == exponential(FARTHEST)
    assert exponential(-x) == exponential(-FARTHEST) > 0


def test_a_caller_that_may_reorder_sums_does_not_reorder_theirs():
    """Numba hands a caller's licence on to what it calls, unless that says otherwise: all digits were lost once."""

    @njit(fastmath=True)
    def both(x: np.ndarray, out: np.ndarray) -> None:
        for t in range(len(x)):
            out[t] = exponential(logarithm(x[t]))

    x = np.exp(np.random.default_rng(0).uniform(-20, 20, 1000))
    out = np.empty_like(x)
    both(x, out)
    np.testing.assert_allclose(out, x, rtol=1e-14)
