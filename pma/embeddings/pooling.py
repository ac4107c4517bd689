"""Weighted means of vectors, in the JVM and in a fixed order, so that a rerun gives equal bits."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window


def weighted_mean(rows: DataFrame, keys: Sequence[str], order: str, size: int) -> DataFrame:
    """Return the weighted mean of the vectors of each group: sum(weight x vector) / sum(weight).

    rows: `keys`, `order` (unique inside a group), `weight` DOUBLE, `vector` ARRAY<FLOAT> of `size`.
    Returns one row per group with a positive total weight: `keys`, `vector` ARRAY<FLOAT>. Rows without a positive
    weight take no part. The sum runs in the order of `order`, in double precision.
    """
    entry = F.struct(F.col(order), F.col("weight").cast("double").alias("weight"), "vector")
    return (
        rows.where(F.col("weight") > 0)
        .groupBy(*keys)
        .agg(F.sort_array(F.collect_list(entry)).alias("entries"))
        .select(*keys, _mean(F.col("entries"), size).alias("vector"))
    )


def heaviest(rows: DataFrame, keys: Sequence[str], order: str, count: int) -> DataFrame:
    """Keep the `count` rows of largest positive `weight` of each group; equal weights by `order` ascending."""
    by_weight = Window.partitionBy(*keys).orderBy(F.col("weight").desc(), F.col(order).asc())
    running = by_weight.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return (
        rows.where(F.col("weight") > 0)
        .withColumn("_rank", F.row_number().over(running))
        .where(F.col("_rank") <= count)
        .select(*rows.columns)
    )


def unit(vector: Column) -> Column:
    """Return the vector at length 1; a vector of zeros stays."""
    squares = F.aggregate(vector, F.lit(0.0), lambda total, x: total + x.cast("double") * x.cast("double"))
    length = F.sqrt(squares)
    return F.when(length > 0, F.transform(vector, lambda x: (x / length).cast("float"))).otherwise(vector)


def dot(left: Column, right: Column) -> Column:
    """Return the inner product of two ARRAY columns as DOUBLE."""
    products = F.zip_with(left, right, lambda x, y: x.cast("double") * y.cast("double"))
    return F.aggregate(products, F.lit(0.0), lambda total, x: total + x)


def _mean(entries: Column, size: int) -> Column:
    zeros = F.array_repeat(F.lit(0.0), size)
    total = F.aggregate(
        entries, zeros, lambda sums, e: F.zip_with(sums, e["vector"], lambda s, x: s + x.cast("double") * e["weight"])
    )
    weight = F.aggregate(entries, F.lit(0.0), lambda s, e: s + e["weight"])
    return F.transform(total, lambda s: (s / weight).cast("float"))
