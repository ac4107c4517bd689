"""What a goal takes: the least money, where it goes, and how surely; or that it cannot be."""

from dataclasses import replace

import numpy as np
import pytest

from pma.planning.anyway import Anyway, with_probability
from pma.planning.budget import best_plan
from pma.planning.limits import limits
from pma.planning.settings import Limit, PlanSettings, SearchSettings, Target
from pma.planning.targets import goal_of, reach, target_rows, told
from pma.planning.totals import search_total
from pma.settings import SettingsError, load
from tests.planning.plan_world import counted, money_today, world

SETTINGS, SEARCH = PlanSettings(), SearchSettings()


def comes_in(made, seed=0, level=20_000.0, spread=1_000.0):
    """What comes anyway in each country and month, with errors of so much."""
    countries = tuple(sorted(set(made.cells["country"])))
    draws, months = made.first.shape[1], len(made.horizon.months)
    random = np.random.default_rng(seed)
    comes = level + 0.1 * spread * random.standard_normal((len(countries), draws, months))
    misses = spread * random.standard_normal((len(countries), draws, 30, months))
    return Anyway(countries, comes, misses, "a test")


def reached_of(made, asked=SETTINGS, comes=None, **target):
    """What it takes, with today's money."""
    one = Target(**{"name": "a goal", "metric": "gmv", **target})
    comes = comes_in(made) if comes is None else comes
    return reach(goal_of(one, made, {"gmv": made.worth}, {"gmv": comes}), money_today(made), asked, SEARCH)


def adds(made, money, month=None):
    """What money adds within the months, or one of them, by hand; by draw and part, (D,) of all."""
    return (made.worth * (counted(made, money, month) - counted(made, 0 * money, month))).sum(axis=0)


def outcomes_of(made, money):
    """What the months count with money, summed by hand; equally likely outcomes."""
    comes = comes_in(made)
    return (adds(made, money) + comes.comes.sum(axis=(0, 2)))[:, None] + comes.misses.sum(axis=(0, 3))


@pytest.mark.parametrize("slope", [0.8, 1.8])
@pytest.mark.parametrize(("times", "probability"), [(0.7, 0.5), (1.2, 0.5), (1.2, 0.9)])
def test_the_money_of_a_goal_reaches_it_and_no_less_would(slope, times, probability):
    made = world(draws=40, spread=0.2, slope=slope, seed=3)
    today = money_today(made)
    total = round(times * float(today.sum()), 2)
    asked = SETTINGS.model_copy(update={"budget": total})
    plan = best_plan(made.within(), limits(made.cells, made.horizon.months, today, asked), today, asked, SEARCH)
    goal = float(np.quantile(outcomes_of(made, plan.money), 1 - probability))
    found = reached_of(made, goal=goal, probability=probability)
    assert found.found.is_enough
    assert found.money.sum() == pytest.approx(total, rel=5e-3)
    assert np.quantile(outcomes_of(made, found.money), 1 - probability) == pytest.approx(goal, rel=5e-3)
    assert np.mean(outcomes_of(made, found.money) >= goal) >= probability


@pytest.mark.parametrize("careful", [{"risk": 0.1}, {"quantile": 0.1}])
def test_how_careful_the_plan_is_changes_nothing_in_the_money_of_a_goal(careful):
    made = world(draws=40, spread=0.6, seed=5)
    goal = 3 * 20_000 + 1.1 * float(adds(made, money_today(made)).mean())
    plain, other = (reached_of(made, SETTINGS.model_copy(update=one), goal=goal) for one in ({}, careful))
    assert plain.found.is_enough and other.money == pytest.approx(plain.money, abs=0.011)


def test_a_goal_that_is_too_high_gets_the_most_that_can_be():
    """All cells at their most, half more than today, and no money could do more."""
    made = world(draws=40, spread=0.2, seed=1)
    most = outcomes_of(made, np.floor(150 * money_today(made) + 1e-6) / 100)
    found = reached_of(made, goal=1e9, probability=0.8)
    row = target_rows([found], made, plan_today(made), money_today(made)).iloc[0]
    assert not row["is_reachable"] and row["p_hit"] == 0.0
    assert row["most"] == pytest.approx(np.quantile(most, 0.2), rel=1e-4)
    assert row["spend"] == pytest.approx(1.5 * money_today(made).sum(), abs=0.1)
    assert "cannot be reached with a probability of 80%: the most is" in row["message"]
    assert "'at most 50% from today' holds all 9 of its amounts" in row["message"]
    careful = SETTINGS.model_copy(update={"careful_countries": ("C1",), "max_change_flagged": 0.2})
    row = target_rows([reached_of(made, careful, goal=1e9)], made, plan_today(made), money_today(made)).iloc[0]
    assert "where fits are in doubt' holds 3 of its 9 amounts, 'at most 50% from today' holds 6" in row["message"]


def plan_today(made):
    keeps = limits(made.cells, made.horizon.months, money_today(made), SETTINGS)
    return best_plan(made, keeps, money_today(made), SETTINGS, SEARCH)


def test_the_stated_probability_is_how_often_it_happens():
    """Outcomes drawn one by one: a draw of the model, and a miss of the past."""
    made = world(draws=40, spread=0.3, seed=2)
    goal = float(np.quantile(outcomes_of(made, 1.1 * money_today(made)), 0.3))
    found, random = reached_of(made, goal=goal, probability=0.7), np.random.default_rng(8)
    comes, brings = comes_in(made), adds(made, found.money)
    draw, miss = random.integers(0, 40, 50_000), random.integers(0, 30, 50_000)
    happened = brings[draw] + comes.comes[:, draw, 0].sum(axis=0) + comes.misses[:, draw, miss, 0].sum(axis=0)
    row = target_rows([found], made, plan_today(made), money_today(made)).iloc[0]
    assert row["p_hit"] == pytest.approx(np.mean(happened >= goal), abs=0.01)
    assert row["p_hit_today"] == pytest.approx(np.mean(outcomes_of(made, money_today(made)) >= goal))
    assert row["p_hit_plan"] >= row["p_hit_today"]


def test_a_surer_goal_takes_more_money():
    made = world(draws=40, spread=0.2, seed=1)
    goal = float(np.median(outcomes_of(made, money_today(made))))
    sums = [reached_of(made, goal=goal, probability=p).money.sum() for p in (0.5, 0.6, 0.7)]
    assert sums == sorted(sums) and sums[2] > sums[0] * 1.01


def test_the_money_of_a_countrys_goal_is_there_and_the_least_elsewhere():
    made = world(draws=40, spread=0.2, seed=1)
    today, at = money_today(made), (made.cells["country"] == "C1").to_numpy()
    of_country = adds(made, 1.2 * today * at[:, None]).mean() + 20_000
    found = reached_of(made, goal=of_country, country="C1")
    assert found.money[~at] == pytest.approx(0.5 * today[~at], abs=0.011)
    assert today[at].sum() < found.money[at].sum() < 1.25 * today[at].sum()
    assert found.outcomes.mean() == pytest.approx(of_country, rel=5e-3)


def test_the_money_of_a_months_goal_is_in_it():
    made = world(draws=30, spread=0.2, seed=1, months=2)
    today = money_today(made)
    goal = 3 * 20_000 + float(adds(made, today, 1).mean())
    found = reached_of(made, goal=goal, month="2027-01")
    assert found.money[:, 0] == pytest.approx(0.5 * today[:, 0], abs=0.011)
    comes = comes_in(made)
    outcomes = (adds(made, found.money, 1) + comes.comes[..., 1].sum(axis=0))[:, None] + comes.misses[..., 1].sum(
        axis=0
    )
    assert found.outcomes == pytest.approx(outcomes)
    assert np.median(outcomes) == pytest.approx(goal, rel=5e-3)


def test_a_return_is_kept_up_to_the_most_money_that_has_it():
    made = world(draws=40, spread=0.2, seed=1)
    wide = SETTINGS.model_copy(update={"max_change": None})
    today = money_today(made)

    def best_return(total):
        asked = wide.model_copy(update={"budget": total})
        plan = best_plan(made, limits(made.cells, made.horizon.months, today, asked), today, asked, SEARCH)
        return float(np.quantile(plan.worth / plan.money.sum(), 0.1))

    goal = best_return(round(1.3 * float(today.sum()), 2))
    found = reached_of(made, asked=wide, metric="roas", goal=goal, probability=0.9)
    assert found.money.sum() == pytest.approx(1.3 * today.sum(), rel=5e-3)
    assert best_return(round(float(found.money.sum()) * 1.02, 2)) < goal
    assert np.mean(made.objective(found.money) / found.money.sum() >= goal) >= 0.9
    none = reached_of(made, asked=wide, metric="roas", goal=1e6)
    assert not none.found.is_enough and none.found.most < 1e6


def test_a_goal_of_value_is_no_matter_of_uploads_and_money_that_brings_none_stays_at_the_least():
    """C1 has no fit of value: its money brings uploads alone, whose sales are counted when they come."""
    made = world(draws=20, spread=0.2, seed=1, targets=("gmv", "uploads"))
    today, in_c1 = money_today(made), (made.cells["country"] == "C1").to_numpy()
    is_value = (made.part["target"] == "gmv").to_numpy()
    value = np.where(is_value[:, None], made.worth, 0.0)
    without = replace(
        made, worth=np.where((made.part["country"] == "C1").to_numpy()[:, None] & is_value[:, None], 0.0, made.worth)
    )
    goal = 3 * 20_000 + float(adds(replace(made, worth=value), today * ~in_c1[:, None]).mean())
    found = reached_of(without, goal=goal)
    assert found.found.is_enough and np.median(found.outcomes) == pytest.approx(goal, rel=5e-3)
    assert found.money[in_c1] == pytest.approx(0.5 * today[in_c1], abs=0.011)
    assert not found.goal.at[in_c1].any() and found.goal.at[~in_c1].all()
    by_hand = adds(replace(made, worth=np.where(is_value[:, None], without.worth, 0.0)), found.money)
    comes = comes_in(made)
    assert found.outcomes == pytest.approx(
        np.maximum((by_hand + comes.comes.sum(axis=(0, 2)))[:, None] + comes.misses.sum(axis=(0, 3)), 0)
    )


def test_a_goal_is_told_without_the_rule_that_stands_in_the_plans_notes():
    made = world(draws=20, spread=0.2, seed=1)
    for target in ({"metric": "gmv", "goal": 1.0}, {"metric": "gmv", "goal": 1e9}, {"metric": "roas", "goal": 0.1}):
        found = reached_of(made, **target)
        said = target_rows([found], made, plan_today(made), money_today(made)).iloc[0]["message"]
        assert "forecast" not in said and said.endswith(".")


def test_floors_and_ceilings_hold_for_goals():
    made = world(draws=20, spread=0.2, seed=1)
    today, tv = money_today(made), (made.cells["channel"] == "channel_2").to_numpy()
    asked = SETTINGS.model_copy(
        update={"max_change": None, "limits": (Limit(name="no radio", channels=("channel_2",), ceiling=100.0),)}
    )
    found = reached_of(made, asked=asked, goal=60_000.0 + 1.2 * float(made.objective(today).mean()))
    assert found.found.is_enough and found.money[tv].sum() <= 100.0


def test_a_goal_that_comes_anyway_takes_the_least_that_limits_allow():
    made = world(draws=20, spread=0.2, seed=1)
    found = reached_of(made, goal=1.0)
    assert found.found.is_enough and found.p_hit == 1.0
    assert found.money == pytest.approx(0.5 * money_today(made), abs=0.011)


def test_the_least_plan_is_told_as_a_scenario_in_the_plans_own_objective():
    made = world(draws=20, spread=0.2, seed=1)
    found = reached_of(made, goal=60_000.0 + float(made.objective(money_today(made)).mean()))
    one = told(found, made, plan_today(made), {"gmv": made.worth})
    assert one.name == "target: a goal" and one.plan.money == pytest.approx(found.money)
    assert one.plan.worth == pytest.approx(made.objective(found.money))


def test_names_that_the_plan_does_not_have_are_refused():
    made = world(draws=5)
    with pytest.raises(ValueError, match=r"'a goal' is of 2030-01; the plan is of 2026-12"):
        reached_of(made, goal=1.0, month="2030-01")
    with pytest.raises(ValueError, match=r"'a goal' is of XX, of whose gmv the plan has no fit: C0, C1, C2"):
        reached_of(made, goal=1.0, country="XX")


@pytest.mark.parametrize("goal", ["-5", ".nan", "0", ".inf"])
def test_a_goal_that_is_no_amount_is_refused_by_its_key(goal):
    with pytest.raises(SettingsError, match=r"planning.targets.0.goal: found .*; allowed: input should be"):
        load([], [f"planning.targets=[{{name: a, metric: gmv, goal: {goal}}}]"])


def test_goals_of_one_name_or_of_what_a_plan_does_not_count_are_refused():
    with pytest.raises(SettingsError, match=r"planning.targets has the name 'a' twice"):
        load([], ["planning.targets=[{name: a, metric: gmv, goal: 1}, {name: a, metric: gmv, goal: 2}]"])
    with pytest.raises(SettingsError, match=r"target 'a' is of gmv, but a plan whose objective is uploads"):
        load([], ["planning.plan.objective=uploads", "planning.targets=[{name: a, metric: gmv, goal: 1}]"])


@pytest.mark.parametrize("curve", [np.sqrt, lambda x: x**3 / (x**3 + 0.2), lambda x: np.log1p(50 * x), lambda x: x])
@pytest.mark.parametrize("goal", [0.15, 0.5, 0.97])
def test_few_plans_are_tried_until_the_total_is_found(curve, goal):
    """On curves whose total is known: to a thousandth of what money can do, and from above."""
    found, tried = plain_search(curve, goal * float(curve(1.0)))
    grid = np.linspace(0, 1, 100_001)
    least = grid[np.argmax(curve(grid) >= goal * curve(1.0))]
    assert found.is_enough and goal * curve(1.0) <= found.reached <= (goal + 1.01e-3) * curve(1.0)
    assert curve(found.plan.money.sum()) - curve(least) < 1.1e-3 * curve(1.0) and len(tried) <= 10


def plain_search(curve, goal):
    made = world(draws=2)
    plain, tried = plan_today(made), []

    def planned(total):
        tried.append(total)
        return replace(plain, steps=np.array([[round(total / 1e-6)]]), step=1e-6)

    return search_total(planned, lambda plan: float(curve(plan.money.sum())), goal, 0.0, 1.0, 1e-6), tried


def test_what_is_reached_with_a_probability_is_the_last_of_the_outcomes_that_are_enough():
    outcomes = np.array([[4.0, 1.0], [3.0, 2.0]])
    assert [with_probability(outcomes, p) for p in (0.25, 0.5, 0.75, 0.99)] == [4.0, 3.0, 2.0, 1.0]
