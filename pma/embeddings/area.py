"""Precision-area demographics: what the known households around the same preferred store are like."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pma.embeddings.settings import AreaSettings

MISSING = "(missing)"
# One entry per demographic column: its name and its levels, in the order of the vector.
AreaLayout = tuple[tuple[str, tuple[str, ...]], ...]


def area_layout(customers: DataFrame) -> AreaLayout:
    """Return the levels of each demographic column, as the frame at training time has them: the order of the vector.

    customers: customer_id (key), then demographics STRING. Columns in the frame's order; levels sorted, `(missing)`
    last. The vector has one entry per level: (column 1, level 1), (column 1, level 2), ... One row reaches the driver.
    """
    columns = [name for name in customers.columns if name != "customer_id"]
    if not columns:
        raise ValueError("il.customers has no demographic column: add one, or give the area block no weight")
    sets = customers.agg(*[F.sort_array(F.collect_set(name)).alias(name) for name in columns]).collect()[0]
    return tuple((name, (*[level for level in sets[name] if level != MISSING], MISSING)) for name in columns)


def area_block(preferred: DataFrame, customers: DataFrame, layout: AreaLayout, settings: AreaSettings) -> DataFrame:
    """Return, per customer and date, the distributions of each demographic among the *other* households of his store.

    preferred: `preferred_store`: only households that bought before the date stand in it, so only they count.
    customers: customer_id (key), demographics. A household counts when at least one of its demographics is known; a
    demographic that it lacks, or a level that the layout lacks, counts as `(missing)`. With n others at the store, N
    others in all, and k = `pseudo_households` (the posterior mean of a Dirichlet-multinomial; the overall distribution
    is itself smoothed by one household spread evenly over the L levels):

        overall = (N_level + 1 / L) / (N + 1)          area = (n_level + k * overall) / (n + k)

    Returns: customer_id, as_of_date (key), vector ARRAY<FLOAT> in the order of `area_layout`; every column's part sums
    to 1. A customer without a preferred store has no row. Linear: own levels are taken off the totals, no self join.
    """
    households = preferred.join(_known(customers, layout), on="customer_id", how="left").select(
        "customer_id", "as_of_date", "store_id", "own"
    )
    areas = _totals(households, ["as_of_date", "store_id"], layout, "area")
    overall = F.broadcast(_totals(households, ["as_of_date"], layout, "all"))
    return (
        households.join(areas, on=["as_of_date", "store_id"], how="left")
        .join(overall, on="as_of_date", how="left")
        .select("customer_id", "as_of_date", _distributions(layout, settings).alias("vector"))
    )


def _known(customers: DataFrame, layout: AreaLayout) -> DataFrame:
    """customer_id, own ARRAY<INT>: positions of the household's levels in the vector; only households known at all."""
    names = [name for name, _ in layout]
    known = F.coalesce(*[F.col(name) for name in names]).isNotNull()
    return customers.where(known).select("customer_id", F.array(*_positions(layout)).alias("own"))


def _positions(layout: AreaLayout) -> list[Column]:
    positions, start = [], 0
    for name, levels in layout:
        place = F.lit(start + len(levels) - 1)  # (missing), and any level that the layout has not seen
        for number, level in enumerate(levels):
            place = F.when(F.col(name) == level, F.lit(start + number)).otherwise(place)
        positions.append(place)
        start += len(levels)
    return positions


def _totals(households: DataFrame, keys: list[str], layout: AreaLayout, prefix: str) -> DataFrame:
    """The keys, {prefix}_households, {prefix}_levels ARRAY<DOUBLE>: known households in all and by position."""
    positions = range(sum(len(levels) for _, levels in layout))
    counts = [F.count_if(F.array_contains("own", position)).cast("double") for position in positions]
    return (
        households.where(F.col("own").isNotNull())
        .groupBy(*keys)
        .agg(F.count("own").cast("double").alias(f"{prefix}_households"), F.array(*counts).alias(f"{prefix}_levels"))
    )


def _distributions(layout: AreaLayout, settings: AreaSettings) -> Column:
    """The vector: a store or a date where nobody is known counts as zero households."""
    size = [float(len(levels)) for _, levels in layout for _ in levels]
    none = F.lit([0.0] * len(size))
    self_known = F.col("own").isNotNull().cast("double")
    n = F.coalesce("area_households", F.lit(0.0)) - self_known
    total = F.coalesce("all_households", F.lit(0.0)) - self_known
    rows = F.arrays_zip(
        F.coalesce("area_levels", none).alias("area"),
        F.coalesce("all_levels", none).alias("all"),
        F.lit(size).alias("size"),
    )

    def share(row: Column, position: Column) -> Column:
        own = F.coalesce(F.array_contains("own", position), F.lit(False)).cast("double")
        overall = (row["all"] - own + 1 / row["size"]) / (total + 1)
        return (row["area"] - own + settings.pseudo_households * overall) / (n + settings.pseudo_households)

    return F.transform(rows, share).cast(T.ArrayType(T.FloatType()))
