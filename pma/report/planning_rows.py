"""What the pages of a plan are made of: its rows in all tables of planning, and sums of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
from pyspark.sql import functions as F

from pma.marketing.tables import AD_SPEND
from pma.mmm.tables import MMM_RESPONSE_CURVES, MMM_RUNS
from pma.planning.tables import (
    ALL,
    BUDGET_FRONTIER,
    BUDGET_PLAN,
    BUDGET_PLANS,
    CAMPAIGN_PLAN,
    DESIRED_UPLOADS,
    SCENARIOS,
    TARGETS,
    UPLOAD_BRIDGE,
)
from pma.warehouse import Warehouse

BASE = "base"
OF_PLAN = {
    "whole": BUDGET_PLANS,
    "budget": BUDGET_PLAN,
    "uploads": DESIRED_UPLOADS,
    "scenarios": SCENARIOS,
    "targets": TARGETS,
    "frontier": BUDGET_FRONTIER,
    "campaigns": CAMPAIGN_PLAN,
}
_CURVE = ("geo", "target", "channel", "spend", "mean", "p05", "p95")
_ACCOUNT = ("ad_platform", "campaign_id", "account_id")


@dataclass(frozen=True)
class PlanRows:
    """Rows of one plan, in the order of their keys, money in floats but that of campaigns; none where none were made.

    whole: the row of bl.budget_plans; budget: bl.budget_plan; uploads: bl.desired_uploads; scenarios, targets: bl.*;
    frontier: bl.budget_frontier; campaigns: bl.campaign_plan; curves: bl.mmm_response_curves of the fits that a plan
    may stand on, geo, target, channel, spend, mean, p05, p95; bridge: bl.upload_bridge; accounts: ad_platform and
    campaign_id with account_id.
    """

    whole: Mapping[str, Any]
    budget: pd.DataFrame
    uploads: pd.DataFrame
    scenarios: pd.DataFrame
    targets: pd.DataFrame
    frontier: pd.DataFrame
    campaigns: pd.DataFrame
    curves: pd.DataFrame
    bridge: pd.DataFrame
    accounts: pd.DataFrame

    @property
    def months(self) -> list[date]:
        """The months of the plan."""
        return sorted(set(self.budget["month"]))

    @property
    def days(self) -> int:
        """Days of all of them."""
        return sum(pd.Timestamp(month).days_in_month for month in self.months)


def read_plan(tables: Warehouse, plan_id: str, use_flagged: bool) -> PlanRows:
    """Return the rows of a plan; `use_flagged`: curves of flagged fits too, as the plan was made.

    Raises ValueError where the plan was not made, and TableError where none was.
    """
    frames = {}
    for name, spec in OF_PLAN.items():
        # Targets and campaigns are planned by jobs of their own, which may not have run.
        there = name == "whole" or tables.exists(spec)
        frames[name] = (
            tables.read(spec).where(F.col("plan_id") == plan_id).toPandas()
            if there
            else pd.DataFrame(columns=[column.name for column in spec.columns])
        )
    if frames["whole"].empty:
        known = sorted(row["plan_id"] for row in tables.read(BUDGET_PLANS).select("plan_id").collect())
        raise ValueError(
            f"bl.budget_plans has no plan {plan_id!r}. It has {', '.join(known) or 'none'}. "
            "Run plan_budget, or name another: planning.plan.plan_id"
        )
    if frames["campaigns"]["days_left"].isna().any():
        raise ValueError(
            f"bl.campaign_plan does not say of plan {plan_id!r} which days are left (days_left): it is of an earlier "
            "version. Run plan_campaigns again"
        )
    # Earlier months of the plan stay in the tables; of campaigns the month that has begun is planned on.
    first = pd.Timestamp(frames["whole"]["first_month"].iloc[0])
    months = pd.date_range(first, periods=int(frames["whole"]["months"].iloc[0]), freq="MS").date
    begun = (first - pd.offsets.MonthBegin(1)).date()
    for name, frame in frames.items():
        if "month" in OF_PLAN[name].key or name == "campaigns":
            frames[name] = frame[frame["month"].isin([begun, *months] if name == "campaigns" else months)]
    by_model = F.expr("geo_level = 'country' AND method = 'bayes'")
    usable = tables.read(MMM_RUNS).where(by_model & F.col("status").isin(["ok", *(["flagged"] if use_flagged else [])]))
    curves = tables.read(MMM_RESPONSE_CURVES).where(by_model)
    accounts = tables.read(AD_SPEND).groupBy(*_ACCOUNT[:2]).agg(F.max_by("account_id", "date").alias("account_id"))
    return plan_rows(
        **frames,
        curves=curves.join(F.broadcast(usable.select("geo", "target")), ["geo", "target"], "left_semi")
        .select(*_CURVE)
        .toPandas(),
        bridge=tables.read(UPLOAD_BRIDGE).toPandas(),
        accounts=accounts.toPandas(),
    )


def plan_rows(**frames: pd.DataFrame) -> PlanRows:
    """Return frames, by the names of PlanRows, in the order of their keys; equal rows in any order are equal after."""
    keys = {name: list(spec.key) for name, spec in OF_PLAN.items()}
    keys |= {"curves": list(_CURVE[:4]), "bridge": ["origin_country", "destination_country"]}
    keys |= {"accounts": list(_ACCOUNT[:2])}
    ordered = {name: frame.sort_values(keys[name], ignore_index=True) for name, frame in frames.items()}
    # What is typed into an ad platform is exact to the cent; all else is read.
    floats = {name: frame if name == "campaigns" else in_floats(frame) for name, frame in ordered.items()}
    whole = records(floats.pop("whole"))[0]
    return PlanRows(whole=whole, **floats)


def uploads_by_campaigns(rows: PlanRows) -> dict[tuple[date, str], float]:
    """Return the uploads that campaigns should bring by month and country; none where no campaign is planned."""
    sums = rows.campaigns.groupby(["month", "country"])["uploads"].sum().reset_index()
    return {(one["month"], one["country"]): float(one["uploads"]) for one in records(sums)}


def in_floats(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose decimals are floats."""
    exact = [name for name in frame.columns if frame[name].map(lambda value: isinstance(value, Decimal)).any()]
    return frame.assign(**{name: frame[name].astype(float) for name in exact})


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as mappings by the names of their columns."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def moved(rows: PlanRows, by: str) -> pd.DataFrame:
    """Return today's and planned money of all months by country or channel, with `change`; the largest first."""
    sums = rows.budget.groupby(by)[["current_spend", "planned_spend"]].sum().reset_index()
    sums["change"] = sums["planned_spend"] - sums["current_spend"]
    return sums.sort_values(["planned_spend", by], ascending=[False, True], ignore_index=True)


def moves(rows: PlanRows) -> pd.DataFrame:
    """Return rows of the budget with `change`, the largest change first."""
    budget = rows.budget.assign(change=rows.budget["planned_spend"] - rows.budget["current_spend"])
    order = budget["change"].abs().sort_values(ascending=False, kind="stable").index
    return budget.loc[order].reset_index(drop=True)


def sums_of(scenarios: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of scenarios that stand for all countries and channels."""
    return scenarios[(scenarios["country"] == ALL) & (scenarios["channel"] == ALL)]
