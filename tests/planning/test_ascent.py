"""The ascent on concave curves: near to the best by scipy, within the limits, and proved."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize

from pma.planning.ascent import ascend, most_on_lines, nearest
from pma.planning.limits import limits
from pma.planning.settings import Limit, PlanSettings

CELLS = pd.DataFrame({"country": ["C0", "C0", "C1", "C1"], "channel": ["a", "b", "a", "b"]})
MONTHS = (pd.Timestamp("2026-12-01"), pd.Timestamp("2027-01-01"))
TODAY = np.array([[100.0, 90.0], [50.0, 60.0], [80.0, 80.0], [20.0, 20.0]])


def curves(seed):
    """Square roots and logarithms of money, the next month's worth less where this one has more; with slopes."""
    random = np.random.default_rng(seed)
    height, half = np.exp(random.normal(3, 0.7, (4, 2))), np.exp(random.normal(4, 0.5, (4, 2)))
    both = 0.1 * np.exp(random.normal(0, 0.3, 4))

    def slope(plan):
        money = plan.sum(axis=1)
        value = (height * np.log1p(plan / half)).sum() + (both * np.sqrt(money + 1.0)).sum()
        return float(value), height / (half + plan) + (0.5 * both / np.sqrt(money + 1.0))[:, None]

    return slope


def asked(**kwargs):
    return limits(CELLS, MONTHS, TODAY, PlanSettings(**{"max_change": None, "months": 2, **kwargs}))


LIMITS = (
    {},
    {"max_change": 0.4},
    {"spend_all": False},
    {"limits": (Limit(countries=("C0",), floor=180.0), Limit(channels=("b",), of="each", ceiling=70.0))},
    {"limits": (Limit(channels=("a",), floor=250.0, ceiling=260.0),)},
)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(LIMITS))
def test_it_ends_where_another_solver_does(seed, kwargs):
    slope, keeps = curves(seed), asked(**kwargs)
    found = ascend(slope, keeps, TODAY, 1e-7, 60)
    plan = nearest(found.plan, keeps)
    sums = keeps.rows @ plan.ravel()
    assert (sums >= keeps.least - 1e-6).all() and (sums <= keeps.most + 1e-6).all()
    assert (plan >= keeps.low).all() and (plan <= keeps.high).all()
    other = minimize(
        lambda x: -slope(x.reshape(4, 2))[0],
        nearest(TODAY, keeps).ravel(),
        jac=lambda x: -slope(x.reshape(4, 2))[1].ravel(),
        bounds=list(zip(keeps.low.ravel(), keeps.high.ravel(), strict=True)),
        constraints=[
            LinearConstraint(keeps.rows.toarray()[rows], keeps.least[rows], keeps.most[rows])
            for rows in (keeps.sides[0], ~keeps.sides[0])
            if rows.any()
        ],
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert other.success
    assert slope(plan)[0] >= -other.fun * (1 - 1e-5)
    # The bound is one: no plan of the other solver is above it.
    assert found.most >= -other.fun * (1 - 1e-6)
    assert found.most - found.value <= 1e-4 * found.most


def test_a_step_too_far_is_taken_back():
    """Curves of straight pieces, where money has the same return at any amount up to a kink."""
    ends = np.array([[60.0], [30.0], [90.0], [50.0]])
    rate = np.array([[3.0], [2.5], [1.5], [1.4]])

    def slope(plan):
        return float((rate * np.minimum(plan, ends) + 0.1 * plan).sum()), rate * (plan < ends) + 0.1

    keeps = limits(CELLS, MONTHS[:1], TODAY[:, :1], PlanSettings(max_change=None, budget=170.0))
    found = ascend(slope, keeps, TODAY[:, :1], 1e-3, 200)
    best = 3.0 * 60 + 2.5 * 30 + 1.5 * 80 + 17.0
    assert found.most >= best * (1 - 1e-9)
    assert found.value >= best * (1 - 0.01)


def test_where_returns_are_the_same_at_any_amount_the_highest_gets_all():
    keeps = limits(CELLS, MONTHS[:1], TODAY[:, :1], PlanSettings(max_change=0.5))
    allowed, prices = most_on_lines(np.array([[4.0], [3.0], [2.0], [1.0]]), keeps)
    # 150, 75 and 25 of 40 to 120 are what the first three get of 250; the last keeps its least, 10.
    assert allowed == pytest.approx(4 * 150 + 3 * 50 + 2 * 40 + 1 * 10)
    assert prices == pytest.approx([3.0])


def test_the_nearest_plan_moves_the_least_money():
    keeps = limits(CELLS, MONTHS[:1], TODAY[:, :1], PlanSettings(max_change=None, budget=240.0))
    found = nearest(TODAY[:, :1], keeps)
    assert found.sum() == pytest.approx(240.0)
    assert np.abs(found - TODAY[:, :1]).sum() == pytest.approx(10.0)
