"""Purchases and their dimensions from a mapped source: which rows pass, and which are refused and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.checks import Check, judge, mark_known, readable, refuse_copies
from pma.sources.settings import SourceSettings
from pma.sources.tables import PURCHASES
from pma.tables import TableSpec

# A clock on earth is at most so far ahead of UTC.
AHEAD = timedelta(hours=14)


def latest_clock() -> datetime:
    """Return the latest time that the wall clock of any shop shows now, in the table's wall-clock UTC."""
    return datetime.now(UTC) + AHEAD


def check_purchases(
    mapped: DataFrame, products: DataFrame, stores: DataFrame, settings: SourceSettings, now: datetime
) -> DataFrame:
    """Judge mapped receipt lines: the columns of `il.purchases`, and `reasons`, `given`, `copies` as `land` wants them.

    Returns are refused too: what a customer gave back is no interest in it, and no feature here counts it.
    Of the lines of one key that pass everything else the earliest stays. One row per line.
    """
    names = [column.name for column in PURCHASES.columns]
    marked = mark_known(mark_known(mapped, products, "product_id"), stores, "store_id")
    # A basket is what one customer bought at once: vectors of products are learned from what lies in it together.
    buyers = mapped.groupBy("basket_id").agg(F.min("customer_id").alias("first"), F.max("customer_id").alias("last"))
    marked = mark_known(marked, buyers.where("first != last"), "basket_id")
    checks = [
        *readable(mapped, PURCHASES),
        Check("basket_of_two_customers", F.col("basket_id_known")),
        Check("return_or_negative_quantity", F.col("quantity") < 0),
        Check("absurd_quantity", F.col("quantity") > settings.max_quantity),
        Check("negative_spend", F.col("spend") < 0),
        Check("absurd_spend", _endless("spend")),
        Check("negative_discount", F.col("discount") < 0),
        Check("absurd_discount", _endless("discount")),
        Check("in_the_future", F.col("purchased_at") > F.lit(now)),
        Check("unknown_product", F.col("product_id").isNotNull() & ~F.col("product_id_known")),
        Check("unknown_store", F.col("store_id").isNotNull() & ~F.col("store_id_known")),
    ]
    judged = judge(marked, checks).select(*names, "given", "reasons", F.lit(1).alias("copies"))
    return refuse_copies(judged, PURCHASES.key, ["purchased_at", "store_id"], "duplicate_line")


def check_dimension(mapped: DataFrame, spec: TableSpec) -> DataFrame:
    """Judge mapped rows of a dimension: no key, unreadable, a second and different row of a key.

    The columns of the dimension, and `reasons`, `given`, `copies` as `land` wants them. One row per different row of
    the source, so that a list of stores can be read off the receipts.
    """
    names = [column.name for column in spec.columns]
    counted = mapped.groupBy(*names, "given").agg(F.count("*").alias("copies"))
    return refuse_copies(judge(counted, readable(mapped, spec)), spec.key, names, "duplicate_key")


def complete_customers(known: DataFrame, purchases: DataFrame) -> DataFrame:
    """Add the customers who bought but of whom nothing else is known. One row per customer."""
    buyers = purchases.select("customer_id").distinct()
    joined = buyers.join(known, on="customer_id", how="full")
    return joined.select(*known.columns)


def _endless(name: str) -> Column:
    """Infinity, or what is no number: Spark holds the latter to be the greater."""
    return F.col(name) >= F.lit(float("inf"))
