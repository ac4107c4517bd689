"""Vectors that a model learned, and blocks of the embedding, on their way to the repository."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.embeddings.plan import Plan
from pma.embeddings.tables import CUSTOMER_BLOCKS
from pma.tables import TableSpec
from pma.warehouse import Warehouse


def learned_once(tables: Warehouse, plan: Plan, spec: TableSpec, learn: Callable[[], DataFrame]) -> DataFrame:
    """Return the rows of the plan's model in a table of vectors; where there are none yet, learn and write them."""
    if not tables.has(spec, plan.where):
        tables.replace(spec, plan.stamp(learn()), where=plan.where)
    return tables.read(spec).where(plan.where)


def write_block(tables: Warehouse, plan: Plan, block: str, rows: DataFrame) -> None:
    """Replace one block of the plan's model for the plan's as-of dates. `rows`: customer_id, as_of_date, vector."""
    named = plan.stamp(rows).withColumn("block", F.lit(block))
    days = ", ".join(f"'{day}'" for day in plan.block_dates)
    tables.replace(CUSTOMER_BLOCKS, named, where=f"{plan.where} AND block = '{block}' AND as_of_date IN ({days})")
