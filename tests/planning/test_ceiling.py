"""The ceiling of one month: above brute force, and close to it, on curves of either bend."""

from datetime import date

import numpy as np
import pytest

from pma.planning.ceiling import ceiling
from pma.planning.limits import limits
from pma.planning.pieces import best_pieces
from pma.planning.settings import PlanSettings
from tests.planning.plan_world import money_today, world
from tests.planning.test_budget import brute_force


def ceiling_of(made, keeps):
    """The ceiling of the mean of draws."""
    share = np.full(made.first.shape[1], 1 / made.first.shape[1])

    def ends(low, high):
        above = made.above(low, high, halvings=0)
        (at_low, up), (at_high, down) = (above(one, share) for one in (low, high))
        return (at_low, up[:, 0]), (at_high, down[:, 0])

    return ceiling(ends, keeps, 0.6 * money_today(made), None, 20.0)


@pytest.mark.parametrize("slope", [0.8, 1.3, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_above_every_split_and_near_the_best(slope, seed):
    made = world(slope=slope, seed=seed)
    today = money_today(made)
    total = round(0.6 * float(today.sum()), 2)
    keeps = limits(made.cells, made.horizon.months, today, PlanSettings(max_change=None, budget=total))
    found, best = ceiling_of(made, keeps), brute_force(made, total, parts=600)
    assert found.most >= best
    assert found.most <= best * 1.01


@pytest.mark.parametrize("near", [0.0, 50.0, 100.0])
def test_it_is_above_where_curves_above_are_wide_and_points_of_the_grid_lie_on_each_other(near):
    """Of one cell that brings as much as it gets, known to bring no more between two amounts than at the higher one."""
    cells = world(countries=1, channels=1).cells
    wants = PlanSettings(max_change=None, budget=100.0)
    keeps = limits(cells, (date(2026, 12, 1),), np.array([[100.0]]), wants)

    def above(low, high):
        flat = np.zeros(1)
        return (high[:, 0], flat), (high[:, 0], flat)

    assert ceiling(above, keeps, np.array([[near]]), None, 20.0).most >= 100.0 * (1 - 1e-9)


def test_where_a_curve_bends_up_all_or_nothing_beats_a_bit():
    """Two cells that bring 0, 1, 10 for 0, 50, 100: of 100 in all one of them gets all."""
    points = np.tile(np.array([0.0, 50.0, 100.0])[:, None, None], (1, 2, 1))
    heights = np.tile(np.array([0.0, 1.0, 10.0])[:, None, None], (1, 2, 1))
    cells = world(countries=1, channels=2).cells
    keeps = limits(cells, (date(2026, 12, 1),), np.full((2, 1), 50.0), PlanSettings(max_change=None))
    found = best_pieces(points, heights, 0.0, keeps, None, 10.0)
    assert sorted(found.plan.ravel()) == pytest.approx([0.0, 100.0])
    assert found.most == pytest.approx(10.0)
