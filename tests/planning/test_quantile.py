"""Plans of the best quantile of draws, against trying all splits, and their bound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pma.planning.quantile import share_of
from pma.planning.risk import Risk
from pma.planning.settings import PlanSettings
from tests.planning.plan_world import money_today, world
from tests.planning.test_budget import plan_of

DRAWS, PARTS = 200, 40


def uncertain(seed, slope=1.0):
    """Three countries of one channel, whose curves nobody knows well."""
    return world(countries=3, channels=1, draws=DRAWS, spread=0.6, seed=seed, slope=slope)


def best_of_all_splits(made, total, quantile):
    """The best quantile of worth that any split of the money over three cells has, in parts of a fortieth."""
    rank, parts = Risk(quantile=quantile), np.arange(PARTS + 1)
    of_cell = np.stack([made.by_cell(np.full((3, 1), part * total / PARTS)) for part in parts])
    return max(
        rank.value(of_cell[a, :, 0] + of_cell[b, :, 1] + of_cell[PARTS - a - b, :, 2])
        for a in parts
        for b in parts[: PARTS + 1 - a]
    )


@pytest.mark.parametrize("quantile", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("slope", [0.8, 1.6])
def test_no_split_of_the_money_has_a_much_better_quantile_and_none_is_above_the_bound(quantile, seed, slope):
    made = uncertain(seed, slope)
    total = round(float(money_today(made).sum()))
    plan = plan_of(made, budget=float(total), quantile=quantile)[2]
    best = best_of_all_splits(made, total, quantile)
    assert plan.value == np.sort(plan.worth)[round(quantile * DRAWS) - 1] and plan.steps.sum() == 100 * total
    assert plan.value >= best * (1 - 0.01) and plan.most >= best


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
