"""Refreshing the sessions: whole devices that have events which are not in them yet, or all."""

from __future__ import annotations

import logging
from datetime import date, timedelta

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.marketing.identities import changed_devices, identities, known_at, named_between
from pma.marketing.sessions import SessionRules, made_with, sessionise
from pma.marketing.settings import SessionSettings
from pma.marketing.tables import EVENTS, IDENTITIES, SESSIONS
from pma.tables import TableError
from pma.warehouse import Warehouse

logger = logging.getLogger(__name__)


def map_version(events: DataFrame, settings: SessionSettings) -> date:
    """Return the version of the map of identities: that of the settings, or else the day after the last event.

    Raises TableError when there is neither.
    """
    if settings.map_version is not None:
        return settings.map_version
    last = events.agg(F.max(known_at().cast("date"))).first()
    if last is None or last[0] is None:
        raise TableError(f"{EVENTS.name}: no event, no sessions. Fix: load events (feeds.st_events)")
    return last[0] + timedelta(days=1)


def refresh_identities(tables: Warehouse, version: date) -> None:
    """Write the map of one version to `il.identities`; those of other versions stay."""
    rows = identities(tables.read(EVENTS), version)
    tables.replace(IDENTITIES, rows, where=f"map_version = '{version}'")


def refresh_sessions(tables: Warehouse, version: date, rules: SessionRules, settings: SessionSettings) -> None:
    """Bring `il.fct_user_sessions` to what a full rebuild from `st_il.st_events` would make of it, row for row.

    All sessions are made anew with `settings.rebuild`, for the first time, and where rules or settings differ from
    those that made the ones there. Otherwise the devices of `touched_devices` are, and those whose user another version
    of the map knows otherwise; the sessions of the others are only stamped with the version.
    """
    events, known = tables.read(EVENTS), _map_of(tables, version)
    stale = f"made_with IS DISTINCT FROM '{made_with(rules, settings)}'"
    if settings.rebuild or not tables.exists(SESSIONS) or tables.has(SESSIONS, stale):
        logger.info("%s: all are made anew", SESSIONS.name)
        tables.replace(SESSIONS, sessionise(events, known, version, rules, settings))
        return
    old = tables.read(SESSIONS)
    touched = touched_devices(events, old)
    last = old.agg(F.max("map_version")).collect()[0][0]
    if last is not None and last != version:
        others = changed_devices(_map_of(tables, last), known).unionByName(named_between(events, last, version))
        touched = touched.unionByName(others).distinct()
    touched = touched.persist(StorageLevel.DISK_ONLY)
    try:
        logger.info("%s: %d devices are made anew", SESSIONS.name, touched.count())
        theirs = events.join(touched, on="anonymous_id", how="left_semi")
        fresh = sessionise(theirs, known, version, rules, settings)
        if last != version:
            rest = old.join(touched, on="anonymous_id", how="left_anti")
            fresh = fresh.unionByName(rest.withColumn("map_version", F.lit(version)))
        gone = old.join(touched, on="anonymous_id", how="left_semi")
        tables.merge(SESSIONS, fresh, gone=gone.select(*SESSIONS.key))
    finally:
        touched.unpersist()


def touched_devices(events: DataFrame, sessions: DataFrame) -> DataFrame:
    """Return the devices that have events which their sessions do not count: one row per `anonymous_id`.

    Events only come in and every one is in a session, so that equal numbers mean equal events. The tables are asked,
    not the load: a job that was killed between landing and sessions leaves nothing that the next one does not find.
    """
    there = events.groupBy("anonymous_id").agg(F.count("*").alias("there"))
    counted = sessions.groupBy("anonymous_id").agg(F.sum("events").alias("counted"))
    both = there.join(counted, on="anonymous_id", how="full")
    return both.where(~F.equal_null("there", "counted")).select("anonymous_id")


def _map_of(tables: Warehouse, version: date) -> DataFrame:
    return tables.read(IDENTITIES).where(F.col("map_version") == F.lit(version))
