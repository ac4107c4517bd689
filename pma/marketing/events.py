"""Events of the website from a mapped source: which pass, and which are refused and why."""

from __future__ import annotations

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pma.checks import Check, judge, readable, refuse_copies
from pma.marketing.settings import SessionSettings
from pma.marketing.tables import EVENTS

IDS = ("event_id", "anonymous_id", "event_name")


def check_events(mapped: DataFrame, settings: SessionSettings, now: datetime) -> DataFrame:
    """Judge mapped events: the columns of `st_il.st_events`, and `reasons`, `given`, `copies` as `land` wants them.

    A clock is wrong before `settings.earliest`, and where it is ahead of the receipt (of `now`, without one) by more
    than `settings.max_ahead_hours`. An address that is none stays: it has no parts, and no event is lost for it. An
    event that was sent again, the same but for its receipt, is one row with its `copies`, received when it first was.
    Of events that differ under one id the one received first stays. One row per different event of the source.
    """
    names = [column.name for column in EVENTS.columns]
    known = F.coalesce("received_at", F.lit(now).cast("timestamp"))
    ahead = timedelta(hours=settings.max_ahead_hours)
    checks = [
        *readable(mapped, EVENTS),
        *[Check(f"missing_{name}", F.trim(name) == "") for name in IDS],
        Check("clock_before_earliest", F.col("occurred_at") < F.lit(settings.earliest).cast("timestamp")),
        Check("clock_ahead", F.col("occurred_at") > known + F.lit(ahead)),
    ]
    empty = {name: F.nullif(F.trim(name), F.lit("")) for name in ("user_id", "country", "page_url", "referrer")}
    judged = judge(mapped, checks).withColumns(empty)
    once = _sent_once(judged.select(*names, "given", "reasons"), [name for name in names if name != "received_at"])
    return refuse_copies(once, EVENTS.key, ["received_at", "occurred_at"], "duplicate_event")


def _sent_once(judged: DataFrame, content: list[str]) -> DataFrame:
    """Fold rows of equal content and reasons into the one received first, and count them as its `copies`."""
    same = Window.partitionBy("event_id", F.xxhash64(*content, "reasons"), _as_given()).orderBy(
        F.asc_nulls_last("received_at")
    )
    whole = same.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    # One shuffle, for this window and for the one that looks for different events of one id.
    counted = judged.repartition("event_id").select(
        *judged.columns, F.count("*").over(whole).alias("copies"), F.row_number().over(same).alias("place")
    )
    return counted.where("place = 1").drop("place")


def _as_given() -> Column:
    """A refused row is shown as it was given, so that two given differently stay two rows."""
    return F.when(F.size("reasons") > 0, F.xxhash64("given"))
