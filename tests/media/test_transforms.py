"""Adstock and saturation against sums and formulas written out again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pma.media.transforms import adstock, adstock_weights, saturate

ADSTOCKS = ("geometric", "delayed", "weibull_pdf", "weibull_cdf")
SATURATIONS = ("hill", "michaelis_menten", "logistic", "tanh")


def one(value):
    return np.array([value])


@pytest.mark.parametrize("kind", ADSTOCKS)
@given(first=st.floats(0.05, 0.95), second=st.floats(0.3, 4.0))
def test_weights_are_shares_of_one(kind, first, second):
    weights = adstock_weights(kind, one(first), one(second), 8)
    assert weights.shape == (1, 8) and (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0)


def test_weights_by_hand():
    geometric = adstock_weights("geometric", one(0.5), one(1.0), 3)[0]
    assert geometric == pytest.approx(np.array([4, 2, 1]) / 7)
    delayed = adstock_weights("delayed", one(0.5), one(1.0), 3)[0]
    assert delayed == pytest.approx(np.array([0.5, 1.0, 0.5]) / 2)
    # Density of a Weibull of scale 2 and shape 1 at 1, 2, 3: an exponential's.
    pdf = adstock_weights("weibull_pdf", one(2.0), one(1.0), 3)[0]
    assert pdf == pytest.approx(np.exp(-np.array([1, 2, 3]) / 2) / np.exp(-np.array([1, 2, 3]) / 2).sum())
    # What survives age 1, then age 1 and 2.
    cdf = adstock_weights("weibull_cdf", one(2.0), one(1.0), 3)[0]
    assert cdf == pytest.approx(np.exp([0, -0.5, -1.5]) / np.exp([0, -0.5, -1.5]).sum())


def test_adstock_is_the_sum_over_lags_and_starts_from_nothing():
    rng = np.random.default_rng(0)
    spend, weights = rng.random((20, 3)), rng.random((5, 3, 4))
    found = adstock(spend, weights)
    for d in range(5):
        for c in range(3):
            for t in range(20):
                wanted = sum(weights[d, c, lag] * spend[t - lag, c] for lag in range(4) if lag <= t)
                assert found[d, t, c] == pytest.approx(wanted)


def test_steady_spend_is_its_own_adstock():
    weights = adstock_weights("geometric", np.array([0.3, 0.7]), np.ones(2), 12)
    level = adstock(np.full((40, 2), 5.0), weights)
    assert level[20:] == pytest.approx(np.full((20, 2), 5.0))


@pytest.mark.parametrize("kind", SATURATIONS)
@given(first=st.floats(0.1, 5.0), second=st.floats(0.5, 3.0))
def test_saturation_rises_from_nothing_to_less_than_one(kind, first, second):
    level = np.linspace(0, 10, 50)[:, None]
    found = saturate(kind, level, one(first), one(second))[:, 0]
    assert found[0] == 0 and found[-1] <= 1
    assert (np.diff(found) >= 0).all()


def test_saturation_by_hand():
    level = np.array([[0.0], [2.0]])
    assert saturate("hill", level, one(2.0), one(1.7))[1, 0] == pytest.approx(0.5)
    assert saturate("hill", level, one(1.0), one(2.0))[1, 0] == pytest.approx(0.8)
    assert saturate("michaelis_menten", level, one(6.0), one(9.0))[1, 0] == pytest.approx(0.25)
    assert saturate("logistic", level, one(np.log(3) / 2), one(1.0))[1, 0] == pytest.approx(0.5)
    assert saturate("tanh", level, one(2.0), one(1.0))[1, 0] == pytest.approx(np.tanh(1))


def test_unknown_kinds_are_named():
    with pytest.raises(ValueError, match="geometric, delayed"):
        adstock_weights("binomial", one(0.5), one(1.0), 4)
    with pytest.raises(ValueError, match="hill, logistic"):
        saturate("root", np.ones((1, 1)), one(0.5), one(1.0))


def test_nothing_is_left_of_an_ad_whose_retention_is_nothing():
    weights = adstock_weights("geometric", np.array([0.0]), np.array([1.0]), 4)
    np.testing.assert_allclose(weights, [[1.0, 0.0, 0.0, 0.0]], atol=1e-9)
