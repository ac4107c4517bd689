"""Conversions: every upload and every order, each counted once."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pma.marketing.tables import CONVERSIONS, CONVERSIONS_OF, MONEY


def conversions(listings: DataFrame, orders: DataFrame, origin: str) -> DataFrame:
    """Return `il.conversions` from `il.listings` and `il.orders`, which hold each listing and order once.

    One row per upload, whose value is 0, and one per order, whose refund stands beside its value and is not taken off.
    An order of a listing that is not there has no country of origin: the write refuses it, it is not lost.
    """
    nothing = F.lit(0).cast(MONEY)
    uploads = listings.select(
        F.concat(F.lit("upload:"), "listing_id").alias("conversion_id"),
        F.lit(CONVERSIONS_OF["sales_ads"]).alias("conversion_type"),
        "user_id",
        F.col("created_at").alias("converted_at"),
        "listing_id",
        F.col("country").alias("origin_country"),
        F.lit(None).cast("string").alias("destination_country"),
        "country",
        nothing.alias("value"),
        nothing.alias("refunded_value"),
    )
    uploaded_in = listings.select("listing_id", F.col("country").alias("origin_country"))
    sales = orders.join(uploaded_in, on="listing_id", how="left").select(
        F.concat(F.lit("order:"), "order_id").alias("conversion_id"),
        F.lit(CONVERSIONS_OF["orders"]).alias("conversion_type"),
        "user_id",
        F.col("completed_at").alias("converted_at"),
        "listing_id",
        "origin_country",
        F.col("country").alias("destination_country"),
        "country",
        "value",
        "refunded_value",
    )
    in_order = Window.partitionBy("user_id", "conversion_type").orderBy("converted_at", "conversion_id")
    numbered = uploads.unionByName(sales).select(
        "*",
        (F.row_number().over(in_order) == 1).alias("is_first"),
        F.lit(origin).alias("data_origin"),
    )
    return numbered.select(*CONVERSIONS.schema.names)
