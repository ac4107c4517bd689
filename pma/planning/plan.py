"""The monthly plan from the tables: what its money is worth, which fits it stands on, and rows for people."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from pma.planning.anyway import Anyway, anyway
from pma.planning.budget import Plan, best_plan
from pma.planning.events import moved_events, moved_worth
from pma.planning.frontier import frontier_rows, no_plans_text, plans_by_budget
from pma.planning.limits import InfeasibleError, Limits, limits
from pma.planning.metrics import METRICS, metrics_of, worth_by_part, worth_of
from pma.planning.notes import beyond, half_known, left_out
from pma.planning.outcome import plan_rows, uploads_rows, whole_row
from pma.planning.outlook import outlook_rows
from pma.planning.response import CELL, Responses, current_spend, horizon, of_cells, responses
from pma.planning.scenarios import Told, plan_scenario, scenario_rows
from pma.planning.settings import Limit, PlanningSettings, PlanSettings, Scenario
from pma.planning.targets import goal_of, reach, target_rows, told

_SAID = 160


@dataclass(frozen=True)
class Inputs:
    """What a plan is made of, rows of tables as pandas.

    runs: bl.mmm_runs; posterior: bl.mmm_posterior; paid: country x channel x week_start with `value`, money, of
    bl.mmm_input; unpaid: country x week_start with `value`, uploads that come without paid media, of
    bl.mmm_contributions; bridge: bl.upload_bridge; weeks: country x target x week_start with `actual` and `expected`,
    of bl.mmm_fit_weeks; events: country x target x event x week_start with `mean`, `p05`, `p95`, of
    bl.mmm_contributions. Without `weeks` there are neither targets nor a frontier, without `events` none can be moved.
    scenarios: of il.plan_scenarios, beside those of the settings.
    """

    runs: pd.DataFrame
    posterior: pd.DataFrame
    paid: pd.DataFrame
    unpaid: pd.DataFrame
    bridge: pd.DataFrame
    weeks: pd.DataFrame = field(default_factory=pd.DataFrame)
    events: pd.DataFrame = field(default_factory=pd.DataFrame)
    scenarios: tuple[Scenario, ...] = ()


@dataclass(frozen=True)
class Planned:
    """A plan and its rows, less data_origin and run_id.

    rows: of bl.budget_plan; whole: of bl.budget_plans; uploads: of bl.desired_uploads; scenarios: of bl.scenarios;
    targets: of bl.targets; frontier: of bl.budget_frontier; outlook: of bl.plan_outlook. worth: by metric, what a unit
    of each part is worth, (P, D).
    """

    plan: Plan
    limits: Limits
    responses: Responses
    current: np.ndarray
    worth: dict[str, np.ndarray]
    rows: pd.DataFrame
    whole: pd.DataFrame
    uploads: pd.DataFrame
    scenarios: pd.DataFrame
    targets: pd.DataFrame
    frontier: pd.DataFrame
    outlook: pd.DataFrame


def plan_budget(inputs: Inputs, settings: PlanningSettings) -> Planned:
    """Return the best split of the months' money over countries and channels, what if, and what goals take.

    Raises ValueError where no fit may be used, the first month is in the past or settings name what is nowhere, and
    `pma.planning.limits.InfeasibleError` where limits contradict each other.
    """
    asked = settings.plan
    if inputs.paid.empty:
        raise ValueError("bl.mmm_input has no known week of paid spend of a country: nobody knows today. Run mmm_input")
    fits, notes = usable_fits(inputs.runs, asked)
    unknown = sorted(set(asked.careful_countries) - set(fits["geo"]))
    if unknown:
        known = ", ".join(sorted(set(fits["geo"])))
        raise ValueError(
            f"planning.plan.careful_countries names {', '.join(unknown)}, which no fit has. There are {known}"
        )
    posterior = inputs.posterior[inputs.posterior["method"] == "bayes"].merge(fits, on=["geo_level", "geo", "target"])
    doubtful, said = half_known(posterior[["geo", "target"]].drop_duplicates())
    doubtful |= set(fits.loc[fits["status"] == "flagged", "geo"])
    notes += said
    asked = asked.model_copy(update={"careful_countries": tuple(sorted({*asked.careful_countries, *doubtful}))})
    draws, countries = int(posterior["draw"].nunique()), sorted(fits["geo"].unique())
    units = {
        metric: worth_of(inputs.bridge, countries, metric, draws, settings.bridge.seed, asked.margin)
        for metric in metrics_of(asked.objective)
    }
    over = horizon(first_month(inputs.paid, asked.first_month), asked.months, int(posterior["lags"].max()))
    made = responses(posterior, inputs.paid, over, units[asked.objective])
    notes += left_out(fits, posterior, inputs.paid, made.cells)
    most = of_cells(inputs.paid.groupby(CELL)["value"].max(), made.cells)
    if asked.beyond_seen == "discounted":
        made = replace(made, seen=most, discount=asked.discount)
    worth = {metric: worth_by_part(made, unit) for metric, unit in units.items()}
    days = np.array([pd.Timestamp(month).days_in_month for month in over.months])
    current = current_spend(inputs.paid, made.cells)[:, None] * days / 7
    seen = most[:, None] * days / 7
    if asked.beyond_seen == "refused":
        asked = asked.model_copy(update={"limits": (*asked.limits, *no_more_than(seen, made))})
    keeps = limits(made.cells, over.months, current, asked)
    plan = best_plan(made, keeps, current, asked, settings.search)
    rows = plan_rows(made, keeps, plan, current, seen)
    others, without = what_if(inputs, settings.model_copy(update={"plan": asked}), made, current, units, worth)
    comes, doubt = what_comes(inputs, settings, made, worth)
    reached = [reach(goal_of(one, made, worth, comes), current, asked, settings.search) for one in settings.targets]
    counted = {name: worth[name] for name in comes}
    budgets, gone = (
        plans_by_budget(made, plan, current, asked, settings.search, settings.frontier) if comes else ({}, {})
    )
    notes += [*beyond(rows, asked), *without, *doubt, *no_plans_text(gone)]
    others += [told(one, made, plan, worth) for one in reached]
    frames = {
        "rows": rows,
        "whole": pd.DataFrame([_whole(made, plan, current, asked, notes)]),
        "uploads": uploads_rows(made, plan, inputs.unpaid, inputs.bridge),
        "scenarios": scenario_rows(Told("base", plan, made, worth), others),
        "targets": target_rows(reached, made, plan, current),
        "frontier": frontier_rows(made, budgets, counted, comes),
        "outlook": outlook_rows(made, plan.money, counted, comes) if comes else pd.DataFrame(),
    }
    named = {name: frame.assign(plan_id=asked.plan_id) for name, frame in frames.items()}
    return Planned(plan, keeps, made, current, worth, **named)


def no_more_than(seen: np.ndarray, made: Responses) -> list[Limit]:
    """Return ceilings of all cells and months at the most that was seen, money, (C, M)."""
    found = []
    for (country, channel), row in zip(made.cells.itertuples(index=False, name=None), seen, strict=True):
        for month, most in zip(made.horizon.months, row, strict=True):
            at = {"countries": (country,), "channels": (channel,), "months": (f"{month:%Y-%m}",)}
            # To the cent above: what was always spent may go on.
            ceiling = float(np.ceil(round(100 * most, 4)) / 100)
            found.append(Limit(name="no more than was ever seen", of="each", ceiling=ceiling, **at))
    return found


def what_if(
    inputs: Inputs,
    settings: PlanningSettings,
    made: Responses,
    current: np.ndarray,
    units: dict[str, pd.DataFrame],
    worth: dict[str, np.ndarray],
) -> tuple[list[Told], list[str]]:
    """Return the scenarios of settings and table, planned, and which have no plan and why, in words.

    `units`, `worth`: by metric, see `metrics.worth_of` and `worth_by_part`. Raises ValueError where two have one name,
    or one names what is nowhere.
    """
    asked = (*settings.scenarios, *inputs.scenarios)
    names = [one.name for one in asked]
    twice = sorted({name for name in names if names.count(name) > 1})
    taken = sorted({"base", *(f"target: {one.name}" for one in settings.targets)} & set(names))
    if taken:
        raise ValueError(
            f"scenario {', '.join(map(repr, taken))}: bl.scenarios has the plan and its targets under this name. "
            "Rename it in planning.scenarios or il.plan_scenarios"
        )
    if twice:
        raise ValueError(
            f"scenario {', '.join(map(repr, twice))} is in planning.scenarios or il.plan_scenarios twice: rename one"
        )
    draws, found, without = made.first.shape[1], [], []
    for one in asked:
        try:
            planned = plan_scenario(made, current, settings.plan, settings.search, one, worth)
        except InfeasibleError as contradicted:
            without.append(f"scenario {one.name!r} has no plan: {contradicted}")
            continue
        except ValueError as wrong:
            raise ValueError(f"scenario {one.name!r}: {wrong}") from None
        if one.events_moved:
            moved = moved_events(inputs.events, made.horizon, one.events_moved, draws, settings.bridge.seed)
            valued = moved_worth(moved, {**units, "objective": units[settings.plan.objective]})
            planned = replace(planned, moved=valued)
        found.append(planned)
    return found, without


def what_comes(
    inputs: Inputs, settings: PlanningSettings, made: Responses, worth: dict[str, np.ndarray]
) -> tuple[dict[str, Anyway], list[str]]:
    """Return what comes without the plan's money, by metric, and what must be known of it, in words.

    Nothing where the past is not known, or too short, as long as no target asks for it; then ValueError says so.
    """
    if inputs.weeks.empty and not settings.targets:
        return {}, []
    try:
        found = anyway(made, inputs.weeks, inputs.paid, {name: worth[name] for name in worth if name in METRICS})
    except ValueError as short:
        if settings.targets:
            raise
        return {}, [f"no frontier of budgets: {short}"]
    rule = next(iter(found.values())).rule
    return found, [
        f"what comes without media is forecast from {rule}; intervals have its errors of the past",
        "what is reached, of goals too, is what the months will count: with what earlier money still brings in them, "
        "without what the plan's money brings later, sales of uploads in it, which the plan itself counts",
    ]


def _whole(made: Responses, plan: Plan, current: np.ndarray, asked: PlanSettings, notes: list[str]) -> dict[str, Any]:
    """A row of bl.budget_plans less plan_id, data_origin and run_id."""
    return {
        "objective": asked.objective,
        "risk": asked.risk,
        "quantile": asked.quantile,
        "first_month": made.horizon.months[0],
        "months": len(made.horizon.months),
        **whole_row(made, plan, current),
        "notes": notes,
    }


def usable_fits(runs: pd.DataFrame, asked: PlanSettings) -> tuple[pd.DataFrame, list[str]]:
    """Return geo_level, geo, target, status of the fits that a plan stands on, and what must be known of them.

    Fits of countries by the model; flagged ones where `planning.plan.use_flagged`. Raises ValueError where none is.
    """
    known = runs[(runs["geo_level"] == "country") & (runs["method"] == "bayes")]
    kept = known["status"].isin(["ok", "flagged"] if asked.use_flagged else ["ok"])
    targets = ["uploads"] if asked.objective == "uploads" else ["gmv", "uploads"]
    used, left = (known[at & known["target"].isin(targets)] for at in (kept, ~kept))
    if used.empty:
        flagged = int((known["status"] == "flagged").to_numpy().sum())
        raise ValueError(
            f"bl.mmm_runs has no fit that a plan may stand on: {flagged} are flagged. Read their messages; "
            "planning.plan.use_flagged: true plans with them, and says so"
        )
    notes = [
        f"{row['geo']} {row['target']} is left out ({row['status']}): {str(row['message'] or '')[:_SAID]}"
        for row in left.to_dict("records")
    ]
    doubtful = used[used["status"] == "flagged"]
    if len(doubtful):
        steps = (
            ""
            if asked.max_change_flagged is None
            else f"; there no cell moves by more than {asked.max_change_flagged:.0%}"
        )
        notes.append(f"{len(doubtful)} of {len(used)} fits are flagged: read bl.mmm_runs before you move money{steps}")
    return used[["geo_level", "geo", "target", "status"]].drop_duplicates(["geo_level", "geo", "target"]), notes


def first_month(paid: pd.DataFrame, asked: str | None) -> date:
    """Return the plan's first month: the one asked for, else the first that begins after the data end.

    Raises ValueError where the month asked for has begun within the data.
    """
    ends = pd.Timestamp(max(paid["week_start"])).date() + timedelta(days=7)
    following = (pd.Timestamp(ends) + pd.offsets.MonthBegin(0)).date()
    if asked is None:
        return following
    month = pd.Timestamp(f"{asked}-01").date()
    if month < following:
        raise ValueError(
            f"planning.plan.first_month {asked} has begun, the data go until {ends}: name {following:%Y-%m} or later"
        )
    return month
