"""Adstock and its slopes written out, against convolution, whatever the number of lags and weeks."""

import numpy as np
import pytest

from pma.media.kernels import adstocked, adstocked_back, carried, lag_weights, pulls


@pytest.mark.parametrize("weeks", [1, 2, 3, 4, 5, 13, 40])
@pytest.mark.parametrize("lags", [1, 2, 3, 4, 5, 8, 12, 16])
def test_what_is_carried_over_is_the_convolution_and_pulls_are_its_slopes(weeks, lags):
    random = np.random.default_rng(weeks * 100 + lags)
    spend, back, weights = random.random(weeks), random.standard_normal(weeks), random.random(lags)
    out, slopes = np.ones(weeks), np.full(lags, np.nan)
    carried(spend, weights, 0.5, out)
    pulls(spend, back, slopes)
    assert out == pytest.approx(1 + 0.5 * np.convolve(spend, weights)[:weeks])
    assert slopes == pytest.approx(
        [back[lag:] @ spend[: max(weeks - lag, 0)] if lag < weeks else 0.0 for lag in range(lags)]
    )


def test_unknown_weeks_count_at_the_level_of_the_gap():
    random = np.random.default_rng(0)
    spend, unknown, back = random.random(20), (np.arange(20) < 6) * 1.0, random.standard_normal(20)
    weights, by_first, by_second = np.empty(7), np.empty(7), np.empty(7)
    lag_weights(0, 0.4, 1.0, weights, by_first, by_second)

    def total(gap):
        out = np.zeros(20)
        adstocked(spend, unknown, gap, weights, out)
        return back @ out

    by_gap = adstocked_back(spend, unknown, 0.7, weights, by_first, by_second, back)[2]
    assert by_gap == pytest.approx((total(0.7 + 1e-6) - total(0.7 - 1e-6)) / 2e-6, rel=1e-6)


def test_weights_that_all_underflow_carry_nothing_over():
    weights, by_first, by_second = np.empty(5), np.empty(5), np.empty(5)
    lag_weights(2, 1e-300, 40.0, weights, by_first, by_second)
    assert weights.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
