"""The monthly plan: money over countries, channels and months, with a proof of how near to the best it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pma.planning.amounts import whole_amounts
from pma.planning.limits import Limits
from pma.planning.problem import Problem
from pma.planning.quantile import best_quantile
from pma.planning.response import Responses
from pma.planning.settings import PlanSettings, SearchSettings


@dataclass(frozen=True)
class Plan:
    """A plan and what is known of it; C cells, M months, D draws.

    steps: whole steps of `step` money, (C, M). worth: of the plan by draw, (D,). most: no plan is worth more, by the
    plan's objective. slope: worth of one unit of money more, (C, M). prices: worth of one more in a limit, (R,).
    """

    steps: np.ndarray
    step: float
    worth: np.ndarray
    value: float
    most: float
    slope: np.ndarray
    prices: np.ndarray

    @property
    def money(self) -> np.ndarray:
        """Money by cell and month; (C, M)."""
        return self.steps * self.step

    @property
    def gap(self) -> float:
        """How far the plan may be from the best, as a share of the best; 0: it is the best."""
        return max(self.most - self.value, 0.0) / max(abs(self.most), 1e-12)


def best_plan(
    responses: Responses, limits: Limits, current: np.ndarray, settings: PlanSettings, search: SearchSettings
) -> Plan:
    """Return the plan that makes most of the objective, never worth less than `current` where that keeps to the limits.

    `current`: money of today, (C, M). First the bound on concave curves, whose plan is the answer where curves bend
    down; where they do not, a climb on the curves themselves from there.
    """
    step = float(settings.round_to)
    problem, quantile = Problem(responses, limits, settings, search), settings.quantile
    plan, found = problem.solve(current) if quantile is None else best_quantile(problem, quantile, current)
    steps = whole_amounts(plan, limits, step)
    today = _whole_today(current, limits, step)
    if today is not None and problem.is_returned(today * step):
        steps = max((steps, today), key=lambda one: problem.value(one * step))
    worth = responses.objective(steps * step)
    slope = responses.value_and_slope(steps * step, problem.risk.counts(worth))[1]
    return Plan(steps, step, worth, problem.risk.value(worth), found.most, slope, found.prices)


def _whole_today(current: np.ndarray, limits: Limits, step: float) -> np.ndarray | None:
    """Today's money in whole steps, where it keeps to the limits."""
    near = 0.5 * step
    inside = ((current >= limits.low - near) & (current <= limits.high + near)).all()
    sums = limits.rows @ current.ravel()
    slack = near * np.asarray(limits.rows.sum(axis=1)).ravel()
    if not inside or (sums < limits.least - slack).any() or (sums > limits.most + slack).any():
        return None
    try:
        return whole_amounts(np.clip(current, limits.low, limits.high), limits, step)
    except ValueError:
        return None
