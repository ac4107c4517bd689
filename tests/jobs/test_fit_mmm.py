"""The job on four geos: two that are fitted, one that cannot be, one that is not ready; and the same again."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import yaml
from deltalake import DeltaTable

from jobs.fit_mmm import main
from pma.marketing.tables import LIFT_TESTS
from pma.mmm.calendar import records
from pma.mmm.tables import MMM_INPUT, MMM_LANDED, MMM_READINESS
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.mmm.media_world import media_world

TABLES = (
    *("mmm_runs", "mmm_contributions", "mmm_channel_summary", "mmm_response_curves", "mmm_posterior"),
    "mmm_calibration",
)
KEYS = {
    "mmm_runs": [],
    "mmm_contributions": ["week_start", "component"],
    "mmm_channel_summary": ["channel"],
    "mmm_response_curves": ["channel", "spend"],
    "mmm_posterior": ["draw", "channel"],
    "mmm_calibration": ["test_id"],
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
    return [(f"raise {name}", "uploads", "AT", name, *days, *numbers) for name in ("channel_0", "radio")]


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
        "parallel": {"engine": engine, "partitions": 2, "max_failed_share": 0.0},
        "mmm": {
            "fit": {"targets": ["uploads"], "methods": ["bayes"], "chains": 1, "tune": 60, "draws": 40, "kept_draws": 5}
        },
    }
    (folder / f"{engine}.yml").write_text(yaml.safe_dump(given))
    return ["--conf", str(folder / f"{engine}.yml")]


def stored(folder, name):
    frame = DeltaTable(str(folder / "warehouse" / "bl" / name)).to_pandas().drop(columns="run_id")
    return frame.sort_values(["geo_level", "geo", "target", *KEYS[name]], ignore_index=True)


def test_every_geo_has_a_row_that_says_how_it_went(ran):
    runs = stored(ran, "mmm_runs").set_index("geo")
    assert runs["status"].drop(["AT", "DE"]).to_dict() == {"FR": "failed", "XX": "not_ready"}
    assert set(runs.loc[["AT", "DE"], "status"]) <= {"ok", "flagged"}
    assert "9 in every week" in runs.loc["FR", "message"]
    assert "9 weeks. Wait" in runs.loc["XX", "message"]
    assert runs.loc["DE", "engine"] == "serial" and runs.loc["DE", "weeks"] == 60
    assert any("unknown in 9 weeks" in note for note in runs.loc["DE", "notes"])
    assert set(runs["data_origin"]) == {"a test"}


def test_the_other_tables_have_the_rows_of_the_fits(ran):
    for name in TABLES[1:-1]:
        assert set(stored(ran, name)["geo"]) == {"AT", "DE"}, name
    weekly = stored(ran, "mmm_contributions")
    assert weekly.groupby(["geo", "component"]).size().eq(60).all()
    assert set(stored(ran, "mmm_channel_summary")["channel"]) == {"channel_0", "channel_1"}


def test_lift_tests_have_a_row_before_and_after_or_with_the_reason_why_not(ran):
    rows = stored(ran, "mmm_calibration").set_index("test_id")
    assert set(rows["geo"]) == {"AT"}
    used, left_out = rows.loc["raise channel_0"], rows.loc["raise radio"]
    assert used["verdict"] in ("agrees", "corrects", "contradicts") and used["lift"] == 20.0
    assert used["roas_before_p05"] < used["roas_before_p95"] and used["roas_after_p05"] < used["roas_after_p95"]
    assert left_out["verdict"] == "left_out" and "radio is not among" in left_out["sentence"]
    notes = stored(ran, "mmm_runs").set_index("geo")["notes"]
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
    engines = stored(ran, "mmm_runs").set_index("geo")["engine"]
    assert engines[["AT", "DE"]].to_dict() == {"AT": "serial", "DE": "pandas_udf"}


def test_a_new_measurement_makes_its_own_country_anew_and_no_other(ran, spark):
    before = stored(ran, "mmm_runs").set_index("geo")["fit_id"]
    tables = Warehouse(spark, WarehouseSettings(path=str(ran / "warehouse")), run_id="later")
    tables.replace(LIFT_TESTS, spark.createDataFrame(lift_tests(inputs(), lift=30.0), LIFT_TESTS.schema))
    main(arguments(ran))
    after = stored(ran, "mmm_runs").set_index("geo")["fit_id"]
    assert after["DE"] == before["DE"] and after["AT"] != before["AT"]
    assert stored(ran, "mmm_calibration").set_index("test_id").loc["raise channel_0", "lift"] == 30.0
