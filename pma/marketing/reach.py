"""How far the data reach: the last day of every platform, of the conversions and of each sheet, and who is awaited."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from pma.marketing.settings import MarketingSettings
from pma.marketing.tables import SHEET
from pma.marketing.weekly_tables import WEEKLY_GROWTH
from pma.marketing.weeks import local_day, monday

logger = logging.getLogger(__name__)

AWAITED, STOPPED, BY_HAND = "awaited", "stopped", "by_hand"
CONVERSIONS = "conversions"


def data_reach(spend: DataFrame, credit: DataFrame, settings: MarketingSettings) -> DataFrame:
    """Return how far each source of the weekly report reaches, and whether a week waits for it.

    `spend` is il.ad_spend, `credit` st_il.st_event_attribution. One row per source: source (a platform, `sheet` and its
    file, or `conversions`), last_day, role. `awaited` are the conversions, and platforms that report day by day; one
    whose last day is more than `growth.awaited_weeks` before the newest of any platform has `stopped`. A hand-kept
    sheet (`by_hand`) reaches the Sunday of its last week, on whichever day of it the money stands, and is not awaited:
    nobody knows whether a line is still to come.
    """
    is_sheet = F.col("ad_platform") == SHEET
    source = F.when(is_sheet, F.concat_ws(" ", "ad_platform", "account_id")).otherwise(F.col("ad_platform"))
    ends = F.when(is_sheet, F.date_add(monday(F.col("date")), 6)).otherwise(F.col("date"))
    paid = spend.groupBy(source.alias("source"), is_sheet.alias("is_sheet")).agg(F.max(ends).alias("last_day"))
    newest = paid.agg(F.max(F.when(~F.col("is_sheet"), F.col("last_day"))).alias("newest"))
    is_over = F.col("last_day") < F.date_sub("newest", 7 * settings.growth.awaited_weeks)
    role = F.when(F.col("is_sheet"), F.lit(BY_HAND)).when(is_over, F.lit(STOPPED)).otherwise(F.lit(AWAITED))
    converted = local_day(F.col("converted_at"), settings.sessions.timezone)
    sold = credit.agg(F.max(converted).alias("last_day")).where("last_day IS NOT NULL")
    return (
        paid.join(F.broadcast(newest), how="cross")
        .select("source", "last_day", role.alias("role"))
        .unionByName(sold.select(F.lit(CONVERSIONS).alias("source"), "last_day", F.lit(AWAITED).alias("role")))
    )


def awaited(reach: DataFrame) -> DataFrame:
    """Return one row with `awaited`: an array of source and last_day of those that a week waits for, by name."""
    each = F.when(F.col("role") == AWAITED, F.struct("source", "last_day"))
    return reach.agg(F.sort_array(F.collect_list(each)).alias("awaited"))


def waits_for(awaited: Column, week_start: Column) -> Column:
    """Return which of the awaited have not reached the week's Sunday, each with its last day; null: all have."""
    late = F.filter(awaited, lambda one: one.last_day < F.date_add(week_start, 6))
    said = F.transform(late, lambda one: F.format_string("%s (data to %s)", one.source, one.last_day.cast("string")))
    return F.nullif(F.array_join(said, ", "), F.lit(""))


def log_reach(reach: Sequence[Row]) -> None:
    """Say in the log who holds the newest week back, which platform is taken to have stopped, and which sheet ends."""
    newest = max((row["last_day"] for row in reach), default=None)
    table = WEEKLY_GROWTH.name
    for row in sorted(reach, key=lambda row: (row["role"], row["source"])):
        source, day = row["source"], row["last_day"]
        if day == newest:
            continue
        if row["role"] == AWAITED:
            logger.info("%s: weeks wait for %s, whose data end on %s; others reach %s", table, source, day, newest)
        elif row["role"] == STOPPED:
            logger.warning(
                "%s: %s has nothing since %s and is not awaited (marketing.growth.awaited_weeks): weeks count as "
                "complete without it. Fix: if it still runs, export it again",
                *(table, source, day),
            )
        else:
            logger.info("%s: %s ends with the week until %s: no later week has its money", table, source, day)
