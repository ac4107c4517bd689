import numpy as np
import pytest

from pma.simulation.structure import LAG_WEEKS, arrivals, lag_weeks


def test_orders_come_by_the_lag_of_their_flow_and_none_before_the_first_upload():
    uploads = np.array([[10.0, 0.0, 0.0], [0.0, 100.0, 0.0]])
    weight = np.array([[0.5, 0.1], [0.2, 0.4]])
    lag = np.zeros((2, 2, LAG_WEEKS))
    lag[..., 0], lag[..., 1] = 0.75, 0.25
    # Into the first country: a half of its own ten, then a fifth of the other's hundred.
    by_hand = [[3.75, 1.25 + 15.0, 5.0], [0.75, 0.25 + 30.0, 10.0]]
    np.testing.assert_allclose(arrivals(uploads, weight, lag), by_hand, rtol=1e-12)


def test_the_share_of_each_week_is_that_of_drawn_uploads_and_lags():
    rng = np.random.default_rng(3)
    days = rng.uniform(0, 7, 400_000) + 9.0 * np.exp(0.8 * rng.standard_normal(400_000))
    drawn = np.bincount((days // 7).astype(int), minlength=LAG_WEEKS)[:LAG_WEEKS] / len(days)
    found = lag_weeks(np.array(9.0), np.array(0.8))
    np.testing.assert_allclose(found, drawn, atol=0.004)
    assert found.sum() == pytest.approx(1.0, abs=1e-4)
