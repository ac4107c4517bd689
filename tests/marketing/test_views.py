"""The views of `conf/rules/views.yml` over the small world, by hand."""

import pytest
from pyspark.sql import functions as F

from pma.marketing.growth import weekly_growth
from pma.marketing.weekly_tables import REPORT_MODELS, WEEKLY_GROWTH
from pma.query import register
from pma.tables import WarehouseSettings
from pma.views import create_views, read_views
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY
from tests.marketing.growth_world import SETTINGS, sources

VIEWS = read_views(REPOSITORY / "conf" / "rules")


@pytest.fixture(scope="module")
def growth(spark, tmp_path_factory):
    """A folder with the report of the small world, whose tables and views the session knows."""
    tables = Warehouse(spark, WarehouseSettings(path=str(tmp_path_factory.mktemp("growth"))), run_id="test")
    report = weekly_growth(*sources(spark), SETTINGS, "a small world").withColumn("run_id", F.lit("test"))
    tables.replace(WEEKLY_GROWTH, report)
    register(spark, tables.settings, VIEWS)
    yield tables
    register(spark, WarehouseSettings(path=str(tmp_path_factory.mktemp("empty"))))


def asked(spark, view, where):
    return [row.asDict() for row in spark.sql(f"SELECT * FROM {view} WHERE yearweek = 202645 AND {where}").collect()]


def at(when, **values):
    return {f"{name}_{when}": value for name, value in values.items()}


def test_management_sees_a_region_beside_last_week_and_last_year(spark, growth):
    (row,) = asked(spark, "bl.growth_overview", "management_region = 'DACH'")
    spend = 150.000001
    expected = {"spend": spend, "uploads": 1.0, "orders": 2.0, "gmv": 160.5, "new_customers": 1.0}
    expected |= {"cpa_uploads": spend, "cpa_orders": spend / 2, "roas": 160.5 / spend, "cac": spend}
    expected |= at("last_week", spend=40.0, uploads=0.0, orders=0.0, gmv=0.0, cpa_uploads=None, roas=0.0, cac=None)
    expected |= at("last_year", spend=80.0, uploads=0.0, orders=1.0, gmv=10.0, cpa_uploads=None, roas=0.125, cac=None)
    expected |= at("change_week", spend=spend / 40 - 1, uploads=None, orders=None, gmv=None)
    expected |= at("change_year", spend=spend / 80 - 1, uploads=None, orders=1.0, gmv=15.05)
    expected |= {"unattributed_share_uploads": 0.0, "data_origin": "a small world"}
    assert {name: row[name] for name in expected} == pytest.approx(expected)
    assert list(row)[:4] == ["yearweek", "week_start", "is_complete_week", "management_region"]
    assert set(row) == {*expected, *list(row)[:4]}


def test_regions_of_a_week_add_up_to_all_there_is(spark, growth):
    regions = {row["management_region"]: row for row in asked(spark, "bl.growth_overview", "true")}
    assert {name: (row["spend"], row["uploads"], row["orders"], row["gmv"]) for name, row in regions.items()} == {
        "DACH": (150.000001, 1.0, 2.0, 160.5),
        "SOUTH": (30.0, 0.0, 0.0, 0.0),
        "NO": (0.0, 0.0, 1.0, 7.0),
        "(unknown)": (0.0, 0.0, 0.0, 0.0),
    }


def test_channel_owners_see_each_channel_of_a_country_the_unattributed_too(spark, growth):
    rows = {row["channel"]: row for row in asked(spark, "bl.growth_by_channel", "country = 'DE'")}
    names = ("spend", "impressions", "clicks", "uploads", "orders", "gmv", "cost_per_click", "cpa_uploads", "roas")
    assert {channel: tuple(row[name] for name in names) for channel, row in rows.items()} == {
        "google_search_generic": (150.000001, 1000, 60, 0.5, 0.0, 0.0, 150.000001 / 60, 300.000002, 0.0),
        "direct": (0.0, 0, 0, 0.5, 0.0, 0.0, None, 0.0, None),
        "(unattributed)": (0.0, 0, 0, 0.0, 1.0, 60.5, None, None, None),
    }
    changes = {name: value for name, value in rows["google_search_generic"].items() if "_change_" in name}
    assert changes == pytest.approx(
        at("change_week", spend=150.000001 / 40 - 1, uploads=None, orders=None, gmv=None)
        | at("change_year", spend=150.000001 / 80 - 1, uploads=None, orders=-1.0, gmv=-1.0)
    )


def test_campaign_managers_see_every_campaign_with_its_goal_bidding_and_status(spark, growth):
    names = ("country", "campaign_id", "campaign_name", "campaign_status", "campaign_goal", "bidding_type")
    numbers = ("spend", "cost_per_click", "uploads", "orders", "cpa_orders", "cac", "spend_change_week")
    rows = asked(spark, "bl.growth_by_campaign", "true")
    generic, unknown = ("DE new", "enabled", "demand", "target_roas"), ("c3's", *["unknown"] * 3)
    assert {tuple(row[name] for name in names): tuple(row[name] for name in numbers) for row in rows} == {
        ("DE", "c1", *generic): (150.000001, 150.000001 / 60, 0.5, 0.0, None, None, 150.000001 / 40 - 1),
        ("AT", "c1", *generic): (0.0, None, 0.0, 1.0, 0.0, 0.0, None),
        ("FR", "c2", "FR prosp", "paused", "demand", "target_roas"): (30.0, 10.0, 0.0, 0.0, None, None, -7.0),
        ("(unknown)", "c3", *unknown): (0.0, 0.0, 0.0, 0.0, None, None, None),
    }


def test_analysts_see_every_model_below_the_other_with_the_same_spend(spark, growth):
    rows = asked(spark, "bl.attribution_models", "country IN ('DE', 'AT') AND campaign_id = 'c1'")
    names = ("spend", "uploads", "orders", "gmv", "new_customers", "cpa_uploads", "cpa_orders", "roas", "cac")
    spend = 150.000001
    nothing, in_austria = (0.0, 0.0, 0.0, 0.0, None, None), (0.0, 0.0, 1.0, 100.0, 1.0, None, 0.0, None, 0.0)
    expected = {("DE", model): (spend, *nothing, 0.0, None) for model in REPORT_MODELS}
    expected |= {("AT", model): (0.0, *nothing, None, None) for model in REPORT_MODELS}
    expected[("DE", "first_click")] = (spend, 1.0, 0.0, 0.0, 0.0, spend, None, 0.0, None)
    expected[("DE", "u_shape")] = (spend, 0.5, 0.0, 0.0, 0.0, spend / 0.5, None, 0.0, None)
    expected |= {("AT", "first_click"): in_austria, ("AT", "u_shape"): in_austria}
    assert {(row["country"], row["model"]): tuple(row[name] for name in names) for row in rows} == expected


def test_in_a_catalog_the_views_stand_beside_the_table_under_their_full_names(spark, growth):
    tables = Warehouse(spark, WarehouseSettings(path=None, schema_prefix="growing_"), run_id="test")
    tables.replace(WEEKLY_GROWTH, growth.read(WEEKLY_GROWTH).where("country = 'NO'"))
    try:
        made = create_views(spark, tables.settings, VIEWS)
        found = {view: spark.table(view.replace("bl.", "growing_bl.")).count() for view in made}
    finally:
        spark.sql("DROP SCHEMA IF EXISTS growing_bl CASCADE")
    assert found == {
        "bl.growth_overview": 1,
        "bl.growth_by_channel": 1,
        "bl.growth_by_campaign": 0,
        "bl.attribution_models": len(REPORT_MODELS),
    }
