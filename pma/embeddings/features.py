"""Purchase metrics: what a customer bought, how much and how lately, at every level of the taxonomy and by store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import reduce
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pma.embeddings.history import age_days, history
from pma.embeddings.settings import FeatureSettings

LEVELS = ("total", "department", "category", "type", "store", "daypart", "weekday")
WINDOW_METRICS = ("visits", "spend", "quantity", "discount")
TOTAL_METRICS = ("basket_lines", "basket_spend")
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
        "level", "entity", F.col("is.metric").alias("metric"), F.col("is.window_days").alias("window_days")
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
    order = Window.orderBy("name").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    indexed = new.withColumn("row", F.row_number().over(order)).crossJoin(F.broadcast(first))
    columns = ["name", "block", "level", "entity", "metric", "window_days", "meaning"]
    added = indexed.select((F.col("first") + F.col("row") - 1).cast("int").alias("feature_index"), *columns)
    return known.select("feature_index", *columns).unionByName(added)


def measure(purchases: DataFrame, products: DataFrame, dates: Sequence[date], settings: FeatureSettings) -> DataFrame:
    """Measure every customer x as-of date x level x entity with a purchase before the date.

    Columns: customer_id, as_of_date, level, entity, values (array<double> in the order of `slots`).
    """
    taxonomy = products.select("product_id", "department", "category", "type")
    lines = purchases.join(taxonomy, on="product_id", how="left").select(
        *purchases.columns, "department", "category", "type"
    )
    levels = [_measure_level(lines, level, dates, settings) for level in LEVELS]
    return reduce(DataFrame.unionByName, levels)


def customer_features(measured: DataFrame, named: DataFrame, settings: FeatureSettings) -> DataFrame:
    """Pack measured values into sparse rows. One row per customer_id, as_of_date; indices ascend, no value is zero."""
    where = {slot: position for position, slot in enumerate(slots(settings))}
    position = F.create_map(*[F.lit(x) for s, p in where.items() for x in (f"{s.metric}/{s.window_days}", p)])
    slot = F.concat_ws("/", "metric", F.col("window_days").cast("string"))
    located = named.select("level", "entity", "feature_index", position[slot].alias("position"))
    per_entity = (
        located.where("position is not null")
        .groupBy("level", "entity")
        .agg(F.array_sort(F.collect_list(F.struct("position", "feature_index"))).alias("places"))
    )
    cells = F.transform("places", lambda p: F.struct(p["feature_index"], F.col("values")[p["position"]].cast("float")))
    joined = measured.join(F.broadcast(per_entity), on=["level", "entity"], how="inner")
    packed = joined.select("customer_id", "as_of_date", F.filter(cells, lambda cell: cell["col2"] != 0).alias("cells"))
    rows = packed.groupBy("customer_id", "as_of_date").agg(
        F.array_sort(F.flatten(F.collect_list("cells"))).alias("cells")
    )
    return rows.select(
        "customer_id",
        "as_of_date",
        F.col("cells.feature_index").alias("indices"),
        F.col("cells.col2").alias("values"),
    )


def feature_scales(features: DataFrame, settings: FeatureSettings) -> DataFrame:
    """Fit the vocabulary and the scaling on the rows of one date: median and spread of log1p of the non-zero values.

    One row per feature_index that at least `min_customers` customers have: customers, center, scale. The scale is the
    interquartile range, 1 where it is 0.
    """
    cells = features.select(F.explode(F.arrays_zip("indices", "values")).alias("cell"))
    logged = cells.select(F.col("cell.indices").alias("feature_index"), F.log1p(F.col("cell.values")).alias("value"))
    spread = F.percentile_approx("value", F.array(F.lit(0.25), F.lit(0.5), F.lit(0.75)), 200)
    fitted = logged.groupBy("feature_index").agg(F.count("*").alias("customers"), spread.alias("q"))
    width = F.col("q")[2] - F.col("q")[0]
    return fitted.where(F.col("customers") >= settings.min_customers).select(
        "feature_index",
        "customers",
        F.col("q")[1].alias("center"),
        F.when(width > 0, width).otherwise(F.lit(1.0)).alias("scale"),
    )


def _measure_level(lines: DataFrame, level: str, dates: Sequence[date], settings: FeatureSettings) -> DataFrame:
    """Sum lines per receipt and entity first, which no date changes, then per date over its windows."""
    receipts = (
        lines.where(_entity(level).isNotNull())
        .groupBy("customer_id", "basket_id", _entity(level).alias("entity"))
        .agg(
            F.min("purchased_at").alias("purchased_at"),
            *[F.sum(metric).alias(metric) for metric in ("quantity", "spend", "discount")],
            F.count("*").alias("lines"),
        )
    )
    windows = sorted(settings.windows_days)
    seen = history(receipts, dates, windows[-1]).withColumn("age", age_days()).withColumn("visits", F.lit(1.0))
    sums = [
        _steady(F.sum(F.when(F.col("age") <= days, F.col(name)).otherwise(0.0))).alias(f"{name}_{days}")
        for name in (*WINDOW_METRICS, "lines")
        for days in windows
    ]
    summed = seen.groupBy("customer_id", "as_of_date", "entity").agg(
        *sums, F.min("age").cast("double").alias("recency")
    )
    per_visit = {"basket_lines": "lines", "basket_spend": "spend"}
    values = [
        F.col("recency")
        if slot.metric == "recency"
        else F.coalesce(
            F.col(f"{per_visit[slot.metric]}_{slot.window_days}")
            / F.nullif(F.col(f"visits_{slot.window_days}"), F.lit(0.0)),
            F.lit(0.0),
        )
        if slot.metric in per_visit
        else F.col(f"{slot.metric}_{slot.window_days}")
        for slot in slots(settings)
    ]
    return summed.select(
        "customer_id", "as_of_date", F.lit(level).alias("level"), "entity", F.array(*values).alias("values")
    )


def _steady(total: Column) -> Column:
    """Round to 1/10,000, because the order in which Spark adds doubles is not fixed (F.round is ten times slower)."""
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
        for level in ("department", "category", "type")
    ]
    frames.append(stores.select(F.lit("store").alias("level"), F.col("store_id").alias("entity")))
    rows = [(level, entity) for level, names in fixed.items() for entity in names]
    frames.append(products.sparkSession.createDataFrame(rows, "level string, entity string"))
    return reduce(DataFrame.unionByName, frames)


def _slot_array(settings: FeatureSettings) -> Column:
    return F.array(
        *[F.struct(F.lit(s.metric).alias("metric"), F.lit(s.window_days).alias("window_days")) for s in slots(settings)]
    )
