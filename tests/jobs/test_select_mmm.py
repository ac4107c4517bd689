"""The job on geos that can be judged, that cannot, that are not ready; after a kill; and the fits that follow it."""

import numpy as np
import pandas as pd
import pytest
import yaml
from deltalake import DeltaTable
from pyspark.sql import functions as F

from jobs.fit_mmm import main as fit_mmm
from jobs.select_mmm import main
from pma.mmm.fold_tables import MMM_FOLDS, MMM_SELECTION
from pma.mmm.input.calendar import records
from pma.mmm.input.tables import MMM_INPUT, MMM_READINESS
from pma.mmm.landing import make_tasks
from pma.settings import load
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.mmm.media_world import media_world

CANDIDATES = {"radio": {"channels": {"radio": {"adstock": "delayed"}}}, "no season": {"yearly_order": 0}}
KEY = ["geo_level", "geo", "target", "candidate", "fold"]


def inputs():
    """AT and DE are fine; FR has no spend in any week; IT is too young; XX fails a check."""
    worlds = [media_world(weeks=80, channels=2, seed=seed, geo=geo).rows for seed, geo in enumerate(("AT", "DE"))]
    poor = worlds[0].assign(geo="FR", value=worlds[0]["value"].where(worlds[0]["role"] != "paid", 0.0))
    young = worlds[0][worlds[0].groupby("variable").cumcount() < 50].assign(geo="IT")
    rows = pd.concat([*worlds, poor, young, worlds[0].assign(geo="XX")], ignore_index=True)
    return rows.assign(impressions=np.nan, unit="count", gap=None, data_origin="a test", run_id="before")


def arguments(folder, engine="serial", **fit):
    short = {"chains": 1, "tune": 60, "draws": 40}
    given = {
        "rules": str(REPOSITORY / "conf" / "rules"),
        "spark": TEST_SPARK.model_dump(),
        "warehouse": {"path": str(folder / "warehouse")},
        "parallel": {"engine": engine, "partitions": 2, "max_failed_share": 0.0},
        "mmm": {
            "model": {"trend": {"kind": "linear"}, "yearly_order": 1},
            "fit": {"targets": ["uploads"], "methods": ["bayes"], **short, "kept_draws": 5, **fit},
            "validation": {
                "folds": 2,
                "horizon_weeks": 6,
                "step_weeks": 6,
                "first_window_weeks": 56,
                "candidates": CANDIDATES,
                "grid": {},
                "fit": short,
                "land_folds": 7,
            },
        },
    }
    (folder / "conf.yml").write_text(yaml.safe_dump(given))
    return ["--conf", str(folder / "conf.yml")]


@pytest.fixture(scope="module")
def ran(spark, tmp_path_factory):
    """A folder in which the job ran once."""
    folder = tmp_path_factory.mktemp("select")
    tables = Warehouse(spark, WarehouseSettings(path=str(folder / "warehouse")), run_id="before")
    rows = inputs()[[column.name for column in MMM_INPUT.columns]]
    tables.replace(MMM_INPUT, spark.createDataFrame(records(rows), MMM_INPUT.schema))
    fault = ("country", "XX", "(all)", "too_few_weeks", "fail", "9 weeks", "not fitted", "Wait", None, None, 9.0)
    tables.replace(MMM_READINESS, spark.createDataFrame([(*fault, "a test", "before")], MMM_READINESS.schema))
    main(arguments(folder))
    return folder


def stored(folder, name):
    return DeltaTable(str(folder / "warehouse" / "bl" / name)).to_pandas().drop(columns="run_id")


def validation(folder):
    return stored(folder, "mmm_validation").sort_values(KEY, ignore_index=True)


def selection(folder):
    return stored(folder, "mmm_selection").set_index("geo").sort_index()


def test_every_candidate_of_every_geo_has_a_row_for_each_fold(ran):
    rows = validation(ran)
    wanted = [
        ("country", geo, "uploads", name, fold)
        for geo in ("AT", "DE", "FR")
        for name in ("model", "no season", "radio", "seasonal_naive")
        for fold in (1, 2)
    ]
    assert list(rows[KEY].itertuples(index=False, name=None)) == wanted
    good = rows[rows["geo"].isin(["AT", "DE"]) & (rows["candidate"] != "radio")]
    assert (good["status"] == "ok").all() and (good["crps"] > 0).all() and (good["holdout_weeks"] == 6).all()
    assert good["train_weeks"].tolist() == [68, 74] * 6
    second = good[(good["fold"] == 2) & (good["candidate"] != "seasonal_naive")]
    assert second["turnover"].between(0, 1).all() and (second["roas_change"] >= 0).all()
    assert set(rows["data_origin"]) == {"a test"} and set(rows["engine"]) == {"serial"}


def test_a_candidate_that_cannot_be_is_rows_with_a_message(ran):
    rows = validation(ran).set_index(["geo", "candidate"])
    radio = rows.loc["DE"].loc["radio"]
    assert (radio["status"] == "failed").all() and radio["crps"].isna().all()
    assert radio["message"].str.contains("names radio, which the data do not have").all()
    poor = rows.loc["FR"]
    assert (poor.drop("seasonal_naive")["status"] == "failed").all()


def test_every_geo_has_a_choice_or_the_reason_why_not(ran):
    rows = selection(ran)
    assert list(rows.index) == ["AT", "DE", "FR", "IT", "XX"]
    for geo in ("AT", "DE"):
        assert rows.loc[geo, "candidate"] in ("model", "no season")
        assert rows.loc[geo, ["folds", "compared"]].tolist() == [2, 2]
        assert list(rows.loc[geo, "left_out"]) == ["radio"] and "Left out: radio failed" in rows.loc[geo, "reason"]
    assert rows["candidate"][["FR", "IT", "XX"]].isna().all()
    assert "Left out: model failed fold 1, 2 (no paid channel has any spend" in rows.loc["FR", "reason"]
    assert "Too few weeks to judge a forecast: it takes 56" in rows.loc["IT", "reason"]
    assert rows.loc["XX", "reason"] == "(all): 9 weeks. Wait"


def test_a_second_run_scores_nothing_and_leaves_the_tables_as_they_are(ran, capsys):
    before, chosen = validation(ran), selection(ran)
    main(arguments(ran))
    assert "XX uploads: (all): 9 weeks. Wait" in capsys.readouterr().out
    pd.testing.assert_frame_equal(before, validation(ran))
    pd.testing.assert_frame_equal(chosen, selection(ran))


def test_folds_that_are_missing_are_scored_again_to_the_last_digit_on_another_engine(ran, spark):
    before = validation(ran)
    tables = Warehouse(spark, WarehouseSettings(path=str(ran / "warehouse")), run_id="after")
    tables.replace(MMM_FOLDS, tables.read(MMM_FOLDS).where("false"), where="geo = 'DE' OR fold = 2")
    main(arguments(ran, "pandas_udf"))
    after = validation(ran)
    again = (after["geo"] == "DE") | (after["fold"] == 2)
    assert (after["engine"] == np.where(again, "pandas_udf", "serial")).all()
    of_worker = ["engine", "seconds", "peak_rss_mb"]
    pd.testing.assert_frame_equal(before.drop(columns=of_worker), after.drop(columns=of_worker))


def test_fits_take_what_was_chosen_only_where_they_are_told_to(ran, spark):
    tables = Warehouse(spark, WarehouseSettings(path=str(ran / "warehouse")), run_id="by hand")
    other = "CASE WHEN geo = 'AT' THEN '{\"yearly_order\": 0}' ELSE settings END"
    rows = tables.read(MMM_SELECTION).withColumn("settings", F.expr(other))
    tables.replace(MMM_SELECTION, rows.localCheckpoint())
    told = arguments(ran, use_selection=True)
    fit_mmm(told)
    runs = stored(ran, "mmm_runs").set_index("geo")
    found = runs["fit_id"]
    inputs, readiness = tables.read(MMM_INPUT).toPandas(), tables.read(MMM_READINESS).toPandas()
    # Without a choice the job fits these.
    plain = make_tasks(inputs, readiness, load([told[1]]).mmm).rows.groupby("geo")["fit_id"].first()
    assert found["AT"] != plain["AT"]
    # The model as it is set is the same fit, whoever chose it; of a geo without a choice too.
    assert selection(ran).loc["DE", "candidate"] == "model" and found["DE"] == plain["DE"]
    assert found["IT"] == plain["IT"]
    assert runs["settings"].dropna().to_dict() == {"AT": '{"yearly_order": 0}', "DE": "{}"}
    season = stored(ran, "mmm_contributions").query("kind == 'seasonality'")
    assert set(season["geo"]) == {"DE", "IT"}
