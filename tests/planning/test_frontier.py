"""What more or less money would bring."""

import numpy as np
import pytest

from pma.planning.budget import best_plan
from pma.planning.frontier import frontier_rows, no_plans_text, plans_by_budget
from pma.planning.limits import limits
from pma.planning.settings import Limit, PlanSettings, SearchSettings
from tests.planning.plan_world import money_today, world
from tests.planning.test_targets import comes_in, outcomes_of

SEARCH, FACTORS = SearchSettings(), (0.0, 0.5, 1.0, 1.5, 2.0)


@pytest.fixture(scope="module")
def made():
    return world(draws=40, spread=0.2, seed=2)


def plans_of(made, **asked):
    wants, today = PlanSettings(**asked), money_today(made)
    plan = best_plan(made, limits(made.cells, made.horizon.months, today, wants), today, wants, SEARCH)
    return plan, plans_by_budget(made, plan, today, wants, SEARCH, FACTORS)


def test_more_money_brings_more_and_each_more_of_it_less(made):
    plan, (plans, without) = plans_of(made)
    assert list(plans) == [0.0, 0.5, 1.0, 1.5, 2.0] and plans[1.0] is plan
    assert without == {} and no_plans_text(without) == []
    worth = np.array([one.worth.mean() for one in plans.values()])
    assert (np.diff(worth) > 0).all() and (np.diff(worth, 2) < 0).all() and worth[0] == 0
    assert [one.money.sum() for one in plans.values()] == pytest.approx([f * plan.money.sum() for f in plans], abs=0.01)


def test_a_most_change_holds_for_todays_money_times_the_factor(made):
    _, (plans, _) = plans_of(made, max_change=0.2)
    assert (np.abs(plans[2.0].money / (2 * money_today(made)) - 1) <= 0.2 + 1e-5).all()


def test_a_budget_below_the_floors_is_not_there_and_is_said(made):
    half = 0.6 * float(money_today(made).sum())
    _, (plans, without) = plans_of(made, limits=(Limit(name="a floor", floor=half),), max_change=None)
    assert list(plans) == [1.0, 1.5, 2.0] and list(without) == [0.0, 0.5]
    assert all("a floor" in names for names in without.values())
    (said,) = no_plans_text(without)
    assert said.startswith("the frontier has no plan of 0% and 50% of the money") and "'a floor'" in said


def test_rows_say_what_is_reached_how_surely_and_add_up(made):
    _, (plans, _) = plans_of(made)
    rows = frontier_rows(made, plans, {"gmv": made.worth}, {"gmv": comes_in(made)})
    assert len(rows) == len(plans) * 4 and not rows.isna().any(axis=None)
    whole = rows[rows["country"] == "(all)"].set_index("budget_factor")
    parts = rows[rows["country"] != "(all)"].groupby("budget_factor")
    assert parts["spend"].sum().to_numpy() == pytest.approx(whole["spend"].to_numpy())
    assert parts["reached"].sum().to_numpy() == pytest.approx(whole["reached"].to_numpy())
    assert (rows["reached_with_90"] < rows["reached_with_80"]).all()
    assert (rows["reached_with_80"] < rows["reached_p50"]).all()
    comes = comes_in(made)
    # The response is all that money brings, what is reached is counted: less what comes after the months.
    assert whole["reached"][2.0] == pytest.approx(outcomes_of(made, plans[2.0].money).mean())
    assert whole["reached"][2.0] - whole["reached"][0.0] < 0.97 * whole["response"][2.0]
    nothing = comes.comes.sum(axis=(0, 2))[:, None] + comes.misses.sum(axis=(0, 3))
    assert whole["response"][0.0] == 0 and whole["reached_with_90"][0.0] == pytest.approx(
        np.quantile(nothing, 0.1), rel=1e-3
    )
