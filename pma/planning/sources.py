"""The tables that a plan reads and writes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
from pyspark.sql import functions as F

from pma.mmm.input.tables import MMM_INPUT
from pma.mmm.tables import MMM_CONTRIBUTIONS, MMM_POSTERIOR, MMM_RUNS
from pma.planning.plan import Inputs, Planned
from pma.planning.tables import BUDGET_PLAN, BUDGET_PLANS, DESIRED_UPLOADS, SCENARIOS, UPLOAD_BRIDGE
from pma.tables import TableSpec
from pma.warehouse import Warehouse

_COUNTRIES = "geo_level = 'country'"


def plan_inputs(tables: Warehouse) -> Inputs:
    """Read what a plan is made of; fits of countries by the model alone."""
    paid = tables.read(MMM_INPUT).where(f"{_COUNTRIES} AND role = 'paid' AND value IS NOT NULL")
    of_model = f"{_COUNTRIES} AND method = 'bayes'"
    unpaid = tables.read(MMM_CONTRIBUTIONS).where(f"{of_model} AND target = 'uploads' AND kind <> 'paid'")
    return Inputs(
        runs=tables.read(MMM_RUNS).toPandas(),
        posterior=tables.read(MMM_POSTERIOR).where(of_model).toPandas(),
        paid=paid.select(
            F.col("geo").alias("country"), F.col("variable").alias("channel"), "week_start", "value"
        ).toPandas(),
        unpaid=unpaid.groupBy(F.col("geo").alias("country"), "week_start").agg(F.sum("mean").alias("value")).toPandas(),
        bridge=tables.read(UPLOAD_BRIDGE).toPandas(),
    )


def write_plan(tables: Warehouse, planned: Planned, origin: str) -> None:
    """Write a plan's rows, and those of its scenarios, in place of those of the same plan_id."""
    plan_id = str(planned.whole["plan_id"].iloc[0]).replace("'", "''")
    # The whole comes last: where it is, all of it is.
    for spec, rows in (
        (BUDGET_PLAN, planned.rows),
        (DESIRED_UPLOADS, planned.uploads),
        (SCENARIOS, planned.scenarios),
        (BUDGET_PLANS, planned.whole),
    ):
        tables.ensure(spec)
        stamped = rows.assign(data_origin=origin, run_id=tables.run_id)
        frame = tables.spark.createDataFrame(as_rows(stamped, spec), spec.schema)
        tables.replace(spec, frame, where=f"plan_id = '{plan_id}'")


def as_rows(rows: pd.DataFrame, spec: TableSpec) -> list[tuple[Any, ...]]:
    """Rows in the order and types of the table: money in whole cents, what is missing as None."""
    names = list(spec.schema.names)
    cents = [name for name in names if spec.schema[name].dataType.simpleString().startswith("decimal")]

    def typed(name: str) -> list[Any]:
        # Where nothing is, SQL has null, and not a number that is none.
        values = rows[name].astype(object).where(rows[name].notna(), None).tolist()
        return [Decimal(round(value * 100)) / 100 for value in values] if name in cents else values

    return list(zip(*(typed(name) for name in names), strict=True))
