"""The forecast by last year's week: exact where years repeat, and blind to what comes after the cut."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from pma.mmm.naive import seasonal_naive
from pma.mmm.scores import coverage

START = date(2022, 1, 3)


def series(values):
    return pd.Series(values, index=[START + timedelta(weeks=week) for week in range(len(values))])


def forecast(known, cut, weeks=8):
    return seasonal_naive(known, list(known.index[cut : cut + weeks]), known.index[cut])


def test_years_that_repeat_are_forecast_without_error_or_spread():
    known = series(np.tile(np.arange(52.0), 3))
    found, draws = forecast(known, 120)
    assert found.tolist() == known.iloc[120:128].tolist()
    assert draws == pytest.approx(np.repeat(found[None, :], 99, axis=0))


def test_without_a_year_the_last_value_stands():
    rng = np.random.default_rng(0)
    known = series(100 + rng.standard_normal(48))
    found, draws = forecast(known, 40)
    assert (found == known.iloc[39]).all()
    assert draws.mean(axis=0) == pytest.approx(found, abs=0.2)


def test_its_interval_holds_what_it_says_on_average():
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(60):
        known = series(50 + rng.standard_normal(164))
        _, draws = forecast(known, 156)
        inside.append(coverage(draws, known.iloc[156:].to_numpy()))
    assert 0.84 < np.mean(inside) < 0.94


def test_nothing_after_the_cut_is_seen():
    known = series(np.random.default_rng(2).random(130))
    later = known.where(known.index < known.index[110], 9.0)
    assert all(np.array_equal(a, b) for a, b in zip(forecast(known, 110), forecast(later, 110), strict=True))
    with pytest.raises(ValueError, match="nothing is known before"):
        forecast(known, 0)
