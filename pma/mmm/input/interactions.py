"""Interaction features: products of two scaled variables of a geo."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pma.mmm.input.gaps import NEVER, combined_gap
from pma.mmm.input.tables import MMM_INPUT
from pma.mmm.input.variables import VariableRules
from pma.mmm.settings import PanelSettings
from pma.tables import TableError


def with_interactions(geos: DataFrame, settings: PanelSettings) -> DataFrame:
    """Add the products: each row goes to its own variable and to the pairs it is a part of; pairs are multiplied."""
    pairs = {f"{first} x {second}": (first, second) for first, second in settings.interactions}
    if not pairs:
        return geos
    series = Window.partitionBy("geo_level", "geo", "variable").rowsBetween(
        Window.unboundedPreceding, Window.unboundedFollowing
    )
    largest = F.max(F.abs("value")).over(series)
    variable, gap = F.col("variable"), F.col("gap")
    places = [
        F.when(variable == part, F.struct(F.lit(name).alias("name"), F.lit(place).alias("place")))
        for name, parts in pairs.items()
        for place, part in enumerate(parts)
    ]
    own = F.struct(variable.alias("name"), F.lit(-1).alias("place"))
    spread = (
        geos.withColumn("scaled", F.when(largest == 0, F.lit(0.0)).otherwise(F.col("value") / largest))
        .select("*", F.explode(F.array_compact(F.array(own, *places))).alias("to"))
        .withColumn("place", F.col("to.place"))
    )
    is_own = F.max("place") == -1
    first, second = (F.max(F.when(F.col("place") == place, F.col("scaled"))) for place in (0, 1))
    product = F.when(F.count(gap) == 0, first * second)
    # A pair of which one part is nowhere in the data is never known.
    lacking = F.when(F.count("*") < 2, F.lit(NEVER))
    return spread.groupBy("geo_level", "geo", "week_start", F.col("to.name").alias("variable")).agg(
        F.when(is_own, F.max("role")).otherwise(F.lit("interaction")).alias("role"),
        F.when(is_own, F.max("value")).otherwise(product).alias("value"),
        F.when(is_own, F.max("impressions")).alias("impressions"),
        F.when(is_own, F.max("unit")).otherwise(F.lit("share")).alias("unit"),
        F.when(is_own, F.max("gap")).otherwise(F.coalesce(combined_gap("gap"), lacking)).alias("gap"),
        F.min("is_complete_week").alias("is_complete_week"),
    )


def require_parts(calendar: DataFrame, rules: VariableRules, settings: PanelSettings) -> None:
    """Raise TableError where an interaction is not of two variables that the rules or the calendar name."""
    asked = {part for pair in settings.interactions for part in pair}
    unknown = asked - {variable.name for variable in rules.variables}
    if unknown:
        unknown -= {row["variable"] for row in calendar.select("variable").distinct().collect()}
    same = [pair for pair in settings.interactions if len(set(pair)) < 2]
    if unknown or same:
        raise TableError(
            f"{MMM_INPUT.name}: interactions need two variables each, named in mmm_variables.yml or bike_events.yml; "
            f"not so {sorted(unknown) or same}. Fix: change mmm.panel.interactions"
        )
