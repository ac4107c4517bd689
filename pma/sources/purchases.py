"""Purchases and their dimensions from a mapped source: which rows pass, and which are refused and why."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.checks import Check, judge, mark_copies, mark_known
from pma.sources.settings import SourceSettings
from pma.sources.tables import PURCHASES
from pma.tables import TableSpec


def check_purchases(
    mapped: DataFrame, products: DataFrame, stores: DataFrame, settings: SourceSettings, now: datetime
) -> DataFrame:
    """Judge mapped receipt lines: the columns of `il.purchases` and `reasons` to refuse a line.

    Returns are refused too: what a customer gave back is no interest in it, and no feature here counts it.
    A line that came twice stays once.
    """
    names = [column.name for column in PURCHASES.columns]
    marked = mark_known(mark_known(mapped, products, "product_id"), stores, "store_id")
    marked = mark_copies(marked, PURCHASES.key, ["purchased_at", "store_id"])
    checks = [
        *_readable(PURCHASES),
        Check("duplicate_line", F.col("copy_number") > 1),
        Check("return_or_negative_quantity", F.col("quantity") < 0),
        Check("absurd_quantity", (F.col("quantity") > settings.max_quantity) | F.isnan("quantity")),
        Check("negative_spend", (F.col("spend") < 0) | F.isnan("spend")),
        Check("negative_discount", (F.col("discount") < 0) | F.isnan("discount")),
        Check("in_the_future", F.col("purchased_at") > F.lit(now)),
        Check("unknown_product", F.col("product_id").isNotNull() & ~F.col("product_id_known")),
        Check("unknown_store", F.col("store_id").isNotNull() & ~F.col("store_id_known")),
    ]
    return judge(marked, checks).select(*names, "reasons")


def check_dimension(mapped: DataFrame, spec: TableSpec) -> DataFrame:
    """Judge mapped rows of a dimension: no key, unreadable, a second and different row of a key.

    Equal rows count as one, so that a list of stores can be read off the receipts.
    """
    names = [column.name for column in spec.columns]
    marked = mark_copies(mapped.distinct(), spec.key, names)
    return judge(marked, [*_readable(spec), Check("duplicate_key", F.col("copy_number") > 1)]).select(*names, "reasons")


def complete_customers(known: DataFrame, purchases: DataFrame) -> DataFrame:
    """Add the customers who bought but of whom nothing else is known. One row per customer."""
    buyers = purchases.select("customer_id").distinct()
    joined = buyers.join(known, on="customer_id", how="full")
    return joined.select(*known.columns)


def _readable(spec: TableSpec) -> list[Check]:
    missing = [Check(f"missing_{name}", F.col(name).isNull() & ~F.col(f"{name}_unreadable")) for name in spec.required]
    return missing + [Check(f"unreadable_{c.name}", F.col(f"{c.name}_unreadable")) for c in spec.columns]
