"""What more or less money would bring: best plans of many budgets, and what each reaches how surely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pma.planning.anyway import Anyway, with_probability
from pma.planning.budget import Plan, best_plan
from pma.planning.limits import InfeasibleError, limits
from pma.planning.metrics import counted_worth
from pma.planning.outcome import interval
from pma.planning.response import Responses
from pma.planning.settings import PlanSettings, SearchSettings
from pma.planning.tables import ALL


def plans_by_budget(
    responses: Responses,
    plan: Plan,
    current: np.ndarray,
    settings: PlanSettings,
    search: SearchSettings,
    factors: Sequence[float],
) -> tuple[dict[float, Plan], dict[float, tuple[str, ...]]]:
    """Return the best plan of each budget, times the money of the plan's months, least first, and which have none.

    `current`: today's money, (C, M). A most change from today holds for today's money times the factor, as in
    scenarios: else it alone would say what less or more money may do. All of a budget is spent, whatever it returns.
    1 is the plan itself. Where the plan's limits leave no plan, the budget comes with the names of those that
    contradict each other.
    """
    found: dict[float, Plan] = {1.0: plan}
    without: dict[float, tuple[str, ...]] = {}
    for factor in sorted({float(one) for one in factors} - {1.0}):
        budget = {
            f"{month:%Y-%m}": float(np.round(factor * plan.steps[:, m].sum()) * plan.step)
            for m, month in enumerate(responses.horizon.months)
        }
        asked = settings.model_copy(update={"budget": budget, "spend_all": True, "min_return": None})
        try:
            keeps = limits(responses.cells, responses.horizon.months, factor * current, asked)
        except InfeasibleError as contradicted:
            without[factor] = tuple(contradicted.conflict)
            continue
        found[factor] = best_plan(responses, keeps, factor * current, asked, search)
    return dict(sorted(found.items())), without


def no_plans_text(without: Mapping[float, tuple[str, ...]]) -> list[str]:
    """Return which budgets have no plan and what contradicts them, in words; `without`: of `plans_by_budget`."""
    if not without:
        return []
    budgets = " and ".join(f"{100 * factor:g}%" for factor in sorted(without))
    names = dict.fromkeys(name for of_budget in without.values() for name in of_budget)
    return [
        f"the frontier has no plan of {budgets} of the money, where limits of the plan contradict each other: "
        f"{', '.join(map(repr, names))}"
    ]


def frontier_rows(
    responses: Responses, plans: Mapping[float, Plan], worth: Mapping[str, np.ndarray], comes: Mapping[str, Anyway]
) -> pd.DataFrame:
    """Return rows of bl.budget_frontier less plan_id, data_origin and run_id; by metric of `comes`, country, budget.

    `plans`: by factor; `worth`: by metric, of a unit of each part, (P, D); `comes`: by metric. The response is all that
    the money brings, also later; what is reached is what the months count.
    """
    rows: list[dict[str, Any]] = []
    places = {ALL: np.ones(len(responses.cells), dtype=bool)} | {
        name: (responses.cells["country"] == name).to_numpy() for name in sorted(set(responses.cells["country"]))
    }
    inside = responses.within()
    for factor, plan in plans.items():
        brought, within = responses.by_draw(plan.money), inside.by_draw(plan.money)
        for metric, coming in comes.items():
            by_cell = responses.in_cells(brought, worth[metric])
            counted = responses.in_cells(within, counted_worth(responses, metric, worth[metric]))
            for country in (ALL, *coming.countries):
                at = places[country]
                brings = by_cell[:, at].sum(axis=1)
                adds = counted[:, at].sum(axis=1)
                outcomes = coming.reached(adds, None if country == ALL else country)
                rows.append(
                    {
                        "metric": metric,
                        "country": country,
                        "budget_factor": factor,
                        "budget": float(plan.money.sum()),
                        "spend": float(plan.money[at].sum()),
                        **interval("response", brings),
                        **interval("reached", outcomes),
                        "reached_with_80": with_probability(outcomes, 0.8),
                        "reached_with_90": with_probability(outcomes, 0.9),
                    }
                )
    return pd.DataFrame(rows)
