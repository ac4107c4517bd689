"""The monthly plan from the tables: what its money is worth, which fits it stands on, and rows for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from pma.parallel import group_seed
from pma.planning.budget import Plan, best_plan
from pma.planning.limits import Limits, limits
from pma.planning.outcome import plan_rows, uploads_rows, whole_row
from pma.planning.response import CELL, Responses, current_spend, horizon, of_cells, responses
from pma.planning.scenarios import Told, plan_scenario, scenario_rows
from pma.planning.settings import PlanningSettings, PlanSettings

# Half the width of a 90 % interval of a normal, in deviations.
HALF_WIDTH = 1.6449
_SAID = 160


@dataclass(frozen=True)
class Inputs:
    """What a plan is made of, rows of tables as pandas.

    runs: bl.mmm_runs; posterior: bl.mmm_posterior; paid: country x channel x week_start with `value`, money, of
    bl.mmm_input; unpaid: country x week_start with `value`, uploads that come without paid media, of
    bl.mmm_contributions; bridge: bl.upload_bridge.
    """

    runs: pd.DataFrame
    posterior: pd.DataFrame
    paid: pd.DataFrame
    unpaid: pd.DataFrame
    bridge: pd.DataFrame


@dataclass(frozen=True)
class Planned:
    """A plan and its rows, less data_origin and run_id.

    rows: of bl.budget_plan; whole: of bl.budget_plans; uploads: of bl.desired_uploads; scenarios: of bl.scenarios.
    """

    plan: Plan
    limits: Limits
    responses: Responses
    current: np.ndarray
    rows: pd.DataFrame
    whole: pd.DataFrame
    uploads: pd.DataFrame
    scenarios: pd.DataFrame


def plan_budget(inputs: Inputs, settings: PlanningSettings) -> Planned:
    """Return the best split of the months' money over countries and channels.

    Raises ValueError where no fit may be used, the first month is in the past or settings name what is nowhere, and
    `pma.planning.limits.InfeasibleError` where limits contradict each other.
    """
    asked = settings.plan
    fits, notes = usable_fits(inputs.runs, asked)
    posterior = inputs.posterior[inputs.posterior["method"] == "bayes"].merge(fits, on=["geo_level", "geo", "target"])
    draws = int(posterior["draw"].nunique())
    worth = worth_of(inputs.bridge, sorted(fits["geo"].unique()), asked.objective, draws, settings.bridge.seed)
    over = horizon(first_month(inputs.paid, asked.first_month), asked.months, int(posterior["lags"].max()))
    made = responses(posterior, inputs.paid, over, worth)
    days = np.array([pd.Timestamp(month).days_in_month for month in over.months])
    current = current_spend(inputs.paid, made.cells)[:, None] * days / 7
    keeps = limits(made.cells, over.months, current, asked)
    plan = best_plan(made, keeps, current, asked, settings.search)
    seen = of_cells(inputs.paid.groupby(CELL)["value"].max(), made.cells)[:, None] * days / 7
    rows = plan_rows(made, keeps, plan, current, seen).assign(plan_id=asked.plan_id)
    beyond = float(rows.loc[~rows["is_seen"], "planned_spend"].sum() / max(rows["planned_spend"].sum(), 1e-12))
    if beyond > 0:
        notes.append(
            f"{beyond:.0%} of the money goes where a channel would cost more than it ever did: curves are a guess there"
        )
    whole = {
        "plan_id": asked.plan_id,
        "objective": asked.objective,
        "risk": asked.risk,
        "first_month": over.months[0],
        "months": len(over.months),
        **whole_row(made, plan, current),
        "notes": notes,
    }
    uploads = uploads_rows(made, plan, inputs.unpaid, inputs.bridge).assign(plan_id=asked.plan_id)
    others = [plan_scenario(made, current, asked, settings.search, one) for one in settings.scenarios]
    scenarios = scenario_rows(Told("base", plan, made), others).assign(plan_id=asked.plan_id)
    return Planned(plan, keeps, made, current, rows, pd.DataFrame([whole]), uploads, scenarios)


def usable_fits(runs: pd.DataFrame, asked: PlanSettings) -> tuple[pd.DataFrame, list[str]]:
    """Return geo_level, geo and target of the fits that a plan stands on, and what must be known of them, in words.

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
        notes.append(f"{len(doubtful)} of {len(used)} fits are flagged: read bl.mmm_runs before you move much money")
    return used[["geo_level", "geo", "target"]].drop_duplicates(), notes


def worth_of(bridge: pd.DataFrame, countries: list[str], objective: str, draws: int, seed: int) -> pd.DataFrame:
    """Return what a unit of a target is worth in the objective; country x target with `draws`, (D,) each.

    An upload is worth what it becomes in all destinations (bl.upload_bridge), with its uncertainty; value of orders is
    itself, or orders by the mean value of one in the country. Raises ValueError where the bridge lacks a country.
    """
    rows: list[dict[str, Any]] = []
    if objective == "uploads":
        return pd.DataFrame([{"country": one, "target": "uploads", "draws": np.ones(draws)} for one in countries])
    missing = sorted(set(countries) - set(bridge["origin_country"]))
    if missing:
        raise ValueError(
            f"bl.upload_bridge has no row of {', '.join(missing)}: no uploads were watched there. Run upload_bridge"
        )
    mean, low, high = (
        ("gmv_per_upload", "p05", "p95")
        if objective == "gmv"
        else ("orders_per_upload", "orders_per_upload_p05", "orders_per_upload_p95")
    )
    for country in countries:
        own = bridge[bridge["origin_country"] == country]
        spread = np.sqrt((((own[high] - own[low]) / (2 * HALF_WIDTH)) ** 2).sum())
        random = np.random.default_rng(group_seed(seed, "worth", country))
        upload = np.maximum(own[mean].sum() + spread * random.standard_normal(draws), 0.0)
        rows.append({"country": country, "target": "uploads", "draws": upload})
        here = bridge[bridge["destination_country"] == country]
        value = np.average(here["value_per_order"], weights=np.maximum(here["orders"], 1)) if len(here) else np.nan
        money = np.ones(draws) if objective == "gmv" else np.full(draws, 1.0 / value if value > 0 else 0.0)
        rows.append({"country": country, "target": "gmv", "draws": money})
    return pd.DataFrame(rows)


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
