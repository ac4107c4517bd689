"""Opportunity clusters: what similar customers buy and a customer does not, or far less."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pma.embeddings.history import history
from pma.embeddings.pooling import heaviest, weighted_mean
from pma.embeddings.settings import ClusterSettings

KEYS = ["customer_id", "as_of_date"]


def cluster_profiles(
    purchases: DataFrame, clusters: DataFrame, dates: Sequence[date], settings: ClusterSettings
) -> DataFrame:
    """Return the share of each cluster in a customer's visits before each date, at length 1 (L2) over the clusters.

    purchases: one row per receipt line; receipts of the last `settings.window_days` before a date count.
    clusters: `product_id`, `cluster_id`.
    Returns one row per customer, date and cluster bought: `customer_id`, `as_of_date`, `cluster_id`, `share` DOUBLE.
    """
    visits = (
        purchases.join(clusters.select("product_id", "cluster_id"), "product_id", "inner")
        # Once per receipt, before every date takes its own copy of the rows.
        .groupBy("customer_id", "basket_id", "cluster_id")
        .agg(F.max("purchased_at").alias("purchased_at"))
    )
    counted = history(visits, dates, settings.window_days).groupBy(*KEYS, "cluster_id").agg(F.count("*").alias("n"))
    length = F.sqrt(F.sum(F.col("n") * F.col("n")).over(Window.partitionBy(*KEYS)))
    return counted.select(*KEYS, "cluster_id", (F.col("n") / length).alias("share"))


def opportunity_clusters(
    purchases: DataFrame, clusters: DataFrame, model: DataFrame, dates: Sequence[date], settings: ClusterSettings
) -> DataFrame:
    """Return the clusters that a customer's segment buys most beyond what he buys himself.

    Similar customers are the segment whose mean profile is nearest to his own; score = the segment's mean share less
    his own share. purchases, clusters, dates: as in `cluster_profiles`; model: the frame of `cluster_vectors`.
    Only clusters of which he buys nothing, or at most `settings.far_less` of the segment's share.
    Returns at most `settings.top` rows per customer and date, those of largest positive score: `customer_id`,
    `as_of_date`, `cluster_id`, `score` DOUBLE. Linear in customers: no pair of customers is ever formed.
    """
    # Read twice below: once for the segment, once for his own share.
    profiles = cluster_profiles(purchases, clusters, dates, settings).persist()
    shares = model.select("cluster_id", "segments")
    # The model is small (clusters x segments), the customers are many: it goes to them.
    expected = (
        _nearest_segments(profiles, shares, settings.segments)
        .crossJoin(F.broadcast(shares))
        .select(*KEYS, "cluster_id", F.get("segments", F.col("segment")).alias("theirs"))
        .where("theirs > 0")
    )
    own = F.coalesce("share", F.lit(0.0))
    lacking = expected.join(profiles, [*KEYS, "cluster_id"], "left").where(own <= settings.far_less * F.col("theirs"))
    scored = lacking.select(*KEYS, "cluster_id", (F.col("theirs") - own).alias("weight"))
    top = heaviest(scored, KEYS, "cluster_id", settings.top)
    return top.select(*KEYS, "cluster_id", F.col("weight").alias("score"))


def opportunity_block(opportunities: DataFrame, model: DataFrame, settings: ClusterSettings) -> DataFrame:
    """Pool the vectors of a customer's opportunity clusters, weighted by score.

    opportunities: the frame of `opportunity_clusters`; model: the frame of `cluster_vectors`.
    Returns one row per customer and date with an opportunity: `customer_id`, `as_of_date`, `vector` ARRAY<FLOAT>.
    """
    rows = opportunities.join(F.broadcast(model.select("cluster_id", "vector")), "cluster_id", "inner")
    weighed = rows.withColumnRenamed("score", "weight")
    pooled = weighted_mean(weighed, KEYS, "cluster_id", settings.word2vec.vector_size)
    return pooled.select(*KEYS, "vector")


def _nearest_segments(profiles: DataFrame, shares: DataFrame, segments: int) -> DataFrame:
    """One row per customer and date with `segment` INT: the nearest mean profile, equal distances by number.

    |x - m|^2 is smallest where x.m - |m|^2 / 2 is largest; one sum per segment keeps it to one pass over the profiles.
    """
    present = F.col("segments")
    products = [F.sum(F.col("share") * F.get(present, F.lit(i))).alias(f"_{i}") for i in range(segments)]
    norms = [F.sum(F.pow(F.get(present, F.lit(i)).cast("double"), F.lit(2.0))) / 2 for i in range(segments)]
    halves = shares.agg(F.array(*norms).alias("halves"))
    closeness = F.array(*[F.col(f"_{i}") - F.get("halves", F.lit(i)) for i in range(segments)])
    return (
        profiles.join(F.broadcast(shares), "cluster_id", "inner")
        .groupBy(*KEYS)
        .agg(*products)
        .crossJoin(F.broadcast(halves))
        .select(*KEYS, closeness.alias("closeness"))
        .select(*KEYS, _first_largest(F.col("closeness")).alias("segment"))
    )


def _first_largest(values: Column) -> Column:
    """Position from 0 of the largest value; nulls (segments the model has not) never win."""
    return (F.array_position(values, F.array_max(values)) - 1).cast("int")
