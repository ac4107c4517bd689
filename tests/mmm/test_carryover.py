"""Shares of an ad's effect by week, from two draws."""

import pandas as pd
import pytest

from pma.mmm.carryover import carryover


def draws(channel, *keeps, lags=3, method="bayes"):
    fit = {"geo_level": "country", "geo": "DE", "target": "uploads", "method": method, "channel": channel}
    shape = {"adstock": "geometric", "adstock_second": 1.0, "lags": lags, "usual_spend": 50.0}
    return [{**fit, **shape, "draw": n, "adstock_first": keep} for n, keep in enumerate(keeps)]


def test_an_ad_works_by_the_mean_of_its_draws_between_their_ends():
    rows = carryover(pd.DataFrame([*draws("tv", 0.5, 0.5), *draws("tiktok", 1e-12, 1.0, lags=2)]))
    by = rows.set_index(["channel", "lag"])
    assert by.loc["tv", "mean"].tolist() == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    assert by.loc["tv", "p05"].tolist() == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    # A week keeps nothing in one draw, all in the other: 1 and 0, or a half each.
    assert by.loc["tiktok", "mean"].tolist() == pytest.approx([0.75, 0.25])
    assert by.loc[("tiktok", 0), ["p05", "p95"]].tolist() == pytest.approx([0.525, 0.975])
    assert set(rows["usual_spend"]) == {50.0} and set(rows["geo"]) == {"DE"}


def test_methods_are_kept_apart_and_no_draws_give_no_rows():
    rows = carryover(pd.DataFrame([*draws("tv", 0.5), *draws("tv", 0.1, method="ridge")]))
    assert rows.groupby("method")["mean"].sum().to_dict() == pytest.approx({"bayes": 1.0, "ridge": 1.0})
    assert carryover(pd.DataFrame(draws("tv", 0.5)).iloc[:0]).empty
