"""What clicks say of a channel beside what the model says: `bl.roas_comparison`."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.mmm.roas_words import sentence
from pma.mmm.settings import ComparisonSettings
from pma.mmm.tables import ATTRIBUTION_MODELS, ROAS_COMPARISON

GEO = ("geo_level", "geo")
FIT = (*GEO, "target")
# The credit that the weekly report has of each target.
CREDITS = {"uploads": "sales_ads", "gmv": "gmv"}
_LEVELS = ("country", "management_region")
_PARTS = {"mean": "", "p05": "_p05", "p95": "_p95"}
_CREDIT = [f"{credit}_{model}" for credit in CREDITS.values() for model in ATTRIBUTION_MODELS]


@dataclass(frozen=True)
class Sources:
    """Rows of bl.mmm_channel_summary, bl.mmm_runs, bl.mmm_input and bl.report_weekly_growth_update."""

    summary: DataFrame
    runs: DataFrame
    inputs: DataFrame
    growth: DataFrame


def roas_comparison(sources: Sources, settings: ComparisonSettings, currency: str) -> DataFrame:
    """Return the rows of bl.roas_comparison less `run_id`: one per geo x target x channel with spend.

    All returns are over the weeks whose spend the input knows, which are those of the model. A geo and target without
    any fit, and a target without a credit in the report, have no row; a channel that the model leaves out has one.
    """
    summary, runs = sources.summary, sources.runs
    fitted = runs.where("status IN ('ok', 'flagged')").select(*FIT).distinct()
    status = runs.where("method = 'bayes'").select(*FIT, F.col("status").alias("fit_status"))
    trust = summary.where("method = 'bayes'").select(
        *FIT, "channel", "spend", F.col("contribution").alias("contribution_mmm"), "is_trusted", "reason"
    )
    key = [*FIT, "channel"]
    rows = (
        _by_target(_over_known_weeks(sources.inputs, _weekly(sources.growth)))
        .join(fitted, on=list(FIT), how="inner")
        .join(status, on=list(FIT), how="left")
        .join(trust, on=key, how="left")
        .join(_returns(summary, "bayes", "mmm"), on=key, how="left")
        .join(_returns(summary, "ridge", "ridge"), on=key, how="left")
    )
    judged = _judged(rows, settings)
    told = judged.withColumn("sentence", sentence(settings.attribution_model, _has_clicks(), currency))
    return told.select(*[column.name for column in ROAS_COMPARISON.columns if column.name != "run_id"])


def _weekly(growth: DataFrame) -> DataFrame:
    """Reported spend and credit by geo_level, geo, channel and week."""
    places = F.array(*[F.struct(F.lit(level).alias("geo_level"), F.col(level).alias("geo")) for level in _LEVELS])
    named = growth.select(F.explode(places).alias("at"), "channel", "week_start", "spend", *_CREDIT)
    return (
        named.select("at.*", "channel", "week_start", F.col("spend").alias("spend_reported"), *_CREDIT)
        .groupBy(*GEO, "channel", "week_start")
        .agg(*[F.sum(name).alias(name) for name in ("spend_reported", *_CREDIT)])
    )


def _over_known_weeks(inputs: DataFrame, weekly: DataFrame) -> DataFrame:
    """The weeks whose spend is known, and the sums of the report over them; geo x channel with spend."""
    known = inputs.where("role = 'paid' AND value IS NOT NULL").select(
        *GEO, F.col("variable").alias("channel"), "week_start", "value", "data_origin"
    )
    first, last = F.min("week_start"), F.max("week_start")
    return (
        known.join(weekly, on=[*GEO, "channel", "week_start"], how="left")
        .groupBy(*GEO, "channel")
        .agg(
            F.concat_ws(" to ", first, F.date_add(last, 6)).alias("period"),
            first.alias("since"),
            last.alias("until"),
            F.count("*").cast("int").alias("weeks"),
            F.sum("value").alias("known"),
            F.first("data_origin").alias("data_origin"),
            *[F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in ("spend_reported", *_CREDIT)],
        )
        .where("known > 0")
    )


def _by_target(whole: DataFrame) -> DataFrame:
    """The credit of each target, and what it is for one unit of the reported spend; geo x channel x target."""
    told = ("channel", "period", "since", "until", "weeks", "data_origin")
    spend = F.col("spend_reported").cast("decimal(38,6)")
    uploads, gmv = (
        whole.select(
            *GEO,
            F.lit(target).alias("target"),
            *told,
            spend.alias("spend_reported"),
            *[F.col(f"{credit}_{m}").cast("decimal(38,12)").alias(f"credit_{m}") for m in ATTRIBUTION_MODELS],
        )
        for target, credit in CREDITS.items()
    )
    per = F.nullif(F.col("spend_reported").cast("double"), F.lit(0.0))
    returns = [(F.col(f"credit_{m}").cast("double") / per).alias(f"roas_{m}") for m in ATTRIBUTION_MODELS]
    return uploads.unionByName(gmv).select("*", *returns)


def _returns(summary: DataFrame, method: str, name: str) -> DataFrame:
    parts = [F.col(f"roas_{part}").alias(f"roas_{name}{end}") for part, end in _PARTS.items()]
    return summary.where(F.col("method") == method).select(*FIT, "channel", *parts)


def _has_clicks() -> Column:
    return F.greatest(*[F.col(f"credit_{model}") for model in ATTRIBUTION_MODELS]) > 0


def _judged(rows: DataFrame, settings: ComparisonSettings) -> DataFrame:
    """Add the attribution model that is compared, the one that comes nearest, the gap, and the verdict."""
    ours, clicks = F.col("roas_mmm"), F.col(f"roas_{settings.attribution_model}")
    away = [F.struct(F.abs(F.col(f"roas_{m}") - ours), F.lit(m).alias("model")) for m in ATTRIBUTION_MODELS]
    gap = clicks / F.nullif(ours, F.lit(0.0)) - 1
    matters = F.abs(gap) >= settings.least_gap
    verdict = (
        F.when(ours.isNull(), "not_modelled")
        .when(~F.col("is_trusted"), "not_trusted")
        .when(~_has_clicks(), "no_clicks")
        .when(matters & (clicks > F.col("roas_mmm_p95")), "clicks_overstate")
        .when(matters & (clicks < F.col("roas_mmm_p05")), "clicks_understate")
        .otherwise("agree")
    )
    both = _has_clicks() & clicks.isNotNull() & ours.isNotNull()
    return rows.select(
        "*",
        F.lit(settings.attribution_model).alias("compared_model"),
        F.when(both, F.array_min(F.array(*away))["model"]).alias("nearest_model"),
        F.when(both, gap).alias("gap"),
        verdict.alias("verdict"),
    )
