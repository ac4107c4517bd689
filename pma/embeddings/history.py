"""What was known at a date: the purchases before it. Every feature and vector starts here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def before(purchases: DataFrame, as_of: date) -> DataFrame:
    """Return the receipt lines before a date."""
    return purchases.where(F.col("purchased_at") < F.lit(as_of).cast("timestamp"))


def history(purchases: DataFrame, dates: Sequence[date], days: int | None = None) -> DataFrame:
    """Return one row per receipt line and as-of date it lies before, with the columns of purchases and `as_of_date`.

    `days` keeps the lines of so many days before the date only.
    """
    # Explode, then filter: compiled code, where `F.filter` with a lambda is interpreted row by row.
    seen = F.array(*[F.when(_before(F.lit(day), days), F.lit(day)) for day in sorted(set(dates))])
    return purchases.select(*purchases.columns, F.explode(seen).alias("as_of_date")).where("as_of_date is not null")


def _before(day: Column, days: int | None) -> Column:
    before = F.col("purchased_at") < day.cast("timestamp")
    return before if days is None else before & (F.col("purchased_at") >= F.date_sub(day, days).cast("timestamp"))


def age_days() -> Column:
    """Whole days from the purchase to the as-of date: 1 for the day before it."""
    return F.datediff("as_of_date", "purchased_at")
