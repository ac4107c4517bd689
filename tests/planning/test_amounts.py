"""Whole amounts: nearest to the plan, and every sum and limit to the cent."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pma.planning.amounts import whole_amounts
from pma.planning.limits import limits
from pma.planning.settings import Limit, PlanSettings
from tests.planning.plan_world import money_today, world
from tests.planning.random_requests import broken, random_request


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 1.0))
def test_sums_and_limits_hold_to_the_cent_however_the_exact_plan_lies(seed, way):
    request = random_request(seed)
    today = money_today(request.made)
    keeps = limits(request.made.cells, request.made.horizon.months, today, request.asked)
    # Between two plans that keep to all limits lies another one, in no whole steps.
    other = whole_amounts(request.steps * request.step, keeps, request.step)
    assert (other == request.steps).all()
    shifted = _shifted(request.steps * request.step, keeps, way)
    steps = whole_amounts(shifted, keeps, request.step)
    assert broken(request, keeps, steps) == []
    totals = [round(request.asked.budget[f"{month:%Y-%m}"] * 100) for month in request.made.horizon.months]
    cents = steps * round(request.step * 100)
    assert cents.sum(axis=0).tolist() == totals
    assert np.abs(steps - shifted / request.step).max() < 1 + 1e-6


def _shifted(money, keeps, way):
    """Money of one cell moved to another of the same month, a part of a step, where both stay within their limits."""
    moved = money.copy()
    rest = np.minimum(money[0] - keeps.low[0], keeps.high[1] - money[1]).clip(min=0.0)
    moved[0] -= way * np.minimum(rest, 0.37)
    moved[1] += way * np.minimum(rest, 0.37)
    sums = keeps.rows @ moved.ravel()
    return moved if ((sums >= keeps.least) & (sums <= keeps.most)).all() else money


@pytest.mark.parametrize("high", range(9))
def test_bounds_that_are_no_whole_cents_leave_the_total_whole(high):
    """What cells at their ceilings lose in cents, and those at their floors gain, the others take: all, if few."""
    made = world(countries=3, channels=3, seed=high)
    today = np.floor(money_today(made)) + 0.008
    keeps = limits(made.cells, made.horizon.months, today, PlanSettings(max_change=0.5))
    plan = np.where(np.arange(9)[:, None] < high, keeps.high, keeps.low)
    plan[-1] = 0.0
    keeps = replace(keeps, low=np.where(np.arange(9)[:, None] < 8, keeps.low, 0.0), most=np.array([plan.sum() + 700.0]))
    keeps = replace(keeps, least=keeps.most, high=np.where(np.arange(9)[:, None] < 8, keeps.high, np.inf))
    plan[-1] = keeps.most - plan.sum()
    cents = whole_amounts(plan, keeps, 0.01)
    assert cents.sum() == np.floor(keeps.most[0] * 100 + 1e-6)
    assert (cents >= keeps.low * 100 - 1e-4).all() and (cents <= keeps.high * 100 + 1e-4).all()
    assert np.abs(cents - plan * 100)[:8].max() < 1


@pytest.mark.parametrize("times", [0.8, 1.2])
def test_all_that_bounds_allow_is_within_a_cent_of_them(times):
    """A budget of a fifth more, where no cell may have more than a fifth more."""
    made = world(countries=3, channels=3, seed=2)
    today = money_today(made)
    asked = PlanSettings(max_change=0.2, budget=float(times * today.sum()))
    keeps = limits(made.cells, made.horizon.months, today, asked)
    cents = whole_amounts(times * today, keeps, 0.01)
    assert cents.sum() == np.floor(100 * times * today.sum() + 1e-6)
    assert np.abs(cents - 100 * times * today).max() < 1 + 1e-6


def test_a_floor_between_two_steps_counts_upwards():
    made = random_request(3, most_months=1).made
    asked = PlanSettings(budget=600.0, limits=(Limit(countries=("C0",), floor=150.0),), max_change=None, round_to="100")
    keeps = limits(made.cells, made.horizon.months, money_today(made), asked)
    steps = whole_amounts(np.array([[75.0], [75.0], [225.0], [225.0]]), keeps, 100.0)
    assert steps[made.cells["country"] == "C0"].sum() == 2 and steps.sum() == 6


def test_ceilings_that_leave_no_whole_step_are_refused():
    made = random_request(3, most_months=1).made
    asked = PlanSettings(budget=150.0, limits=(Limit(of="each", ceiling=60.0),), max_change=None, round_to="100")
    keeps = limits(made.cells, made.horizon.months, money_today(made), asked)
    with pytest.raises(ValueError, match=r"no plan in whole steps of 100"):
        whole_amounts(np.full((4, 1), 37.5), keeps, 100.0)
