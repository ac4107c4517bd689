"""Touches: the sessions that may have led to a conversion."""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pma.marketing.settings import AttributionSettings
from pma.marketing.tables import UNATTRIBUTED

# What a touch knows of its session beside its id and its start.
OF_SESSION = ("channel", "source", "medium", "campaign", "campaign_id")


def touches(conversions: DataFrame, sessions: DataFrame, settings: AttributionSettings) -> DataFrame:
    """Pair each of `il.conversions` with the sessions of `il.fct_user_sessions` in its window.

    A session is in the window when it is the same user's, is no robot's, and
    converted_at - window <= started_at <= converted_at, both ends included, to the microsecond. With
    `reset_at_conversion` it must also begin after the user's last earlier conversion of the same type; conversions at
    the same moment, as of one basket, do not reset each other.

    One row per conversion and session, numbered by `touch` from 1 to `touches` by start, then session_id; and one row
    for a conversion without any, whose session and channel are (unattributed), its touch and touches 0.
    Key: conversion_id, session_id. `conversion_value` is the whole value of the conversion.
    """
    window = window_micros(settings)
    visits = people(sessions).select(
        F.col("user_id").alias("visitor"),
        "session_id",
        F.col("started_at").alias("touched_at"),
        F.unix_micros("started_at").alias("visited"),
        *OF_SESSION,
        _stretch(F.unix_micros("started_at"), window).alias("visit_stretch"),
    )
    asked = _asked(conversions, window, settings.reset_at_conversion)
    # Time is cut into stretches as long as the window, of which a conversion asks two or three: a user with very many
    # sessions and conversions is spread over tasks, and not every one of his pairs is looked at.
    near = (F.col("user_id") == F.col("visitor")) & (F.col("stretch") == F.col("visit_stretch"))
    inside = F.col("visited").between(F.col("earliest"), F.col("latest"))
    found = asked.join(visits, near & inside, how="left")
    path = Window.partitionBy("conversion_id").orderBy("touched_at", "session_id")
    upto = path.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    whole = path.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    counted = found.select(
        "*",
        F.count("session_id").over(upto).cast("int").alias("touch"),
        F.count("session_id").over(whole).cast("int").alias("touches"),
    )
    # A stretch without sessions leaves an empty row; one of them stays where there is no session at all.
    kept = counted.where("session_id IS NOT NULL OR (touches = 0 AND is_last_stretch)")
    return kept.select(
        "conversion_id",
        F.coalesce("session_id", F.lit(UNATTRIBUTED)).alias("session_id"),
        "user_id",
        "conversion_type",
        "converted_at",
        "country",
        "is_first",
        "conversion_value",
        "touched_at",
        "touch",
        "touches",
        F.coalesce("channel", F.lit(UNATTRIBUTED)).alias("channel"),
        *OF_SESSION[1:],
    )


def people(sessions: DataFrame) -> DataFrame:
    """Return the sessions that can be credited: those of a known user, and of no robot."""
    return sessions.where(F.col("user_id").isNotNull() & ~F.col("is_bot"))


def window_micros(settings: AttributionSettings) -> int:
    """Return the length of the window in microseconds."""
    return timedelta(days=settings.window_days) // timedelta(microseconds=1)


def _asked(conversions: DataFrame, window: int, reset: bool) -> DataFrame:
    """Return conversions with `earliest` and `latest` (microseconds), one row per stretch of time between the two."""
    latest = F.unix_micros("converted_at")
    earliest = latest - F.lit(window)
    if reset:
        before = Window.partitionBy("user_id", "conversion_type").orderBy(latest)
        last = F.max(latest).over(before.rangeBetween(Window.unboundedPreceding, -1))
        earliest = F.greatest(earliest, last + 1)
    ranged = conversions.select(
        "conversion_id",
        "user_id",
        "conversion_type",
        "converted_at",
        "country",
        "is_first",
        F.col("value").alias("conversion_value"),
        earliest.alias("earliest"),
        latest.alias("latest"),
    )
    first, last = (_stretch(F.col(end), window) for end in ("earliest", "latest"))
    cut = ranged.select("*", F.explode(F.sequence(first, last)).alias("stretch"))
    return cut.withColumn("is_last_stretch", F.col("stretch") == last)


def _stretch(micros: Column, window: int) -> Column:
    """Number the stretch of time that a moment lies in. It never falls as time goes on, which is all that counts."""
    return F.floor(micros / F.lit(window))
