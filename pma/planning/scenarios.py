"""What if: more or less money, a channel off, a country on, dearer media; each beside the base plan, draw by draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pma.planning.budget import Plan, best_plan
from pma.planning.limits import limits
from pma.planning.outcome import interval
from pma.planning.response import Responses
from pma.planning.settings import Limit, PlanSettings, Scenario, SearchSettings


@dataclass(frozen=True)
class Told:
    """A scenario that was planned: its name, plan, and the responses that it was planned on."""

    name: str
    plan: Plan
    responses: Responses


def plan_scenario(
    responses: Responses, current: np.ndarray, settings: PlanSettings, search: SearchSettings, scenario: Scenario
) -> Told:
    """Return the plan of a scenario.

    `current`: money of today, (C, M). What the plan says of today holds for today's money as the scenario has it: times
    its budget, and none where a channel or country is off. So that nothing differs but what the scenario says, cells
    keep as near to it as those of the plan. Raises what `limits` does, and ValueError where a name is nowhere.
    """
    changed = dearer(responses, scenario)
    off = changed.cells["channel"].isin(scenario.channels_off) | changed.cells["country"].isin(scenario.countries_off)
    today = np.where(off.to_numpy()[:, None], 0.0, scenario.budget_factor * current)
    budget = {
        f"{month:%Y-%m}": scenario.budget_factor * settings.budget_of(month, float(current[:, m].sum()))
        for m, month in enumerate(responses.horizon.months)
    }
    closed = [{"channels": scenario.channels_off}, {"countries": scenario.countries_off}]
    more = [Limit(name=f"{scenario.name}: off", of="each", ceiling=0.0, **one) for one in closed if any(one.values())]
    asked = settings.model_copy(
        update={
            "budget": budget,
            "limits": (*settings.limits, *scenario.limits, *more),
            "max_change": 0.0 if scenario.keep_mix else settings.max_change,
        }
    )
    keeps = limits(changed.cells, changed.horizon.months, today, asked)
    return Told(scenario.name, best_plan(changed, keeps, today, asked, search), changed)


def dearer(responses: Responses, scenario: Scenario) -> Responses:
    """Return responses to money that buys less: of channels whose media cost more by a share (`inflation`)."""
    unknown = sorted({*scenario.inflation, *scenario.channels_off} - set(responses.cells["channel"]))
    if unknown:
        known = ", ".join(sorted(set(responses.cells["channel"])))
        raise ValueError(
            f"scenario {scenario.name!r} names channel {', '.join(unknown)}, which no fit has. There are {known}"
        )
    times = np.array([1.0 + scenario.inflation.get(name, 0.0) for name in responses.part["channel"]])
    by_cell = np.array([1.0 + scenario.inflation.get(name, 0.0) for name in responses.cells["channel"]])
    # What was spent before the plan was spent at the old price.
    return replace(responses, usual=responses.usual * times, spent=responses.spent * by_cell[:, None])


def scenario_rows(base: Told, others: Sequence[Told]) -> pd.DataFrame:
    """Return rows of bl.scenarios less plan_id, data_origin and run_id: one per scenario, country and channel.

    (all) stands for the sum. Differences to the base plan are taken draw by draw: what is uncertain in both drops out.
    """
    rows: list[dict[str, Any]] = []
    at_base = base.responses.by_cell(base.plan.money)
    for told in (base, *others):
        worth = told.responses.by_cell(told.plan.money)
        money, before = told.plan.money.sum(axis=1), base.plan.money.sum(axis=1)
        for country, channel, places in _groups(told.responses.cells):
            response = worth[:, places].sum(axis=1)
            rows.append(
                {
                    "scenario": told.name,
                    "country": country,
                    "channel": channel,
                    "spend": float(money[places].sum()),
                    "spend_change": float(money[places].sum() - before[places].sum()),
                    **interval("response", response),
                    **interval("change", response - at_base[:, places].sum(axis=1)),
                    "return": float(response.mean() / money[places].sum()) if money[places].sum() > 0 else None,
                }
            )
    return pd.DataFrame(rows)


def _groups(cells: pd.DataFrame) -> list[tuple[str, str, np.ndarray]]:
    """All together, countries, channels, and cells."""
    found = [("(all)", "(all)", np.arange(len(cells)))]
    for name in sorted(set(cells["country"])):
        found.append((name, "(all)", np.flatnonzero((cells["country"] == name).to_numpy())))
    for name in sorted(set(cells["channel"])):
        found.append(("(all)", name, np.flatnonzero((cells["channel"] == name).to_numpy())))
    for c, (country, channel) in enumerate(cells[["country", "channel"]].itertuples(index=False, name=None)):
        found.append((country, channel, np.array([c])))
    return found
