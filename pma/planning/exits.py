"""Uploads as a life table sees them: how long each was watched, and where it sold, if it did."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def upload_exits(listings: DataFrame, orders: DataFrame, end: date, window_days: int) -> DataFrame:
    """Return how many uploads left the watch after how many days, and where to: all that the bridge needs.

    Grain: origin_country x days x destination_country (null: not sold before the data end). Columns uploads, value,
    value_squared: sums over them, value of the order less refunds. `listings`: rows of il.listings; `orders`: of
    il.orders; `end`: the first day that the data do not have whole; uploads of `window_days` before it are watched. Of
    several orders of a listing the first counts; an order before its upload counts as one of the same day.
    """
    earliest = Window.partitionBy("listing_id").orderBy("completed_at", "order_id")
    sold = (
        orders.where(F.col("completed_at") < F.lit(end))
        .withColumn("place", F.row_number().over(earliest))
        .where("place = 1")
        .select(
            "listing_id",
            F.col("country").alias("destination_country"),
            F.to_date("completed_at").alias("sold_on"),
            (F.col("value") - F.col("refunded_value")).cast("double").alias("value"),
        )
    )
    listed = F.to_date("created_at")
    watched = listings.where(listed.between(F.date_sub(F.lit(end), window_days), F.date_sub(F.lit(end), 1)))
    return (
        watched.select("listing_id", F.col("country").alias("origin_country"), listed.alias("listed_on"))
        .join(sold, "listing_id", "left")
        .withColumn("days", F.greatest(F.datediff(F.coalesce("sold_on", F.lit(end)), "listed_on"), F.lit(0)))
        .groupBy("origin_country", "days", "destination_country")
        .agg(
            F.count("*").alias("uploads"),
            F.coalesce(F.sum("value"), F.lit(0.0)).alias("value"),
            F.coalesce(F.sum(F.col("value") * F.col("value")), F.lit(0.0)).alias("value_squared"),
        )
    )
