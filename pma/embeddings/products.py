"""Product vectors from baskets, their fallback by taxonomy, and the block of a customer's top products."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from pma.embeddings.history import age_days, before
from pma.embeddings.pooling import dot, heaviest, unit, weighted_mean
from pma.embeddings.settings import ProductSettings
from pma.embeddings.word2vec import word_vectors
from pma.sources.tables import TAXONOMY


def baskets(purchases: DataFrame, as_of: date) -> DataFrame:
    """Return the baskets bought before `as_of` as sentences: `sentence_id` (the basket), `words` (its product_ids).

    A basket of one product teaches skip-gram nothing; it stays, because its product still counts as bought.
    """
    return (
        before(purchases, as_of)
        .groupBy(F.col("basket_id").alias("sentence_id"))
        .agg(F.sort_array(F.collect_set("product_id")).alias("words"))
        .select("sentence_id", "words")
    )


def product_vectors(purchases: DataFrame, products: DataFrame, as_of: date, settings: ProductSettings) -> DataFrame:
    """Fit word2vec on the baskets before `as_of` and give every known product a vector.

    Known is what il.products lists or a basket before `as_of` holds. A product too rare for word2vec takes the mean
    vector of its type, else of its category, its department, all products; the means are weighted by purchases.
    Returns one row per product: `product_id` (key), `vector` ARRAY<FLOAT>, `source` (`word2vec`, `type`, `category`,
    `department` or `global`), `purchases` BIGINT (receipt lines before as_of), `idf` DOUBLE
    (ln((1 + customers) / (1 + customers who bought it))).
    """
    vectors = word_vectors(baskets(purchases, as_of), settings.word2vec, "embeddings.products.word2vec")
    counted = _counted(before(purchases, as_of), products).persist()
    learned = vectors.select(F.col("word").alias("product_id"), "vector").join(counted, "product_id", "inner")
    if settings.center:
        learned = _centered(learned, settings.word2vec.vector_size)
    learned = learned.persist()
    try:
        # Every level of the taxonomy reads both: computed here, once, and let go before the caller reads the result.
        filled = _with_fallback(counted, learned, settings.word2vec.vector_size).localCheckpoint()
    finally:
        learned.unpersist()
        counted.unpersist()
    return filled.select("product_id", "vector", "source", "purchases", "idf")


def top_products_block(history: DataFrame, vectors: DataFrame, settings: ProductSettings) -> DataFrame:
    """Pool the vectors of the products that matter most to a customer: recency x log1p(spend) x IDF.

    history: receipt lines before their `as_of_date` (columns of il.purchases and `as_of_date`); vectors: the frame of
    `product_vectors`. Products that the model does not know take no part.
    Returns one row per customer and date with a positive weight: `customer_id`, `as_of_date`, `vector`.
    """
    keys = ["customer_id", "as_of_date"]
    bought = history.groupBy(*keys, "product_id").agg(
        F.min(age_days()).alias("age"), F.greatest(F.sum("spend"), F.lit(0.0)).alias("spend")
    )
    known = bought.join(vectors.select("product_id", "idf"), "product_id", "inner")
    weighed = known.select(*keys, "product_id", _weight(settings.half_life_days).alias("weight"))
    top = heaviest(weighed, keys, "product_id", settings.top)
    with_vectors = top.join(vectors.select("product_id", "vector"), "product_id", "inner")
    pooled = weighted_mean(with_vectors, keys, "product_id", settings.word2vec.vector_size)
    return pooled.select("customer_id", "as_of_date", "vector")


def nearest_products(vectors: DataFrame, product_ids: Sequence[str], count: int = 5) -> DataFrame:
    """Return the products nearest to each of a few by cosine, among those that word2vec itself learned.

    Returns one row per product and rank: `product_id`, `rank` INT from 1 (key), `neighbour_id`, `cosine` DOUBLE.
    """
    learned = vectors.where(F.col("source") == "word2vec").select("product_id", unit(F.col("vector")).alias("vector"))
    asked = learned.where(F.col("product_id").isin(*product_ids))
    others = learned.select(F.col("product_id").alias("neighbour_id"), F.col("vector").alias("other"))
    pairs = F.broadcast(asked).join(others, F.col("product_id") != F.col("neighbour_id"), "inner")
    scored = pairs.withColumn("cosine", dot(F.col("vector"), F.col("other")))
    nearest_first = Window.partitionBy("product_id").orderBy(F.desc("cosine"), "neighbour_id")
    rank = F.row_number().over(nearest_first.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    ranked = scored.withColumn("rank", rank).where(F.col("rank") <= count)
    return ranked.select("product_id", "rank", "neighbour_id", "cosine")


def _weight(half_life_days: float) -> Column:
    decay = F.pow(F.lit(2.0), -F.col("age") / F.lit(half_life_days))
    return decay * F.log1p("spend") * F.col("idf")


def _counted(past: DataFrame, products: DataFrame) -> DataFrame:
    """One row per known product: taxonomy, purchases, idf."""
    customers = past.agg(F.countDistinct("customer_id").alias("customers"))
    bought = past.groupBy("product_id").agg(
        F.count("*").alias("purchases"), F.countDistinct("customer_id").alias("buyers")
    )
    idf = F.log((1 + F.col("customers")) / (1 + F.coalesce("buyers", F.lit(0))))
    return (
        products.select("product_id", *TAXONOMY)
        .join(bought, "product_id", "full")
        .crossJoin(F.broadcast(customers))
        .select("product_id", *TAXONOMY, F.coalesce("purchases", F.lit(0)).alias("purchases"), idf.alias("idf"))
    )


def _centered(learned: DataFrame, size: int) -> DataFrame:
    """Subtract the mean vector: what all products share says nothing about any of them."""
    weighed = learned.select(F.lit(1).alias("all"), "product_id", F.lit(1.0).alias("weight"), "vector")
    mean = weighted_mean(weighed, ["all"], "product_id", size).select(F.col("vector").alias("mean"))
    moved = F.zip_with("vector", "mean", lambda x, m: x - m)
    return learned.crossJoin(F.broadcast(mean)).withColumn("vector", moved).drop("mean")


def _with_fallback(counted: DataFrame, learned: DataFrame, size: int) -> DataFrame:
    """Every product with its own vector or the mean of the nearest level of its taxonomy that has one."""
    filled = counted.join(learned.select("product_id", F.col("vector").alias("word2vec")), "product_id", "left")
    for depth in range(len(TAXONOMY), 0, -1):
        levels = list(TAXONOMY[:depth])
        filled = filled.join(_level_mean(learned, levels, size), levels, "left")
    overall = _level_mean(learned, [], size)
    sources = ["word2vec", *reversed(TAXONOMY), "global"]
    found = [F.when(F.col(_mean_name(source)).isNotNull(), F.lit(source)) for source in sources]
    return filled.crossJoin(F.broadcast(overall)).select(
        "product_id",
        F.coalesce(*[_mean_name(source) for source in sources]).alias("vector"),
        F.coalesce(*found).alias("source"),
        "purchases",
        "idf",
    )


def _mean_name(source: str) -> str:
    return source if source == "word2vec" else f"{source}_mean"


def _level_mean(learned: DataFrame, levels: list[str], size: int) -> DataFrame:
    """Mean vector of the products of one taxonomy level, weighted by purchases; no level: of all products."""
    weighed = learned.select(*levels, F.lit(1).alias("all"), "product_id", F.col("purchases").alias("weight"), "vector")
    means = weighted_mean(weighed, [*levels, "all"], "product_id", size)
    return means.select(*levels, F.col("vector").alias(_mean_name(levels[-1] if levels else "global")))
