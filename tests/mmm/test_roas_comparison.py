"""Clicks beside the model, on a world small enough to add up by hand."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from pma.marketing.weekly_tables import REPORT_MODELS
from pma.mmm.roas_comparison import Sources, roas_comparison
from pma.mmm.settings import ComparisonSettings
from pma.mmm.tables import ATTRIBUTION_MODELS, ROAS_COMPARISON
from pma.tables import conform, require_unique

MONDAY = date(2025, 1, 6)
CREDIT = [f"{credit}_{model}" for credit in ("sales_ads", "gmv") for model in ATTRIBUTION_MODELS]
INPUTS = "geo_level string, geo string, variable string, week_start date, role string, value double, data_origin string"
GROWTH = "country string, management_region string, channel string, week_start date, spend decimal(28,6), " + ", ".join(
    f"{name} decimal(28,{12 if name.startswith('sales') else 6})" for name in CREDIT
)
RUNS = "geo_level string, geo string, target string, method string, status string"
SUMMARY = (
    "geo_level string, geo string, target string, method string, channel string, spend double, contribution double, "
    "roas_mean double, roas_p05 double, roas_p95 double, is_trusted boolean, reason string"
)


def week(number):
    return MONDAY + timedelta(weeks=number)


def spent(channel, *values, geo="DE", level="country", role="paid"):
    """Rows of the input, one per week; None: not known."""
    return [(level, geo, channel, week(n), role, value, "a test") for n, value in enumerate(values)]


def reported(channel, number, spend, *, country="DE", region="DACH", sales=0, gmv=0, **of_model):
    """A row of the report; a credit that no model is named for is the same by all."""
    credit = {name: Decimal(str(sales if name.startswith("sales") else gmv)) for name in CREDIT}
    credit |= {name: Decimal(str(value)) for name, value in of_model.items()}
    return (country, region, channel, week(number), Decimal(str(spend)), *credit.values())


def summed(channel, roas, low, high, *, spend=30.0, reason=None, method="bayes", target="uploads", geo="DE"):
    return ("country", geo, target, method, channel, spend, roas * spend, roas, low, high, reason is None, reason)


def compare(spark, inputs, growth, summary, runs=None, settings=None):
    """Rows of the comparison by geo, target and channel."""
    if runs is None:
        runs = [(*row, "ok") for row in sorted({summed[:4] for summed in summary})]
    sources = Sources(
        spark.createDataFrame(summary, SUMMARY),
        spark.createDataFrame(runs, RUNS),
        spark.createDataFrame(inputs, INPUTS),
        spark.createDataFrame(growth, GROWTH),
    )
    made = roas_comparison(sources, settings or ComparisonSettings(), "EUR")
    whole = conform(made.withColumn("run_id", F.lit("test")), ROAS_COMPARISON)
    require_unique(whole, ROAS_COMPARISON)
    return {(row["geo"], row["target"], row["channel"]): row.asDict() for row in whole.collect()}


def test_the_attribution_models_are_those_of_the_weekly_report():
    assert ATTRIBUTION_MODELS == REPORT_MODELS


def test_a_row_says_both_returns_over_the_weeks_whose_spend_is_known(spark):
    inputs = spent("tiktok", None, 10.0, 20.0, None)
    growth = [
        reported("tiktok", 0, 7, sales=100),
        reported("tiktok", 1, "10.000001", sales="0.5", sales_ads_first_click=2),
        reported("tiktok", 2, 15, sales="0.25"),
        reported("tiktok", 2, 5, sales="0.25"),
        reported("tiktok", 3, 9, sales=100),
        reported("seo", 1, 0, sales=4),
    ]
    summary = [summed("tiktok", 0.5, 0.3, 0.8), summed("tiktok", 0.4, 0.2, 0.6, method="ridge")]
    rows = compare(spark, inputs, growth, summary)
    assert set(rows) == {("DE", "uploads", "tiktok")}
    row = rows["DE", "uploads", "tiktok"]
    spend = 30.000001
    others = [model for model in ATTRIBUTION_MODELS if model != "first_click"]
    expected = {"geo_level": "country", "geo": "DE", "target": "uploads", "channel": "tiktok", "weeks": 2}
    expected |= {"period": "2025-01-13 to 2025-01-26", "since": week(1), "until": week(2), "spend": 30.0}
    expected |= {"spend_reported": Decimal("30.000001"), "credit_first_click": Decimal("2.5")}
    expected |= {f"credit_{model}": Decimal(1) for model in others}
    expected |= {"roas_first_click": 2.5 / spend, **{f"roas_{model}": 1 / spend for model in others}}
    expected |= {"contribution_mmm": 15.0, "roas_mmm": 0.5, "roas_mmm_p05": 0.3, "roas_mmm_p95": 0.8}
    expected |= {"roas_ridge": 0.4, "roas_ridge_p05": 0.2, "roas_ridge_p95": 0.6, "fit_status": "ok"}
    expected |= {"is_trusted": True, "reason": None, "compared_model": "last_click", "nearest_model": "first_click"}
    expected |= {"gap": pytest.approx(1 / spend / 0.5 - 1), "verdict": "clicks_understate", "data_origin": "a test"}
    assert {name: row[name] for name in expected} == expected
    assert set(row) - set(expected) == {"sentence", "run_id"}


def test_credit_and_spend_of_all_channels_are_those_of_the_report_to_the_last_digit(spark):
    names = [f"channel_{n}" for n in range(4)]
    inputs = [row for name in names for row in spent(name, *[1.0] * 30)]
    growth = [
        reported(name, n, f"{n}.{place}00001", sales=f"0.{n:03}{place}", gmv=f"{place}.{n:06}")
        for n in range(30)
        for place, name in enumerate(names, 1)
    ]
    summary = [summed(name, 0.5, 0.3, 0.8, target=target) for name in names for target in ("uploads", "gmv")]
    rows = compare(spark, inputs, growth, summary)
    columns = GROWTH.split(", ")
    for target, credit in (("uploads", "sales_ads_last_click"), ("gmv", "gmv_last_click")):
        at = next(place for place, column in enumerate(columns) if column.startswith(credit))
        of_target = [row for key, row in rows.items() if key[1] == target]
        assert sum(row["credit_last_click"] for row in of_target) == sum(row[at] for row in growth)
        assert sum(row["spend_reported"] for row in of_target) == sum(row[4] for row in growth)


def test_a_region_has_the_sums_of_its_countries(spark):
    inputs = spent("tiktok", 10.0, 20.0, geo="DACH", level="management_region")
    growth = [reported("tiktok", n, 5, country=name, gmv=6) for n in range(2) for name in ("DE", "AT")]
    growth.append(reported("tiktok", 0, 99, country="FR", region="SOUTH", gmv=99))
    line = list(summed("tiktok", 1.3, 1.0, 1.5, target="gmv", geo="DACH"))
    line[0] = "management_region"
    row = compare(spark, inputs, growth, [tuple(line)])["DACH", "gmv", "tiktok"]
    assert (row["spend_reported"], row["credit_u_shape"], row["roas_u_shape"]) == (20, 24, 1.2)
    assert (row["verdict"], row["sentence"]) == ("agree", None)


def sentence_of(spark, credited, summary, runs=None, channel="tiktok", **settings):
    target = summary[0][2]
    growth = [reported(channel, 0, 1000, **{"sales" if target == "uploads" else "gmv": credited})]
    rows = compare(spark, spent(channel, 1000.0), growth, summary, runs, ComparisonSettings(**settings))
    row = rows["DE", target, channel]
    return row["verdict"], row["sentence"]


def test_where_clicks_say_more_the_sentence_says_what_not_to_do(spark):
    assert sentence_of(spark, 9, [summed("tiktok", 0.0032, 0.0021, 0.0044)]) == (
        "clicks_overstate",
        "Last click credits tiktok with 9.0 uploads per 1,000 EUR, the model with 3.2 (2.1 to 4.4): clicks overstate "
        "it, part of what they count would have come without it; do not raise its budget by its clicks.",
    )


def test_where_clicks_say_less_it_is_said_in_the_words_of_the_target_and_of_the_settings(spark):
    found = sentence_of(spark, 1250, [summed("tiktok", 2.5, 2.0, 3.0, target="gmv")], attribution_model="u_shape")
    assert found == (
        "clicks_understate",
        "U-shape credits tiktok with 1.25 EUR of order value per EUR, the model with 2.5 (2.0 to 3.0): clicks "
        "understate it, people whom it moved come back another way; do not cut its budget by its clicks.",
    )


def test_a_channel_without_clicks_is_judged_by_the_model(spark):
    assert sentence_of(spark, 0, [summed("tv", 0.12, 0.05, 0.2)], channel="tv") == (
        "no_clicks",
        "No click leads to tv, so attribution says nothing of it; the model gives it 120 (50 to 200) uploads per 1,000 "
        "EUR: judge it by the model, or by a test.",
    )
    rows = compare(spark, spent("tv", 10.0), [reported("seo", 0, 0)], [summed("tv", 0.12, 0.05, 0.2)])
    row = rows["DE", "uploads", "tv"]
    assert (row["credit_last_click"], row["spend_reported"], row["roas_last_click"]) == (0, 0, None)
    assert (row["verdict"], row["gap"], row["nearest_model"]) == ("no_clicks", None, None)


def test_a_number_that_the_model_does_not_trust_is_set_against_nothing(spark):
    reason = "tiktok: the data say little about it. Vary its spend"
    assert sentence_of(spark, 9, [summed("tiktok", 0.0032, 0.0001, 0.0044, reason=reason)]) == (
        "not_trusted",
        "Last click credits tiktok with 9.0 uploads per 1,000 EUR, the model with 3.2 (0.10 to 4.4), which is not to "
        "be trusted: the data say little about it. Vary its spend.",
    )


def test_a_flag_of_the_fit_is_passed_on(spark):
    summary = [summed("tiktok", 0.0032, 0.0021, 0.0044)]
    _, sentence = sentence_of(spark, 9, summary, [(*summary[0][:4], "flagged")])
    assert sentence.endswith("by its clicks. The fit is flagged: read its message first.")


@pytest.mark.parametrize(
    ("credited", "interval", "least_gap", "verdict"),
    [
        (3.3, (2, 4), 0.0, "agree"),
        (4.1, (2, 4), 0.5, "agree"),
        (4.1, (2, 4), 0.3, "clicks_overstate"),
        (1.9, (2, 4), 0.3, "clicks_understate"),
    ],
)
def test_a_gap_counts_outside_of_the_interval_and_from_a_size_on(spark, credited, interval, least_gap, verdict):
    low, high = interval
    found = sentence_of(spark, credited, [summed("tiktok", 0.003, low / 1000, high / 1000)], least_gap=least_gap)
    assert found[0] == verdict and (found[1] is None) == (verdict == "agree")


def test_a_channel_that_only_the_second_opinion_knows_has_a_row_and_a_geo_without_a_fit_has_none(spark):
    inputs = [
        *spent("tiktok", 10.0),
        *spent("tiktok", 10.0, geo="FR"),
        *spent("x", 0.0),
        *spent("heat", 1.0, role="context"),
    ]
    growth = [reported("tiktok", 0, 10, sales=5), reported("tiktok", 0, 10, sales=5, country="FR", region="SOUTH")]
    went = [("DE", "bayes", "failed"), ("DE", "ridge", "ok"), ("FR", "bayes", "failed"), ("FR", "ridge", "not_ready")]
    runs = [("country", geo, "uploads", method, status) for geo, method, status in went]
    rows = compare(spark, inputs, growth, [summed("tiktok", 0.4, 0.2, 0.6, method="ridge")], runs)
    assert set(rows) == {("DE", "uploads", "tiktok")}
    row = rows["DE", "uploads", "tiktok"]
    assert (row["roas_mmm"], row["roas_ridge"], row["fit_status"], row["verdict"]) == (
        None,
        0.4,
        "failed",
        "not_modelled",
    )
    assert row["sentence"] == (
        "Last click credits tiktok with 500 uploads per 1,000 EUR; the model has no number for it here: it is left "
        "out, or its fit failed (bl.mmm_runs)."
    )
