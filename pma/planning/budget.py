"""The monthly plan: money over countries, channels and months, with a proof of how near to the best it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pma.planning.amounts import whole_amounts
from pma.planning.bound import Bound, upper_bound
from pma.planning.climb import climb
from pma.planning.limits import Limits
from pma.planning.response import Responses
from pma.planning.settings import PlanSettings, SearchSettings

# Draws that a search looks at on curves of any form; all are looked at in the end.
_LOOKED_AT = 64
# Times that more is asked of the curves above where a return is asked for.
_ASKED_MORE = 8


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


def objective(worth: np.ndarray, risk: float) -> float:
    """Return the mean of the worst share of draws, (D,): CVaR (Rockafellar and Uryasev, 2000); risk 1: the mean."""
    return float(worth @ worst(worth, risk))


def worst(worth: np.ndarray, risk: float) -> np.ndarray:
    """Return how much each draw counts in the mean of the worst share, (D,); they add up to 1."""
    draws, share = len(worth), np.zeros(len(worth))
    left = risk * draws
    for d in np.argsort(worth, kind="stable"):
        share[d] = min(1.0, left)
        left -= share[d]
        if left <= 0:
            break
    return share / share.sum()


def best_plan(
    responses: Responses, limits: Limits, current: np.ndarray, settings: PlanSettings, search: SearchSettings
) -> Plan:
    """Return the plan that makes most of the objective, never worth less than `current` where that keeps to the limits.

    `current`: money of today, (C, M). First the bound on concave curves, whose plan is the answer where curves bend
    down; where they do not, a climb on the curves themselves from there.
    """
    step = float(settings.round_to)
    plan, found = _search(responses, limits, current, settings, search)
    steps = whole_amounts(plan, limits, step)
    today = _whole_today(current, limits, step)
    if today is not None and _returns(responses, today * step, settings):
        steps = max((steps, today), key=lambda one: objective(responses.objective(one * step), settings.risk))
    worth = responses.objective(steps * step)
    slope = responses.value_and_slope(steps * step, worst(worth, settings.risk))[1]
    return Plan(steps, step, worth, objective(worth, settings.risk), found.most, slope, found.prices)


def _search(
    responses: Responses, limits: Limits, current: np.ndarray, settings: PlanSettings, search: SearchSettings
) -> tuple[np.ndarray, Bound]:
    """The best plan in exact money, and the bound."""
    start, equal = (
        np.clip(current, limits.low, limits.high),
        np.full(responses.first.shape[1], 1 / responses.first.shape[1]),
    )

    def counts(plan: np.ndarray) -> np.ndarray:
        return equal if settings.risk >= 1 else worst(responses.objective(plan), settings.risk)

    def value(plan: np.ndarray) -> float:
        return objective(responses.objective(plan), settings.risk)

    lines = responses.lines(limits.low, limits.high)

    def above(plan: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return responses.above(plan, share, lines)

    def bound(min_return: float | None) -> Bound:
        return upper_bound(above, counts, limits, start, min_return, search.tolerance, search.rounds)

    found = bound(settings.min_return)
    plan, true = found.plan, value(found.plan)
    if responses.is_concave or found.most - true <= search.tolerance * abs(found.most):
        return plan, found
    if settings.min_return is not None:
        asked = settings.min_return
        # The curves above promise more than there is: ask more of them until the curves themselves bring enough.
        for _ in range(_ASKED_MORE):
            returned = value(plan) / max(plan.sum(), 1e-12)
            if returned >= settings.min_return:
                break
            asked *= 1.001 * settings.min_return / max(returned, 1e-12)
            plan = bound(asked).plan
    # Of the worst draws there are few: none of them is left out.
    few = responses if settings.risk < 1 else responses.thinned(_LOOKED_AT)
    share = found.counts if settings.risk < 1 else np.full(few.first.shape[1], 1 / few.first.shape[1])
    climbed = climb(lambda one: share @ few.by_cell(one), limits, plan, settings.min_return, search.seconds)
    return max((plan, climbed), key=value), found


def _returns(responses: Responses, money: np.ndarray, settings: PlanSettings) -> bool:
    """Whether a plan brings as much per money as is asked for."""
    if settings.min_return is None:
        return True
    return objective(responses.objective(money), settings.risk) >= settings.min_return * money.sum()


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
