"""The Weekly Growth Update: spend beside attributed credit, this week, the week before and the same week a year ago."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.marketing.places import management_region
from pma.marketing.reach import awaited, data_reach, waits_for
from pma.marketing.settings import MarketingSettings
from pma.marketing.tables import AD_SPEND, EVENT_ATTRIBUTION, NO_CAMPAIGN, UNKNOWN
from pma.marketing.weekly_credit import credits_of_a_row, weekly_credit
from pma.marketing.weekly_tables import COMPARED, CREDITS, PLATFORM_METRICS, REPORT_MODELS, WEEKLY_GROWTH
from pma.marketing.weeks import local_day, monday, same_week, yearweek
from pma.tables import TableError

logger = logging.getLogger(__name__)

PLACE = ("week_start", "country", "channel", "campaign_id", "ad_platform")
CREDITED = tuple(f"{name}_{model}" for model in REPORT_MODELS for name in CREDITS)
# Of this week only: these are not compared with other weeks.
_OF_SPEND = ("spend_rows_without_rate", "account_timezones")
_FACTS = ("campaign_name", "campaign_status", "campaign_goal", "bidding_type")
_BACK = ("last_week", "last_year")


def weekly_growth(
    spend: DataFrame, credit: DataFrame, campaigns: DataFrame, settings: MarketingSettings, origin: str
) -> DataFrame:
    """Return the rows of bl.report_weekly_growth_update without `run_id`, for rows of the three `il` tables.

    `spend` is il.ad_spend, `credit` st_il.st_event_attribution, `campaigns` il.campaigns. Spend without credit and
    credit without spend have rows too, and so has a week after, or a year after, one that has either: there the values
    are 0. No row is of a week after the last one of the data. A comparison with a week before the data is null. A week
    is complete when all that `reach.data_reach` awaits have reached its Sunday.
    """
    money = _weekly_spend(spend)
    together = money.join(weekly_credit(credit, campaigns, settings), on=list(PLACE), how="full")
    bounds = _bounds(spend, credit, settings)
    dated = _beside_other_weeks(together, bounds).join(
        F.broadcast(awaited(data_reach(spend, credit, settings))), how="cross"
    )
    facts = _newest_facts(campaigns, spend)
    found = dated.join(facts, on=["ad_platform", "campaign_id"], how="left")
    late = waits_for(F.col("awaited"), F.col("week_start"))
    columns = {
        "yearweek": yearweek(F.col("week_start")),
        "management_region": management_region(F.col("country"), settings.regions),
        "is_complete_week": late.isNull(),
        "waits_for": late,
        "data_origin": F.lit(origin),
        **_ratios(),
    }
    names = [column.name for column in WEEKLY_GROWTH.columns if column.name != "run_id"]
    return found.select(*[columns.get(name, F.col(name)).alias(name) for name in names])


def require_totals(report: DataFrame, spend: DataFrame, credit: DataFrame) -> None:
    """Raise TableError unless the report's sums are exactly those of il.ad_spend and st_il.st_event_attribution.

    Compared are spend, impressions and clicks, and per model the credited conversions, value and new customers. Spend
    rows without an exchange rate have no money in the reporting currency: they are counted in the log.
    """
    here = _sums(report.agg(*[F.sum(name).alias(name) for name in (*PLATFORM_METRICS, *CREDITED)]))
    unrated = F.count_if(F.col("spend").isNull()).alias("unrated")
    paid = _sums(spend.agg(*[F.sum(name).alias(name) for name in PLATFORM_METRICS], unrated))
    of_row = [F.sum(value).alias(name) for name, value in credits_of_a_row().items()]
    by_model = {row["model"]: row.asDict() for row in credit.groupBy("model").agg(*of_row).collect()}
    credited = {f"{name}_{model}": by_model.get(model, {}).get(name) for model in REPORT_MODELS for name in CREDITS}
    if count := paid.pop("unrated"):
        logger.warning("%s: %d rows have no exchange rate, their money is in no sum", AD_SPEND.name, count)
    _compare(here, paid, AD_SPEND.name)
    _compare(here, credited, EVENT_ATTRIBUTION.name)


def _sums(totals: DataFrame) -> dict[str, Any]:
    return totals.collect()[0].asDict()


def _compare(here: dict[str, Any], there: dict[str, Any], source: str) -> None:
    pairs = {name: (here[name] or Decimal(0), value or Decimal(0)) for name, value in there.items()}
    wrong = [f"{name} {found} here, {given} there" for name, (found, given) in pairs.items() if found != given]
    if wrong:
        raise TableError(
            f"{WEEKLY_GROWTH.name}: its sums are not those of {source}: {'; '.join(wrong)}. Fix: look for rows of "
            f"{source} that the join of the report lost or doubled; nothing was written"
        )


def _weekly_spend(spend: DataFrame) -> DataFrame:
    """PLACE, PLATFORM_METRICS and what else is known of the spend; a day is of the account's own calendar."""
    dated = spend.withColumns({"week_start": monday(F.col("date")), "country": F.coalesce("country", F.lit(UNKNOWN))})
    zones = F.array_join(F.sort_array(F.collect_set("account_timezone")), ", ")
    return dated.groupBy(*PLACE).agg(
        F.coalesce(F.sum("spend"), F.lit(0)).cast("decimal(28,6)").alias("spend"),
        *[F.coalesce(F.sum(name), F.lit(0)).cast("bigint").alias(name) for name in ("impressions", "clicks")],
        F.count_if(F.col("spend").isNull()).alias("spend_rows_without_rate"),
        F.nullif(zones, F.lit("")).alias("account_timezones"),
    )


def _bounds(spend: DataFrame, credit: DataFrame, settings: MarketingSettings) -> DataFrame:
    """One row: the first weeks of spend and credit, and the last week of either."""
    converted = local_day(F.col("converted_at"), settings.sessions.timezone)
    of_spend = spend.agg(F.min("date").alias("spend_from"), F.max("date").alias("spend_to"))
    of_credit = credit.agg(F.min(converted).alias("credit_from"), F.max(converted).alias("credit_to"))
    return of_spend.join(of_credit, how="cross").select(
        monday(F.col("spend_from")).alias("first_spend_week"),
        monday(F.col("credit_from")).alias("first_credit_week"),
        monday(F.greatest("spend_to", "credit_to")).alias("last_week"),
    )


def _beside_other_weeks(together: DataFrame, bounds: DataFrame) -> DataFrame:
    """Lay every row also into the week after and into the same week of the next year, and sum up what meets there."""
    metrics = (*PLATFORM_METRICS, *CREDITED)
    start = F.col("week_start")
    weeks = {"now": start, "last_week": F.date_add(start, 7), "last_year": same_week(start, 1)}
    laid = F.explode(F.array(*[F.struct(F.lit(b).alias("back"), w.alias("week")) for b, w in weeks.items()]))
    rows = together.withColumn("laid", laid).join(F.broadcast(bounds), how="cross")
    rows = rows.where("laid.week <= last_week")

    def of(back: str, name: str) -> Column:
        # Each of the three brings one row at most: the largest is that one.
        return F.max(F.when(F.col("laid.back") == back, F.col(name)))

    others = [F.col(name) for name in (*PLACE[1:], *bounds.columns)]
    gathered = rows.groupBy(F.col("laid.week").alias("week_start"), *others).agg(
        *[of("now", name).alias(name) for name in (*metrics, *_OF_SPEND)],
        *[of(back, name).alias(f"{name}_{back}") for back in _BACK for name in COMPARED],
    )
    kinds = {column.name: column.type for column in WEEKLY_GROWTH.columns}
    before = {"last_week": F.date_sub("week_start", 7), "last_year": same_week(start, -1)}
    filled = {name: F.coalesce(name, F.lit(0)).cast(kinds[name]) for name in (*metrics, _OF_SPEND[0])}
    for back in _BACK:
        for name in COMPARED:
            first = F.col("first_spend_week" if name in PLATFORM_METRICS else "first_credit_week")
            value = F.coalesce(f"{name}_{back}", F.lit(0)).cast(kinds[f"{name}_{back}"])
            filled[f"{name}_{back}"] = F.when(before[back] >= first, value)
    return gathered.withColumns(filled)


def _newest_facts(campaigns: DataFrame, spend: DataFrame) -> DataFrame:
    """Return one row per ad_platform x campaign_id with its newest name, status, goal and bidding type.

    A campaign that il.campaigns does not know has those of its last day of spend.
    """
    listed = campaigns.withColumn("known", F.lit(True))
    spent = spend.select(
        *("ad_platform", "campaign_id", *_FACTS),
        *[F.col("date").alias(name) for name in ("first_day", "last_day")],
        F.lit(False).alias("known"),
    )
    both = listed.select(*spent.columns).unionByName(spent).where(F.col("campaign_id") != NO_CAMPAIGN)
    newest = F.max_by(F.struct(*_FACTS), F.struct("known", "last_day", "first_day", *_FACTS)).alias("newest")
    return both.groupBy("ad_platform", "campaign_id").agg(newest).select("ad_platform", "campaign_id", "newest.*")


def _ratios() -> dict[str, Column]:
    """Costs and returns per model; null where there is nothing to divide by."""

    def ratio(above: str, below: str) -> Column:
        return F.when(F.col(below) != 0, F.col(above).cast("double") / F.col(below).cast("double"))

    found = {}
    for model in REPORT_MODELS:
        found[f"cpa_sales_ads_{model}"] = ratio("spend", f"sales_ads_{model}")
        found[f"cpa_orders_{model}"] = ratio("spend", f"orders_{model}")
        found[f"roas_{model}"] = ratio(f"gmv_{model}", "spend")
        found[f"cac_{model}"] = ratio("spend", f"new_customers_{model}")
    return found
