"""Clusters of products and segments of customers, both fitted once and then frozen in one frame."""

from __future__ import annotations

from datetime import date

from pyspark.ml.clustering import KMeans
from pyspark.ml.functions import array_to_vector
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from pma.embeddings.history import before
from pma.embeddings.opportunities import cluster_profiles
from pma.embeddings.pooling import unit
from pma.embeddings.settings import ClusterSettings
from pma.embeddings.word2vec import word_vectors


class ClusterError(ValueError):
    """There is too little to cluster; the message names the setting to change."""


def product_clusters(vectors: DataFrame, settings: ClusterSettings) -> DataFrame:
    """Assign every product to one of `settings.clusters` k-means clusters of the learned vectors at length 1.

    vectors: the frame of `product_vectors`; only `source` = word2vec shapes the clusters, all products are assigned.
    Returns one row per product: `product_id` (key), `cluster_id` INT.
    Raises ClusterError if fewer products were learned than clusters are asked for.
    """
    points = vectors.select("product_id", "source", array_to_vector(unit(F.col("vector"))).alias("features"))
    # One partition in a fixed order: k-means adds up in the order of its input, and a sum's last bit decides a tie.
    learned = points.where(F.col("source") == "word2vec").repartition(1).sortWithinPartitions("product_id").persist()
    try:
        count = learned.count()
        if count < settings.clusters:
            raise ClusterError(
                f"il.product_vectors: word2vec learned {count} products, embeddings.clusters.clusters asks for "
                f"{settings.clusters} clusters of them. Fix: lower it, or load more purchases (il.purchases)"
            )
        model = _k_means(settings.clusters, settings).fit(learned)
    finally:
        learned.unpersist()
    return model.transform(points).select("product_id", F.col("cluster").alias("cluster_id"))


def cluster_vectors(
    purchases: DataFrame, products: DataFrame, clusters: DataFrame, as_of: date, settings: ClusterSettings
) -> DataFrame:
    """Fit the vectors of the clusters and the profiles of the customer segments on purchases before `as_of`.

    clusters: the frame of `product_clusters`. The vectors are word2vec over each customer's baskets in time order,
    a basket being the set of clusters bought; a cluster that no such sequence holds has a vector of zeros.
    Returns one row per cluster: `cluster_id` INT (key), `vector` ARRAY<FLOAT>, `segments` ARRAY<FLOAT> (mean share of
    this cluster in each customer segment's profiles: the frozen model of `opportunity_clusters`), `products` BIGINT,
    `label` STRING (types of its best-selling products).
    """
    past = before(purchases, as_of)
    visits = past.join(clusters, "product_id", "inner")
    vectors = word_vectors(_sequences(visits, settings), settings.word2vec, "embeddings.clusters.word2vec")
    own = vectors.select(F.col("word").cast("int").alias("cluster_id"), "vector")
    profiles = cluster_profiles(past, clusters, [as_of], settings)
    zeros = F.array_repeat(F.lit(0.0).cast("float"), settings.word2vec.vector_size)
    return (
        _described(past, products, clusters, settings)
        .join(own, "cluster_id", "left")
        .join(_segment_shares(profiles, settings), "cluster_id", "left")
        .select("cluster_id", F.coalesce("vector", zeros).alias("vector"), "segments", "products", "label")
    )


def _k_means(k: int, settings: ClusterSettings) -> KMeans:
    return KMeans(k=k, maxIter=settings.max_iter, seed=settings.seed, featuresCol="features", predictionCol="cluster")


def _sequences(visits: DataFrame, settings: ClusterSettings) -> DataFrame:
    """One sentence per customer: the clusters of each basket once, baskets by time, inside a basket by hash."""
    mixed = F.xxhash64("basket_id", "cluster_id", F.lit(settings.seed))
    word = F.col("cluster_id").cast("string")
    entry = F.struct("bought_at", "basket_id", mixed.alias("mixed"), word.alias("word"))
    return (
        visits.groupBy("customer_id", "basket_id", "cluster_id")
        .agg(F.min("purchased_at").alias("bought_at"))
        .groupBy(F.col("customer_id").alias("sentence_id"))
        .agg(F.sort_array(F.collect_list(entry)).alias("entries"))
        .select("sentence_id", F.col("entries.word").alias("words"))
    )


def _segment_shares(profiles: DataFrame, settings: ClusterSettings) -> DataFrame:
    """One row per cluster: its mean share in every segment. A k-means centre is the mean profile of its customers.

    profiles: `customer_id`, `cluster_id`, `share`; the segments are learned from at most `segment_sample` customers.
    """
    shares = F.map_from_entries(F.sort_array(F.collect_list(F.struct("cluster_id", "share"))))
    every = F.sequence(F.lit(0), F.lit(settings.clusters - 1))
    dense = F.transform(every, lambda cluster: F.coalesce(F.col("shares")[cluster], F.lit(0.0)))
    sample = (
        profiles.groupBy("customer_id")
        .agg(shares.alias("shares"))
        .orderBy(F.xxhash64("customer_id", F.lit(settings.seed)), "customer_id")
        .limit(settings.segment_sample)
        .select("customer_id", array_to_vector(dense).alias("features"))
        .repartition(1)
        .sortWithinPartitions("customer_id")
        .persist()
    )
    try:
        count = sample.count()
        if count == 0:
            raise ClusterError(
                "il.cluster_vectors: no customer bought a clustered product in the embeddings.clusters.window_days "
                "before the training date. Fix: a later as_of, or more window_days"
            )
        model = _k_means(max(2, min(settings.segments, count)), settings).fit(sample)
    finally:
        sample.unpersist()
    centres = [[float(share) for share in centre] for centre in model.clusterCenters()]
    rows = [(cluster, list(shares)) for cluster, shares in enumerate(zip(*centres, strict=True))]
    return profiles.sparkSession.createDataFrame(rows, "cluster_id int, segments array<float>")


def _described(past: DataFrame, products: DataFrame, clusters: DataFrame, settings: ClusterSettings) -> DataFrame:
    """One row per cluster: number of products, and the types of those that sell most, each once."""
    lines = past.groupBy("product_id").agg(F.count("*").alias("lines"))
    order = Window.partitionBy("cluster_id").orderBy(F.col("lines").desc_nulls_last(), "product_id")
    running = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    ranked = (
        clusters.join(lines, "product_id", "left")
        .join(products.select("product_id", _name().alias("name")), "product_id", "left")
        .withColumn("rank", F.row_number().over(running))
    )
    best = F.when(F.col("rank") <= settings.label_products, F.struct("rank", "name"))
    return ranked.groupBy("cluster_id").agg(
        F.count("*").alias("products"),
        F.array_join(
            F.array_distinct(F.transform(F.sort_array(F.collect_list(best)), lambda entry: entry["name"])), ", "
        ).alias("label"),
    )


def _name() -> Column:
    return F.coalesce("type", "category", "department", F.lit("(unnamed)"))
