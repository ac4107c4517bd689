"""Money of many currencies in one: at the day's rate."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pma.checks import Check
from pma.marketing.settings import SpendSettings
from pma.marketing.tables import MONEY


def daily_rates(rates: DataFrame, max_age_days: int) -> DataFrame:
    """Return a rate for every day that has one, its own or the latest of at most so many days before.

    `rates` is il.exchange_rates. One row per currency and day: currency, date, rate.
    """
    order = Window.partitionBy("currency").orderBy("date")
    until = F.least(F.date_sub(F.lead("date").over(order), 1), F.date_add("date", max_age_days))
    spans = rates.select("currency", "rate", F.col("date").alias("since"), until.alias("until"))
    return spans.select("currency", F.explode(F.sequence("since", "until")).alias("date"), "rate")


def convert(frame: DataFrame, rates: DataFrame, settings: SpendSettings) -> DataFrame:
    """Add `spend`: `spend_local` in the reporting currency, rounded half up to six places; null without a rate.

    `frame` has date, currency and spend_local. One row per row of the frame.
    """
    known = daily_rates(rates, settings.max_rate_age_days)
    joined = frame.join(
        known.select(F.col("currency").alias("_currency"), F.col("date").alias("_date"), F.col("rate").alias("_rate")),
        on=(F.col("currency") == F.col("_currency")) & (F.col("date") == F.col("_date")),
        how="left",
    )
    converted = F.round(F.col("spend_local") * F.col("_rate"), 6).cast(MONEY)
    spend = F.when(F.col("currency") == settings.currency, F.col("spend_local")).otherwise(converted)
    return joined.select(*frame.columns, spend.alias("spend"))


def currency_checks(settings: SpendSettings) -> list[Check]:
    """Return the checks of a row whose money nobody can read: no currency, or one that no day has a rate for.

    For a frame with `currency_known`, see `pma.checks.mark_known`: whether the currency has a rate on any day.
    """
    currency = F.col("currency")
    is_other = currency.isNotNull() & (currency != settings.currency)
    return [
        Check("missing_currency", currency.isNull()),
        Check("unknown_currency", is_other & ~F.col("currency_known")),
    ]
