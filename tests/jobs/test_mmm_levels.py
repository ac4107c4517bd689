"""The view that sets a region's own fit beside the fits of its countries, on rows by hand."""

from datetime import date

import pytest

from pma.marketing.weekly_tables import WEEKLY_GROWTH
from pma.mmm.tables import MMM_CHANNEL_SUMMARY
from pma.query import publish_views
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY
from tests.jobs.growth_rows import growth_row

MONDAY = date(2025, 1, 6)


def fit(level, geo, channel, spend, roas, target="uploads", method="bayes", is_trusted=True):
    """A row of bl.mmm_channel_summary; intervals go from half to twice the return."""
    row = {"geo_level": level, "geo": geo, "target": target, "method": method, "channel": channel, "spend": spend}
    row |= {"weeks": 52, "contribution": roas * spend, "share": 0.1, "prior_width": 0.5, "is_trusted": is_trusted}
    for name, value in (("contribution", roas * spend), ("roas", roas), ("mroas", roas)):
        row |= {f"{name}_mean": value, f"{name}_p05": value / 2, f"{name}_p50": value, f"{name}_p95": 2 * value}
    row |= {"data_origin": "a test", "run_id": "before"}
    return tuple(row.get(column.name) for column in MMM_CHANNEL_SUMMARY.columns)


@pytest.fixture(scope="module")
def levels(spark, tmp_path_factory):
    """Rows of the view by region, target and channel."""
    path = str(tmp_path_factory.mktemp("levels") / "warehouse")
    tables = Warehouse(spark, WarehouseSettings(path=path), run_id="before")
    places = {"DACH": ("AT", "DE"), "Benelux": ("BE",)}
    weekly = [growth_row(geo, MONDAY, region) for region, geos in places.items() for geo in geos]
    region = "management_region"
    summary = [
        # Alike: the countries bring 1,000 of 500 spent, as the region's own fit says.
        *(fit("country", "AT", "tv", 100.0, 4.0), fit("country", "DE", "tv", 400.0, 1.5)),
        *(fit(region, "DACH", "tv", 500.0, 2.0), fit("country", "DE", "tv", 400.0, 9.0, method="ridge")),
        # Apart: 0.9 by the countries, of which one alone spends, 2 to 8 by the region.
        *(fit("country", "DE", "radio", 50.0, 0.9), fit(region, "DACH", "radio", 50.0, 4.0)),
        *(fit("country", "AT", "search", 10.0, 2.0, is_trusted=False), fit("country", "DE", "search", 30.0, 2.0)),
        *(fit(region, "DACH", "search", 40.0, 2.0), fit("country", "DE", "tv", 400.0, 7.0, target="gmv")),
        *(fit(region, "Benelux", "tv", 60.0, 1.0), fit(region, "DACH", "tv", 500.0, 7.0, target="gmv")),
    ]
    tables.replace(WEEKLY_GROWTH, spark.createDataFrame(weekly, WEEKLY_GROWTH.schema))
    tables.replace(MMM_CHANNEL_SUMMARY, spark.createDataFrame(summary, MMM_CHANNEL_SUMMARY.schema))
    publish_views(spark, WarehouseSettings(path=path), str(REPOSITORY / "conf" / "rules"))
    rows = spark.sql("SELECT * FROM bl.mmm_levels").toPandas()
    return rows.set_index(["management_region", "target", "channel"]).sort_index()


def test_a_regions_own_fit_stands_beside_the_sum_of_its_countries(levels):
    names = ["countries", "countries_not_trusted", "spend", "spend_countries", "roas", "roas_countries", "verdict"]
    known = {key: list(row.values()) for key, row in levels[names].to_dict("index").items()}
    assert known["DACH", "uploads", "tv"] == [2, 0, 500.0, 500.0, 2.0, 2.0, "agree"]
    assert known["DACH", "uploads", "radio"] == [1, 0, 50.0, 50.0, 4.0, pytest.approx(0.9), "apart"]
    assert known["DACH", "uploads", "search"] == [2, 1, 40.0, 40.0, 2.0, 2.0, "not to be trusted"]
    assert known["DACH", "gmv", "tv"] == [1, 0, 500.0, 400.0, 7.0, 7.0, "not all countries have a fit"]


def test_a_region_whose_countries_have_no_fit_stands_alone(levels):
    alone = levels.loc["Benelux", "uploads", "tv"]
    assert alone["countries"] == 0 and alone["roas"] == 1.0 and alone["verdict"] == "no country has a fit"
    assert len(levels) == 5
