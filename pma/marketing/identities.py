"""Identities: whose device it was, and when, as far as it was known before a date."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def known_at() -> Column:
    """Return when an event was known: it had happened and was received."""
    return F.greatest("occurred_at", F.coalesce("received_at", "occurred_at"))


def is_known(map_version: date) -> Column:
    """Return whether an event is one that this version of the map may know of: before its day begins, in UTC."""
    return known_at() < F.lit(map_version).cast("timestamp")


def identities(events: DataFrame, map_version: date) -> DataFrame:
    """Return the map of that version: rows of `il.identities`, one per stretch of time in which a device is one user's.

    Read from the events with a user that happened and were received before `map_version`. What a device did before its
    first login was its first user's; a shared device changes hands when the next one logs in, to the microsecond. Of
    logins at the same moment the last received counts. Key: map_version, anonymous_id, valid_from.
    """
    logins = events.where(F.col("user_id").isNotNull() & is_known(map_version))
    device = Window.partitionBy("anonymous_id").orderBy("occurred_at", "received_at", "event_id")
    upto = device.rowsBetween(Window.unboundedPreceding, -1)
    moments = logins.select(
        "*", F.coalesce(F.lead("occurred_at").over(device) > F.col("occurred_at"), F.lit(True)).alias("is_last")
    ).where("is_last")
    changes = moments.select(
        "*",
        F.coalesce(F.lag("user_id").over(device) != F.col("user_id"), F.lit(True)).alias("changes"),
        (F.count("*").over(upto) == 0).alias("is_first"),
    ).where("changes")
    return changes.select(
        F.lit(map_version).alias("map_version"),
        "anonymous_id",
        F.when(F.col("is_first"), F.lit(EPOCH)).otherwise(F.col("occurred_at")).alias("valid_from"),
        F.lead("occurred_at").over(device).alias("valid_to"),
        "user_id",
    )


def changed_devices(old: DataFrame, new: DataFrame) -> DataFrame:
    """Return the devices, one row per `anonymous_id`, whose stretches differ between two versions of the map."""
    stretch = ["anonymous_id", "valid_from", "valid_to", "user_id"]
    before, after = old.select(*stretch), new.select(*stretch)
    return before.exceptAll(after).unionByName(after.exceptAll(before)).select("anonymous_id").distinct()


def named_between(events: DataFrame, first: date, second: date) -> DataFrame:
    """Return the devices, one row per `anonymous_id`, with events that name a user and one version alone knows of."""
    apart = is_known(first) != is_known(second)
    return events.where(F.col("user_id").isNotNull() & apart).select("anonymous_id").distinct()
