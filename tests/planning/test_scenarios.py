"""What if: each scenario beside the base plan, draw by draw."""

import numpy as np
import pytest

from pma.planning.budget import best_plan
from pma.planning.limits import limits
from pma.planning.scenarios import Told, plan_scenario, scenario_rows
from pma.planning.settings import PlanSettings, Scenario, SearchSettings
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
    assert (off[is_off] == 0).all() and (off[~is_off] <= 1.9 * today[~is_off] + 0.01).all()


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
