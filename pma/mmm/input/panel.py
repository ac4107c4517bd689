"""The weekly input of the media mix model: every geo, week and variable has a row, and a null says why it is null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.mmm.input.geos import of_geos, weighted
from pma.mmm.input.interactions import require_parts, with_interactions
from pma.mmm.input.observed import Feeds, context_weeks, conversion_days, counted, target_weeks
from pma.mmm.input.spending import paid_weeks, placed
from pma.mmm.input.tables import MMM_INPUT
from pma.mmm.input.variables import VariableRules
from pma.mmm.settings import PanelSettings
from pma.tables import TableError

# What each source gives for a country, week and variable.
PARTS = ("country", "week_start", "variable", "role", "value", "impressions", "gap", "is_complete_week")


@dataclass(frozen=True)
class Extent:
    """The countries that the feeds know, and the first and last day of spend or conversions."""

    countries: tuple[str, ...]
    first_day: date
    last_day: date


def extent(feeds: Feeds, regions: Mapping[str, Sequence[str]]) -> Extent:
    """Return the countries of the regions and of the feeds, and the days that the input spans. Raises TableError."""
    spend = placed(feeds.spend).select("country", F.col("date").alias("day"))
    found = (
        spend.unionByName(counted(feeds).select("country", "day"))
        .groupBy("country")
        .agg(F.min("day").alias("first_day"), F.max("day").alias("last_day"))
        .collect()
    )
    if not found:
        raise TableError(
            f"{MMM_INPUT.name}: no spend and no conversions with a country. Fix: run the jobs that load them"
        )
    countries = {country for group in regions.values() for country in group} | {row["country"] for row in found}
    days = [day for row in found for day in (row["first_day"], row["last_day"])]
    return Extent(tuple(sorted(countries)), min(days), max(days))


def mmm_input(
    feeds: Feeds,
    calendar: DataFrame,
    regions: Mapping[str, Sequence[str]],
    rules: VariableRules,
    settings: PanelSettings,
    origin: str,
) -> DataFrame:
    """Return the rows of `bl.mmm_input` less `run_id`: one per geo_level, geo, week_start and variable.

    `calendar` has the columns of `pma.mmm.input.calendar.CALENDAR` and a row for each country and week that is wanted:
    the newest `settings.weeks` of its weeks are kept. Days count in `feeds.timezone`, spend's as the accounts have
    them.

    Missing and zero. A value is null, with the reason in `gap`, unless a source says it:
    - targets: `uploads` counts by origin country, `gmv` sums orders by the buyer's country. A week without any is 0
      where the week has conversions elsewhere and lies between the country's first and last; before it is
      `before_first_data`, after it `after_last_data`, and a week without conversions anywhere is a `hole`.
    - paid: see `pma.mmm.input.spending.paid_weeks`: 0 only where the channel's platform delivered something else.
    - organic and context: nothing is 0 by itself; a week without a row is before_first_data, after_last_data, a
      hole, or `never` where the country has no row at all.
    - interaction (`a x b`): product of both, each divided by its largest absolute value in the geo; null where one is.

    A management region adds up its countries: `of_region` in the rules says whether it is a sum (money, counts), a mean
    weighted by the countries' totals of `rules.weight` over the weeks kept (indices), or a plain mean (calendar: a day
    off counts with the share of the region's countries that have it). Countries that never have the variable are left
    out; if any of the others is null, so is the region. A country in no region is a region of its own name.
    `is_complete_week` is false where the conversions, or a paid channel's daily feed, begin or end inside the week.
    Raises TableError when an interaction names a variable that is not there.
    """
    require_parts(calendar, rules, settings)
    calendar = _newest(calendar, settings)
    spine = calendar.select("country", "week_start").distinct()
    parts = [
        target_weeks(feeds, spine),
        paid_weeks(feeds.spend, spine, rules),
        context_weeks(feeds.context, spine, rules),
        calendar.select(
            "country",
            "week_start",
            "variable",
            F.lit("calendar").alias("role"),
            "value",
            F.lit(None).cast("double").alias("impressions"),
            "gap",
            F.lit(True).alias("is_complete_week"),
        ),
    ]
    rows = reduce(DataFrame.unionByName, [part.select(*PARTS) for part in parts])
    week, first, last = F.col("week_start"), F.col("first_day"), F.col("last_day")
    is_cut = first.between(F.date_add(week, 1), F.date_add(week, 6)) | last.between(week, F.date_add(week, 5))
    rows = rows.crossJoin(F.broadcast(conversion_days(feeds)))
    rows = rows.withColumn("is_complete_week", F.col("is_complete_week") & ~F.coalesce(is_cut, F.lit(False)))
    geos = of_geos(weighted(rows, rules), regions, rules, settings)
    every = with_interactions(geos, settings)
    return every.select(
        "geo_level",
        "geo",
        "week_start",
        "variable",
        "role",
        "value",
        "impressions",
        "unit",
        "gap",
        "is_complete_week",
        F.lit(origin).alias("data_origin"),
    )


def _newest(calendar: DataFrame, settings: PanelSettings) -> DataFrame:
    if settings.weeks is None:
        return calendar
    last = calendar.agg(F.max("week_start").alias("last_week"))
    kept = F.col("week_start") > F.date_sub("last_week", 7 * settings.weeks)
    return calendar.crossJoin(F.broadcast(last)).where(kept).drop("last_week")
