"""What if: more or less money, a channel off, a country on, dearer media; each beside the base plan, draw by draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from pma.planning.budget import Plan, best_plan
from pma.planning.countries_on import open_limits, switched_on
from pma.planning.limits import limits
from pma.planning.metrics import METRICS
from pma.planning.outcome import interval
from pma.planning.response import CELL, Responses
from pma.planning.settings import Limit, PlanSettings, Scenario, SearchSettings
from pma.planning.tables import ALL

# The channel of what comes without media.
ANYWAY = "(anyway)"


@dataclass(frozen=True)
class Told:
    """A scenario that was planned: its name, plan, and the responses that it was planned on.

    worth: by metric, what a unit of each part is worth, (P, D). moved: by metric and `objective`, what moved events add
    to what comes anyway, by country, (D,) each.
    """

    name: str
    plan: Plan
    responses: Responses
    worth: Mapping[str, np.ndarray] = field(default_factory=dict)
    moved: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)


def plan_scenario(
    responses: Responses,
    current: np.ndarray,
    settings: PlanSettings,
    search: SearchSettings,
    scenario: Scenario,
    worth: Mapping[str, np.ndarray] | None = None,
) -> Told:
    """Return the plan of a scenario.

    `current`: money of today, (C, M); `worth`: by metric, what a unit of each part is worth, (P, D). What the plan says
    of today holds for today's money as the scenario has it: times its budget, none where a channel or country is off,
    and where a country is on, or today's mix is kept, all of it in proportion, so that it adds up to the budget. So
    that nothing differs but what the scenario says, cells keep as near to it as those of the plan. Raises what `limits`
    does, and ValueError where a name is nowhere.
    """
    changed, today, values = switched_on(responses, current, worth or {}, scenario.countries_on)
    changed = dearer(changed, scenario)
    off = changed.cells["channel"].isin(scenario.channels_off) | changed.cells["country"].isin(scenario.countries_off)
    today = np.where(off.to_numpy()[:, None], 0.0, scenario.budget_factor * today)
    months = changed.horizon.months
    totals = [
        scenario.budget_factor * settings.budget_of(month, float(current[:, m].sum())) for m, month in enumerate(months)
    ]
    # What is off spends nothing: its money is today's of the others, each as much more.
    if scenario.keep_mix or scenario.countries_on or off.any():
        today = today * np.array(totals) / np.maximum(today.sum(axis=0), 1e-12)
    closed = [{"channels": scenario.channels_off}, {"countries": scenario.countries_off}]
    more = [Limit(name=f"{scenario.name}: off", of="each", ceiling=0.0, **one) for one in closed if any(one.values())]
    asked = settings.model_copy(
        update={
            "budget": {f"{month:%Y-%m}": total for month, total in zip(months, totals, strict=True)},
            "limits": (*open_limits(settings.limits, scenario.countries_on), *scenario.limits, *more),
            "max_change": 0.0 if scenario.keep_mix else settings.max_change,
        }
    )
    keeps = limits(changed.cells, months, today, asked)
    return Told(scenario.name, best_plan(changed, keeps, today, asked, search), changed, values)


def dearer(responses: Responses, scenario: Scenario) -> Responses:
    """Return responses to money that buys less: of channels whose media cost more by a share (`inflation`)."""
    unknown = sorted({*scenario.inflation, *scenario.channels_off} - set(responses.cells["channel"]))
    if unknown:
        known = ", ".join(sorted(set(responses.cells["channel"])))
        raise ValueError(
            f"channels_off or inflation names channel {', '.join(unknown)}, which no fit has. There are {known}"
        )
    times = np.array([1.0 + scenario.inflation.get(name, 0.0) for name in responses.part["channel"]])
    by_cell = np.array([1.0 + scenario.inflation.get(name, 0.0) for name in responses.cells["channel"]])
    # What was spent before the plan was spent at the old price.
    seen, after = (None if one is None else one * by_cell for one in (responses.seen, responses.after))
    spent = responses.spent * by_cell[:, None]
    return replace(responses, usual=responses.usual * times, spent=spent, seen=seen, after=after)


def scenario_rows(base: Told, others: Sequence[Told]) -> pd.DataFrame:
    """Return rows of bl.scenarios less plan_id, data_origin and run_id: one per scenario, country and channel.

    (all) stands for the sum, the channel (anyway) for what moved events change, which is in sums over channels too.
    Differences to the base plan are taken draw by draw: what is uncertain in both drops out. Metrics that the plan does
    not know are null.
    """
    rows: list[dict[str, Any]] = []
    at_base = _Effects.of_told(base)
    for told in (base, *others):
        now, before = _Effects.of_told(told), at_base.at(told.responses.cells)
        for group in _groups(told.responses.cells, bool(told.moved)):
            rows.append({"scenario": told.name, **_row(now, before, *group)})
    return pd.DataFrame(rows)


def _row(now: _Effects, before: _Effects, country: str, channel: str, places: np.ndarray) -> dict[str, Any]:
    """A scenario beside the plan, `before`, of a group of cells."""
    spend, planned = (float(one.money[places].sum()) for one in (now, before))
    response, back = (one.of("objective", country, channel, places) for one in (now, before))
    brought, of_base = (one.by_cell["objective"][:, places].sum(axis=1) for one in (now, before))
    row: dict[str, Any] = {
        "country": country,
        "channel": channel,
        "spend": spend,
        "spend_change": spend - planned,
        **interval("response", response),
        **interval("change", response - back),
        "return": float(brought.mean() / spend) if spend > 0 else None,
        **_ends("return_change", brought / spend - of_base / planned if min(spend, planned) > 0 else None),
    }
    for metric in METRICS:
        known = metric in now.by_cell and metric in before.by_cell
        values = [one.of(metric, country, channel, places) for one in (now, before)] if known else []
        row |= _ends(f"{metric}_change", values[0] - values[1] if values else None)
    return row


@dataclass(frozen=True)
class _Effects:
    """What a scenario's money brings by cell, (D, C), by metric and `objective`; money: (C,); moved: see `Told`."""

    by_cell: Mapping[str, np.ndarray]
    money: np.ndarray
    moved: Mapping[str, Mapping[str, np.ndarray]]
    cells: pd.DataFrame

    @staticmethod
    def of_told(told: Told) -> _Effects:
        money = told.plan.money
        brought = told.responses.by_draw(money)
        by_cell = {"objective": told.responses.in_cells(brought)}
        by_cell |= {metric: told.responses.in_cells(brought, of_part) for metric, of_part in told.worth.items()}
        return _Effects(by_cell, money.sum(axis=1), told.moved, told.responses.cells)

    def at(self, cells: pd.DataFrame) -> _Effects:
        """Return the same at other cells: nothing where it has none."""
        number = {key: c for c, key in enumerate(self.cells[CELL].itertuples(index=False, name=None))}
        places = np.array([number.get(key, len(number)) for key in cells[CELL].itertuples(index=False, name=None)])
        by_cell = {name: np.pad(values, ((0, 0), (0, 1)))[:, places] for name, values in self.by_cell.items()}
        return _Effects(by_cell, np.append(self.money, 0.0)[places], self.moved, cells)

    def of(self, name: str, country: str, channel: str, places: np.ndarray) -> np.ndarray:
        """Return what a group brings, moved events where it is of all channels, or of none; (D,)."""
        found = self.by_cell[name][:, places].sum(axis=1)
        if channel in (ALL, ANYWAY):
            moved = self.moved.get(name, {})
            found = found + sum(draws for of, draws in moved.items() if country in (ALL, of))
        return found


def _ends(name: str, draws: np.ndarray | None) -> dict[str, float | None]:
    """Mean and ends of the interval, by the names of columns; nothing where nothing is known."""
    if draws is None:
        return dict.fromkeys((name, f"{name}_p05", f"{name}_p95"))
    return {key: value for key, value in interval(name, draws).items() if not key.endswith("_p50")}


def _groups(cells: pd.DataFrame, has_moved: bool) -> list[tuple[str, str, np.ndarray]]:
    """All together, countries, channels, cells, and what is in no cell."""
    found = [(ALL, ALL, np.arange(len(cells)))]
    countries, nothing = sorted(set(cells["country"])), np.array([], dtype=np.int64)
    for name in countries:
        found.append((name, ALL, np.flatnonzero((cells["country"] == name).to_numpy())))
    for name in sorted(set(cells["channel"])):
        found.append((ALL, name, np.flatnonzero((cells["channel"] == name).to_numpy())))
    for c, (country, channel) in enumerate(cells[CELL].itertuples(index=False, name=None)):
        found.append((country, channel, np.array([c])))
    return found + [(name, ANYWAY, nothing) for name in (ALL, *countries) if has_moved]
