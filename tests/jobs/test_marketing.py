"""The marketplace from raw files to the weekly report and the model's input, as `make run` does it; sums are exact."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from deltalake import DeltaTable

from pma.catalogue import TABLES as CATALOGUE
from pma.marketing.tables import MODELS
from pma.marketing.weekly_tables import REPORT_MODELS
from pma.mmm.input.bike_events import read_bike_events
from pma.runs import RUNS
from pma.settings import load
from pma.simulation.budgets import running
from pma.simulation.calendar import dated
from pma.simulation.channels import CHANNEL_NAMES, DEMAND_GEN
from pma.simulation.marketplace import simulate
from pma.simulation.tables import TABLES as TRUTH
from tests.jobs.market import REGIONS, TABLES, WEEKS, rows, run

MISSING = ("never_data", "before_first_data", "after_last_data", "hole")


@pytest.fixture(scope="module")
def trade(market):
    """Listings and orders as the files have them."""
    raw = market.parent / "raw"
    return {name: pd.read_parquet(raw / name).drop_duplicates() for name in ("listings", "orders")}


@pytest.fixture(scope="module")
def world(market):
    """The simulation of the settings: what it knows of itself."""
    settings = load([str(market)])
    return simulate(settings.simulation, dated(read_bike_events(settings.rules).events, settings.simulation))


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
    assert set(zip(last["yearweek"], last["is_complete_week"], last["waits_for"], strict=True)) == {
        (202644, True, None)
    }
    assert rows(market, "bl.mmm_input")["week_start"].max() == last["week_start"].iloc[0]


def test_the_spend_of_the_feeds_is_in_the_table_to_the_cent(market, world):
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


def lacking(world):
    """{(country, channel, check, since, until)}: what the gaps of the simulation's feeds and its channels' lives leave.

    A channel that never ran in a country and a feed without the country look the same to who has the files alone.
    """
    weeks, ran = world.weeks, running(world.settings)
    found = set()
    for i, c in np.ndindex(ran.shape[:2]):
        country, channel = world.settings.countries[i], CHANNEL_NAMES[c]
        there = ran[i, c].copy()
        for gap in world.gaps[world.gaps["channel"] == channel].itertuples():
            if gap.country in (None, country):
                there &= ~((weeks >= gap.starts_on) & (weeks <= gap.ends_on))
        known = np.flatnonzero(there)
        first, last = (known[0], known[-1]) if len(known) else (len(weeks), len(weeks))
        place = np.arange(len(weeks))
        kinds = {
            "never_data": np.full(len(weeks), not there.any()),
            "before_first_data": (place < first) & there.any(),
            "after_last_data": place > last,
            "hole": (place > first) & (place < last) & ~there,
        }
        for check, missing in kinds.items():
            if missing.any():
                since, until = weeks[missing][[0, -1]]
                found.add((country, channel, check, since.date(), until.date()))
    return found


def test_what_the_feeds_lack_is_found_by_country_channel_and_weeks(market, world):
    found = rows(market, "bl.mmm_readiness")
    of = (found["geo_level"] == "country") & found["check"].isin(MISSING) & found["variable"].isin(CHANNEL_NAMES)
    told = found[of][["geo", "variable", "check", "since", "until"]].itertuples(index=False, name=None)

    expected = lacking(world)
    assert sorted(told) == sorted(expected)
    assert {"tv", "youtube_flobikes", *DEMAND_GEN, "meta_prospecting"} <= set(world.gaps["channel"])
    assert set(world.gaps["channel"]) <= {channel for _, channel, *_ in expected}


def test_the_pages_say_that_it_is_a_simulated_marketplace(market):
    pages = sorted((market.parent / "report").glob("*.html"))

    assert [page.name for page in pages] == ["mmm_readiness.html", "weekly_growth_update.html"]
    for page in pages:
        assert "simulated marketplace" in page.read_text(encoding="utf-8")


def every_table(conf):
    """{name: rows by key, without run ids} of all tables in the warehouse but the log of runs, which grows."""
    folder = conf.parent / "warehouse"
    keys = {spec.name: list(spec.key) for spec in CATALOGUE}
    names = [".".join(log.parent.relative_to(folder).parts) for log in sorted(folder.glob("*/*/_delta_log"))]
    frames = {name: DeltaTable(str(folder / name.replace(".", "/"))).to_pandas() for name in names if name != RUNS.name}
    return {
        name: frame.drop(columns="run_id", errors="ignore").sort_values(keys[name], ignore_index=True)
        for name, frame in frames.items()
    }


def test_a_second_run_changes_nothing(market):
    before = every_table(market)
    feeds = {"il.exchange_rates", "il.lift_tests", "il.listings", "il.orders", "st_il.st_events"}
    assert {*TABLES, *feeds, *(spec.name for spec in TRUTH)} <= set(before)

    assert set(run(market).values()) == {0}

    after = every_table(market)
    assert set(after) == set(before)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(after[name], frame, check_exact=True, obj=name)
