"""What was observed per country and week: both targets, organic variables and context."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.marketing.tables import CONVERSIONS_OF, UNKNOWN
from pma.mmm.input.gaps import known_gap
from pma.mmm.input.geos import EXACT, ordered_sum
from pma.mmm.input.variables import TARGETS, VariableRules


@dataclass(frozen=True)
class Feeds:
    """What the input is made of, and the time zone in which a conversion has its day.

    `spend` il.ad_spend, `conversions` il.conversions, `context` il.context.
    """

    spend: DataFrame
    conversions: DataFrame
    context: DataFrame
    timezone: str = "UTC"


def counted(feeds: Feeds) -> DataFrame:
    """One row per conversion that counts in a country: variable, country, day, value."""
    is_upload = F.col("conversion_type") == CONVERSIONS_OF["sales_ads"]
    return feeds.conversions.select(
        F.when(is_upload, F.lit("uploads")).otherwise(F.lit("gmv")).alias("variable"),
        F.when(is_upload, F.col("origin_country")).otherwise(F.col("destination_country")).alias("country"),
        F.to_date(F.from_utc_timestamp("converted_at", feeds.timezone)).alias("day"),
        F.when(is_upload, F.lit(1)).otherwise(F.col("value")).cast(EXACT).alias("value"),
    ).where(F.col("country").isNotNull() & (F.col("country") != UNKNOWN))


def conversion_days(feeds: Feeds) -> DataFrame:
    """One row: the first and the last day of conversions."""
    return counted(feeds).agg(F.min("day").alias("first_day"), F.max("day").alias("last_day"))


def target_weeks(feeds: Feeds, spine: DataFrame) -> DataFrame:
    """Both targets, for every country and week of the spine."""
    weekly = (
        counted(feeds)
        .groupBy("country", "variable", week_of(F.col("day")).alias("week_start"))
        .agg(F.sum("value").cast("double").alias("found"))
    )
    anywhere = weekly.groupBy("variable", "week_start").agg(F.lit(True).alias("delivered"))
    lives = _lives(weekly, "country", "variable")
    wanted = spine.select("*", F.explode(F.array(*[F.lit(name) for name in TARGETS])).alias("variable"))
    joined = (
        wanted.join(weekly, ["country", "variable", "week_start"], how="left")
        .join(anywhere, ["variable", "week_start"], how="left")
        .join(lives, ["country", "variable"], how="left")
    )
    is_zero = F.col("delivered") & F.col("week_start").between(F.col("first_week"), F.col("last_week"))
    value = F.coalesce("found", F.when(is_zero, F.lit(0.0)))
    return _explained(joined, value, F.lit("target"))


def context_weeks(context: DataFrame, spine: DataFrame, rules: VariableRules) -> DataFrame:
    """Organic and context variables, those of the rules and those that have no rule, per country and week."""
    summed = [variable.name for variable in rules.variables if variable.over_days == "sum"]
    organic = list(rules.named("organic"))
    total = ordered_sum("value")
    weekly = (
        context.where(F.col("country") != UNKNOWN)
        .groupBy("country", "variable", week_of(F.col("date")).alias("week_start"))
        .agg(total.alias("total"), F.count("value").alias("days"))
        .select(
            "country",
            "variable",
            "week_start",
            F.when(F.col("variable").isin(summed), F.col("total"))
            .otherwise(F.col("total") / F.col("days"))
            .alias("found"),
        )
    )
    named = [F.lit(name) for name in rules.named("organic", "context")]
    ruled = spine.select("*", F.explode(F.array(*named)).alias("variable")) if named else None
    seen = spine.crossJoin(F.broadcast(weekly.select("variable").distinct()))
    wanted = seen if ruled is None else seen.unionByName(ruled).distinct()
    joined = wanted.join(weekly, ["country", "variable", "week_start"], how="left").join(
        _lives(weekly, "country", "variable"), ["country", "variable"], how="left"
    )
    role = F.when(F.col("variable").isin(organic), F.lit("organic")).otherwise(F.lit("context"))
    return _explained(joined, F.col("found"), role)


def _lives(weekly: DataFrame, *by: str) -> DataFrame:
    """First and last week with a row, per key."""
    return weekly.groupBy(*by).agg(F.min("week_start").alias("first_week"), F.max("week_start").alias("last_week"))


def _explained(joined: DataFrame, value: Column, role: Column) -> DataFrame:
    """Rows of PARTS from a value and the weeks between which its source has data."""
    return joined.select(
        "country",
        "week_start",
        "variable",
        role.alias("role"),
        value.alias("value"),
        F.lit(None).cast("double").alias("impressions"),
        F.when(value.isNull(), known_gap("week_start", "first_week", "last_week")).alias("gap"),
        F.lit(True).alias("is_complete_week"),
    )


def week_of(day: Column) -> Column:
    """The Monday of a day's week."""
    return F.trunc(day, "week")
