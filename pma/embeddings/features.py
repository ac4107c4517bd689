"""Purchase metrics: what a customer bought, how much and how lately, at every level of the taxonomy and by store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import reduce
from typing import NamedTuple, get_args

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pma.embeddings.history import age_days, history
from pma.embeddings.settings import TOTAL_METRICS, WINDOW_METRICS, FeatureSettings, Level
from pma.sources.tables import TAXONOMY
from pma.tables import TableError

LEVELS: tuple[Level, ...] = get_args(Level)
# Quantiles are exact where fewer customers have a feature, and off by one in so many ranks beyond that.
RANKS = 10_000
MEANING = {
    "visits": "receipts with it",
    "spend": "money spent on it",
    "quantity": "units bought of it",
    "discount": "money taken off it",
    "basket_lines": "lines per receipt",
    "basket_spend": "money per receipt",
    "recency": "days since it was last bought",
}


class Slot(NamedTuple):
    """One metric over one window; an entity's values stand in the order of `slots`."""

    metric: str
    window_days: int


def slots(settings: FeatureSettings) -> tuple[Slot, ...]:
    """Return metrics x windows in the order of the value arrays; recency has the longest window only."""
    windows = sorted(settings.windows_days)
    pairs = [Slot(metric, days) for metric in (*WINDOW_METRICS, *TOTAL_METRICS) for days in windows]
    return (*pairs, Slot("recency", windows[-1]))


def dictionary(products: DataFrame, stores: DataFrame, settings: FeatureSettings, known: DataFrame) -> DataFrame:
    """Name every feature that products and stores can give. One row per feature_index.

    An index, once given (`known`, of the same columns, may be empty), is never given to another name.
    """
    named = _entities(products, stores).select(
        "level", "entity", F.posexplode(_slot_array(settings)).alias("slot", "is")
    )
    named = named.select(
        "level", "entity", "slot", F.col("is.metric").alias("metric"), F.col("is.window_days").alias("window_days")
    )
    named = named.where(~F.col("metric").isin(*TOTAL_METRICS) | (F.col("level") == "total"))
    name = F.concat_ws("/", "level", "entity", "metric", F.col("window_days").cast("string"))
    block = F.concat_ws("/", "level", "metric", F.col("window_days").cast("string"))
    words = F.create_map(*[F.lit(x) for pair in MEANING.items() for x in pair])
    meaning = F.concat_ws(
        "",
        words[F.col("metric")],
        F.lit(", last "),
        F.col("window_days").cast("string"),
        F.lit(" days: "),
        "level",
        F.lit(" "),
        "entity",
    )
    named = named.select(name.alias("name"), block.alias("block"), *named.columns, meaning.alias("meaning"))
    new = named.join(known.select("name"), on="name", how="left_anti")
    first = known.agg((F.coalesce(F.max("feature_index"), F.lit(-1)) + 1).alias("first"))
    order = Window.orderBy("level", "entity", "slot").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    indexed = new.withColumn("row", F.row_number().over(order)).crossJoin(F.broadcast(first))
    columns = ["name", "block", "level", "entity", "metric", "window_days", "meaning"]
    added = indexed.select((F.col("first") + F.col("row") - 1).cast("int").alias("feature_index"), *columns)
    return known.select("feature_index", *columns).unionByName(added)


def measure(
    purchases: DataFrame, products: DataFrame, named: DataFrame, dates: Sequence[date], settings: FeatureSettings
) -> DataFrame:
    """Measure every customer x as-of date with a purchase in the longest window before it, as sparse rows.

    named: the rows of the dictionary. Returns customer_id, as_of_date (key), indices ARRAY<INT>, values ARRAY<FLOAT>;
    no value is zero; entities stand in the order of their first index. The lines are shuffled once, by customer: every
    sum below is his alone.
    """
    taxonomy = products.select("product_id", *TAXONOMY)
    # So many that what one task sums fits in its memory, however many the lines.
    tasks = -(-purchases.count() // settings.lines_per_task) or 1
    lines = purchases.join(taxonomy, on="product_id", how="left").repartition(tasks, "customer_id")
    places = F.broadcast(_places(named, settings))
    receipts = _receipts(lines, places)
    windows = sorted(settings.windows_days)
    seen = history(receipts, dates, windows[-1]).withColumn("age", age_days()).withColumn("visits", F.lit(1.0))
    sums = [
        _steady(F.sum(F.when(F.col("age") <= days, F.col(name)).otherwise(0.0))).alias(f"{name}_{days}")
        for name in (*WINDOW_METRICS, "lines")
        for days in windows
    ]
    recency = F.min("age").cast("double").alias("recency")
    summed = seen.groupBy("customer_id", "as_of_date", "first").agg(*sums, recency)
    cells = F.array_compact(F.array(*[_cell(slot, at) for at, slot in enumerate(slots(settings))]))
    placed = summed.join(places.select("first", "places"), on="first", how="inner")
    entities = placed.select("customer_id", "as_of_date", F.struct("first", cells.alias("cells")).alias("entity"))
    # Sorting entities, not cells: a customer has ten cells for each entity.
    packed = entities.groupBy("customer_id", "as_of_date").agg(F.sort_array(F.collect_list("entity")).alias("entities"))
    rows = packed.select("customer_id", "as_of_date", F.flatten("entities.cells").alias("cells"))
    indices, values = F.col("cells.feature_index").alias("indices"), F.col("cells.value").alias("values")
    return rows.select("customer_id", "as_of_date", indices, values)


def feature_scales(features: DataFrame, settings: FeatureSettings) -> DataFrame:
    """Fit the vocabulary and the scaling on the rows of one date: median and spread of log1p of the non-zero values.

    One row per feature_index that at least `min_customers` customers have: customers, center, scale. The scale is the
    interquartile range, 1 where it is 0.
    """
    cells = features.select(F.explode(F.arrays_zip("indices", "values")).alias("cell"))
    logged = cells.select(F.col("cell.indices").alias("feature_index"), F.log1p(F.col("cell.values")).alias("value"))
    spread = F.percentile_approx("value", F.array(F.lit(0.25), F.lit(0.5), F.lit(0.75)), RANKS)
    fitted = logged.groupBy("feature_index").agg(F.count("*").alias("customers"), spread.alias("q"))
    width = F.col("q")[2] - F.col("q")[0]
    return fitted.where(F.col("customers") >= settings.min_customers).select(
        "feature_index",
        "customers",
        F.col("q")[1].alias("center"),
        F.when(width > 0, width).otherwise(F.lit(1.0)).alias("scale"),
    )


def require_named(names: DataFrame, stored: DataFrame) -> None:
    """Raise TableError unless every name of this run stands in the stored dictionary."""
    if not names.join(stored, on="name", how="left_anti").isEmpty():
        raise TableError(
            "st_il.feature_dictionary: another run has just taken the same values of feature_index. Fix: run again"
        )


def require_numbering(stored: DataFrame, trained: DataFrame, folder: str) -> None:
    """Raise TableError unless the stored dictionary gives every feature_index the name that the model learned it by.

    trained: the dictionary beside the model's file, which another warehouse may have made.
    """
    learned = trained.select("feature_index", F.col("name").alias("learned"))
    known = learned.join(stored.select("feature_index", "name"), on="feature_index", how="left")
    if not known.where(~F.col("learned").eqNullSafe(F.col("name"))).isEmpty():
        raise TableError(
            f"st_il.feature_dictionary: numbers the features otherwise than the model in {folder} does, which another "
            "warehouse trained. Fix: give this warehouse `artifacts` of its own, or delete that folder"
        )


def require_scales(scales: DataFrame, settings: FeatureSettings, trained_as_of: date) -> None:
    """Raise TableError when no feature is left to learn from."""
    if scales.isEmpty():
        raise TableError(
            f"st_il.feature_scales: no feature is had by {settings.min_customers} customers before {trained_as_of}. "
            "Fix: load more customers, or lower embeddings.features.min_customers"
        )


def _places(named: DataFrame, settings: FeatureSettings) -> DataFrame:
    """Where an entity's metrics stand. Columns: level, entity, first INT (unique), places ARRAY<INT> by `slots`."""
    found = [
        # The first index that a name was given: should two first runs at once have given it two, the older one stands.
        F.min(
            F.when(
                (F.col("metric") == slot.metric) & (F.col("window_days") == slot.window_days), F.col("feature_index")
            )
        )
        for slot in slots(settings)
    ]
    places = named.groupBy("level", "entity").agg(F.array(*found).alias("places"))
    return places.withColumn("first", F.array_min("places")).where("first is not null")


def _receipts(lines: DataFrame, places: DataFrame) -> DataFrame:
    """Sum the lines of each receipt and entity, which no date changes: customer_id, basket_id, first, the sums."""
    entities = [F.struct(F.lit(level).alias("level"), _entity(level).alias("entity")) for level in LEVELS]
    sums = [F.sum(metric).alias(metric) for metric in ("quantity", "spend", "discount")]
    kept = ("customer_id", "basket_id", "purchased_at", "quantity", "spend", "discount")
    exploded = lines.select(*kept, F.explode(F.array(*entities)).alias("is")).select(*kept, "is.level", "is.entity")
    return (
        exploded.join(places, on=["level", "entity"], how="inner")
        .groupBy("customer_id", "basket_id", "first")
        .agg(F.max("purchased_at").alias("purchased_at"), *sums, F.count("*").cast("double").alias("lines"))
    )


def _cell(slot: Slot, at: int) -> Column:
    """One metric as (feature_index, value), null where it is zero or the entity has no such metric."""
    per_visit = {"basket_lines": "lines", "basket_spend": "spend"}
    if slot.metric == "recency":
        value = F.col("recency")
    elif slot.metric in per_visit:
        value = F.col(f"{per_visit[slot.metric]}_{slot.window_days}") / F.nullif(
            F.col(f"visits_{slot.window_days}"), F.lit(0.0)
        )
    else:
        value = F.col(f"{slot.metric}_{slot.window_days}")
    index = F.col("places")[at]
    cell = F.struct(index.alias("feature_index"), value.cast("float").alias("value"))
    return F.when(index.isNotNull() & (value != 0), cell)


def _steady(total: Column) -> Column:
    """Round to 1/10,000, because the order in which Spark adds doubles is not fixed (F.round is slower)."""
    return F.rint(total * 10_000) / 10_000


def _entity(level: str) -> Column:
    if level == "total":
        return F.lit("all")
    if level == "store":
        return F.col("store_id")
    if level == "daypart":
        hour = F.hour("purchased_at")
        return F.when(hour < 6, "night").when(hour < 12, "morning").when(hour < 18, "afternoon").otherwise("evening")
    if level == "weekday":
        return F.date_format("purchased_at", "EEEE")
    return F.col(level)


def _entities(products: DataFrame, stores: DataFrame) -> DataFrame:
    """Every entity of every level. Columns: level, entity."""
    fixed = {
        "total": ["all"],
        "daypart": ["night", "morning", "afternoon", "evening"],
        "weekday": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    }
    frames = [
        products.select(F.lit(level).alias("level"), F.col(level).alias("entity"))
        .where("entity is not null")
        .distinct()
        for level in TAXONOMY
    ]
    frames.append(stores.select(F.lit("store").alias("level"), F.col("store_id").alias("entity")))
    rows = [(level, entity) for level, names in fixed.items() for entity in names]
    frames.append(products.sparkSession.createDataFrame(rows, "level string, entity string"))
    return reduce(DataFrame.unionByName, frames)


def _slot_array(settings: FeatureSettings) -> Column:
    return F.array(
        *[F.struct(F.lit(s.metric).alias("metric"), F.lit(s.window_days).alias("window_days")) for s in slots(settings)]
    )
