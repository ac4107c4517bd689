"""The tables that a plan reads and writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd
import yaml
from pydantic import ValidationError
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.mmm.input.tables import MMM_INPUT
from pma.mmm.tables import MMM_CONTRIBUTIONS, MMM_FIT_WEEKS, MMM_POSTERIOR, MMM_RUNS
from pma.planning.plan import Inputs, Planned
from pma.planning.settings import Scenario
from pma.planning.tables import (
    BUDGET_FRONTIER,
    BUDGET_PLAN,
    BUDGET_PLANS,
    DESIRED_UPLOADS,
    PLAN_ACTUALS,
    PLAN_OUTLOOK,
    PLAN_SCENARIOS,
    SCENARIOS,
    TARGETS,
    UPLOAD_BRIDGE,
)
from pma.tables import TableError, TableSpec
from pma.warehouse import Warehouse

_COUNTRIES = "geo_level = 'country'"
_OF_MODEL = f"{_COUNTRIES} AND method = 'bayes'"


def fit_inputs(tables: Warehouse) -> Inputs:
    """Read the fits of countries by the model alone, the money they were fitted on, and the bridge; nothing else."""
    known = f"{_COUNTRIES} AND role = 'paid' AND is_complete_week AND value IS NOT NULL"
    paid = tables.read(MMM_INPUT).where(known)
    columns = (F.col("geo").alias("country"), F.col("variable").alias("channel"), "week_start", "value")
    return Inputs(
        runs=tables.read(MMM_RUNS).toPandas(),
        posterior=tables.read(MMM_POSTERIOR).where(_OF_MODEL).toPandas(),
        paid=paid.select(*columns).toPandas(),
        unpaid=pd.DataFrame(),
        bridge=tables.read(UPLOAD_BRIDGE).toPandas(),
    )


def plan_inputs(tables: Warehouse, plan_id: str = "base") -> Inputs:
    """Read what a plan is made of: `fit_inputs`, what came without paid media, and this plan's scenarios by people."""
    country = F.col("geo").alias("country")
    came, weeks = (tables.read(spec).where(_OF_MODEL) for spec in (MMM_CONTRIBUTIONS, MMM_FIT_WEEKS))
    unpaid = came.where("target = 'uploads' AND kind <> 'paid'")
    events = came.where("kind = 'event'").withColumnRenamed("component", "event")
    asked = tables.read(PLAN_SCENARIOS).toPandas() if tables.exists(PLAN_SCENARIOS) else pd.DataFrame()
    return replace(
        fit_inputs(tables),
        unpaid=unpaid.groupBy(country, "week_start").agg(F.sum("mean").alias("value")).toPandas(),
        weeks=weeks.select(country, "target", "week_start", "actual", "expected").toPandas(),
        events=events.select(country, "target", "event", "week_start", "mean", "p05", "p95").toPandas(),
        scenarios=scenarios_of(asked, plan_id),
    )


def scenarios_of(rows: pd.DataFrame, plan_id: str) -> tuple[Scenario, ...]:
    """Return the scenarios of a plan from rows of il.plan_scenarios, by name. Raises TableError where one is wrong."""
    if rows.empty:
        return ()
    mine = rows[rows["plan_id"].isna() | (rows["plan_id"] == plan_id)].sort_values("name")
    found = []
    for row in mine.to_dict("records"):
        try:
            said = yaml.safe_load(row["scenario"]) or {}
            found.append(Scenario.model_validate({**said, "name": row["name"]}))
        except (yaml.YAMLError, ValidationError, TypeError) as error:
            why = str(error).splitlines()
            raise TableError(
                f"il.plan_scenarios, name {row['name']!r}: {'; '.join(line.strip() for line in why[:4])}. Write it as "
                "an entry of planning.scenarios, as YAML or JSON"
            ) from None
    return tuple(found)


def write_plan(tables: Warehouse, planned: Planned, origin: str) -> None:
    """Write a plan's rows, and those of its scenarios and targets, in place of those of the same plan_id.

    Of tables by month those of months before the plan's stay: they are told beside what came (bl.plan_actuals).
    """
    mine = of_plan(str(planned.whole["plan_id"].iloc[0]))
    ahead = f"{mine} AND month >= DATE'{planned.responses.horizon.months[0]}'"

    def made(rows: pd.DataFrame, spec: TableSpec) -> DataFrame:
        twice = rows[rows.duplicated(list(spec.key))] if len(rows) else rows
        if len(twice):
            key = ", ".join(f"{name} {twice[name].iloc[0]}" for name in spec.key)
            raise TableError(f"{spec.name} would have a row twice: {key}. Nothing was written")
        stamped = rows.assign(data_origin=origin, run_id=tables.run_id)
        return tables.spark.createDataFrame(as_rows(stamped, spec), spec.schema)

    def write(spec: TableSpec, frame: DataFrame) -> None:
        tables.replace(spec, frame, where=ahead if "month" in spec.key else mine)

    whole, nothing = (made(rows, BUDGET_PLANS) for rows in (planned.whole, planned.whole.iloc[:0]))
    parts = [
        (BUDGET_PLAN, planned.rows),
        (DESIRED_UPLOADS, planned.uploads),
        (SCENARIOS, planned.scenarios),
        (TARGETS, planned.targets),
        (BUDGET_FRONTIER, planned.frontier),
        (PLAN_OUTLOOK, planned.outlook),
    ]
    # What does not fit its table is said before anything is written.
    frames = [(spec, made(rows, spec)) for spec, rows in parts]
    # The whole goes first and comes last: where it is, all of it is, of one run.
    write(BUDGET_PLANS, nothing)
    # Of small tables a commit is mostly waiting: two at a time take half of it.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, *zip(*frames, strict=True)))
    write(BUDGET_PLANS, whole)


def of_plan(plan_id: str) -> str:
    """Return the condition of a plan's rows, in SQL."""
    escaped = plan_id.replace("'", "''")
    return f"plan_id = '{escaped}'"


def actual_inputs(tables: Warehouse) -> dict[str, pd.DataFrame]:
    """Read what `pma.planning.actuals.plan_actuals` compares, by the names of its arguments."""
    known = tables.read(MMM_INPUT).where(f"{_COUNTRIES} AND is_complete_week AND value IS NOT NULL")
    country = F.col("geo").alias("country")
    money, counted = F.col("variable").alias("channel"), F.col("variable").alias("target")
    return {
        # A plan without its whole was cut off while it was written.
        "plans": tables.read(BUDGET_PLAN).join(tables.read(BUDGET_PLANS), "plan_id", "left_semi").toPandas(),
        "outlook": tables.read(PLAN_OUTLOOK).toPandas(),
        "spend": known.where("role = 'paid'").select(country, money, "week_start", "value").toPandas(),
        "came": known.where("role = 'target'").select(country, counted, "week_start", "value").toPandas(),
    }


def write_actuals(tables: Warehouse, rows: pd.DataFrame, origin: str) -> None:
    """Write rows of all plans in place of those that were there."""
    stamped = rows.assign(data_origin=origin, run_id=tables.run_id)
    tables.replace(PLAN_ACTUALS, tables.spark.createDataFrame(as_rows(stamped, PLAN_ACTUALS), PLAN_ACTUALS.schema))


def as_rows(rows: pd.DataFrame, spec: TableSpec) -> list[tuple[Any, ...]]:
    """Rows in the order and types of the table: money in whole cents, what is missing as None."""
    if rows.empty:
        return []
    names = list(spec.schema.names)
    cents = [name for name in names if spec.schema[name].dataType.simpleString().startswith("decimal")]

    def typed(name: str) -> list[Any]:
        # Where nothing is, SQL has null, and not a number that is none.
        values = rows[name].astype(object).where(rows[name].notna(), None).tolist()
        return [Decimal(round(value * 100)) / 100 for value in values] if name in cents else values

    return list(zip(*(typed(name) for name in names), strict=True))
