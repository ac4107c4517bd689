"""What is missing or odd in the model's input, said to the person who can fix it.

Meridian's exploratory checks (meridian/model/eda, 1.8 and the reference of 2.1), and what answers each:

| Meridian | here |
|---|---|
| pairwise correlation, per geo and overall | correlation, near_duplicate; overall stands under geo `(all)` |
| standard deviation, with and without outliers | zero_variance, outlier (says both deviations) |
| outliers by quartiles | outlier (robust deviations) |
| variance inflation, fail above 1,000 | vif, the same limit |
| invariable KPI | zero_variance of a target, zero_target |
| cost per media unit: money without media and the reverse | spend_without_impressions, impressions_without_spend |
| cost per media unit: outliers | price_outlier |
| share of spend | small_share |
| R2 of a variable on time, and on geo | same_everywhere (across geos), explained_by_time (trend and season) |
| correlation with population | against_size (uploads stand for population: models are per geo) |
| prior probability of a negative baseline | negative_baseline |
| enough data for the number of parameters | too_few_weeks, weeks_per_variable, few_active_weeks |
| missing values: the input is refused | never_data, before_first_data, after_last_data, hole, missing_days: said |

Not in Meridian: level_shift, follows_target, currency_jump, no_exchange_rate, negative, partial_week, lacks_countries,
unplaced_spend. Its checks of priors from experiments belong to calibration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from pma.marketing.tables import UNKNOWN
from pma.mmm.input import collinearity, missing, shapes
from pma.mmm.input.across import check_together, check_variable
from pma.mmm.input.calendar import records
from pma.mmm.input.geo_panel import ALL, Finding, GeoPanel, Judge, geo_panel
from pma.mmm.input.spending import with_feed
from pma.mmm.input.tables import MMM_READINESS
from pma.mmm.input.variables import VariableRules
from pma.parallel import GroupsFailedError, Mapped, ParallelSettings, map_groups

Check = Callable[[GeoPanel], Iterable[Finding]]

# The function that makes the findings of these names.
CHECKS: Mapping[tuple[str, ...], Check] = {
    ("never_data",): missing.never_data,
    ("before_first_data",): missing.before_first_data,
    ("after_last_data",): missing.after_last_data,
    ("hole",): missing.holes,
    ("missing_days",): missing.missing_days,
    ("no_exchange_rate",): missing.no_rate,
    ("currency_jump",): missing.currency_jump,
    ("partial_week",): missing.partial_week,
    ("too_few_weeks",): missing.too_few_weeks,
    ("weeks_per_variable",): missing.weeks_per_variable,
    ("zero_variance",): shapes.zero_variance,
    ("few_active_weeks",): shapes.few_active_weeks,
    ("small_share",): shapes.small_share,
    ("spend_without_impressions", "impressions_without_spend"): shapes.spend_without_impressions,
    ("price_outlier",): shapes.price_outliers,
    ("outlier",): shapes.outliers,
    ("level_shift",): shapes.level_shifts,
    ("negative",): shapes.negative_weeks,
    ("zero_target",): shapes.zero_target,
    ("negative_baseline",): shapes.negative_baseline,
    ("near_duplicate", "correlation"): collinearity.correlated,
    ("vif",): collinearity.inflation,
    ("follows_target",): collinearity.follows_target,
    ("explained_by_time",): collinearity.explained_by_time,
}
# A geo whose checks raised.
FAILED = "checks_failed"
COLUMNS = tuple(column.name for column in MMM_READINESS.columns if column.name != "run_id")
RERUN = "Ask the data engineers: the message names what they need."


def readiness(
    inputs: DataFrame, spend: DataFrame, judge: Judge, origin: str, settings: ParallelSettings
) -> pd.DataFrame:
    """Return the rows of `bl.mmm_readiness` less `run_id`: one per geo, variable and check that found something.

    `inputs` are rows of bl.mmm_input, of any geos; `spend` is il.ad_spend. A check that found nothing in a geo has one
    row with variable `(all)` and severity `ok`. `fail` keeps that geo out of the fit, and no other; findings across
    geos stand under geo `(all)`, spend without a country under `(unknown)`; neither is ever `fail`. Each geo, each
    variable, and all countries together are one call of a pandas function on the engine of the settings; a geo whose
    checks raise becomes a row.
    """
    given = inputs.drop("run_id", "data_origin")
    facts = given.unionByName(feed_facts(spend, judge.rules), allowMissingColumns=True)
    geos = map_groups(
        facts, partial(check_geo, judge=judge, origin=origin), ("geo_level", "geo"), _schema(), None, settings
    )
    countries = given.where("geo_level = 'country'")
    uploads = countries.where(F.col("variable") == judge.rules.weight).groupBy("geo").agg(F.avg("value").alias("size"))
    sizes = uploads.toPandas().set_index("geo")["size"]
    over_countries = partial(_check_across, sizes=sizes, judge=judge, origin=origin)
    across = map_groups(countries, over_countries, "variable", _schema(), None, settings)
    over_pairs = partial(_check_together, sizes=sizes, judge=judge, origin=origin)
    together = map_groups(countries, over_pairs, "geo_level", _schema(), None, settings)
    rows = [part for mapped in (geos, across, together) for part in (_pandas(mapped), _failed(mapped, origin))]
    every = pd.concat([frame for frame in rows if len(frame)] or [_frame([], origin)], ignore_index=True)
    return every.sort_values(["geo_level", "geo", "variable", "check"], ignore_index=True)[list(COLUMNS)]


def readiness_rows(spark: SparkSession, found: pd.DataFrame, run_id: str) -> DataFrame:
    """Return what `readiness` found as rows of bl.mmm_readiness."""
    return spark.createDataFrame(records(found.assign(run_id=run_id)), MMM_READINESS.schema)


def require_judged(found: pd.DataFrame, settings: ParallelSettings) -> None:
    """Raise GroupsFailedError when more geos than `max_failed_share` could not be judged; call it once rows landed."""
    geos = found[~found["geo"].str.startswith("(")].drop_duplicates(["geo_level", "geo"])
    failed = found[(found["check"] == FAILED) & ~found["geo"].str.startswith("(")]
    if len(failed) > settings.max_failed_share * len(geos):
        said = "; ".join(f"{row.geo}: {row.detail}" for row in failed.head(5).itertuples())
        raise GroupsFailedError(
            f"{MMM_READINESS.name}: {len(failed)} of {len(geos)} geos could not be judged, parallel.max_failed_share "
            f"allows {settings.max_failed_share:.0%}: {said}. Fix: mend what the messages name, run the job again"
        )


def feed_facts(spend: DataFrame, rules: VariableRules) -> DataFrame:
    """Return one row per country, feed, currency and week: days delivered, rows without a rate, money (role `feed`)."""
    rows = with_feed(spend, rules)
    return rows.groupBy(
        F.lit("country").alias("geo_level"),
        F.coalesce("country", F.lit(UNKNOWN)).alias("geo"),
        F.trunc("date", "week").alias("week_start"),
        F.col("feed").alias("variable"),
        F.lit("feed").alias("role"),
        F.col("currency").alias("unit"),
    ).agg(
        F.countDistinct("date").alias("days"),
        F.sum(F.col("spend").isNull().cast("int")).alias("unpriced"),
        F.sum("spend").cast("double").alias("money"),
    )


def check_geo(rows: pd.DataFrame, judge: Judge, origin: str) -> pd.DataFrame:
    """All checks of one geo: its long rows and those of its feeds in, rows of bl.mmm_readiness less `run_id` out."""
    level, geo = str(rows["geo_level"].iloc[0]), str(rows["geo"].iloc[0])
    found: list[Finding] = []
    if geo == UNKNOWN:
        found = list(missing.unplaced_spend(rows))
    elif (rows["role"] != "feed").any():
        found = find(geo_panel(rows, judge))
    return _frame([(level, geo, finding) for finding in found], origin)


def find(panel: GeoPanel) -> list[Finding]:
    """All findings of a geo, and an `ok` for each check that found nothing."""
    found: list[Finding] = []
    for names, check in CHECKS.items():
        made = list(check(panel))
        quiet = set(names) - {finding.check for finding in made}
        found += [*made, *[Finding(name, ALL, "ok", "nothing found") for name in sorted(quiet)]]
    return found


def _check_across(rows: pd.DataFrame, sizes: pd.Series, judge: Judge, origin: str) -> pd.DataFrame:
    return _frame(check_variable(rows, sizes, judge), origin)


def _check_together(rows: pd.DataFrame, sizes: pd.Series, judge: Judge, origin: str) -> pd.DataFrame:
    return _frame(check_together(rows, sizes, judge), origin)


def _schema() -> StructType:
    return StructType([column for column in MMM_READINESS.schema.fields if column.name != "run_id"])


def _frame(found: Iterable[tuple[str, str, Finding]], origin: str) -> pd.DataFrame:
    rows = [{"geo_level": level, "geo": geo, **vars(finding), "data_origin": origin} for level, geo, finding in found]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _pandas(mapped: Mapped) -> pd.DataFrame:
    """The rows as a pandas frame, whatever the engine left them in: findings are few."""
    if isinstance(mapped.rows, pd.DataFrame):
        return mapped.rows
    rows: pd.DataFrame = mapped.rows.toPandas()
    mapped.release()
    return rows


def _failed(mapped: Mapped, origin: str) -> pd.DataFrame:
    """A row per group whose checks raised: a geo that was not judged is not fitted."""
    found = []
    for error in mapped.errors.to_dict("records"):
        said = f"the checks ended with {error['error_type']}: {error['message'][:500]}"
        variable = error.get("variable", ALL)
        severity = "fail" if "geo" in error else "warn"
        cost = "The geo is not fitted." if "geo" in error else "Countries were not compared in it."
        place = (error.get("geo_level", "country"), error.get("geo", ALL))
        found.append((*place, Finding(FAILED, variable, severity, said, cost, RERUN)))
    return _frame(found, origin)
