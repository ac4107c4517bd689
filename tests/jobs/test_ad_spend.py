"""The job of ad spend on a few files: exports of two platforms, two sheets, rates, context and a lift test."""

import runpy
from datetime import date
from decimal import Decimal

import pytest
import yaml

from pma.checks import QUARANTINE
from pma.marketing.tables import AD_SPEND, CAMPAIGNS, CONTEXT, EXCHANGE_RATES, LIFT_TESTS, VARIABLE_NAMES
from pma.sources.google_sheets import SPREADSHEET
from pma.tables import TableError, WarehouseSettings
from pma.warehouse import Warehouse, fingerprint
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.sources.fake_google import FakeGoogle, values

GOOGLE = (
    "date,customer_id,customer_name,currency_code,time_zone,campaign_id,campaign_name,campaign_status,"
    "advertising_channel_type,bidding_strategy_type,impressions,clicks,cost_micros,conversions,conversions_value"
)
META = (
    "date_start,account_id,account_name,account_currency,timezone_name,campaign_id,campaign_name,effective_status,"
    "objective,bid_strategy,country,impressions,inline_link_clicks,spend,conversions,conversion_values"
)
SWEDEN = "m1,Bikes,SEK,Europe/Stockholm,8,fb_prosp_brand_01,ACTIVE,OUTCOME_SALES,LOWEST_COST"
FILES = {
    "exports/google/g1/google_g1_202601_exported20260202T0600.csv": (
        GOOGLE,
        "2026-01-05,g1,Bikes,EUR,Europe/Berlin,7,DE_google_ads_DG_brand_supply_01,ENABLED,DEMAND_GEN,TCPA,9,1,1000000,0,0",
        "2026-01-06,g1,Bikes,EUR,Europe/Berlin,7,DE_google_ads_DG_brand_supply_01,ENABLED,DEMAND_GEN,TCPA,9,1,2000000,0,0",
        "2026-01-06,g1,Bikes,EUR,Europe/Berlin,7,DE_google_ads_DG_brand_supply_01,ENABLED,DEMAND_GEN,TCPA,9,1,free,0,0",
    ),
    "exports/google/g1/google_g1_202601_exported20260205T0600.csv": (
        GOOGLE,
        "2026-01-05,g1,Bikes,EUR,Europe/Berlin,7,DE_google_ads_DG_brand_supply_01,REMOVED,DEMAND_GEN,TCPA,9,1,1100000,0,0",
    ),
    "exports/meta/m1/meta_m1_202601_exported20260202T0600.csv": (
        META,
        f"2026-01-05,{SWEDEN},SE,10,2,100.00,1,5",
        f"2026-01-05,{SWEDEN},AT,10,2,-20.00,0,0",
    ),
    "sheets/tv.csv": ("week_start,country,TV_ad_spend,Cinema_cost,GRP,Misc", "2026-01-05,DE,500.5,3,85.5,17"),
    "sheets/youtube.csv": ("week_start,country,YT_Flobikes", "2026-01-05,FR,12"),
    "exchange_rates.csv": ("date,currency,rate", "2026-01-02,SEK,0.09"),
    "context.csv": ("date,country,variable,value", "2026-01-05,DE,NL sends,1000", "2026-01-05,DE,temp,-3.5"),
    "lift_tests.csv": (
        "test_id,target,country,channel,starts_on,ends_on,spend,spend_change,lift,standard_error",
        "t1,uploads,DE,tv,2026-01-05,2026-01-25,100,-100,-12.5,3.1",
    ),
}


@pytest.fixture
def written(spark, tmp_path):
    """Files as companies have them, and a way to run the job on them."""
    for name, lines in FILES.items():
        path = tmp_path / "feeds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
    conf = tmp_path / "conf.yml"
    settings = {
        "spark": TEST_SPARK.model_dump(),
        "warehouse": {"path": str(tmp_path / "warehouse")},
        "rules": str(REPOSITORY / "conf" / "rules"),
        "feeds": {"folder": str(tmp_path / "feeds"), "max_refused_share": 0.3},
    }
    conf.write_text(yaml.safe_dump(settings))
    tables = Warehouse(spark, WarehouseSettings(path=str(tmp_path / "warehouse")), run_id="test")
    job = runpy.run_path(str(REPOSITORY / "jobs/ad_spend.py"))["main"]
    return tables, lambda: job(["--conf", str(conf), "--run-id", "r"]), tmp_path / "feeds"


def test_files_become_spend_campaigns_and_names_a_rerun_changes_nothing_and_a_renamed_column_stops_it(written):
    tables, run, folder = written
    run()
    names = ("date", "ad_platform", "campaign_id", "country", "channel", "campaign_status", "spend", "run_id")
    status = "deleted"
    assert sorted(tuple(row[name] for name in names) for row in tables.read(AD_SPEND).collect()) == [
        (date(2026, 1, 5), "google", "7", "DE", "google_demand_gen_brand", status, Decimal("1.1"), "r.ad_spend"),
        (date(2026, 1, 5), "meta", "8", "AT", "meta_prospecting", "enabled", Decimal("-1.8"), "r.ad_spend"),
        (date(2026, 1, 5), "meta", "8", "SE", "meta_prospecting", "enabled", Decimal("9"), "r.ad_spend"),
        (date(2026, 1, 5), "sheet", "Cinema_cost", "DE", "(unknown)", "unknown", Decimal("3"), "r.ad_spend"),
        (date(2026, 1, 5), "sheet", "TV_ad_spend", "DE", "tv", "unknown", Decimal("500.5"), "r.ad_spend"),
        (date(2026, 1, 5), "sheet", "YT_Flobikes", "FR", "youtube_flobikes", "unknown", Decimal("12"), "r.ad_spend"),
        (date(2026, 1, 6), "google", "7", "DE", "google_demand_gen_brand", status, Decimal("2"), "r.ad_spend"),
    ]
    # What is no money is context, and what nobody has named is in neither table.
    assert sorted(map(tuple, tables.read(CONTEXT).drop("date", "country").collect())) == [
        ("newsletter_sends", 1000.0),
        ("temperature", -3.5),
        ("tv_grps", 85.5),
    ]
    bad = sorted((row["source_table"], row["reasons"]) for row in tables.read(QUARANTINE).collect())
    assert bad == [("il.ad_spend", ["unknown_column_Misc"]), ("il.ad_spend", ["unreadable_cost_micros"])]
    found = {(row["source"], row["raw_name"]): row["variable"] for row in tables.read(VARIABLE_NAMES).collect()}
    assert found == {
        ("google", "google_ads_DG_brand"): "google_demand_gen_brand",
        ("meta", "fb_prosp"): "meta_prospecting",
        ("tv.csv", "TV_ad_spend"): "tv",
        ("tv.csv", "Cinema_cost"): None,
        ("tv.csv", "GRP"): "tv_grps",
        ("tv.csv", "Misc"): None,
        ("youtube.csv", "YT_Flobikes"): "youtube_flobikes",
        ("il.context", "NL sends"): "newsletter_sends",
        ("il.context", "temp"): "temperature",
    }
    specs = (AD_SPEND, CAMPAIGNS, CONTEXT, EXCHANGE_RATES, LIFT_TESTS, VARIABLE_NAMES, QUARANTINE)
    before = [fingerprint(tables.read(spec)) for spec in specs]
    assert "empty" not in before
    run()
    assert [fingerprint(tables.read(spec)) for spec in specs] == before

    renamed = folder / "exports/meta/m1/meta_m1_202602_exported20260302T0600.csv"
    renamed.write_text(META.replace(",spend,", ",total_spend,") + f"\n2026-02-05,{SWEDEN},SE,10,2,100.00,1,5\n")
    with pytest.raises(TableError, match=r"meta_m1_202602_.*lacks spend \(renamed to total_spend\?\)"):
        run()
    assert fingerprint(tables.read(AD_SPEND)) == before[0]


def test_sheets_of_a_google_drive_folder_are_spend_beside_those_that_lie_here(written):
    pytest.importorskip("google.auth", reason="the extra `google` is not installed")
    tables, run, folder = written
    google = FakeGoogle()
    file = {"id": "radio-id", "name": "Radio 2026", "mimeType": SPREADSHEET}
    google.answers["/drive/v3/files", None] = [(200, {"files": [file]})]
    lines = [["week_start", "country", "radio"], ["2026-01-05", "DE", 7.5]]
    google.answers["/v4/spreadsheets/radio-id/values/A:ZZ", None] = [values("A1:ZZ2", lines)]
    conf = folder.parent / "conf.yml"
    settings = yaml.safe_load(conf.read_text())
    urls = {"sheets_url": google.url, "drive_url": google.url}
    settings["feeds"]["drive"] = {"folder": "folder-id", "key_file": str(google.key_file(folder.parent)), **urls}
    conf.write_text(yaml.safe_dump(settings))
    run()
    google.close()
    sheets = tables.read(AD_SPEND).where("ad_platform = 'sheet'").collect()
    assert {row["account_id"] for row in sheets} == {"tv", "youtube", "drive/Radio_2026"}
    assert [row["spend"] for row in sheets if row["channel"] == "radio"] == [Decimal("7.5")]
