"""Plans of the best quantile of draws, against trying all splits, and their bound."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pma.planning.exchange import exchanged
from pma.planning.problem import Problem
from pma.planning.quantile import share_of
from pma.planning.risk import Risk
from pma.planning.settings import Limit, PlanSettings, SearchSettings
from tests.planning.plan_world import money_today, world
from tests.planning.test_budget import plan_of

DRAWS, MONTHS = 200, ("2026-12", "2027-01")


def uncertain(seed, slope=1.0, months=1):
    """Three countries of one channel, whose curves nobody knows well."""
    return world(countries=3, channels=1, draws=DRAWS, spread=0.6, seed=seed, slope=slope, months=months)


def best_of_all_splits(made, keeps, total, counts, parts):
    """What worth counts for at best, of all splits of each month's money over three cells, in so many parts of it."""
    months = len(made.horizon.months)
    of_cell = {
        some: made.by_cell(np.tile(np.array(some) * total / parts, (3, 1)))
        for some in itertools.product(range(parts + 1), repeat=months)
    }
    splits = [(a, b, parts - a - b) for a in range(parts + 1) for b in range(parts + 1 - a)]
    best = -np.inf
    for by_month in itertools.product(splits, repeat=months):
        some = list(zip(*by_month, strict=True))
        money = np.array(some) * total / parts
        if (money >= keeps.low - 1e-6).all() and (money <= keeps.high + 1e-6).all():
            best = max(best, counts(sum(of_cell[one][:, c] for c, one in enumerate(some))))
    return best


def quantile_of(worth, quantile):
    """The draw that so many of the draws are no higher than, counted."""
    return float(np.sort(worth)[round(quantile * DRAWS) - 1])


@pytest.mark.parametrize("quantile", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("slope", [0.8, 1.6])
@pytest.mark.parametrize(("months", "change", "parts"), [(1, None, 40), (1, 0.3, 60), (2, None, 10), (2, 0.3, 16)])
def test_no_split_of_the_money_has_a_much_better_quantile_and_none_is_above_the_bound(
    quantile, seed, slope, months, change, parts
):
    made = uncertain(seed, slope, months)
    total = round(float(money_today(made)[:, 0].sum()))
    _, keeps, plan = plan_of(made, budget=float(total), quantile=quantile, max_change=change)
    best = best_of_all_splits(made, keeps, total, lambda worth: quantile_of(worth, quantile), parts)
    assert best > 0 and plan.value == quantile_of(plan.worth, quantile)
    assert (plan.steps.sum(axis=0) == 100 * total).all()
    assert plan.value >= best * (1 - 0.002) and plan.most >= best


@pytest.mark.parametrize("share", [0.05, 0.2])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("slope", [0.8, 1.6])
@pytest.mark.parametrize(("months", "parts"), [(1, 40), (2, 10)])
def test_no_split_has_better_worst_draws_and_none_is_above_the_bound(share, seed, slope, months, parts):
    made = uncertain(seed, slope, months)
    total = round(float(money_today(made)[:, 0].sum()))
    _, keeps, plan = plan_of(made, budget=float(total), risk=share)
    best = best_of_all_splits(made, keeps, total, lambda worth: np.sort(worth)[: round(share * DRAWS)].mean(), parts)
    assert plan.value >= best * (1 - 0.001) and plan.most >= best


def test_a_quantile_keeps_to_floors_and_fixed_amounts_of_cells_far_from_today():
    made = uncertain(1)
    total = round(float(money_today(made)[:, 0].sum()))
    fixed = (
        Limit(countries=("C0",), of="each", floor=0.6 * total),
        Limit(countries=("C1",), of="each", floor=0.1 * total, ceiling=0.1 * total),
    )
    _, keeps, plan = plan_of(made, budget=float(total), quantile=0.1, limits=fixed)
    assert plan.steps.sum() == 100 * total and (plan.money >= keeps.low - 1e-6).all()
    assert plan.money[1] == pytest.approx(0.1 * total, abs=0.01)


@pytest.mark.parametrize("slope", [0.8, 1.6])
def test_cells_exchange_money_within_floors_and_ceilings_of_sums(slope):
    """C1 has its floor of all countries and months, and no channel more than its ceiling of a month."""
    made = world(countries=2, channels=3, draws=DRAWS, spread=0.6, slope=slope, months=2)
    total = round(float(money_today(made)[:, 0].sum()))
    asked = (
        Limit(countries=("C1",), floor=round(1.2 * total)),
        *(Limit(channels=(f"channel_{c}",), months=(m,), ceiling=0.4 * total) for c in range(3) for m in MONTHS),
    )
    _, keeps, plan = plan_of(made, budget=float(total), quantile=0.1, limits=asked, max_change=None)
    problem = Problem(made, keeps, PlanSettings(quantile=0.1, max_change=None), SearchSettings())
    start = plan_of(made, budget=float(total), limits=asked, max_change=None)[2].money
    found = exchanged(problem, 0.1, start)
    of_c1 = (made.cells["country"] == "C1").to_numpy()
    for money in (plan.money, found):
        by_channel = [money[(made.cells["channel"] == f"channel_{c}").to_numpy()].sum(axis=0) for c in range(3)]
        assert money.sum(axis=0) == pytest.approx(total) and money[of_c1].sum() >= 1.2 * total - 1
        assert np.max(by_channel) <= 0.4 * total + 0.01 and money.min() >= 0
    assert problem.value(found) > problem.value(start)
    assert plan.value >= problem.value(found) * (1 - 1e-3)


@pytest.mark.parametrize("quantile", [0.05, 0.1, 0.3])
def test_where_money_is_fixed_the_bound_is_the_mean_of_the_draws_next_above_the_quantile(quantile):
    """By hand: those between the quantile and the least share whose worst draws were tried, 0.6 of the normal's."""
    made = uncertain(3)
    plan = plan_of(made, max_change=0.0, quantile=quantile)[2]
    worth, below, share = np.sort(plan.worth), round(quantile * DRAWS), 0.6 * share_of(quantile) * DRAWS
    count = np.clip(share - np.arange(DRAWS), 0.0, 1.0)
    count[:below] = 0.0
    assert plan.most == pytest.approx(worth @ count / count.sum(), rel=2e-3)


def test_its_quantile_is_no_worse_than_that_of_plans_of_the_mean_and_of_the_worst_draws():
    made = uncertain(4)
    careful, rank = plan_of(made, quantile=0.1)[2], Risk(quantile=0.1)
    others = [plan_of(made, risk=risk)[2] for risk in (1.0, 0.1)]
    assert all(careful.value >= rank.value(other.worth) * (1 - 1e-6) for other in others)
    today = money_today(made)
    assert careful.value >= rank.value(made.objective(np.round(today, 2)))


@given(st.floats(0.01, 0.5))
def test_the_share_is_the_one_whose_worst_draws_of_a_normal_have_the_quantile_as_their_mean(quantile):
    draws = np.sort(np.random.default_rng(1).standard_normal(200_000))
    worst = draws[: round(share_of(quantile) * len(draws))]
    assert worst.mean() == pytest.approx(np.quantile(draws, quantile), abs=0.02)


def test_a_quantile_stands_alone():
    for other in ({"risk": 0.2}, {"min_return": 2.0}):
        with pytest.raises(ValueError, match=r"planning\.plan\.quantile stands alone"):
            PlanSettings(quantile=0.1, **other)
