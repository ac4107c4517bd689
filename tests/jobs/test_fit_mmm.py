"""The job on four geos: two that are fitted, one that cannot be, one that is not ready; the same again; its report."""

import contextlib
import io
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import yaml
from deltalake import DeltaTable

from jobs.fit_mmm import main
from jobs.mmm_report import main as report
from pma.marketing.weekly_tables import COMPARED, CREDITS, PLATFORM_METRICS, REPORT_MODELS, WEEKLY_GROWTH
from pma.mmm.calendar import records
from pma.mmm.tables import MMM_INPUT, MMM_LANDED, MMM_READINESS
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.mmm.media_world import media_world

TABLES = (
    *("mmm_runs", "mmm_contributions", "mmm_channel_summary", "mmm_response_curves", "mmm_posterior"),
    "mmm_fit_weeks",
)
KEYS = {
    "mmm_runs": [],
    "mmm_contributions": ["week_start", "component"],
    "mmm_channel_summary": ["channel"],
    "mmm_response_curves": ["channel", "spend"],
    "mmm_posterior": ["draw", "channel"],
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
        "report": {"path": str(folder / "report")},
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
    for name in TABLES[1:]:
        assert set(stored(ran, name)["geo"]) == {"AT", "DE"}, name
    weekly = stored(ran, "mmm_contributions")
    assert weekly.groupby(["geo", "component"]).size().eq(60).all()
    assert set(stored(ran, "mmm_channel_summary")["channel"]) == {"channel_0", "channel_1"}


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


@pytest.fixture(scope="module")
def reported(ran, spark):
    """The same folder, with a weekly report of the same spend, after the job that tells of the fits."""
    paid = inputs().query("role == 'paid' and variable == 'channel_0' and geo != 'FR'")
    credit = {
        column: Decimal(0) for column in [*PLATFORM_METRICS, *(f"{c}_{m}" for c in CREDITS for m in REPORT_MODELS)]
    }
    credit |= {f"{name}_{back}": Decimal(0) for name in COMPARED for back in ("last_week", "last_year")}
    rows = []
    for geo, start, value in paid[["geo", "week_start", "value"]].itertuples(index=False):
        named = {"country": geo, "management_region": "DACH", "week_start": start, "channel": "channel_0"}
        named |= {
            "yearweek": int(f"{start:%G%V}"),
            "campaign_id": "c",
            "ad_platform": "google",
            "data_origin": "a test",
        }
        said = {"spend": Decimal(str(value)), "sales_ads_last_click": Decimal(3), "is_complete_week": True}
        rows.append({**credit, **named, **said, "spend_rows_without_rate": 0, "run_id": "before"})
    whole = [tuple(_typed(row.get(column.name), column.type) for column in WEEKLY_GROWTH.columns) for row in rows]
    tables = Warehouse(spark, WarehouseSettings(path=str(ran / "warehouse")), run_id="before")
    tables.replace(WEEKLY_GROWTH, spark.createDataFrame(whole, WEEKLY_GROWTH.schema))
    with contextlib.redirect_stdout(io.StringIO()) as said:
        report(arguments(ran))
    return ran, said.getvalue()


def _typed(value, kind):
    return int(value) if isinstance(value, Decimal) and kind in ("bigint", "int") else value


def test_weeks_of_a_fit_are_its_contributions_beside_the_target(ran):
    weeks = stored(ran, "mmm_fit_weeks").set_index(["geo", "week_start"])
    expected = stored(ran, "mmm_contributions").groupby(["geo", "week_start"])["mean"].sum()
    assert weeks["expected"].to_dict() == pytest.approx(expected.to_dict())
    given = inputs().query("variable == 'uploads' and geo in ('AT', 'DE')").set_index(["geo", "week_start"])["value"]
    assert weeks["actual"].to_dict() == given.to_dict()
    assert (weeks["p05"] < weeks["expected"]).all() and (weeks["expected"] < weeks["p95"]).all()
    assert weeks["is_explained"].all()


def test_clicks_stand_beside_the_model_over_the_same_weeks(reported):
    folder, _ = reported
    compared = stored(folder, "roas_comparison").set_index(["geo", "channel"])
    summary = stored(folder, "mmm_channel_summary").set_index(["geo", "channel"])
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
