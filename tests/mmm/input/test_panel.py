"""The small marketplace, row by row."""

from datetime import date

import pytest
from pyspark.sql import functions as F

from pma.mmm.input.calendar import CALENDAR
from pma.mmm.input.panel import extent, mmm_input
from pma.mmm.input.tables import MMM_INPUT
from pma.mmm.settings import PanelSettings
from pma.tables import TableError, conform, require_unique
from tests.mmm.input.marketplace import BRAND, DEMAND_GEN, GENERIC, REGIONS, RULES, W1, W2, W4, W5, WEEKS, feeds_of


@pytest.fixture(scope="module")
def feeds(spark):
    return feeds_of(spark)


@pytest.fixture(scope="module")
def calendar(spark):
    off = {("DE", W1): 1.0, ("AT", W1): 2.0}
    rows = [
        (country, week, "public_holidays", off.get((country, week), 0.0) if country != "FR" else None, gap)
        for country, gap in (("DE", None), ("AT", None), ("FR", "never"))
        for week in WEEKS
    ]
    rows += [
        (c, week, "eurobike", 1.0 if (c, week) == ("DE", W2) else 0.0, None)
        for c in ("DE", "AT", "FR")
        for week in WEEKS
    ]
    return spark.createDataFrame(rows, CALENDAR)


@pytest.fixture(scope="module")
def rows(feeds, calendar):
    settings = PanelSettings(interactions=(("tv", BRAND), ("eurobike", BRAND)))
    made = mmm_input(feeds, calendar, REGIONS, RULES, settings, "a test").cache()
    written = conform(made.withColumn("run_id", F.lit("t")), MMM_INPUT)
    require_unique(written, MMM_INPUT)
    failing = written.where(" OR ".join(f"NOT coalesce({check}, false)" for check in MMM_INPUT.checks.values()))
    assert failing.collect() == []
    return {(r["geo_level"], r["geo"], r["week_start"], r["variable"]): r for r in made.collect()}


@pytest.fixture
def said(rows):
    """Value or gap of a variable in each of the five weeks."""

    def say(geo, variable, level="country"):
        found = [rows[level, geo, week, variable] for week in WEEKS]
        return [row["gap"] if row["value"] is None else row["value"] for row in found]

    return say


def test_every_geo_has_a_row_for_every_week_and_variable(rows):
    variables = {key[3] for key in rows}
    geos = {("country", "DE"), ("country", "AT"), ("country", "FR"), ("management_region", "DACH")}
    geos.add(("management_region", "FR"))
    assert set(rows) == {(*geo, week, variable) for geo in geos for week in WEEKS for variable in variables}
    assert {rule.name for rule in RULES.variables} <= variables
    assert {"bing_search", "strikes", "public_holidays", "eurobike", f"tv x {BRAND}"} <= variables


def test_a_whole_row_is_what_it_should_be(rows):
    assert rows["country", "DE", W1, BRAND].asDict() == {
        "geo_level": "country",
        "geo": "DE",
        "week_start": W1,
        "variable": BRAND,
        "role": "paid",
        "value": 0.3,
        "impressions": 15.0,
        "unit": "reporting currency",
        "gap": None,
        "is_complete_week": True,
        "data_origin": "a test",
    }


def test_uploads_count_by_origin_in_weeks_of_the_time_zone(said):
    # W3 has no conversions anywhere: nobody can say that it is zero.
    assert said("DE", "uploads") == [2.0, 0.0, "hole", 1.0, 1.0]
    assert said("AT", "uploads") == [1.0, 1.0, "hole", 0.0, 1.0]
    assert said("FR", "uploads") == ["before_first_data", 1.0, "after_last_data", "after_last_data", "after_last_data"]


def test_gmv_counts_where_the_buyer_is(said):
    assert said("FR", "gmv") == [800.5, *["after_last_data"] * 4]
    assert said("DE", "gmv") == [*["before_first_data"] * 4, 0.1]
    assert said("DACH", "gmv", "management_region") == [*["before_first_data"] * 4, 0.3]


def test_a_channel_without_rows_is_zero_only_where_its_platform_delivered(said):
    assert said("DE", BRAND) == [0.3, 2.0, 0.0, 4.0, 0.0]
    assert said("DE", GENERIC) == [7.0, 0.0, -3.0, 0.0, 9.0]
    assert said("AT", BRAND) == [0.3, 1.0, "hole", 1.0, 1.0]
    # It never ran in AT, and its platform delivers there.
    assert said("AT", GENERIC) == [0.0, 0.0, "hole", 0.0, 0.0]


def test_before_a_channel_is_in_the_database_it_is_missing_everywhere(said):
    assert said("DE", DEMAND_GEN) == ["before_first_data", "before_first_data", 5.0, 0.0, 0.0]
    assert said("AT", DEMAND_GEN) == ["before_first_data", "before_first_data", "hole", 0.0, 0.0]
    assert said("FR", DEMAND_GEN) == ["never"] * 5


def test_a_sheet_says_nothing_about_what_it_leaves_out(said):
    # Another channel of the sheets has all weeks: that makes no zero of TV.
    assert said("DE", "affiliate") == [1.0] * 5
    assert said("DE", "tv") == [100.0, "hole", 50.0, "after_last_data", "after_last_data"]
    assert said("AT", "tv") == ["never"] * 5


def test_a_channel_that_nobody_delivers_is_missing_by_name(said):
    assert said("DE", "youtube_flobikes") == ["never"] * 5


def test_money_without_an_exchange_rate_is_not_known(said):
    assert said("DE", "meta_prospecting") == ["hole", 6.0, "hole", 6.0, "after_last_data"]


def test_impressions_are_null_where_a_row_does_not_say_them(rows):
    assert [rows["country", "DE", week, BRAND]["impressions"] for week in WEEKS] == [15.0, 20.0, 0.0, 40.0, 0.0]
    assert [rows["country", "AT", week, BRAND]["impressions"] for week in WEEKS] == [3.0, None, None, 1.0, 1.0]
    assert rows["country", "DE", W1, "tv"]["impressions"] is None
    assert rows["management_region", "DACH", W2, BRAND]["impressions"] is None


def test_a_region_is_the_exact_sum_of_its_countries(said):
    # 0.3 + 0.3, and 0.1 + 0.2 above, to the last digit; AT's hole is the region's.
    assert said("DACH", BRAND, "management_region") == [0.6, 3.0, "hole", 5.0, 1.0]
    assert said("DACH", "uploads", "management_region") == [3.0, 1.0, "hole", 1.0, 2.0]


def test_a_region_leaves_out_countries_that_never_have_the_variable(said):
    assert said("DACH", "tv", "management_region") == said("DE", "tv")
    assert said("FR", BRAND, "management_region") == ["never"] * 5


def test_context_is_added_up_as_its_rule_says(said):
    assert said("DE", "price_index") == [101.0, 103.0, "after_last_data", "after_last_data", "after_last_data"]
    assert said("DE", "newsletter_sends") == [30.0, "hole", 5.0, "after_last_data", "after_last_data"]
    assert said("FR", "strikes") == [3.0, *["after_last_data"] * 4]
    assert said("DACH", "newsletter_sends", "management_region")[:3] == [31.0, "hole", 7.0]


def test_an_index_of_a_region_is_weighted_by_uploads_of_all_weeks(said):
    # DE has 4 uploads, AT 3; in W2 AT has no price.
    assert said("DACH", "price_index", "management_region")[:2] == [(4 * 101 + 3 * 110) / 7, "after_last_data"]


def test_the_calendar_of_a_region_is_the_mean_of_its_countries(said, rows):
    assert said("DACH", "public_holidays", "management_region") == [1.5, 0.0, 0.0, 0.0, 0.0]
    assert said("DACH", "eurobike", "management_region") == [0.0, 0.5, 0.0, 0.0, 0.0]
    assert said("FR", "public_holidays") == ["never"] * 5
    assert rows["country", "DE", W1, "public_holidays"]["unit"] == "days"


def test_an_interaction_is_the_product_of_scaled_parts_and_null_where_one_is(said):
    # tv / 100, brand / 4.
    assert said("DE", f"tv x {BRAND}") == [1.0 * 0.3 / 4, "hole", 0.0, "after_last_data", "after_last_data"]
    assert said("DE", f"eurobike x {BRAND}") == [0.0, 0.5, 0.0, 0.0, 0.0]
    assert said("AT", f"tv x {BRAND}")[0] == "never"


def test_a_week_in_which_the_data_end_is_not_complete(rows):
    # Conversions end on Wednesday of W5.
    complete = [rows["country", "DE", week, "uploads"]["is_complete_week"] for week in WEEKS]
    assert complete == [True, True, True, True, False]
    # Meta's export ends on Wednesday of W4, Google's on Sunday of W5; a sheet's money stands on one day.
    of = {name: rows["country", "DE", W4, name]["is_complete_week"] for name in ("meta_prospecting", BRAND, "tv")}
    assert of == {"meta_prospecting": False, BRAND: True, "tv": True}


def test_the_extent_has_all_countries_of_regions_and_feeds(feeds):
    found = extent(feeds, {**REGIONS, "NORTH": ("DK",)})
    assert (found.countries, found.first_day, found.last_day) == (("AT", "DE", "DK", "FR"), W1, date(2025, 2, 9))


def test_only_the_newest_weeks_are_kept_but_all_are_known(feeds, calendar):
    settings = PanelSettings(weeks=2, geo_levels=("country",), interactions=())
    made = mmm_input(feeds, calendar, REGIONS, RULES, settings, "a test").where("geo = 'DE' AND variable = 'tv'")
    assert sorted((row["week_start"], row["gap"]) for row in made.collect()) == [
        (W4, "after_last_data"),
        (W5, "after_last_data"),
    ]


def test_an_interaction_of_something_unknown_is_refused(feeds, calendar):
    settings = PanelSettings(interactions=(("tv", "brand"),))
    with pytest.raises(TableError, match=r"not so \['brand'\]. Fix: change mmm.panel.interactions"):
        mmm_input(feeds, calendar, REGIONS, RULES, settings, "a test")
