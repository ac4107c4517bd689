"""Scores against closed forms, numbers computed by hand and a double loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from pma.mmm.scores import coverage, crps, mape, roas_change, turnover

numbers = st.floats(-1e3, 1e3)


def of(draws, value):
    return float(crps(np.array(draws, dtype=float)[:, None], np.array([value], dtype=float))[0])


@pytest.mark.parametrize(
    ("draws", "value", "wanted"),
    [
        # |1 - 0| + |2 - 0| + |3 - 0| over 3, less (0 + 1 + 2 + 1 + 0 + 1 + 2 + 1 + 0) / 9 / 2.
        ([1, 2, 3], 0, 2 - 4 / 9),
        ([1, 2, 3], 2, 2 / 3 - 4 / 9),
        ([0, 1], 0.5, 0.5 - 0.25),
        ([7], 4, 3),
        ([4, 4, 4], 4, 0),
    ],
)
def test_crps_of_a_few_draws_by_hand(draws, value, wanted):
    assert of(draws, value) == pytest.approx(wanted)


@given(st.lists(numbers, min_size=1, max_size=12), numbers)
def test_crps_is_the_energy_form_over_all_pairs(draws, value):
    x = np.array(draws)
    wanted = np.abs(x - value).mean() - 0.5 * np.abs(x[:, None] - x[None, :]).mean()
    assert of(draws, value) == pytest.approx(wanted, abs=1e-8)


@pytest.mark.parametrize(("mu", "sigma", "value"), [(0.0, 1.0, 0.0), (2.0, 0.5, 3.1), (-1.0, 3.0, -9.0)])
def test_crps_of_a_normal_is_its_closed_form(mu, sigma, value):
    """Gneiting et al. (2005), Calibrated probabilistic forecasting, equation 5."""
    z = (value - mu) / sigma
    wanted = sigma * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    draws = norm.ppf((np.arange(20_000) + 0.5) / 20_000, mu, sigma)
    assert of(draws, value) == pytest.approx(wanted, rel=1e-3)


def test_crps_rewards_the_right_spread():
    rng = np.random.default_rng(0)
    value = rng.standard_normal(500)
    scores = [crps(spread * rng.standard_normal((400, 500)), value).mean() for spread in (0.3, 1.0, 3.0)]
    assert scores[1] < scores[0] and scores[1] < scores[2]


def test_the_other_scores_by_hand():
    assert mape(np.array([9.0, 22.0]), np.array([10.0, 20.0])) == pytest.approx(3 / 30)
    draws = np.linspace(0, 100, 101)[:, None].repeat(4, axis=1)
    assert coverage(draws, np.array([4.0, 5.0, 95.0, 96.0])) == 0.5
    assert roas_change({"a": 1.0, "b": 2.0, "c": 4.0}, {"a": 1.1, "b": 1.0, "c": 4.0, "d": 9.0}) == pytest.approx(0.1)
    assert roas_change({"a": 1.0}, {"b": 1.0}) is None
    assert turnover({"a": 0.5, "b": 0.5}, {"a": 0.2, "b": 0.5, "c": 0.3}) == pytest.approx(0.3)
    assert turnover({"a": 1.0}, {"b": 1.0}) == 1.0
