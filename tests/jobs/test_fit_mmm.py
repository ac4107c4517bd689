"""The job on four geos: two that are fitted, one that cannot be, one that is not ready; the same again; its report."""

import contextlib
import io
import os
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import yaml
from deltalake import DeltaTable

from jobs.fit_mmm import main
from jobs.mmm_report import main as report
from pma.marketing.tables import LIFT_TESTS
from pma.marketing.weekly_tables import WEEKLY_GROWTH
from pma.mmm.input.calendar import records
from pma.mmm.input.tables import MMM_INPUT, MMM_READINESS
from pma.mmm.tables import MMM_LANDED
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.jobs.growth_rows import growth_row
from tests.mmm.media_world import media_world

TABLES = (
    *("mmm_runs", "mmm_contributions", "mmm_channel_summary", "mmm_response_curves", "mmm_posterior", "mmm_fit_weeks"),
    *("mmm_checks", "mmm_calibration"),
)
KEYS = {
    "mmm_runs": [],
    "mmm_contributions": ["week_start", "component"],
    "mmm_channel_summary": ["channel"],
    "mmm_response_curves": ["channel", "spend"],
    "mmm_posterior": ["draw", "channel"],
    "mmm_checks": ["check", "channel"],
    "mmm_calibration": ["test_id"],
    "mmm_fit_weeks": ["week_start"],
    "roas_comparison": ["channel"],
}


def inputs():
    """AT and DE are fine; in FR the target never moves; XX fails a check."""
    worlds = [media_world(weeks=60, channels=2, seed=seed, geo=geo).rows for seed, geo in enumerate(("AT", "DE"))]
    flat = worlds[0].assign(geo="FR")
    flat.loc[flat["variable"] == "uploads", "value"] = 9.0
    rows = pd.concat([*worlds, flat, worlds[0].assign(geo="XX")], ignore_index=True)
    gone = (
        (rows["geo"] == "DE") & (rows["variable"] == "channel_1") & (rows.groupby(["geo", "variable"]).cumcount() < 9)
    )
    rows["value"] = rows["value"].mask(gone)
    rows["gap"] = np.where(gone, "before_first_data", None)
    return rows.assign(impressions=np.nan, unit="count", data_origin="a test", run_id="before")


def lift_tests(rows, lift=20.0):
    """Two tests in AT: one that raised spend by half, one of a channel that is not there."""
    spend = rows[(rows["geo"] == "AT") & (rows["variable"] == "channel_0")].sort_values("week_start")
    spent = float(spend["value"].iloc[30:34].sum())
    days = (spend["week_start"].iloc[30], spend["week_start"].iloc[33] + timedelta(days=6))
    numbers = (spent / 1.5, spent - spent / 1.5, lift, 10.0)
    told = [(f"raise {name}", "uploads", "AT", name, *days, *numbers) for name in ("channel_0", "radio")]
    return [*told, ("of nobody", "uploads", "GE", "channel_0", *days, *numbers)]


@pytest.fixture(scope="module")
def ran(spark, tmp_path_factory):
    """A folder in which the job ran once."""
    folder = tmp_path_factory.mktemp("fit")
    tables = Warehouse(spark, WarehouseSettings(path=str(folder / "warehouse")), run_id="before")
    rows = inputs()[[column.name for column in MMM_INPUT.columns]]
    tables.replace(MMM_INPUT, spark.createDataFrame(records(rows), MMM_INPUT.schema))
    tables.replace(LIFT_TESTS, spark.createDataFrame(lift_tests(rows), LIFT_TESTS.schema))
    fault = ("country", "XX", "(all)", "too_few_weeks", "fail", "9 weeks", "not fitted", "Wait", None, None, 9.0)
    found = [(*fault, "a test", "before")]
    tables.replace(MMM_READINESS, spark.createDataFrame(found, MMM_READINESS.schema))
    main(arguments(folder))
    return folder


def arguments(folder, engine="serial"):
    given = {
        "rules": str(REPOSITORY / "conf" / "rules"),
        "spark": TEST_SPARK.model_dump(),
        "warehouse": {"path": str(folder / "warehouse")},
        "report": {"path": str(folder / "report")},
        "parallel": {"engine": engine, "partitions": 2, "max_failed_share": 0.0},
        "mmm": {
            "fit": {
                "targets": ["uploads"],
                "chains": 1,
                "tune": 60,
                "draws": 40,
                "kept_draws": 5,
                "check_chains": 1,
                "check_tune": 40,
                "check_draws": 20,
                "check_min_ess": 0,
            },
            "ridge": {"iterations": 200},
        },
    }
    (folder / f"{engine}.yml").write_text(yaml.safe_dump(given))
    return ["--conf", str(folder / f"{engine}.yml")]


def stored(folder, name, method=None):
    """The rows of a table by key, without the run's id; those of one method where it is named."""
    frame = DeltaTable(str(folder / "warehouse" / "bl" / name)).to_pandas().drop(columns="run_id")
    if method is not None:
        frame = frame[frame["method"] == method]
    key = [column for column in ("geo_level", "geo", "target", "method", *KEYS[name]) if column in frame]
    return frame.sort_values(key, ignore_index=True)


def test_every_geo_has_a_row_that_says_how_it_went(ran):
    both = stored(ran, "mmm_runs").set_index(["geo", "method"])
    assert sorted(both.index) == [(geo, method) for geo in ("AT", "DE", "FR", "XX") for method in ("bayes", "ridge")]
    assert set(both["data_origin"]) == {"a test"}
    for method in ("bayes", "ridge"):
        runs = both.xs(method, level="method")
        assert runs["status"].drop(["AT", "DE"]).to_dict() == {"FR": "failed", "XX": "not_ready"}
        assert set(runs.loc[["AT", "DE"], "status"]) <= {"ok", "flagged"}
        assert "9 in every week" in runs.loc["FR", "message"]
        assert "9 weeks. Wait" in runs.loc["XX", "message"]
        assert runs.loc["DE", "engine"] == "serial" and runs.loc["DE", "weeks"] == 60
        assert any("unknown in 9 weeks" in note for note in runs.loc["DE", "notes"])


def test_the_other_tables_have_the_rows_of_the_fits(ran):
    for name in TABLES[1:-1]:
        assert set(stored(ran, name)["geo"]) == {"AT", "DE"}, name
    weekly = stored(ran, "mmm_contributions")
    assert weekly.groupby(["geo", "method", "component"]).size().eq(60).all()
    assert set(stored(ran, "mmm_channel_summary")["channel"]) == {"channel_0", "channel_1"}


def test_the_model_is_checked_and_compared_with_the_ridge(ran):
    checks = stored(ran, "mmm_checks")
    assert set(checks["method"]) == {"bayes"}
    whole = checks[checks["channel"] == "(all)"].groupby("geo")["check"].agg(sorted)
    assert whole.to_dict() == {key: ["holdout", "placebo", "prior", "refresh", "ridge"] for key in ("AT", "DE")}
    of_ridge = checks[(checks["check"] == "ridge") & (checks["channel"] != "(all)")]
    assert of_ridge.groupby("geo")["channel"].agg(list).to_dict() == {
        key: ["channel_0", "channel_1"] for key in ("AT", "DE")
    }


def test_lift_tests_have_a_row_before_and_after_or_with_the_reason_why_not(ran):
    both = stored(ran, "mmm_calibration")
    assert both.groupby(["geo", "method"]).size().to_dict() == {
        ("AT", "bayes"): 2,
        ("AT", "ridge"): 2,
        ("GE", "bayes"): 1,
    }
    rows = stored(ran, "mmm_calibration", "bayes").set_index("test_id")
    used, left_out = rows.loc["raise channel_0"], rows.loc["raise radio"]
    assert used["verdict"] in ("agrees", "corrects", "contradicts") and used["lift"] == 20.0
    assert used["roas_before_p05"] < used["roas_before_p95"] and used["roas_after_p05"] < used["roas_after_p95"]
    assert left_out["verdict"] == "left_out" and "radio is not among" in left_out["sentence"]
    assert rows["verdict"]["of nobody"] == "left_out" and "uploads of GE has no fit" in rows["sentence"]["of nobody"]
    notes = stored(ran, "mmm_runs", "bayes").set_index("geo")["notes"]
    assert any("raise radio is left out" in note for note in notes["AT"])
    assert not any("lift test" in note for note in notes["DE"])


def test_a_second_run_fits_nothing_and_leaves_the_tables_as_they_are(ran, capsys):
    before = {name: stored(ran, name) for name in TABLES}
    main(arguments(ran))
    assert "AT uploads (bayes): " in capsys.readouterr().out
    for name in TABLES:
        pd.testing.assert_frame_equal(before[name], stored(ran, name))


def test_a_fit_that_is_missing_is_made_again_to_the_last_digit(ran, spark):
    before = stored(ran, "mmm_channel_summary")
    tables = Warehouse(spark, WarehouseSettings(path=str(ran / "warehouse")), run_id="after")
    tables.replace(MMM_LANDED, tables.read(MMM_LANDED).where("false"), where="geo = 'DE'")
    main(arguments(ran, "pandas_udf"))
    pd.testing.assert_frame_equal(before, stored(ran, "mmm_channel_summary"))
    engines = stored(ran, "mmm_runs", "bayes").set_index("geo")["engine"]
    assert engines[["AT", "DE"]].to_dict() == {"AT": "serial", "DE": "pandas_udf"}


def test_where_no_java_is_fits_land_all_the_same(ran, spark, tmp_path):
    before = stored(ran, "mmm_channel_summary")
    tables = Warehouse(spark, WarehouseSettings(path=str(ran / "warehouse")), run_id="again")
    tables.replace(MMM_LANDED, tables.read(MMM_LANDED).where("false"), where="geo = 'AT'")
    bare = {**os.environ, "JAVA_HOME": str(tmp_path), "PATH": str(tmp_path)}
    words = [sys.executable, "jobs/land_mmm.py", *arguments(ran, "joblib")]
    done = subprocess.run(words, cwd=REPOSITORY, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("2 fits landed")
    landed = DeltaTable(str(ran / "warehouse" / "st_il" / "mmm_landed")).to_pandas()
    assert sorted(landed[landed["geo"] == "AT"]["engine"]) == ["joblib", "joblib"]
    main(arguments(ran))
    pd.testing.assert_frame_equal(before, stored(ran, "mmm_channel_summary"))
    runs = DeltaTable(str(ran / "warehouse" / "bl" / "runs")).to_pandas()
    [row] = runs[runs["job"] == "land_mmm"].to_dict("records")
    assert row["status"] == "succeeded" and dict(row["rows"]) == {"st_il.mmm_landed": 2}
    read = {"bl.mmm_input", "bl.mmm_readiness", "il.lift_tests", "st_il.mmm_landed"}
    assert set(dict(row["input_versions"])) == read


def test_a_new_measurement_makes_its_own_country_anew_and_no_other(ran, spark):
    before = stored(ran, "mmm_runs").set_index(["method", "geo"])["fit_id"]
    tables = Warehouse(spark, WarehouseSettings(path=str(ran / "warehouse")), run_id="later")
    tables.replace(LIFT_TESTS, spark.createDataFrame(lift_tests(inputs(), lift=30.0), LIFT_TESTS.schema))
    main(arguments(ran))
    after = stored(ran, "mmm_runs").set_index(["method", "geo"])["fit_id"]
    for method in ("bayes", "ridge"):
        assert after[method, "DE"] == before[method, "DE"] and after[method, "AT"] != before[method, "AT"]
    rows = stored(ran, "mmm_calibration").set_index(["method", "test_id"])
    assert rows["lift"]["bayes", "raise channel_0"] == 30.0


@pytest.fixture(scope="module")
def reported(ran, spark):
    """The same folder, with a weekly report of the same spend, after the job that tells of the fits."""
    paid = inputs().query("role == 'paid' and variable == 'channel_0' and geo != 'FR'")
    whole = [
        growth_row(geo, start, spend=Decimal(str(value)), sales_ads_last_click=Decimal(3))
        for geo, start, value in paid[["geo", "week_start", "value"]].itertuples(index=False)
    ]
    tables = Warehouse(spark, WarehouseSettings(path=str(ran / "warehouse")), run_id="before")
    tables.replace(WEEKLY_GROWTH, spark.createDataFrame(whole, WEEKLY_GROWTH.schema))
    with contextlib.redirect_stdout(io.StringIO()) as said:
        report(arguments(ran))
    return ran, said.getvalue()


def test_weeks_of_a_fit_are_its_contributions_beside_the_target(ran):
    weeks = stored(ran, "mmm_fit_weeks", "bayes").set_index(["geo", "week_start"])
    expected = stored(ran, "mmm_contributions", "bayes").groupby(["geo", "week_start"])["mean"].sum()
    assert weeks["expected"].to_dict() == pytest.approx(expected.to_dict())
    given = inputs().query("variable == 'uploads' and geo in ('AT', 'DE')").set_index(["geo", "week_start"])["value"]
    assert weeks["actual"].to_dict() == given.to_dict()
    assert (weeks["p05"] < weeks["expected"]).all() and (weeks["expected"] < weeks["p95"]).all()
    assert weeks["is_explained"].all()


def test_clicks_stand_beside_the_model_over_the_same_weeks(reported):
    folder, _ = reported
    compared = stored(folder, "roas_comparison").set_index(["geo", "channel"])
    summary = stored(folder, "mmm_channel_summary", "bayes").set_index(["geo", "channel"])
    assert compared["weeks"].to_dict() == summary["weeks"].to_dict()
    assert compared["weeks"]["DE", "channel_1"] == 51
    for geo in ("AT", "DE"):
        row = compared.loc[geo, "channel_0"]
        assert float(row["spend_reported"]) == pytest.approx(summary["spend"][geo, "channel_0"])
        assert row["roas_last_click"] == pytest.approx(180 / summary["spend"][geo, "channel_0"])
        assert row["roas_mmm"] == summary["roas_mean"][geo, "channel_0"]
        assert compared["verdict"][geo, "channel_1"] in ("no_clicks", "not_trusted")


def test_a_page_its_pictures_and_a_few_lines_tell_of_the_fits(reported):
    folder, said = reported
    *lines, path = said.strip().splitlines()
    assert len(lines) <= 15 and lines[0].startswith("Media mix model: Uploads: ")
    assert "1 failed, 1 not ready." in lines[0]
    assert path == str(folder / "report" / "mmm_report.html")
    html = (folder / "report" / "mmm_report.html").read_text()
    for words in ("9 in every week", "9 weeks. Wait", "AT: uploads", "DE: uploads"):
        assert words in html
    kinds = ("fit", "contributions", "roas", "carryover", "curve_channel_0", "curve_channel_1")
    found = {path.name for path in (folder / "report" / "mmm_pictures").iterdir()}
    assert found == {f"country-{geo}-uploads-{kind}.svg" for geo in ("AT", "DE") for kind in kinds}


def test_analysts_have_the_comparison_of_the_last_run_as_a_view(reported, spark):
    rows = spark.sql("SELECT geo, channel, verdict FROM bl.mmm_roas_latest").collect()
    assert {(row["geo"], row["channel"]) for row in rows} == {
        (geo, f"channel_{number}") for geo in ("AT", "DE") for number in (0, 1)
    }
