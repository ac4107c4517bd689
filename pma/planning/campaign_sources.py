"""The tables that the weekly plan reads, and the one that it writes."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.marketing.tables import AD_SPEND, CAMPAIGNS, EXCHANGE_RATES, NO_CAMPAIGN
from pma.planning.campaign_mix import KEY, WINDOW, CampaignInputs
from pma.planning.settings import PlanningSettings
from pma.planning.sources import as_rows, of_plan
from pma.planning.tables import BUDGET_PLAN, BUDGET_PLANS, CAMPAIGN_PLAN, DESIRED_UPLOADS
from pma.tables import TableError, TableSpec
from pma.warehouse import Warehouse

_PLACE = [*KEY, "ad_platform"]


def campaign_inputs(tables: Warehouse, growth: DataFrame, settings: PlanningSettings, currency: str) -> CampaignInputs:
    """Read what the weekly plan is made of beside the fits; `growth`: bl.report_weekly_growth_update.

    `currency`: of the tables. Raises TableError where there is no such monthly plan, or no spend at all.
    """
    plan_id = settings.plan.plan_id
    whole = _own(tables, BUDGET_PLANS, plan_id).toPandas()
    if whole.empty:
        raise TableError(f"{BUDGET_PLANS.name} has no plan {plan_id!r} (planning.plan.plan_id). Run plan_budget")
    spend = tables.read(AD_SPEND)
    as_of = settings.campaigns.as_of or _end(spend)
    is_planned = F.col("month").isin(planned_months(whole["first_month"].iloc[0], int(whole["months"].iloc[0]), as_of))
    months, desired = (
        _own(tables, spec, plan_id).where(is_planned).toPandas() for spec in (BUDGET_PLAN, DESIRED_UPLOADS)
    )
    known = spend.where(F.col("date") < F.lit(as_of))
    since = as_of - timedelta(weeks=settings.campaigns.learn_weeks)
    return CampaignInputs(
        months=months,
        objective=str(whole["objective"].iloc[0]),
        desired=desired,
        campaigns=tables.read(CAMPAIGNS).toPandas(),
        daily=_daily(known, min(as_of - WINDOW, *months["month"])),
        accounts=_accounts(known, since),
        credit=_credit(growth, since, as_of, settings.campaigns.model),
        rates=tables.read(EXCHANGE_RATES)
        .where(F.col("date") < F.lit(as_of))
        .groupBy("currency")
        .agg(F.max_by(F.col("rate").cast("double"), "date").alias("rate"))
        .toPandas(),
        currency=currency,
        as_of=as_of,
    )


def planned_months(first: date, count: int, as_of: date) -> list[date]:
    """Return the months of a plan from `first` on, and the one before: begun by `as_of`, its plan is still there."""
    begun, start = pd.Timestamp(as_of).to_period("M"), pd.Timestamp(first).to_period("M")
    return [month.start_time.date() for month in pd.period_range(min(start, max(begun, start - 1)), start + count - 1)]


def _end(spend: DataFrame) -> date:
    """The day after the last that has spend."""
    last: date | None = spend.agg(F.max("date")).collect()[0][0]
    if last is None:
        raise TableError(f"{AD_SPEND.name} has no rows: nobody knows which campaigns there are. Run ad_spend")
    return last + timedelta(days=1)


def write_campaigns(tables: Warehouse, rows: pd.DataFrame, origin: str) -> None:
    """Write the weekly plan in place of that of the same plan_id."""
    stamped = rows.assign(data_origin=origin, run_id=tables.run_id)
    frame = tables.spark.createDataFrame(as_rows(stamped, CAMPAIGN_PLAN), CAMPAIGN_PLAN.schema)
    tables.ensure(CAMPAIGN_PLAN)
    tables.replace(CAMPAIGN_PLAN, frame, where=of_plan(str(rows["plan_id"].iloc[0])))


def _own(tables: Warehouse, spec: TableSpec, plan_id: str) -> DataFrame:
    return tables.read(spec).where(of_plan(plan_id))


def _daily(spend: DataFrame, since: date) -> pd.DataFrame:
    """Money by day and key; null where a row of it has no exchange rate."""
    money = F.when(F.count_if(F.col("spend").isNull()) == 0, F.sum("spend").cast("double")).alias("spend")
    return spend.where(F.col("date") >= F.lit(since)).groupBy("date", *_PLACE).agg(money).toPandas()


def _accounts(spend: DataFrame, since: date) -> pd.DataFrame:
    known = spend.where(F.col("date") >= F.lit(since)).groupBy(*_PLACE, "account_id", "currency")
    return known.agg(F.min("date").alias("first_day"), F.max("date").alias("last_day")).toPandas()


def _credit(report: DataFrame, since: date, as_of: date, model: str) -> pd.DataFrame:
    """Spend and credited conversions of the whole weeks between two days, by key; credit without a campaign is none.

    Nor is that of weeks whose money lacks a rate: what is paid by nothing would look cheap.
    """
    weeks = (F.col("week_start") >= F.lit(since)) & (F.col("week_start") <= F.lit(as_of - timedelta(weeks=1)))
    whole = report.where(weeks & F.col("is_complete_week") & (F.col("campaign_id") != NO_CAMPAIGN))
    sums = {"spend": "spend", "uploads": f"sales_ads_{model}", "orders": f"orders_{model}"}
    priced = whole.where("coalesce(spend_rows_without_rate, 0) = 0")
    found = priced.where("ad_platform <> '(none)'").groupBy(*_PLACE)
    return found.agg(
        *[F.sum(name).cast("double").alias(to) for to, name in sums.items()],
        F.max("spend").cast("double").alias("most_week"),
    ).toPandas()
