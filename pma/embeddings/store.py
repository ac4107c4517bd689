"""Preferred store of a customer, and vectors of stores: what is bought there, learnt by a Keras Embedding layer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from scipy.sparse import csr_matrix

from pma.embeddings.history import before
from pma.embeddings.settings import StoreSettings

OTHER = "(other)"
VECTOR_SCHEMA = "store_id string, vector array<float>, baskets bigint, source string"


def preferred_store(history: DataFrame) -> DataFrame:
    """Return the most visited store of each customer at each date; later last visit, then smaller id, breaks ties.

    history: one row per receipt line x as_of_date. A visit is a basket. Lines without a store are passed over.
    Returns: customer_id, as_of_date (key), store_id, visits BIGINT; no row for a customer without a store.
    """
    stores = (
        history.where(F.col("store_id").isNotNull())
        .groupBy("customer_id", "as_of_date", "store_id")
        .agg(F.count_distinct("basket_id").alias("visits"), F.max("purchased_at").alias("last_visit"))
    )
    best_first = Window.partitionBy("customer_id", "as_of_date").orderBy(
        F.desc("visits"), F.desc("last_visit"), F.asc("store_id")
    )
    rank = F.row_number().over(best_first.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    return (
        stores.withColumn("rank", rank)
        .where(F.col("rank") == 1)
        .select("customer_id", "as_of_date", "store_id", "visits")
    )


@dataclass(frozen=True)
class StoreCounts:
    """Receipt lines by store and product type; row 0 of the matrices is `(other)`: all stores with too few baskets."""

    baskets: dict[str, int]
    stores: tuple[str, ...]
    items: tuple[str, ...]
    train: csr_matrix
    valid: csr_matrix


def fit_store_vectors(
    purchases: DataFrame, products: DataFrame, trained_as_of: date, settings: StoreSettings
) -> DataFrame:
    """Return the vector of every store, from lines before `trained_as_of`; `(other)` stands for those not seen.

    purchases: one row per receipt line. products: product_id, type, category, department.
    Returns: store_id (key), vector ARRAY<FLOAT> [vector_size], baskets BIGINT, source (`trained`, or `other`: fewer
    than `min_baskets` baskets, the vector that such stores share).
    Raises ValueError when no line lies before the date.
    """
    from pma.embeddings.store_model import fit_embedding  # TensorFlow: seconds to import, wanted by the fit alone

    counts = count_lines(purchases, products, trained_as_of, settings)
    vectors, _ = fit_embedding(counts.train, counts.valid, settings)
    row_of = {store: row for row, store in enumerate(counts.stores)}
    rare = sum(baskets for store, baskets in counts.baskets.items() if store not in row_of)
    rows = [
        (store, vectors[row_of.get(store, 0)].tolist(), baskets, "trained" if row_of.get(store, 0) else "other")
        for store, baskets in [(OTHER, rare), *sorted(counts.baskets.items())]
    ]
    return purchases.sparkSession.createDataFrame(rows, VECTOR_SCHEMA).select("store_id", "vector", "baskets", "source")


def count_lines(purchases: DataFrame, products: DataFrame, trained_as_of: date, settings: StoreSettings) -> StoreCounts:
    """Count lines by store and product type before the date, a share of the baskets apart for early stopping.

    The counting is Spark's. What reaches the driver: one row per store, and one per store x type that occurs (Complete
    Journey: 106,000 rows, 2 MB).
    """
    lines = before(purchases, trained_as_of).where("store_id is not null")
    per_store = lines.groupBy("store_id").agg(F.count_distinct("basket_id").alias("baskets"))
    baskets = {row["store_id"]: row["baskets"] for row in per_store.collect()}
    if not baskets:
        raise ValueError(
            f"il.purchases has no line with a store_id before trained_as_of {trained_as_of}: "
            "choose a later trained_as_of, or load earlier purchases"
        )
    known = tuple(sorted(store for store, number in baskets.items() if number >= settings.min_baskets))
    kept = F.broadcast(
        per_store.where(F.col("baskets") >= settings.min_baskets).select("store_id", F.lit(True).alias("kept"))
    )
    table = (
        lines.join(products.select("product_id", _item().alias("item")), on="product_id", how="left")
        .join(kept, on="store_id", how="left")
        .groupBy(
            F.when(F.col("kept"), F.col("store_id")).otherwise(OTHER).alias("store"),
            F.coalesce("item", F.lit("(missing)")).alias("item"),
        )
        .agg(F.count_if(~_held_out(settings)).alias("train"), F.count_if(_held_out(settings)).alias("valid"))
        .orderBy("store", "item")
        .toPandas()
    )
    stores = (OTHER, *known)
    items = tuple(sorted(table["item"].unique()))
    store_index, item_index = {s: i for i, s in enumerate(stores)}, {s: i for i, s in enumerate(items)}
    place = (table["store"].map(store_index).to_numpy(), table["item"].map(item_index).to_numpy())
    shape = (len(stores), len(items))
    train = csr_matrix((table["train"].to_numpy(np.float64), place), shape=shape)
    valid = csr_matrix((table["valid"].to_numpy(np.float64), place), shape=shape)
    return StoreCounts(baskets, stores, items, train, valid)


def _item() -> Column:
    return F.coalesce("type", "category", "department")


def _held_out(settings: StoreSettings) -> Column:
    """Whole baskets, chosen by the hash of their id: the same ones in every run and on every cluster."""
    return F.pmod(F.xxhash64(F.lit(settings.seed), "basket_id"), F.lit(10_000)) < int(settings.valid_share * 10_000)


def store_block(preferred: DataFrame, store_vectors: DataFrame) -> DataFrame:
    """Return the vector of each customer's preferred store; a store without a vector of its own takes `(other)`.

    preferred: `preferred_store`. store_vectors: `fit_store_vectors`, one model's rows.
    Returns: customer_id, as_of_date (key), vector ARRAY<FLOAT>. A missing `(other)` row fails the job.
    """
    other = store_vectors.where(F.col("store_id") == OTHER).select(F.col("vector").alias("other"))
    no_other = F.raise_error(F.lit(f"il.store_vectors has no row {OTHER}: fit the store vectors of this model again"))
    return (
        preferred.join(F.broadcast(store_vectors.select("store_id", "vector")), on="store_id", how="left")
        .join(F.broadcast(other), on=F.lit(True), how="left")
        .select("customer_id", "as_of_date", F.coalesce("vector", "other", no_other).alias("vector"))
    )
