"""The job on four geos: two that are fitted, one that cannot be, one that is not ready; and the same again."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from deltalake import DeltaTable

from jobs.fit_mmm import main
from pma.mmm.calendar import records
from pma.mmm.tables import MMM_INPUT, MMM_LANDED, MMM_READINESS
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.mmm.media_world import media_world

TABLES = (
    *("mmm_runs", "mmm_contributions", "mmm_channel_summary", "mmm_response_curves", "mmm_posterior", "mmm_checks"),
)
KEYS = {
    "mmm_runs": [],
    "mmm_contributions": ["week_start", "component"],
    "mmm_channel_summary": ["channel"],
    "mmm_response_curves": ["channel", "spend"],
    "mmm_posterior": ["draw", "channel"],
    "mmm_checks": ["check", "channel"],
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


@pytest.fixture(scope="module")
def ran(spark, tmp_path_factory):
    """A folder in which the job ran once."""
    folder = tmp_path_factory.mktemp("fit")
    tables = Warehouse(spark, WarehouseSettings(path=str(folder / "warehouse")), run_id="before")
    rows = inputs()[[column.name for column in MMM_INPUT.columns]]
    tables.replace(MMM_INPUT, spark.createDataFrame(records(rows), MMM_INPUT.schema))
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
            },
            "ridge": {"iterations": 200},
        },
    }
    (folder / f"{engine}.yml").write_text(yaml.safe_dump(given))
    return ["--conf", str(folder / f"{engine}.yml")]


def stored(folder, name):
    frame = DeltaTable(str(folder / "warehouse" / "bl" / name)).to_pandas().drop(columns="run_id")
    return frame.sort_values(["geo_level", "geo", "target", "method", *KEYS[name]], ignore_index=True)


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
    for name in TABLES[1:]:
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
    runs = stored(ran, "mmm_runs")
    engines = runs[runs["method"] == "bayes"].set_index("geo")["engine"]
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
    assert set(dict(row["input_versions"])) == {"bl.mmm_input", "bl.mmm_readiness", "st_il.mmm_landed"}
