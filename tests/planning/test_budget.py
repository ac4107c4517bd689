"""The monthly plan against brute force, its proof, its sums, and its limits."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pma.planning.budget import best_plan
from pma.planning.limits import InfeasibleError, limits
from pma.planning.outcome import binding
from pma.planning.risk import objective
from pma.planning.settings import Limit, PlanSettings, SearchSettings
from tests.planning.plan_world import money_today, world


def plan_of(made, **asked):
    """Today's money, the limits and the plan."""
    wants = PlanSettings(**{"max_change": None, "months": len(made.horizon.months), **asked})
    today = money_today(made)
    keeps = limits(made.cells, made.horizon.months, today, wants)
    return today, keeps, best_plan(made, keeps, today, wants, SearchSettings())


def brute_force(made, total, parts=400, worth=None):
    """The best split of a total over cells of one month, by dynamic programming on parts of it.

    `worth`: by cell, of a plan; None: the mean of draws.
    """
    worth = worth or (lambda plan: made.by_cell(plan).mean(axis=0))
    curves = np.stack([worth(np.full((len(made.cells), 1), part * total / parts)) for part in range(parts + 1)])
    best = np.full(parts + 1, -np.inf)
    best[0] = 0.0
    for c in range(curves.shape[1]):
        best = np.array([(best[: k + 1] + curves[: k + 1, c][::-1]).max() for k in range(parts + 1)])
    return best[-1]


@pytest.mark.parametrize("slope", [0.8, 1.3, 2.0])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("times", [0.3, 1.0])
def test_no_split_of_the_money_is_worth_more(slope, seed, times):
    made = world(slope=slope, seed=seed)
    total = round(times * float(money_today(made).sum()), 2)
    _, _, plan = plan_of(made, budget=total)
    assert plan.value >= brute_force(made, total) * (1 - 1e-3)
    assert plan.most >= plan.value * (1 - 1e-9)
    if made.is_concave:
        assert plan.gap <= 1e-3


def test_the_bound_of_s_curves_is_above_brute_force():
    for seed in range(4):
        made = world(slope=2.0, seed=seed)
        total = float(money_today(made).sum())
        _, _, plan = plan_of(made, budget=total)
        assert plan.most >= brute_force(made, total)


@pytest.mark.parametrize("slope", [0.8, 1.3, 2.0])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("seen", [0.15, 0.4, 1.0])
def test_where_money_beyond_what_was_seen_counts_less_no_split_is_worth_more(slope, seed, seen):
    plain = world(slope=slope, seed=seed)
    today = money_today(plain)
    made, total = replace(plain, seen=seen * today[:, 0] * 7 / 31, discount=0.6), round(float(today.sum()), 2)

    def worth(plan):
        whole, within = (plain.by_cell(money).mean(axis=0) for money in (plan, np.minimum(plan, seen * today)))
        return 0.4 * whole + 0.6 * within

    best, plan = brute_force(plain, total, worth=worth), plan_of(made, budget=total)[2]
    assert plan.value == pytest.approx(worth(plan.money).sum())
    assert plan.value >= best * (1 - 1e-3)
    assert plan.most >= max(best, plan.value) * (1 - 1e-9)


@pytest.mark.parametrize("slope", [0.8, 1.3, 1.9])
@pytest.mark.parametrize("risk", [1.0, 0.2])
@pytest.mark.parametrize("seed", range(2))
def test_where_the_search_begins_is_no_matter(slope, risk, seed):
    """From today's money, from all of it in one cell, and from a split at random; limits are those of today."""
    made = world(slope=slope, seed=seed, draws=40, spread=0.4)
    today, wants, search = money_today(made), PlanSettings(max_change=0.9, risk=risk), SearchSettings()
    keeps = limits(made.cells, made.horizon.months, today, wants)
    in_one = np.where(np.arange(len(today)) == seed, today.sum(), 0.0)[:, None]
    at_random = today.sum() * np.random.default_rng(seed).dirichlet(np.full(len(today), 0.3))[:, None]
    found = [best_plan(made, keeps, start, wants, search).value for start in (today, in_one, at_random)]
    assert min(found) >= max(found) * (1 - search.tolerance)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 2.0), st.integers(1, 3), st.sampled_from(["0.01", "1"]))
def test_sums_are_exact_and_limits_are_kept(seed, times, months, step):
    made = world(seed=seed, months=months, slope=1.0, countries=2)
    size = float(step)
    total = round(times * float(money_today(made)[:, 0].sum()) / size) * size
    half = round(total / 2 / size) * size
    asked = (Limit(countries=("C0",), ceiling=half, months=(f"{made.horizon.months[0]:%Y-%m}",)),)
    _, _, plan = plan_of(made, budget=total, limits=asked, round_to=step)
    assert (plan.steps.sum(axis=0) == round(total / size)).all()
    of_first = made.cells["country"].to_numpy() == "C0"
    assert plan.steps[of_first, 0].sum() <= round(half / size)
    assert (plan.steps >= 0).all()


@pytest.mark.parametrize("slope", [0.8, 1.5])
@pytest.mark.parametrize("times", [0.55, 0.7, 1.4, 1.48])
def test_sums_are_exact_where_most_amounts_are_at_bounds_between_two_cents(slope, times):
    """Half of today's money of many channels ends in half a cent: those go up, and others make room for them."""
    for seed in range(4):
        made = world(slope=slope, seed=seed, countries=4, channels=4)
        total = round(times * float(money_today(made).sum()), 2)
        _, keeps, plan = plan_of(made, budget=total, max_change=0.5)
        assert plan.steps.sum() == round(total * 100)
        assert (plan.money >= keeps.low - 1e-6).all() and (plan.money <= keeps.high + 1e-6).all()


@pytest.mark.parametrize("risk", [1.0, 0.2])
@pytest.mark.parametrize("slope", [0.8, 1.5])
def test_a_plan_is_never_worth_less_than_today(risk, slope):
    made = world(slope=slope, seed=3, draws=40, spread=0.5)
    today, _, plan = plan_of(made, max_change=0.2, risk=risk)
    assert plan.value >= objective(made.objective(np.round(today, 2)), risk) * (1 - 1e-9)


def test_a_careful_plan_has_the_better_worst_draws():
    made = world(seed=5, draws=100, spread=0.6)
    careful, bold = (plan_of(made, risk=risk)[2] for risk in (0.1, 1.0))
    assert objective(careful.worth, 0.1) > objective(bold.worth, 0.1)
    assert objective(bold.worth, 1.0) > objective(careful.worth, 1.0)
    assert careful.most >= careful.value and careful.gap < 0.02


def test_units_of_money_change_nothing():
    made = world(seed=1)
    rows = {"usual": made.usual * 1000, "spent": made.spent * 1000, "coefficient": made.coefficient * 1000}
    thousand = replace(made, **rows)
    plan, other = plan_of(made)[2], plan_of(thousand, round_to="10")[2]
    assert other.money / 1000 == pytest.approx(plan.money, rel=1e-3, abs=1.0)


def test_a_month_more_is_planned_with_the_one_before():
    made = world(months=2, seed=2)
    today, _, plan = plan_of(made)
    apart = plan_of(world(months=1, seed=2))[2]
    assert plan.gap <= 1e-3
    assert plan.money.sum(axis=0) == pytest.approx(today.sum(axis=0), abs=0.01)
    # Ads work on: neither month is planned as if it were alone.
    assert plan.money[:, 0] != pytest.approx(apart.money[:, 0], rel=1e-3)


def test_money_that_earns_less_than_asked_may_stay():
    made = world(seed=4)
    share = np.full(5, 0.2)
    total = 20 * float(money_today(made).sum())
    _, _, plan = plan_of(made, budget=total, min_return=1.5, spend_all=False)
    assert plan.money.sum() < total
    assert plan.value == pytest.approx(1.5 * plan.money.sum(), rel=2e-3)
    assert made.value_and_slope(plan.money, share)[0].sum() == pytest.approx(plan.value)


@pytest.mark.parametrize("slope", [0.8, 1.6])
def test_a_return_that_no_plan_has_is_refused_with_the_most_that_one_has(slope):
    made = world(seed=4, slope=slope)
    with pytest.raises(InfeasibleError, match=r"planning.plan.min_return, 50 per unit .* the most found is") as refused:
        plan_of(made, min_return=50.0, max_change=0.5)
    most = 50.0 - refused.value.conflict["planning.plan.min_return"]
    assert 0 < most < 50.0
    plan = plan_of(made, min_return=0.99 * most, max_change=0.5)[2]
    assert plan.value >= 0.99 * most * plan.money.sum() * (1 - 1e-6)
    with pytest.raises(InfeasibleError):
        plan_of(made, min_return=1.02 * most, max_change=0.5)


def test_limits_that_contradict_each_other_are_named_with_the_least_that_ends_it():
    made = world()
    with pytest.raises(InfeasibleError, match="'Germany'") as refused:
        plan_of(made, budget=1000.0, limits=(Limit(name="Germany", countries=("C0",), floor=1500.0),))
    assert max(refused.value.conflict.values()) == pytest.approx(500.0)
    with pytest.raises(InfeasibleError, match=r"'high'.*'low'.* by 50.00"):
        high = Limit(name="high", channels=("channel_1",), of="each", floor=150.0)
        low = Limit(name="low", countries=("C0",), of="each", ceiling=100.0)
        plan_of(made, limits=(high, low))


def test_all_cells_whose_floor_is_above_their_ceiling_are_named():
    low = Limit(name="low", countries=("C0",), of="each", ceiling=100.0)
    high = Limit(name="high", channels=("channel_1",), of="each", floor=150.0)
    higher = Limit(name="higher", countries=("C0",), channels=("channel_2",), of="each", floor=170.0)
    with pytest.raises(InfeasibleError, match=r"C0 channel_1 .* by 50.00; C0 channel_2 .* by 70.00") as refused:
        plan_of(world(), limits=(high, higher, low))
    assert refused.value.conflict == {"high": 50.0, "higher": 70.0, "low": 70.0}


def test_a_name_that_no_fit_has_is_refused():
    with pytest.raises(ValueError, match=r"country XX, which no fit has. There are C0, C1, C2"):
        plan_of(world(), limits=(Limit(countries=("XX",), ceiling=1.0),))


def test_the_worst_share_of_draws_is_counted_to_a_part_of_one():
    assert objective(np.array([3.0, 1.0, 2.0, 4.0]), 0.375) == pytest.approx((1.0 + 0.5 * 2.0) / 1.5)
    assert objective(np.array([3.0, 1.0]), 1.0) == 2.0


def test_every_small_problem_with_whole_steps_is_solved_as_well_as_trying_all():
    made = world(countries=2, channels=2, slope=1.8, seed=7)
    total = 100 * round(float(money_today(made).sum()) / 100)
    share = np.full(5, 0.2)
    splits = (p for p in itertools.product(range(21), repeat=4) if sum(p) == 20)
    best = max(
        made.value_and_slope(np.array(p)[:, None] * total / 20.0, share)[0].sum()
        for p in itertools.islice(splits, 2000)
    )
    assert plan_of(made, budget=float(total))[2].value >= best * (1 - 1e-3)


@pytest.mark.parametrize("unit", [1.0, 1e-9])
def test_a_budget_is_named_where_it_alone_holds_money_in_whatever_unit_worth_is_counted(unit):
    """Orders for a unit of a small currency are next to nothing."""
    made = world(seed=1)
    _, keeps, plan = plan_of(replace(made, worth=unit * made.worth))
    has_money = plan.money[:, 0] > 1.0
    names = {binding(keeps, plan, c, 0) for c in np.flatnonzero(has_money)}
    assert has_money.sum() > 2 and names == {"budget of 2026-12"}


def test_limits_are_of_the_cells_that_they_name():
    made = world()
    asked = (Limit(countries=("C1",), channels=("channel_2",), floor=700.0, ceiling=700.0),)
    plan = plan_of(made, limits=asked)[2]
    is_cell = (made.cells == pd.Series({"country": "C1", "channel": "channel_2"})).all(axis=1).to_numpy()
    assert plan.money[is_cell] == pytest.approx(700.0)
