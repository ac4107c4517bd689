"""ISO weeks as Spark columns: a week begins on Monday and belongs to the year of its Thursday."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

# A year has 52 or 53 weeks: so far away is the same week of the next year or of the one before.
_YEARS_IN_DAYS = (364, 371)


def monday(day: Column) -> Column:
    """Return the Monday of a date's week."""
    return F.trunc(day, "week")


def local_day(at: Column, timezone: str) -> Column:
    """Return the date of a UTC timestamp in a time zone."""
    return F.to_date(F.from_utc_timestamp(at, timezone))


def yearweek(week_start: Column) -> Column:
    """Return ISO year and week of a Monday as one number, 202601."""
    return (F.year(F.date_add(week_start, 3)) * 100 + F.weekofyear(week_start)).cast("int")


def same_week(week_start: Column, years: int) -> Column:
    """Return the Monday of the same ISO week a year later (`years` = 1) or before (-1); null: that year has none."""
    there = [F.date_add(week_start, years * days) for days in _YEARS_IN_DAYS]
    return F.coalesce(*[F.when(F.weekofyear(day) == F.weekofyear(week_start), day) for day in there])
