"""Spend per country, week and channel: what was spent, what is zero, and what is not known."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pma.marketing.tables import UNKNOWN
from pma.mmm.input.gaps import AFTER, BEFORE, HOLE, NEVER
from pma.mmm.input.variables import VariableRules


def placed(spend: DataFrame) -> DataFrame:
    """Rows of il.ad_spend that have a country."""
    return spend.where(F.col("country").isNotNull() & (F.col("country") != UNKNOWN))


def with_feed(spend: DataFrame, rules: VariableRules) -> DataFrame:
    """Add `feed`, what delivers a row: a platform's export, or one channel of a hand-kept sheet; and `by_hand`."""
    by_hand = F.col("ad_platform").isin(*rules.hand_kept) if rules.hand_kept else F.lit(False)
    feed = F.when(by_hand, F.concat_ws("/", "ad_platform", "channel")).otherwise(F.col("ad_platform"))
    return spend.withColumn("feed", feed).withColumn("by_hand", by_hand)


def paid_weeks(spend: DataFrame, spine: DataFrame, rules: VariableRules) -> DataFrame:
    """Return one row per country and week of the spine and channel: country, week_start, variable, role, value, ...

    Channels are those of the spend and those that the rules name; `value` is spend in the reporting currency.
    When is a week without rows of a channel a zero, and when is it missing? What delivers the channel decides, its
    feed: the export of its platform, or for a hand-kept sheet the channel's own column of it.
    - The feed delivered other rows of this country in this week: the channel spent 0. An export lists what ran.
    - It delivered nothing of this country in this week: `hole` between the feed's first and last week there,
      `before_first_data` or `after_last_data` outside them.
    - In all weeks before the channel's first row in any country the database did not have it yet: `before_first_data`,
      whatever its platform delivered; money of that time stands under another name, or nowhere.
    - The feed never delivered anything of this country: `never`. A sheet that lacks a country says nothing about it.
    - A row of the week has no exchange rate: its money is not known, the week is a `hole`.
    A channel that several feeds deliver is their sum: null where one has a hole; where none of them has data, the gap
    is before all, after all, or else a hole. Feeds that had the channel in this country count; where none had, all do.
    `impressions` is null unless every feed says them; `is_complete_week` is false where a daily feed ends inside it.
    """
    rows = with_feed(placed(spend), rules).withColumn("week_start", F.trunc("date", "week"))
    weekly = rows.groupBy("channel", "feed", "country", "week_start").agg(
        F.sum("spend").cast("double").alias("found"),
        F.max(F.col("spend").isNull()).alias("unpriced"),
        F.sum("impressions").cast("double").alias("seen"),
        F.max(F.col("impressions").isNull()).alias("unseen"),
    )
    named = F.array(*[F.lit(name) for name in rules.named("paid")]).cast("array<string>")
    unseen = spine.select("*", F.explode(named).alias("channel"), F.lit(None).cast("string").alias("feed"))
    joined = (
        spine.crossJoin(F.broadcast(_pairs(rows)))
        .unionByName(unseen, allowMissingColumns=True)
        .join(weekly, ["channel", "feed", "country", "week_start"], how="left")
        .join(_deliveries(rows), ["feed", "country", "week_start"], how="left")
        .join(_feed_lives(rows), ["feed", "country"], how="left")
    )
    return _added_up(_judged(joined))


def _pairs(rows: DataFrame) -> DataFrame:
    """One row per channel and feed that has it: first week in any country, whether it says impressions.

    `last_day` is the feed's, of all its channels; null for a sheet, whose money of a week stands on one day.
    """
    feeds = rows.groupBy("feed").agg(F.max(F.when(~F.col("by_hand"), F.col("date"))).alias("last_day"))
    pairs = rows.groupBy("channel", "feed").agg(
        F.min("week_start").alias("known_since"),
        F.max(F.col("impressions").isNotNull()).alias("says_impressions"),
    )
    return pairs.join(feeds, ["feed"], how="left").select(
        "channel", "feed", "known_since", "says_impressions", "last_day"
    )


def _deliveries(rows: DataFrame) -> DataFrame:
    """One row per feed, country and week in which it delivered anything."""
    return rows.groupBy("feed", "country", "week_start").agg(F.lit(True).alias("delivered"))


def _feed_lives(rows: DataFrame) -> DataFrame:
    """One row per feed and country: first and last week in which it delivered anything."""
    return rows.groupBy("feed", "country").agg(
        F.min("week_start").alias("first_week"), F.max("week_start").alias("last_week")
    )


def _judged(joined: DataFrame) -> DataFrame:
    """Per channel, feed, country and week: value or gap, and only the feeds that count in the country."""
    week = F.col("week_start")
    has_row = F.col("unpriced").isNotNull()
    gap = (
        F.when(has_row & ~F.col("unpriced"), F.lit(None).cast("string"))
        .when(has_row, F.lit(HOLE))
        .when(F.col("first_week").isNull(), F.lit(NEVER))
        .when(week < F.col("known_since"), F.lit(BEFORE))
        .when(F.col("delivered"), F.lit(None).cast("string"))
        .when(week < F.col("first_week"), F.lit(BEFORE))
        .when(week > F.col("last_week"), F.lit(AFTER))
        .otherwise(F.lit(HOLE))
    )
    here = Window.partitionBy("channel", "country").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    with_pair = Window.partitionBy("channel", "feed", "country").rowsBetween(
        Window.unboundedPreceding, Window.unboundedFollowing
    )
    return (
        joined.withColumn("gap", gap)
        .withColumn("had", F.max(has_row).over(with_pair))
        .withColumn("any_had", F.max("had").over(here))
        .where(F.col("had") == F.col("any_had"))
    )


def _added_up(judged: DataFrame) -> DataFrame:
    """Per channel, country and week: the sum over feeds, or the gap that they make together."""
    counts = F.coalesce(F.col("gap") != NEVER, F.lit(True))
    spent = F.coalesce("found", F.lit(0.0)).cast("decimal(38,6)")
    shown = F.when(F.col("says_impressions"), F.coalesce("seen", F.when(F.col("found").isNull(), F.lit(0.0))))
    kinds = {name: F.coalesce(F.max(F.col("gap") == name), F.lit(False)) for name in (HOLE, BEFORE, AFTER)}
    known = F.count(F.when(F.col("gap").isNull(), 1))
    gap = (
        F.when(kinds[HOLE], F.lit(HOLE))
        .when(known > 0, F.lit(None).cast("string"))
        .when(kinds[BEFORE] & kinds[AFTER], F.lit(HOLE))
        .when(kinds[BEFORE], F.lit(BEFORE))
        .when(kinds[AFTER], F.lit(AFTER))
        .otherwise(F.lit(NEVER))
    )
    last_day, week = F.col("last_day"), F.col("week_start")
    ends_inside = last_day.between(week, F.date_add(week, 5))
    return (
        judged.groupBy("country", "week_start", F.col("channel").alias("variable"))
        .agg(
            F.sum(F.when(F.col("gap").isNull(), spent)).cast("double").alias("value"),
            F.sum(F.when(F.col("gap").isNull(), shown)).alias("impressions"),
            F.max(F.when(counts & F.col("gap").isNull(), shown.isNull() | F.coalesce("unseen", F.lit(False)))).alias(
                "unsaid"
            ),
            gap.alias("gap"),
            F.max(F.coalesce(ends_inside, F.lit(False))).alias("ends_inside"),
        )
        .select(
            "country",
            "week_start",
            "variable",
            F.lit("paid").alias("role"),
            F.when(F.col("gap").isNull(), F.col("value")).alias("value"),
            F.when(F.col("gap").isNull() & ~F.col("unsaid"), F.col("impressions")).alias("impressions"),
            "gap",
            (~F.col("ends_inside")).alias("is_complete_week"),
        )
    )
