"""What if: each scenario beside the base plan, draw by draw."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from pma.planning.budget import best_plan
from pma.planning.events import moved_events, moved_worth
from pma.planning.limits import limits
from pma.planning.response import horizon
from pma.planning.scenarios import Told, plan_scenario, scenario_rows
from pma.planning.settings import LikeCountry, Limit, PlanSettings, Scenario, SearchSettings
from pma.planning.sources import scenarios_of
from pma.tables import TableError
from tests.planning.plan_world import money_today, world

SETTINGS, SEARCH = PlanSettings(max_change=None), SearchSettings()


@pytest.fixture(scope="module")
def made():
    return world(draws=40, spread=0.3, seed=2)


@pytest.fixture(scope="module")
def base(made):
    today = money_today(made)
    keeps = limits(made.cells, made.horizon.months, today, SETTINGS)
    return Told("base", best_plan(made, keeps, today, SETTINGS, SEARCH), made)


def told(made, **asked):
    return plan_scenario(made, money_today(made), SETTINGS, SEARCH, Scenario(name="other", **asked))


def row_of(rows, country="(all)", channel="(all)"):
    return rows[(rows["scenario"] == "other") & (rows["country"] == country) & (rows["channel"] == channel)].iloc[0]


def test_more_money_brings_more_and_less_less_and_parts_add_up(made, base):
    for factor, sign in ((1.2, 1), (0.8, -1)):
        rows = scenario_rows(base, [told(made, budget_factor=factor)])
        whole = row_of(rows)
        assert whole["spend"] == pytest.approx(factor * base.plan.money.sum(), rel=1e-6)
        assert sign * whole["change"] > 0 and sign * whole["change_p05"] > 0
        cells = rows[(rows["scenario"] == "other") & (rows["country"] != "(all)") & (rows["channel"] != "(all)")]
        assert cells["change"].sum() == pytest.approx(whole["change"])


def test_differences_are_paired_so_that_they_are_surer_than_either_plan(made, base):
    whole = row_of(scenario_rows(base, [told(made, budget_factor=1.05)]))
    assert whole["change_p95"] - whole["change_p05"] < 0.3 * (whole["response_p95"] - whole["response_p05"])


def test_a_channel_that_is_off_gets_nothing_and_costs_something(made, base):
    rows = scenario_rows(base, [told(made, channels_off=("channel_1",))])
    assert row_of(rows, channel="channel_1")["spend"] == 0.0 and row_of(rows)["change"] < 0
    assert row_of(rows)["spend"] == pytest.approx(base.plan.money.sum(), abs=0.01)


def test_nothing_differs_but_what_the_scenario_says(made):
    """Where cells keep near to today, they keep as near to it with more money, and with a channel off."""
    near = SETTINGS.model_copy(update={"max_change": 0.2})
    today, is_off = money_today(made), (made.cells["channel"] == "channel_1").to_numpy()
    more = plan_scenario(made, today, near, SEARCH, Scenario(name="more", budget_factor=1.1)).plan.money
    assert (np.abs(more / (1.1 * today) - 1) <= 0.2 + 1e-5).all()
    wide = SETTINGS.model_copy(update={"max_change": 0.9})
    off = plan_scenario(made, today, wide, SEARCH, Scenario(name="off", channels_off=("channel_1",))).plan.money
    # The others share out what it had, each as much more.
    others = today[~is_off] * today.sum() / today[~is_off].sum()
    assert (off[is_off] == 0).all() and (off[~is_off] <= 1.9 * others + 0.01).all()
    assert off.sum() == pytest.approx(today.sum(), abs=0.01)


def test_todays_mix_is_worth_no_more_than_the_best(made, base):
    kept = told(made, keep_mix=True)
    assert kept.plan.money == pytest.approx(money_today(made), abs=0.01)
    assert row_of(scenario_rows(base, [kept]))["change"] <= 0


def test_dearer_media_are_as_less_money(made, base):
    """All media dearer by a quarter, with a quarter more money: all as before."""
    everything = dict.fromkeys(sorted(set(made.cells["channel"])), 0.25)
    rows = scenario_rows(base, [told(made, inflation=everything, budget_factor=1.25)])
    assert row_of(rows)["response"] == pytest.approx(base.plan.worth.mean(), rel=1e-3)
    assert row_of(scenario_rows(base, [told(made, inflation=everything)]))["change"] < 0


def test_a_channel_that_is_nowhere_is_refused(made):
    with pytest.raises(ValueError, match=r"names channel radio, which no fit has. There are channel_0"):
        told(made, inflation={"radio": 0.1})
    assert np.isfinite(made.worth).all()


def test_differences_are_told_of_every_metric_that_the_plan_knows(made, base):
    """Uploads are worth 20 here, and nothing else is counted: the same difference in another unit."""
    worth = {"gmv": made.worth, "uploads": made.worth / 20}
    known = Told("base", base.plan, made, worth)
    more = Told("other", told(made, budget_factor=1.2).plan, made, worth)
    row = row_of(scenario_rows(known, [more]))
    assert row["uploads_change"] == pytest.approx(row["change"] / 20)
    assert row["gmv_change_p05"] == pytest.approx(row["change_p05"])
    assert pd.isna(row["orders_change"])
    returns = more.plan.worth / more.plan.money.sum() - base.plan.worth / base.plan.money.sum()
    assert row["return_change"] == pytest.approx(returns.mean()) and row["return_change"] < 0


def test_a_country_that_is_on_is_like_another(made, base):
    """A copy of C1 twice as large, with twice its money, brings twice what C1 would had it no ads of before."""
    on = told(made, countries_on={"SE": LikeCountry(like="C1", size=2.0)})
    rows = scenario_rows(base, [on])
    new = row_of(rows, country="SE")
    assert new["spend"] > 0 and new["change"] == new["response"] > 0
    assert row_of(rows)["spend"] == pytest.approx(base.plan.money.sum(), abs=0.01)
    at, like = ((on.responses.cells["country"] == name).to_numpy() for name in ("SE", "C1"))
    money = np.zeros((len(at), 1))
    money[at] = 2 * money_today(made)[like[: len(made.cells)]]
    brings = on.responses.by_cell(money)[:, at].sum(axis=1)
    unspent = replace(made, spent=np.zeros(made.spent.shape))
    alone = unspent.by_cell(money_today(made))[:, like[: len(made.cells)]].sum(axis=1)
    assert brings == pytest.approx(2 * alone)


def test_money_beyond_what_was_seen_counts_less_in_a_country_that_is_on_too(made):
    """What is twice as large has seen twice as much."""
    seen = replace(made, seen=money_today(made)[:, 0] * 7 / 31, discount=0.5)
    on = plan_scenario(
        seen,
        money_today(made),
        SETTINGS,
        SEARCH,
        Scenario(name="other", countries_on={"SE": LikeCountry(like="C1", size=2)}),
    )
    at, like = ((on.responses.cells["country"] == name).to_numpy() for name in ("SE", "C1"))
    assert on.responses.seen[at] == pytest.approx(2 * on.responses.seen[like])


def test_a_country_that_limits_hold_off_is_on_again(made):
    today = money_today(made)
    closed = SETTINGS.model_copy(update={"limits": (Limit(name="not C1", countries=("C1",), of="each", ceiling=0.0),)})
    at = (made.cells["country"] == "C1").to_numpy()
    off, on = (
        plan_scenario(made, today, closed, SEARCH, Scenario(name="other", countries_on=switched)).plan.money
        for switched in ({}, {"C1": LikeCountry()})
    )
    assert off[at].sum() == 0 < on[at].sum()
    with pytest.raises(ValueError, match=r"switches SE on like SE, which no fit has: say which it is like, of C0, C1"):
        plan_scenario(made, today, SETTINGS, SEARCH, Scenario(name="other", countries_on={"SE": LikeCountry()}))


OVER = horizon(date(2026, 12, 1), 1, 4)


def black_friday(effect=700.0, doubt=0.0):
    """An event of one week, a year ago on the Monday before December."""
    weeks = [date(2025, 11, 17) + timedelta(weeks=n) for n in range(6)]
    means = [effect if week == date(2025, 11, 24) else 0.0 for week in weeks]
    rows = pd.DataFrame({"country": "C0", "target": "gmv", "event": "black_friday", "week_start": weeks, "mean": means})
    half = 1.6449 * doubt * rows["mean"]
    return rows.assign(p05=rows["mean"] - half, p95=rows["mean"] + half)


def test_an_event_that_is_moved_into_the_month_brings_what_its_days_there_do(made, base):
    """The week of the event is that of 23 November this year; the week after has six days in December."""
    moved = {n: moved_events(black_friday(), OVER, {"black_friday": n}, 40, 1) for n in (0, 1, 2, -1)}
    assert [float(found["C0", "gmv"].mean()) for found in moved.values()] == pytest.approx([0.0, 600.0, 700.0, 0.0])
    units = {"gmv": pd.DataFrame([{"country": "C0", "target": "gmv", "draws": np.full(40, 2.0)}])}
    told_of = moved_worth(moved[2], {**units, "objective": units["gmv"]})
    later = Told("other", base.plan, made, {"gmv": made.worth}, told_of)
    rows = scenario_rows(Told("base", base.plan, made, {"gmv": made.worth}), [later])
    assert row_of(rows, "C0", "(anyway)")["change"] == pytest.approx(1400.0)
    assert row_of(rows, "C1", "(anyway)")["change"] == 0.0
    assert row_of(rows)["change"] == pytest.approx(1400.0)
    assert row_of(rows, "C0")["gmv_change"] == pytest.approx(1400.0)
    assert row_of(rows, "C0", "channel_0")["change"] == 0.0 and row_of(rows)["return_change"] == 0.0


def test_an_event_is_as_unsure_as_the_fit_has_it_and_known_by_name():
    unsure = moved_events(black_friday(doubt=0.2), OVER, {"black_friday": 2}, 4000, 1)["C0", "gmv"]
    assert unsure.std() == pytest.approx(0.2 * 700, rel=0.05)
    with pytest.raises(ValueError, match=r"moves easter, which no fit has as an event. There are black_friday"):
        moved_events(black_friday(), OVER, {"easter": 1}, 4, 1)


def test_scenarios_of_a_table_are_checked_like_those_of_settings():
    rows = pd.DataFrame(
        [
            {"name": "b", "scenario": "{budget_factor: 1.2, channels_off: [tv]}", "plan_id": None},
            {"name": "a", "scenario": '{"keep_mix": true}', "plan_id": "base"},
            {"name": "c", "scenario": "budget_factor: 2", "plan_id": "another"},
        ]
    )
    found = scenarios_of(rows, "base")
    assert found == (Scenario(name="a", keep_mix=True), Scenario(name="b", budget_factor=1.2, channels_off=("tv",)))
    for wrong in ("budget_factor: -1", "bugdet_factor: 1", "{", "just words"):
        with pytest.raises(TableError, match=r"il.plan_scenarios, name 'a': .*as YAML or JSON"):
            scenarios_of(pd.DataFrame([{"name": "a", "scenario": wrong, "plan_id": None}]), "base")
