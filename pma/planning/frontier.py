"""What more or less money would bring: best plans of many budgets, and the least money for a goal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pma.planning.budget import Plan, best_plan
from pma.planning.limits import InfeasibleError, limits
from pma.planning.response import Responses
from pma.planning.settings import PlanSettings, SearchSettings

# Halvings of the stretch between too little money and enough.
_HALVINGS = 30


@dataclass(frozen=True)
class Reached:
    """The least money for a goal. plan: its plan; is_reached: False: the most that the limits allow falls short."""

    plan: Plan
    is_reached: bool


def best_of(
    responses: Responses, current: np.ndarray, settings: PlanSettings, search: SearchSettings, budget: float
) -> Plan | None:
    """Return the best plan of months of `budget` each; None where no plan of so much money keeps to the limits."""
    asked = settings.model_copy(update={"budget": budget, "spend_all": True, "min_return": None})
    try:
        keeps = limits(responses.cells, responses.horizon.months, current, asked)
    except InfeasibleError:
        return None
    return best_plan(responses, keeps, current, asked, search)


def least_spend(
    responses: Responses, current: np.ndarray, settings: PlanSettings, search: SearchSettings, goal: float
) -> Reached:
    """Return the plan of the least monthly budget whose mean worth reaches the goal, within a thousandth of it.

    `goal`: worth in the plan's objective, of all months. Worth of the best plan rises with the budget, so halving finds
    it; where the most money that the limits allow is not enough, the plan of that money, and that it is not reached.
    """
    least, most = _ends(responses, current, settings)
    best = best_of(responses, current, settings, search, most)
    if best is None:
        raise ValueError("no plan keeps to planning.plan.limits at any budget: loosen them")
    if best.worth.mean() < goal:
        return Reached(best, is_reached=False)
    for _ in range(_HALVINGS):
        if best.worth.mean() <= goal * (1 + 1e-3):
            break
        middle = 0.5 * (least + most)
        tried = best_of(responses, current, settings, search, middle)
        if tried is not None and tried.worth.mean() >= goal:
            best, most = tried, middle
        else:
            least = middle
        if most - least <= float(settings.round_to):
            break
    return Reached(best, is_reached=True)


def _ends(responses: Responses, current: np.ndarray, settings: PlanSettings) -> tuple[float, float]:
    """The least and the most that a month may cost: what cells may change, and their limits, allow."""
    wide = settings.model_copy(
        update={"budget": float(_MUCH * max(current.sum(axis=0).max(), 1.0)), "spend_all": False, "min_return": None}
    )
    keeps = limits(responses.cells, responses.horizon.months, current, wide)
    high = keeps.high.copy()
    # A sum with a ceiling allows no more than that.
    for row, ceiling, name in zip(keeps.rows.toarray(), keeps.most, keeps.names, strict=True):
        places = row.reshape(high.shape) > 0
        if np.isfinite(ceiling) and not name.startswith("budget of ") and high[places].sum() > ceiling:
            high[places] *= ceiling / high[places].sum()
    return float(keeps.low.sum(axis=0).max()), float(high.sum(axis=0).min())


# Times today's money that a month may cost where no limit says less.
_MUCH = 10.0
