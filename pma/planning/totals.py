"""The best plan of a total that is free to go into any month and cell, and the total at which something is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.interpolate import PchipInterpolator

from pma.planning.amounts import whole_amounts
from pma.planning.budget import Plan, best_plan
from pma.planning.limits import WHOLE_BUDGET, Limits, limits
from pma.planning.linear import money_of, of_places, within
from pma.planning.response import Responses
from pma.planning.settings import PlanSettings, SearchSettings

# Times today's money that is looked at where no limit says less.
MUCH = 10.0
# Totals tried between the least and the most.
_TRIES = 8
# The search ends this near above the goal, as a share of what lies between the least and the most money.
_NEAR = 1e-3
# Totals at which a return is looked for that the least money has not; shares of the way to the most.
_BETWEEN = (0.1, 0.3, 0.6)
# A unit in the goal's cells against one elsewhere, when money is made as much as can be.
_ELSEWHERE = 1e-3


@dataclass(frozen=True)
class Found:
    """A plan of a total, what is reached with it, whether that is enough, and the most that was reached with any."""

    plan: Plan
    reached: float
    is_enough: bool
    most: float = np.nan


def free_limits(cells: pd.DataFrame, months: tuple, current: np.ndarray, settings: PlanSettings) -> Limits:
    """Return what a plan must keep to but for its budgets: bounds in whole steps, and rows of floors and ceilings.

    Raises what `limits` does. Where nothing else says so, a cell has at most `MUCH` times today's money of all.
    """
    much = float(MUCH * max(current.sum(axis=0).max(), 1.0))
    keeps = limits(cells, months, current, settings.model_copy(update={"budget": much, "spend_all": False}))
    budgets = {f"budget of {month:%Y-%m}" for month in months}
    kept = np.array([name not in budgets for name in keeps.names], dtype=bool)
    step = float(settings.round_to)
    low, high = np.ceil(keeps.low / step - 1e-6) * step, np.floor(keeps.high / step + 1e-6) * step
    # Where a cell is fixed between two steps it stays there: `whole_amounts` takes the nearer one.
    fixed = low > high
    # Searches need an end, which is no limit of the user's.
    is_open = keeps.why_high == WHOLE_BUDGET
    return replace(
        keeps,
        why_high=np.where(is_open, f"the end of the search, {MUCH:g} times today's money of all,", keeps.why_high),
        low=np.where(fixed, keeps.low, low),
        high=np.where(fixed, keeps.high, high),
        rows=keeps.rows[kept],
        least=keeps.least[kept],
        most=keeps.most[kept],
        names=tuple(name for name in keeps.names if name not in budgets),
    )


def of_total(keeps: Limits, total: float) -> Limits:
    """Return limits with a row more: all money of all months is `total`."""
    row = sparse.csr_array(np.ones((1, keeps.low.size)))
    return replace(
        keeps,
        # Shares of the way from the least to the most money are where curves are looked at: no cell has more than all.
        high=np.maximum(np.minimum(keeps.high, total), keeps.low),
        rows=sparse.csr_array(sparse.vstack([keeps.rows, row])),
        least=np.append(keeps.least, total),
        most=np.append(keeps.most, total),
        names=(*keeps.names, "the total"),
    )


def month_responses(responses: Responses, month: int, others: np.ndarray) -> Responses:
    """Return responses to the money of one month: what it adds to that of the months before, `others`, (C, M)."""
    over, at = responses.horizon, slice(month, month + 1)
    return replace(
        responses,
        horizon=replace(over, months=over.months[at], share=over.share[at]),
        spent=responses.spent + others[:, :month] @ over.share[:month],
    )


def month_limits(keeps: Limits, month: int, others: np.ndarray) -> Limits:
    """Return what one month must keep to, where the other months have the money of `others`, (C, M)."""
    at, rest = slice(month, month + 1), others.copy()
    rest[:, at] = 0.0
    fixed = keeps.rows @ rest.ravel()
    columns = np.arange(keeps.low.size).reshape(keeps.low.shape)[:, month]
    return replace(
        keeps,
        low=keeps.low[:, at],
        high=keeps.high[:, at],
        why_low=keeps.why_low[:, at],
        why_high=keeps.why_high[:, at],
        rows=sparse.csr_array(keeps.rows[:, columns]),
        least=keeps.least - fixed,
        most=keeps.most - fixed,
    )


def ends(keeps: Limits, at: np.ndarray, step: float) -> tuple[float, float]:
    """Return the least total that limits allow, and the least at which cells, `at` (C, M), have all that they can."""
    most = _linear(keeps, np.where(at, -1.0, _ELSEWHERE))
    return float(least_money(keeps, step).sum()), float((whole_amounts(most, keeps, step) * step).sum())


def least_money(keeps: Limits, step: float) -> np.ndarray:
    """Return the plan of the least money that limits allow; (C, M)."""
    return whole_amounts(_linear(keeps, np.ones(keeps.low.shape)), keeps, step) * step


def _linear(keeps: Limits, cost: np.ndarray) -> np.ndarray:
    """The plan of the least cost, by cell and month; (C, M)."""
    money = money_of(keeps)
    solved = of_places(keeps, money).solve(cost.ravel(), within(keeps, money))
    return np.clip(solved.x.reshape(keeps.low.shape) * money, keeps.low, keeps.high)


def search_total(
    planned: Callable[[float], Plan],
    reached: Callable[[Plan], float],
    goal: float,
    least: float,
    most: float,
    step: float,
    wants_more: bool = False,
) -> Found:
    """Return the plan of the least total between two at which a goal is reached; `wants_more`: of the most.

    What is reached rises with the total; of `wants_more` it falls. Where no total tried is enough: the plan that
    reaches most. Points tried are joined by a curve that never turns (Fritsch and Carlson 1980, Monotone piecewise
    cubic interpolation), and the next one is where it meets the goal: a handful of plans in place of thirty halvings.
    Exact to a thousandth of what money between the two can do, and from above: the plan itself reaches the goal.
    """
    tried: dict[float, Found] = {}

    def at(total: float) -> Found:
        plan = planned(total)
        value = reached(plan)
        tried[total] = Found(plan, value, value >= goal)
        return tried[total]

    def ended(total: float) -> Found:
        return replace(tried[total], most=max(one.reached for one in tried.values()))

    easy, hard = (least, most) if wants_more else (most, least)
    at(easy)
    if not tried[easy].is_enough and wants_more:
        # Returns may rise first, where curves bend up.
        for share in _BETWEEN:
            at(float(np.round((least + share * (most - least)) / step) * step))
        easy = max(tried, key=lambda total: (tried[total].is_enough, total if tried[total].is_enough else 0.0))
    if not tried[easy].is_enough:
        return ended(max(tried, key=lambda total: tried[total].reached))
    if most - least < step or at(hard).is_enough:
        return ended(hard if hard in tried else easy)
    near = _NEAR * abs(tried[easy].reached - tried[hard].reached)
    for _ in range(_TRIES):
        if tried[easy].reached <= goal + near or abs(easy - hard) <= 2 * step:
            break
        total = float(np.round(_meets(tried, goal + 0.5 * near, easy, hard) / step) * step)
        if at(total).is_enough:
            easy = total
        else:
            hard = total
    return ended(easy)


def _meets(tried: dict[float, Found], goal: float, easy: float, hard: float) -> float:
    """Where the curve through what was tried meets the goal, well inside the stretch that is left."""
    low, high = sorted((easy, hard))
    inside = sorted((one.reached, total) for total, one in tried.items() if low <= total <= high)
    around = sorted((one.reached, total) for total, one in tried.items())
    points = around if _turns_never(around) else inside
    values, totals = (np.array(side) for side in zip(*points, strict=True))
    asked = float(PchipInterpolator(values, totals)(np.clip(goal, values[0], values[-1])))
    margin = 0.02 * (high - low)
    return min(max(asked, low + margin), high - margin)


def _turns_never(points: list[tuple[float, float]]) -> bool:
    """Whether totals rise, or fall, all along with what is reached."""
    values, totals = np.diff([value for value, _ in points]), np.diff([total for _, total in points])
    return bool((values > 0).all() and ((totals > 0).all() or (totals < 0).all()))


def best_of_total(
    responses: Responses, keeps: Limits, current: np.ndarray, settings: PlanSettings, search: SearchSettings
) -> Callable[[float], Plan]:
    """Return a function from a total to the plan of it that makes most of the mean of draws, however careful the plan.

    How sure a goal is, its own probability says.
    """
    asked = settings.model_copy(update={"spend_all": True, "min_return": None, "risk": 1.0, "quantile": None})
    return lambda total: best_plan(responses, of_total(keeps, total), current, asked, search)
