"""The best split of a budget against closed forms, another optimiser and every split there is."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from pma.mmm.allocation import best_shares

POINTS = 401


def curves(*functions, most=10.0):
    spend = np.linspace(0, most, POINTS)[:, None].repeat(len(functions), axis=1)
    return spend, np.column_stack([function(spend[:, c]) for c, function in enumerate(functions)])


def test_roots_share_by_their_squared_factors():
    spend, response = curves(np.sqrt, lambda x: 2 * np.sqrt(x), most=8.0)
    assert best_shares(spend, response, 5.0) == pytest.approx([0.2, 0.8], abs=0.005)


def test_marginal_returns_are_equal_at_the_best_split_of_concave_curves():
    halves, tops = np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 4.0])
    spend, response = curves(*[lambda x, h=h, t=t: t * x / (x + h) for h, t in zip(halves, tops, strict=True)])
    shares = best_shares(spend, response, 6.0)
    other = minimize(
        lambda w: -(tops * 6 * w / (6 * w + halves)).sum(),
        np.ones(3) / 3,
        bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        tol=1e-12,
    ).x
    assert shares == pytest.approx(other, abs=0.005)
    slopes = tops * halves / (6 * shares + halves) ** 2
    assert slopes == pytest.approx(slopes.mean(), rel=0.02)


def test_of_two_s_curves_one_gets_enough_to_work():
    """Along slopes one would stay at the equal split, where neither works."""
    spend, response = curves(*[lambda x: x**4 / (x**4 + 3.0**4)] * 2)
    shares = best_shares(spend, response, 4.0)
    assert sorted(shares) == pytest.approx([0.0, 1.0], abs=0.06)
    equal = 2 * 2.0**4 / (2.0**4 + 3.0**4)
    assert equal < 4.0**4 / (4.0**4 + 3.0**4)


@given(st.lists(st.lists(st.floats(0, 5), min_size=6, max_size=6), min_size=1, max_size=3))
def test_no_split_brings_more(steps):
    """Five parts, responses that rise or fall at will: against all splits."""
    response = np.array(steps).T
    spend = np.arange(6.0)[:, None].repeat(len(steps), axis=1)
    shares = best_shares(spend, response, 5.0, parts=5)
    places = np.round(shares * 5).astype(int)
    brought = sum(response[place, c] for c, place in enumerate(places))
    splits = [split for split in product(range(6), repeat=len(steps)) if sum(split) == 5]
    assert brought == pytest.approx(max(sum(response[place, c] for c, place in enumerate(split)) for split in splits))
    assert shares.sum() == pytest.approx(1.0)


def test_a_channel_gets_nothing_beyond_its_curve():
    spend, response = curves(lambda x: 5 * x, lambda x: x, most=3.0)
    assert best_shares(spend, response, 4.0) == pytest.approx([0.75, 0.25])
    with pytest.raises(ValueError, match="curves end before a budget of 7"):
        best_shares(spend, response, 7.0)
