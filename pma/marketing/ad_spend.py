"""Ad spend: rows of exports and sheets become one row per day, platform, account, campaign and country."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from pma.checks import Check, judge, mark_known
from pma.marketing.currencies import convert, currency_checks
from pma.marketing.places import management_region, place
from pma.marketing.settings import MarketingSettings
from pma.marketing.spend_rules import SpendRules
from pma.marketing.tables import AD_SPEND, CAMPAIGNS, MONEY, SHEET, UNKNOWN
from pma.marketing.variables import campaign_goal, classify_media, name_variable, plain
from pma.tables import TableError

logger = logging.getLogger(__name__)

# What a campaign has now, whatever it had on the day.
NEWEST = ("campaign_name", "campaign_status", "campaign_type", "bidding_type", "account_name")


@dataclass(frozen=True)
class Spend:
    """What rows of spend become.

    landed: `il.ad_spend` with the refused rows, as `land` wants them. campaigns: `il.campaigns`. names: the raw names
    that were seen, see `raw_names`.
    """

    landed: DataFrame
    campaigns: DataFrame
    names: DataFrame


def spend_tables(
    rows: DataFrame, rates: DataFrame, rules: SpendRules, settings: MarketingSettings, run_id: str, today: date
) -> Spend:
    """Judge rows of spend and make their tables. Raises TableError unless all money of the rows is in them."""
    counted = rows.persist()
    judged = judge_rows(counted, rates, rules, settings, today).persist()
    landed = ad_spend(judged, rates, settings, run_id)
    require_conserved(counted, landed)
    return Spend(landed=landed, campaigns=campaigns(judged), names=raw_names(judged))


def judge_rows(
    rows: DataFrame, rates: DataFrame, rules: SpendRules, settings: MarketingSettings, today: date | None = None
) -> DataFrame:
    """Judge rows of spend and read their channel and place off them: the rows, and what `il.ad_spend` says of each.

    `rows` are those of `pma.sources`; superseded ones are left out. Adds country, management_region, language_region,
    country_rule, channel, channel_rule, raw_name, variable, campaign_goal, `newest` (a struct of what the campaign has
    now), and `reasons`, why a row is refused: its faults, a currency that is missing, has no rate at any day, or is the
    second one of a row of the table, a day that is no day of any company, or lies after `today`. One row per row that
    counts.
    """
    counted = rows.where(~F.col("is_superseded"))
    marked = mark_known(counted, rates.select("currency").distinct(), "currency")
    days = [Check("date_before_earliest", F.col("date") < F.lit(settings.sessions.earliest))]
    if today is not None:
        # The day has begun in some time zone before it has in UTC.
        days.append(Check("date_in_the_future", F.col("date") > F.lit(today + timedelta(days=1))))
    first = judge(marked, [*currency_checks(settings.spend), *days])
    reasons = F.array_distinct(F.concat("faults", "reasons"))
    judged = first.select(*[F.col(name) for name in counted.columns], reasons.alias("reasons"))
    described = _describe(judged, rules, settings)
    key = Window.partitionBy(*AD_SPEND.key, F.size("reasons") == 0).rowsBetween(
        Window.unboundedPreceding, Window.unboundedFollowing
    )
    is_second = (F.size("reasons") == 0) & (F.col("currency") != F.min("currency").over(key))
    both = F.when(is_second, F.array(F.lit("second_currency"))).otherwise(F.col("reasons"))
    return described.select(*[both.alias(name) if name == "reasons" else F.col(name) for name in described.columns])


def ad_spend(judged: DataFrame, rates: DataFrame, settings: MarketingSettings, run_id: str) -> DataFrame:
    """Aggregate judged rows to `il.ad_spend`, with the refused ones beside them, as `land` wants them.

    The columns of the table, and `reasons`, `given`, `copies`. One row per key of the table, whose `copies` are the
    rows that it is the sum of, and one per refused row. Credits are negative spend and stay. Sums are exact.
    """
    passes = F.size("reasons") == 0
    totals = convert(_totals(judged.where(passes)), rates, settings.spend)
    kept = {
        "reasons": F.array().cast("array<string>"),
        "given": F.lit(None).cast(judged.schema["given"].dataType),
        "run_id": F.lit(run_id),
    }
    refused = {"copies": F.lit(1).cast("bigint"), "run_id": F.lit(run_id), "spend": F.lit(None)}
    return _landable(totals, kept, judged).unionByName(_landable(judged.where(~passes), refused, judged))


def campaigns(judged: DataFrame) -> DataFrame:
    """Return `il.campaigns` of judged rows: every name that a campaign has had, and what it has now.

    One row per platform, campaign and name.
    """
    named = judged.where(F.size("reasons") == 0).select("*", F.coalesce("campaign_name", F.lit(UNKNOWN)).alias("name"))
    by_name = named.groupBy("ad_platform", "campaign_id", "name").agg(
        F.min("date").alias("first_day"),
        F.max("date").alias("last_day"),
        F.max(F.struct("exported_at", "date", "channel", "campaign_goal")).alias("last"),
        F.max("newest").alias("newest"),
        F.min("country").alias("least"),
        F.max("country").alias("most"),
    )
    all_names = Window.partitionBy("ad_platform", "campaign_id").rowsBetween(
        Window.unboundedPreceding, Window.unboundedFollowing
    )
    is_alone = F.min("least").over(all_names) == F.max("most").over(all_names)
    return by_name.select(
        "ad_platform",
        "campaign_id",
        F.col("name").alias("campaign_name"),
        "last.channel",
        "last.campaign_goal",
        "newest.bidding_type",
        "newest.campaign_status",
        F.when(is_alone, F.col("least")).alias("country"),
        "first_day",
        "last_day",
    ).select(*CAMPAIGNS.schema.names)


def raw_names(judged: DataFrame) -> DataFrame:
    """Return source, raw_name, variable and rule of each row of spend: what `variables.variable_names` wants."""
    source = F.when(F.col("ad_platform") == SHEET, F.col("source_file")).otherwise(F.col("ad_platform"))
    return judged.select(source.alias("source"), "raw_name", "variable", F.col("channel_rule").alias("rule"))


def require_conserved(rows: DataFrame, landed: DataFrame) -> None:
    """Raise TableError unless the rows that count, and the table with its refused rows, hold equal spend.

    Per platform and currency, to the last digit. `rows` are those of the sources, `landed` is what `ad_spend` returns.
    Says in the log how many rows came, how many a later export replaced, and how many have no rate.
    """
    counts = ~F.col("is_superseded")
    money = F.sum(F.when(counts, F.col("spend_local"))).alias("money")
    came = rows.groupBy("ad_platform", "currency").agg(
        money, F.count("*").alias("rows"), F.count_if(~counts).alias("superseded")
    )
    went = landed.groupBy("ad_platform", "currency").agg(
        F.sum("spend_local").alias("money"),
        F.sum("copies").alias("rows"),
        F.count_if((F.size("reasons") == 0) & F.col("spend").isNull()).alias("no_rate"),
    )
    before = {(r["ad_platform"], r["currency"]): r for r in came.collect()}
    after = {(r["ad_platform"], r["currency"]): r for r in went.collect()}
    wrong = []
    for key in sorted(before.keys() | after.keys(), key=str):
        came_money, came_rows = _sums(before.get(key), "superseded")
        went_money, went_rows = _sums(after.get(key))
        if (came_money, came_rows) != (went_money, went_rows):
            wrong.append(f"{key}: {came_money} in {came_rows} rows came, {went_money} in {went_rows} went on")
    if wrong:
        raise TableError(
            f"{AD_SPEND.name}: spend is not conserved: {'; '.join(wrong)}. Fix: find the step that drops it"
        )
    replaced = sum(r["superseded"] for r in before.values())
    logger.info(
        "%s: %d rows came, %d replaced by a later export; %d rows of the table have no exchange rate",
        *(AD_SPEND.name, sum(r["rows"] for r in before.values()), replaced, sum(r["no_rate"] for r in after.values())),
    )


def _sums(row: Row | None, less: str | None = None) -> tuple[object, int]:
    if row is None:
        return 0, 0
    return row["money"] or 0, row["rows"] - (row[less] if less else 0)


def _describe(judged: DataFrame, rules: SpendRules, settings: MarketingSettings) -> DataFrame:
    """Add what the campaign has now, and by it channel, goal and place."""
    newest = _newest(judged.where(F.size("reasons") == 0))
    joined = judged.join(newest, on=["ad_platform", "campaign_id"], how="left")
    now = {name: F.coalesce(F.col(f"newest.{name}"), F.col(name)) for name in ("campaign_name", "account_name")}
    kind = F.coalesce("newest.campaign_type", "campaign_type")
    cleaned = plain(F.coalesce(now["campaign_name"], F.lit("")))
    # In steps: what a later step reads several times is computed once.
    named = joined.select(
        *judged.columns,
        "newest",
        F.struct(*[value.alias(name) for name, value in now.items()], kind.alias("kind")).alias("now"),
        cleaned.alias("cleaned"),
        plain(F.col("raw_variable")).alias("plain_variable"),
    )
    by_variable = name_variable(F.col("plain_variable"), rules.variables).withField("raw_name", F.col("raw_variable"))
    by_campaign = classify_media(
        F.col("ad_platform"), F.col("now.kind"), F.col("now.campaign_name"), F.col("cleaned"), rules.channels
    )
    found = named.select(
        *[F.col(name) for name in judged.columns if name not in now],
        *[F.col(name).alias(f"own_{name}") for name in now],
        *[F.col(f"now.{name}").alias(name) for name in now],
        "newest",
        F.when(F.col("ad_platform") == SHEET, by_variable).otherwise(by_campaign).alias("found"),
        campaign_goal(F.col("cleaned"), rules.channels).alias("campaign_goal"),
    )
    placed = place(found, rules.places)
    own = {name: F.col(f"own_{name}").alias(name) for name in now}
    return placed.select(
        *[own.get(name, F.col(name)) for name in judged.columns if name != "country"],
        "newest",
        "place.country",
        management_region(F.col("place.country"), settings.regions).alias("management_region"),
        "place.language_region",
        F.col("place.rule").alias("country_rule"),
        F.coalesce("found.variable", F.lit(UNKNOWN)).alias("channel"),
        F.col("found.rule").alias("channel_rule"),
        "found.raw_name",
        "found.variable",
        "campaign_goal",
    )


def _newest(rows: DataFrame) -> DataFrame:
    """Return the newest of each thing that a campaign has: of its last export, and of its last day in it."""
    newest = {
        name: F.max(F.when(F.col(name).isNotNull(), F.struct("exported_at", "date", name)))[name] for name in NEWEST
    }
    one = rows.groupBy("ad_platform", "campaign_id").agg(*[value.alias(name) for name, value in newest.items()])
    return one.select("ad_platform", "campaign_id", F.struct(*NEWEST).alias("newest"))


def _totals(passing: DataFrame) -> DataFrame:
    """Sum the passing rows by the table's key."""
    # A key has one of each; where a sheet's campaign is in two channels, the last by name.
    same = ("management_region", "language_region", "country_rule", "channel", "channel_rule", "campaign_goal")
    sums = {"spend_local": MONEY, "impressions": "bigint", "clicks": "bigint", "platform_value": MONEY}
    return passing.groupBy(*AD_SPEND.key).agg(
        *[F.max(name).alias(name) for name in (*same, "currency", "account_timezone", "exported_at")],
        *[F.sum(name).cast(kind).alias(name) for name, kind in sums.items()],
        # As decimals: the sum of doubles depends on their order.
        F.sum("platform_conversions").cast("double").alias("platform_conversions"),
        F.max("newest.campaign_name").alias("campaign_name"),
        F.coalesce(F.max("newest.campaign_status"), F.lit("unknown")).alias("campaign_status"),
        F.max("newest.bidding_type").alias("bidding_type"),
        F.count("*").alias("copies"),
    )


def _landable(frame: DataFrame, new: dict[str, Column], judged: DataFrame) -> DataFrame:
    columns = [
        new.get(field.name, F.col(field.name)).cast(field.dataType).alias(field.name) for field in AD_SPEND.schema
    ]
    beside = [new.get(name, F.col(name)).alias(name) for name in ("reasons", "given", "copies")]
    return frame.select(*columns, *beside)
