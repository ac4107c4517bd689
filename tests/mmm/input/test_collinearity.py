"""Variance inflation against its definition; spend that follows demand against what the simulation knows of it."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pma.mmm.input.collinearity import LARGEST_VIF, common_weeks, follows_target, vif
from pma.mmm.input.geo_panel import Judge, geo_panel
from pma.mmm.series import BEYOND_CHANCE, in_standard_errors
from pma.mmm.settings import ReadinessSettings
from pma.simulation.marketplace import simulate
from pma.simulation.settings import SimulationSettings
from pma.simulation.trade import daily_counts
from tests.mmm.input.worlds import RATES, RULES


def by_regression(values):
    factors = []
    for place in range(values.shape[1]):
        others = np.column_stack([np.ones(len(values)), np.delete(values, place, axis=1)])
        fitted = others @ np.linalg.lstsq(others, values[:, place], rcond=None)[0]
        total = ((values[:, place] - values[:, place].mean()) ** 2).sum()
        factors.append(total / ((values[:, place] - fitted) ** 2).sum())
    return np.array(factors)


@given(seed=st.integers(0, 2**32 - 1), columns=st.integers(2, 8), mix=st.floats(0.05, 3))
def test_the_inverse_says_what_the_regressions_say(seed, columns, mix):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((60, columns))
    values[:, 0] = values[:, 1:].sum(axis=1) + mix * values[:, 0]
    units = 10.0 ** rng.integers(-3, 6, columns)
    assert vif(values) == pytest.approx(by_regression(values), rel=1e-6)
    assert vif(values * units + 7 * units) == pytest.approx(vif(values), rel=1e-5)


def test_a_column_that_is_the_sum_of_others_has_no_end_and_the_rest_keeps_its_own():
    rng = np.random.default_rng(1)
    values = rng.standard_normal((80, 5))
    values[:, 3] = values[:, 0] + values[:, 1]
    factors = vif(values)
    assert list(factors[[0, 1, 3]]) == [LARGEST_VIF] * 3
    assert factors[[2, 4]] == pytest.approx(by_regression(values[:, [0, 1, 2, 4]])[[2, 3]], rel=1e-6)


def test_variables_with_few_known_weeks_go_before_the_weeks_do():
    frame = pd.DataFrame({name: np.random.default_rng(2).standard_normal(40) for name in ("a", "b", "c")})
    frame["b"] = frame["b"] ** 2
    frame.loc[:34, "c"] = np.nan
    assert list(common_weeks(frame).columns) == ["a", "b"]
    frame.loc[:20, "c"] = np.arange(21) ** 2.0
    assert len(common_weeks(frame)) == 26


SEEDS = (7, 8, 9, 10, 11, 12)


def observed(world):
    """Long rows of a simulated marketplace as the company sees it: spend of the feeds, uploads and gmv as they come."""
    fed = world.spend[world.spend["in_feed"]]
    monday = fed["date"] - pd.to_timedelta(fed["date"].dt.weekday, unit="D")
    spent = fed["spend"].groupby([fed["country"], fed["channel"], monday]).sum()
    counts = daily_counts(world)
    day = pd.to_datetime(counts["day"], unit="ms")
    uploads = counts["uploads"].groupby([counts["country"], day - pd.to_timedelta(day.dt.weekday, unit="D")]).sum()
    # Orders of some thousand each: their number is by chance, as that of the uploads.
    orders = np.random.default_rng(world.settings.seed).poisson(np.maximum(world.structure.gmv(), 0) / 1100)
    gmv = pd.DataFrame(orders * 1100.0, index=world.settings.countries, columns=world.weeks).stack()
    targets = pd.concat({"uploads": uploads, "gmv": gmv}).swaplevel(0, 1)
    parts = {"paid": spent, "target": targets}
    rows = pd.concat({role: part.rename_axis(["geo", "variable", "week_start"]) for role, part in parts.items()})
    rows = rows.rename_axis(["role", "geo", "variable", "week_start"]).rename("value").reset_index()
    rows["week_start"] = rows["week_start"].dt.date
    return rows.assign(geo_level="country", impressions=np.nan, gap=None, is_complete_week=True)


@cache
def suspected(confounding):
    """Share of the pairs of country and channel whose spend is called one that follows a target."""
    judge, found, pairs = Judge(ReadinessSettings(), RULES, RATES), 0, 0
    for seed in SEEDS:
        settings = SimulationSettings(
            seed=seed, confounding=confounding, regions={"DACH": ("DE", "AT"), "SOUTH": ("FR",)}
        )
        for _, rows in observed(simulate(settings)).groupby("geo"):
            panel = geo_panel(rows, judge)
            pairs += len(panel.varying("paid"))
            found += len(list(follows_target(panel)))
    return found / pairs


def test_budgets_that_follow_nothing_are_rarely_called():
    assert suspected(0.0) <= 0.03


def test_budgets_that_follow_demand_are_called():
    assert suspected(0.5) >= 0.65
    assert suspected(1.0) >= 0.97


def test_series_that_only_remember_are_no_likeness():
    rng = np.random.default_rng(4)
    calls = {"plain": 0, "with memory": 0}
    for _ in range(400):
        walks = np.zeros((156, 2))
        for t in range(1, 156):
            walks[t] = 0.9 * walks[t - 1] + rng.standard_normal(2)
        left, right = pd.Series(walks[:, 0]), pd.Series(walks[:, 1])
        correlation, errors = in_standard_errors(left, right)
        calls["with memory"] += errors >= BEYOND_CHANCE
        calls["plain"] += np.arctanh(correlation) * np.sqrt(153) >= BEYOND_CHANCE
    # Beyond two standard errors on one side lie 2.3 % by chance, and more where the memory too is estimated.
    assert calls["plain"] >= 80
    assert calls["with memory"] <= 20
