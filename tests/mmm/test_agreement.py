"""Where model and ridge differ by more than twice, on hand-made summaries."""

import pandas as pd
import pytest

from pma.mmm.agreement import check_frame, disagreements, with_disagreements, with_doubts
from pma.mmm.spec import FitSettings
from pma.mmm.tables import MMM_CHECKS, MMM_RUNS

SETTINGS = FitSettings()


def summary(*channels):
    """channel, spend, p05, p95 of the model, ridge's ROAS."""
    rows = []
    for channel, spend, low, high, ridge in channels:
        named = {"geo_level": "country", "geo": "DE", "target": "uploads", "channel": channel, "spend": spend}
        rows.append(named | {"method": "bayes", "roas_p05": low, "roas_p50": (low + high) / 2, "roas_p95": high})
        rows.append(named | {"method": "ridge", "roas_p05": ridge, "roas_p50": ridge, "roas_p95": ridge})
    return pd.DataFrame(rows)


def test_twice_the_upper_end_is_still_agreement_and_more_is_not():
    found = disagreements(summary(("tv", 10.0, 1.0, 2.0, 4.0), ("seo", 30.0, 1.0, 2.0, 0.25)), SETTINGS)
    by = found.set_index("channel")
    assert by["measure"].to_dict() == pytest.approx({"(all)": 0.75, "tv": 1.0, "seo": 2.0})
    assert by["is_passed"].to_dict() == {"(all)": False, "tv": True, "seo": False}
    assert by["detail"]["(all)"] == "the quick second opinion (ridge) disagrees on channels with 75% of spend: seo"
    assert by["detail"]["seo"] == "the quick second opinion (ridge) has a ROAS of 0.25, the model 1 to 2"


def test_a_ridge_that_gives_a_channel_nothing_disagrees():
    found = disagreements(summary(("tv", 10.0, 1.0, 2.0, 0.0)), SETTINGS).set_index("channel")
    assert not found["is_passed"]["tv"]


def test_a_ridge_that_failed_is_a_check_that_could_not_be_made(spark):
    one = summary(("tv", 10.0, 1.0, 2.0, 4.0)).query("method == 'bayes'")
    (row,) = disagreements(one, SETTINGS).to_dict("records")
    assert (row["channel"], row["measure"], row["is_passed"]) == ("(all)", None, None)
    assert row["detail"] == "could not be checked: the ridge has no fit"
    columns = "geo_level string, geo string, target string, method string, data_origin string"
    runs = spark.createDataFrame([("country", "DE", "uploads", "bayes", "a test")], columns)
    (told,) = check_frame(disagreements(one, SETTINGS), runs).collect()
    assert (told["measure"], told["is_passed"]) == (None, None)
    assert disagreements(one, FitSettings(methods=("bayes",))).empty


def test_the_model_is_flagged_and_the_ridge_is_not(spark):
    found = disagreements(summary(("tv", 10.0, 1.0, 2.0, 0.1)), SETTINGS)
    runs = spark.createDataFrame(
        [
            ("country", "DE", "uploads", "bayes", "ok", None, ["seo"], "a test"),
            ("country", "DE", "uploads", "ridge", "ok", None, None, "a test"),
            ("country", "AT", "uploads", "bayes", "flagged", "Before.", ["tv"], "a test"),
        ],
        "geo_level string, geo string, target string, method string, status string, message string, "
        "not_trusted array<string>, data_origin string",
    )
    told = {
        (row["geo"], row["method"]): (row["status"], row["message"], row["not_trusted"])
        for row in with_disagreements(runs, found).collect()
    }
    assert told.pop(("DE", "bayes")) == (
        "flagged",
        "The quick second opinion (ridge) disagrees on channels with 100% of spend: tv. "
        "Where two methods differ, test before money moves.",
        ["seo", "tv"],
    )
    assert told == {("DE", "ridge"): ("ok", None, None), ("AT", "bayes"): ("flagged", "Before.", ["tv"])}
    rows = check_frame(found, runs)
    assert set(rows.columns) == {column.name for column in MMM_CHECKS.columns} - {"run_id"}
    assert sorted((row["channel"], row["data_origin"]) for row in rows.collect()) == [
        ("(all)", "a test"),
        ("tv", "a test"),
    ]
    assert "message" in {column.name for column in MMM_RUNS.columns}


def test_a_channel_that_disagrees_is_not_to_be_trusted_and_keeps_a_reason_that_it_has(spark):
    found = disagreements(
        summary(("tv", 1.0, 1.0, 2.0, 9.0), ("seo", 1.0, 1.0, 2.0, 9.0), ("radio", 9.0, 1.0, 2.0, 1.5)), SETTINGS
    )
    named = ("country", "DE", "uploads")
    rows = [
        (*named, "bayes", "tv", True, None),
        (*named, "bayes", "seo", False, "seo: wide"),
        (*named, "bayes", "radio", True, None),
        (*named, "ridge", "tv", True, None),
    ]
    ddl = (
        "geo_level string, geo string, target string, method string, channel string, is_trusted boolean, reason string"
    )
    told = {(row[3], row[4]): tuple(row[5:]) for row in with_doubts(spark.createDataFrame(rows, ddl), found).collect()}
    assert told == {
        ("bayes", "tv"): (False, "tv: the quick second opinion (ridge) has a ROAS of 9, the model 1 to 2"),
        ("bayes", "seo"): (False, "seo: wide"),
        ("bayes", "radio"): (True, None),
        ("ridge", "tv"): (True, None),
    }
