"""Opportunity clusters: what similar customers buy and a customer does not, or far less."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.embeddings.history import age_days
from pma.embeddings.pooling import heaviest, weighted_mean
from pma.embeddings.settings import ClusterSettings

KEYS = ["customer_id", "as_of_date"]


def cluster_profiles(history: DataFrame, clusters: DataFrame, settings: ClusterSettings) -> DataFrame:
    """Return the share of each cluster in a customer's visits, at length 1 (L2) over the clusters.

    history: receipt lines before their `as_of_date`; those of the last `settings.window_days` count.
    clusters: `product_id`, `cluster_id`.
    Returns one row per customer, date and cluster bought: `customer_id`, `as_of_date`, `cluster_id`, `share` DOUBLE.
    """
    visits = (
        history.where(age_days() <= settings.window_days)
        .join(clusters.select("product_id", "cluster_id"), "product_id", "inner")
        .groupBy(*KEYS, "cluster_id")
        .agg(F.countDistinct("basket_id").alias("visits"))
    )
    lengths = visits.groupBy(*KEYS).agg(F.sqrt(F.sum(F.col("visits") * F.col("visits"))).alias("length"))
    share = F.col("visits") / F.col("length")
    return visits.join(lengths, KEYS, "inner").select(*KEYS, "cluster_id", share.alias("share"))


def opportunity_clusters(
    history: DataFrame, clusters: DataFrame, model: DataFrame, settings: ClusterSettings
) -> DataFrame:
    """Return the clusters that a customer's segment buys most beyond what he buys himself.

    Similar customers are the segment whose mean profile is nearest to his own; score = the segment's mean share less
    his own share. history, clusters: as in `cluster_profiles`; model: the frame of `cluster_vectors`.
    Returns at most `settings.top` rows per customer and date, those of largest positive score: `customer_id`,
    `as_of_date`, `cluster_id`, `score` DOUBLE. Linear in customers: no pair of customers is ever formed.
    """
    # Read twice below: once for the segment, once for his own share.
    profiles = cluster_profiles(history, clusters, settings).persist()
    shares = model.select("cluster_id", "segments")
    # The model is small (clusters x segments), the customers are many: it goes to them.
    expected = _nearest_segments(profiles, shares, settings.segments).crossJoin(F.broadcast(shares))
    score = F.get("segments", F.col("segment")) - F.coalesce("share", F.lit(0.0))
    scored = expected.join(profiles, [*KEYS, "cluster_id"], "left").select(*KEYS, "cluster_id", score.alias("weight"))
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
