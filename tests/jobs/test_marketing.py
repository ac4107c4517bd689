"""The marketplace from raw files to the weekly report and the model's input, as `make run` does it; sums are exact."""

from decimal import Decimal

import pandas as pd
import pytest

from pma.marketing.tables import MODELS
from pma.marketing.weekly_tables import REPORT_MODELS
from pma.mmm.bike_events import read_bike_events
from pma.settings import load
from pma.simulation.calendar import dated
from pma.simulation.marketplace import simulate
from tests.jobs.market import REGIONS, TABLES, WEEKS, rows, run


@pytest.fixture(scope="module")
def trade(market):
    """Listings and orders as the files have them."""
    raw = market.parent / "raw"
    return {name: pd.read_parquet(raw / name).drop_duplicates() for name in ("listings", "orders")}


def total(values):
    """Sum of decimals, exact; nulls are left out."""
    return sum((value for value in values if value is not None), Decimal(0))


def test_every_conversion_of_the_files_is_in_the_table_with_its_value(market, trade):
    found = rows(market, "il.conversions")
    uploads = found[found["conversion_type"] == "sales_ad_created"]
    orders = found[found["conversion_type"] == "order_completed"].set_index("conversion_id")["value"]

    assert set(uploads["listing_id"]) == set(trade["listings"]["listing_id"])
    given = {f"order:{row.order_id}": row.value for row in trade["orders"].itertuples()}
    assert orders.to_dict() == given
    assert set(found["data_origin"]) == {"simulated marketplace"}


def test_weights_and_values_add_up_to_each_conversion_for_every_model(market):
    credit = rows(market, "st_il.st_event_attribution")
    values = rows(market, "il.conversions").set_index("conversion_id")["value"]

    sums = credit.groupby(["model", "conversion_id"])[["weight", "value"]].agg(total)
    assert set(credit["model"]) == set(MODELS)
    assert set(sums["weight"]) == {Decimal(1)}
    assert all(sums.loc[model, "value"].to_dict() == values.to_dict() for model in MODELS)


def test_some_credit_goes_to_sessions_and_the_causes_of_the_simulation_are_found(market):
    credit = rows(market, "st_il.st_event_attribution")
    share = credit[credit["session_id"] != "(unattributed)"].groupby("model")["weight"].agg(total)
    of_all = credit.groupby("model")["weight"].agg(total)

    assert {model: share[model] / of_all[model] > Decimal("0.8") for model in MODELS} == dict.fromkeys(MODELS, True)
    paid = {"google_search_brand", "google_search_generic", "meta_prospecting", "newsletter", "seo", "direct"}
    assert paid <= set(credit["channel"])


def test_a_payment_provider_that_sends_a_buyer_back_is_no_source(market):
    sources = set(rows(market, "il.fct_user_sessions")["source"])

    assert [source for source in sources if "adyen" in source or "paypal" in source] == []


def test_the_weekly_report_has_all_spend_and_all_credit(market):
    report = rows(market, "bl.report_weekly_growth_update")
    spend = rows(market, "il.ad_spend")
    values = rows(market, "il.conversions")

    assert total(report["spend"]) == total(spend["spend"])
    assert report["clicks"].sum() == spend["clicks"].sum()
    counts = {kind: int(count) for kind, count in values["conversion_type"].value_counts().items()}
    for model in REPORT_MODELS:
        assert total(report[f"sales_ads_{model}"]) == counts["sales_ad_created"]
        assert total(report[f"orders_{model}"]) == counts["order_completed"]
        assert total(report[f"gmv_{model}"]) == total(values["value"])


def test_the_report_ends_with_a_whole_week_that_waits_for_nobody(market):
    report = rows(market, "bl.report_weekly_growth_update")

    last = report[report["yearweek"] == report["yearweek"].max()]
    found = set(zip(last["yearweek"], last["is_complete_week"], last["waits_for"], strict=True))
    assert found == {(202644, True, None)}
    assert rows(market, "bl.mmm_input")["week_start"].max() == last["week_start"].iloc[0]


def test_the_spend_of_the_feeds_is_in_the_table_to_the_cent(market):
    settings = load([str(market)])
    world = simulate(settings.simulation, dated(read_bike_events(settings.rules).events, settings.simulation))
    fed = world.spend[world.spend["in_feed"]]
    platforms = world.campaigns.drop_duplicates("campaign_id").set_index("campaign_id")["ad_platform"]
    micros = fed.groupby(fed["campaign_id"].map(platforms))["local_micros"].sum()
    given = {name: Decimal(int(value)) / 1_000_000 for name, value in micros.items()}
    found = rows(market, "il.ad_spend").groupby("ad_platform")["spend_local"].agg(total)

    assert total(found) == sum(given.values())
    assert {name: found[name] for name in ("google", "meta", "tiktok")} == {
        name: given[name] for name in ("google", "meta", "tiktok")
    }


def test_the_models_input_has_the_targets_and_the_spend_of_every_country_and_region(market):
    panel, spend = rows(market, "bl.mmm_input"), rows(market, "il.ad_spend")
    values = rows(market, "il.conversions")
    at = panel.groupby(["geo_level", "geo", "variable"])["value"].sum()

    for country in ("DE", "AT", "FR"):
        of_country = values[values["origin_country"] == country]
        assert at["country", country, "uploads"] == (of_country["conversion_type"] == "sales_ad_created").sum()
        paid = total(spend.loc[(spend["country"] == country) & (spend["channel"] == "meta_prospecting"), "spend"])
        assert at["country", country, "meta_prospecting"] == pytest.approx(float(paid), rel=1e-12)
    uploads = panel[panel["variable"] == "uploads"].set_index(["geo", "week_start"])["value"]
    for region, countries in REGIONS.items():
        # A week that one of its countries does not know, the region does not know either.
        sums = pd.concat([uploads[country] for country in countries], axis=1).sum(axis=1, skipna=False)
        assert uploads[region].to_dict() == pytest.approx(sums.to_dict(), nan_ok=True)
        assert uploads[region].notna().sum() >= WEEKS - 1


def test_what_the_feeds_lack_is_found_by_name(market):
    found = rows(market, "bl.mmm_readiness")
    lacking = found[(found["geo_level"] == "country") & (found["severity"] != "ok")]
    told = set(zip(lacking["variable"], lacking["check"], strict=True))

    assert ("tv", "never_data") in told
    for split in ("brand", "supply", "demand"):
        assert (f"google_demand_gen_{split}", "before_first_data") in told


def test_the_pages_say_that_it_is_a_simulated_marketplace(market):
    pages = sorted((market.parent / "report").glob("*.html"))

    assert [page.name for page in pages] == ["mmm_readiness.html", "weekly_growth_update.html"]
    for page in pages:
        assert "simulated marketplace" in page.read_text(encoding="utf-8")


def test_a_second_run_changes_nothing(market):
    before = {name: rows(market, name) for name in TABLES}

    assert set(run(market).values()) == {0}

    for name, frame in before.items():
        pd.testing.assert_frame_equal(rows(market, name), frame, obj=name)
