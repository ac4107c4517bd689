import numpy as np
import pandas as pd

from pma.simulation.rates import make_rates, to_euro


def test_halves_of_a_millionth_are_rounded_away_from_zero():
    local = np.array([3, -3, 1, 0, 2_000_000])
    assert to_euro(local, np.full(5, 500_000)).tolist() == [2, -2, 1, 0, 1_000_000]


def test_every_currency_has_a_rate_on_every_day_near_the_usual_one_and_the_euro_is_one():
    days = pd.date_range("2026-01-01", periods=900)
    rates = make_rates(7, ["CHF", "EUR", "CHF"], days).pivot(index="date", columns="currency", values="rate")
    assert list(rates.columns) == ["CHF", "EUR"] and len(rates) == 900 and (rates["EUR"] == 1).all()
    assert rates["CHF"].between(0.95, 1.16).all() and rates["CHF"].nunique() > 500
    assert np.abs(np.log(rates["CHF"]).diff().dropna()).max() < 0.02


def test_a_currency_keeps_its_rates_whatever_others_there_are():
    days = pd.date_range("2026-01-01", periods=50)
    alone, beside = make_rates(7, ["PLN"], days), make_rates(7, ["DKK", "PLN"], days)
    found = [frame[frame["currency"] == "PLN"]["rate"].tolist() for frame in (alone, beside)]
    assert found[0] == found[1]
