"""Listings and orders of a marketplace from mapped sources: which rows pass, and which are refused and why."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pma.checks import Check, judge, mark_known, readable, refuse_copies
from pma.marketing.tables import LISTINGS, ORDERS


def check_listings(mapped: DataFrame, now: datetime) -> DataFrame:
    """Judge mapped listings: the columns of `il.listings`, and `reasons`, `given`, `copies` as `land` wants them.

    Of the different rows of one listing that pass everything else the earliest stays. One row per different row of the
    source.
    """
    checks = [
        *readable(mapped, LISTINGS),
        Check("negative_price", F.col("price") < 0),
        Check("in_the_future", F.col("created_at") > F.lit(now)),
    ]
    judged = judge(_counted(mapped), checks)
    return refuse_copies(judged, LISTINGS.key, ["created_at", "user_id"], "duplicate_listing")


def check_orders(mapped: DataFrame, listings: DataFrame, now: datetime) -> DataFrame:
    """Judge mapped orders: the columns of `il.orders`, and `reasons`, `given`, `copies` as `land` wants them.

    An order is sent again when money is given back: rows that differ in the refund alone are one, with the largest. Of
    other different rows of one order that pass everything else one stays. One row per different row of the source.
    """
    checks = [
        *readable(mapped, ORDERS),
        Check("negative_value", F.col("value") < 0),
        Check("negative_refund", F.col("refunded_value") < 0),
        Check("in_the_future", F.col("completed_at") > F.lit(now)),
        Check("unknown_listing", F.col("listing_id").isNotNull() & ~F.col("listing_id_known")),
    ]
    marked = mark_known(_counted(mapped), listings, "listing_id").withColumn("kept_back", -F.col("refunded_value"))
    judged = _newest(judge(marked, checks).drop("listing_id_known"))
    return refuse_copies(judged, ORDERS.key, ["kept_back", "completed_at"], "duplicate_order").drop("kept_back")


def _newest(judged: DataFrame) -> DataFrame:
    """Of rows that pass and differ in the refund alone keep the one with the most; it stands for the others too."""
    passes = F.size("reasons") == 0
    same = [passes, *[F.col(name) for name in ORDERS.schema.names if name != "refunded_value"]]
    whole = Window.partitionBy(*same).rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    first = Window.partitionBy(*same).orderBy("kept_back", F.xxhash64(*judged.columns))
    ranked = judged.select(
        *[name for name in judged.columns if name != "copies"],
        F.when(passes, F.sum("copies").over(whole)).otherwise(F.col("copies")).alias("copies"),
        (passes & (F.row_number().over(first) > 1)).alias("is_older"),
    )
    return ranked.where("NOT is_older").select(*judged.columns)


def _counted(mapped: DataFrame) -> DataFrame:
    """Make one row of equal ones: what was sent twice is no fault of the source."""
    return mapped.groupBy(*mapped.columns).agg(F.count("*").alias("copies"))
