"""From countries to geos: how the rows of a management region follow from those of its countries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pma.mmm.input.gaps import NEVER, combined_gap
from pma.mmm.input.variables import HOLIDAYS, VariableRules
from pma.mmm.settings import PanelSettings

# Exact sums: money has six places.
EXACT = "decimal(38,6)"


def of_geos(
    rows: DataFrame, regions: Mapping[str, Sequence[str]], rules: VariableRules, settings: PanelSettings
) -> DataFrame:
    """One row per geo_level, geo, week and variable: a country is a group of one, a region a group of its countries."""
    of = {country: region for region, group in regions.items() for country in group}
    known = F.create_map(*[F.lit(word) for pair in of.items() for word in pair])
    levels = {"country": F.col("country"), "management_region": F.coalesce(known[F.col("country")], F.col("country"))}
    geos = F.explode(
        F.array(*[F.struct(F.lit(n).alias("geo_level"), levels[n].alias("geo")) for n in settings.geo_levels])
    )
    mixing = {variable.name: variable for variable in rules.variables}
    summed = [name for name, variable in mixing.items() if variable.of_region == "sum"]
    weighted = [name for name, variable in mixing.items() if variable.of_region == "weighted"]
    unit = F.create_map(*[F.lit(word) for name, variable in mixing.items() for word in (name, variable.unit)])
    # A country that never has the variable says nothing about it.
    counts = F.coalesce(F.col("gap") != NEVER, F.lit(True))
    plain = F.sum(F.when(counts, F.col("value").cast(EXACT))).cast("double")
    by_size = _ratio(ordered_sum(F.when(counts, F.col("value") * F.col("weight"))), _total_weight(counts))
    each = _ratio(ordered_sum(F.when(counts, F.col("value"))), F.count(F.when(counts, F.col("value"))))
    one = F.count("*") == 1
    missing = F.max(F.when(counts, F.col("gap").isNotNull())).alias("lacks")
    grouped = (
        rows.select("*", geos.alias("where"))
        .select("*", "where.geo_level", "where.geo")
        .groupBy("geo_level", "geo", "week_start", "variable", "role")
        .agg(
            F.when(one, F.max("value"))
            .when(F.col("variable").isin(summed) | (F.col("role") == "paid"), plain)
            .when(F.col("variable").isin(weighted), F.coalesce(by_size, each))
            .otherwise(each)
            .alias("found"),
            F.sum(F.when(counts, F.col("impressions"))).alias("seen"),
            F.max(F.when(counts, F.col("impressions").isNull())).alias("unseen"),
            missing,
            combined_gap("gap").alias("gap"),
            F.min(F.when(counts, F.col("is_complete_week"))).alias("complete"),
        )
    )
    known_value = ~F.coalesce("lacks", F.lit(True))
    return grouped.select(
        "geo_level",
        "geo",
        "week_start",
        "variable",
        "role",
        F.when(known_value, F.col("found")).alias("value"),
        F.when(known_value & ~F.col("unseen"), F.col("seen")).alias("impressions"),
        F.when(F.col("role") == "paid", F.lit("reporting currency"))
        .when(F.col("variable") == HOLIDAYS, F.lit("days"))
        .when(F.col("role") == "calendar", F.lit("share"))
        .otherwise(F.coalesce(unit[F.col("variable")], F.lit("not stated")))
        .alias("unit"),
        F.when(~known_value, F.col("gap")).alias("gap"),
        F.coalesce("complete", F.lit(True)).alias("is_complete_week"),
    )


def weighted(rows: DataFrame, rules: VariableRules) -> DataFrame:
    """Add `weight`: the country's total of the variable that weighs, over the weeks that are kept."""
    country = Window.partitionBy("country").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    weighing = F.when(F.col("variable") == rules.weight, F.col("value").cast(EXACT))
    return rows.withColumn("weight", F.coalesce(F.sum(weighing).over(country).cast("double"), F.lit(0.0)))


def ordered_sum(column: Column | str) -> Column:
    """A sum of doubles that does not depend on the order of rows, to the last digit."""
    return F.aggregate(F.sort_array(F.collect_list(column)), F.lit(0.0), lambda total, value: total + value)


def _total_weight(counts: Column) -> Column:
    return ordered_sum(F.when(counts & F.col("value").isNotNull(), F.col("weight")))


def _ratio(above: Column, below: Column) -> Column:
    return F.when(below > 0, above / below)
