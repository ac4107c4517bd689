"""Attributed credit by week and campaign: whose session it was is looked up in il.campaigns, by id and by name."""

from __future__ import annotations

import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pma.marketing.settings import MarketingSettings
from pma.marketing.tables import CONVERSIONS_OF, NO_CAMPAIGN, UNKNOWN
from pma.marketing.weekly_tables import CREDITS, REPORT_MODELS
from pma.marketing.weeks import local_day, monday

# What a session says of its campaign.
TOUCH = ("campaign_id", "campaign", "touched_on")
# Later than any last day of a name: a name that holds the touch comes before every other.
_FOREVER = datetime.date(9999, 12, 31)
_TYPES = {name: "decimal(28,6)" if name == "gmv" else "decimal(28,12)" for name in CREDITS}


def weekly_credit(credit: DataFrame, campaigns: DataFrame, settings: MarketingSettings) -> DataFrame:
    """Sum rows of st_il.st_event_attribution: week_start x country x channel x campaign_id x ad_platform.

    Values are `<credit>_<model>`, see CREDITS and REPORT_MODELS. A session of a known campaign has that campaign's
    channel, any other its own, the campaign (none) and the platform (none). No credit of these models is lost.
    """
    zone = settings.sessions.timezone
    dated = credit.where(F.col("model").isin(*REPORT_MODELS)).select(
        monday(local_day(F.col("converted_at"), zone)).alias("week_start"),
        F.coalesce("country", F.lit(UNKNOWN)).alias("country"),
        "channel",
        "campaign_id",
        "campaign",
        local_day(F.col("touched_at"), zone).alias("touched_on"),
        "model",
        *[value.alias(name) for name, value in credits_of_a_row().items()],
    )
    sums = [F.sum(name).alias(name) for name in CREDITS]
    by_touch = dated.groupBy("week_start", "country", "channel", *TOUCH, "model").agg(*sums)
    owners = campaign_owners(dated.select(*TOUCH), campaigns)
    known = by_touch.alias("by_touch").join(owners.alias("owners"), on=_same_touch(), how="left")
    placed = known.select(
        "week_start",
        "country",
        F.coalesce("owner.channel", "by_touch.channel").alias("channel"),
        F.coalesce("owner.campaign_id", F.lit(NO_CAMPAIGN)).alias("campaign_id"),
        F.coalesce("owner.ad_platform", F.lit(NO_CAMPAIGN)).alias("ad_platform"),
        "model",
        *CREDITS,
    )
    return placed.groupBy("week_start", "country", "channel", "campaign_id", "ad_platform").agg(
        *[
            F.coalesce(F.sum(F.when(F.col("model") == model, F.col(name))), F.lit(0))
            .cast(kind)
            .alias(f"{name}_{model}")
            for model in REPORT_MODELS
            for name, kind in _TYPES.items()
        ]
    )


def credits_of_a_row() -> dict[str, Column]:
    """Return what a row of st_il.st_event_attribution adds to each of CREDITS."""
    is_order = F.col("conversion_type") == CONVERSIONS_OF["orders"]
    nothing = F.lit(0).cast("decimal(18,12)")
    counted = {
        "sales_ads": F.col("conversion_type") == CONVERSIONS_OF["sales_ads"],
        "orders": is_order,
        "new_customers": is_order & F.col("is_first"),
    }
    weights = {name: F.when(condition, F.col("weight")).otherwise(nothing) for name, condition in counted.items()}
    return {**weights, "gmv": F.col("value")}


def campaign_owners(touches: DataFrame, campaigns: DataFrame) -> DataFrame:
    """Return TOUCH and `owner`, struct of ad_platform, campaign_id and channel: the touches whose campaign is known.

    The id says it, else the name, as written or in other letter case. Of a campaign's names, and of the campaigns that
    have had one name, those count that hold the touch's day, else the newest. What then is still of two campaigns has
    no owner.
    """
    asked = touches.where("campaign_id IS NOT NULL OR campaign IS NOT NULL").distinct().alias("asked")
    named = campaigns.alias("named")
    said, listed = F.trim("asked.campaign"), F.trim("named.campaign_name")
    by_id = asked.join(named, on=F.col("asked.campaign_id") == F.col("named.campaign_id"), how="inner")
    by_name = asked.join(named, on=F.lower(said) == F.lower(listed), how="inner")
    found = _only_owner(by_id, F.lit(True)).withColumn("rank", F.lit(1))
    found = found.unionByName(_only_owner(by_name, said == listed).withColumn("rank", F.lit(2)))
    return found.groupBy(*TOUCH).agg(F.min_by("owner", "rank").alias("owner"))


def _only_owner(matched: DataFrame, as_written: Column) -> DataFrame:
    """Keep, of each touch, the names that fit it best, where they are all of one campaign."""
    day = F.col("asked.touched_on")
    holds = F.coalesce(day.between(F.col("named.first_day"), F.col("named.last_day")), F.lit(False))
    until = F.when(holds, F.lit(_FOREVER)).otherwise(F.col("named.last_day"))
    of_touch = Window.partitionBy(*TOUCH).rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    fitted = matched.select(
        *[F.col(f"asked.{name}") for name in TOUCH],
        F.struct("named.ad_platform", "named.campaign_id").alias("campaign_key"),
        F.struct("named.ad_platform", "named.campaign_id", "named.channel").alias("owner"),
        F.struct("named.last_day", "named.first_day", "named.campaign_name").alias("age"),
        F.struct(as_written.alias("as_written"), until.alias("until")).alias("fit"),
    )
    best = fitted.withColumn("best", F.max("fit").over(of_touch)).where("fit = best")
    keys = F.count_distinct("campaign_key").alias("campaigns")
    found = best.groupBy(*TOUCH).agg(F.max_by("owner", "age").alias("owner"), keys)
    return found.where("campaigns = 1").drop("campaigns")


def _same_touch() -> Column:
    id_, name, day = (F.col(f"by_touch.{part}").eqNullSafe(F.col(f"owners.{part}")) for part in TOUCH)
    return id_ & name & day
