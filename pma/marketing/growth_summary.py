"""What the weekly page is made from: the rows of the last complete week, and the weeks before in few columns."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_SUMMED = ("spend", "sales_ads_u_shape", "orders_u_shape", "gmv_u_shape")


def last_complete_week(report: DataFrame) -> DataFrame:
    """Return the rows of bl.report_weekly_growth_update of its last complete week, all columns; none without one."""
    complete = report.where("is_complete_week")
    last = complete.agg(F.max("yearweek").alias("yearweek"))
    return complete.join(F.broadcast(last), on="yearweek", how="left_semi").orderBy(
        "management_region", "country", "channel", "ad_platform", "campaign_id"
    )


def growth_trend(report: DataFrame) -> DataFrame:
    """Return sums by week x region x channel, the incomplete weeks too, for the pictures of the page."""
    key = ("yearweek", "week_start", "is_complete_week", "waits_for", "management_region", "channel", "data_origin")
    return report.groupBy(*key).agg(*[F.sum(name).alias(name) for name in _SUMMED]).orderBy(*key)
