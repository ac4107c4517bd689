from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from pma.simulation import trade
from pma.simulation.settings import SimulationSettings
from pma.simulation.trade import daily_counts, end_of_data, listings, orders
from pma.sources.settings import FeedSettings
from pma.tables import TableError
from pma.warehouse import fingerprint
from tests.simulation.worlds import WEEKS, make_world

FLOW = ["origin", "destination"]


@pytest.fixture(scope="module")
def traded(spark, busy_world):
    """Listings and orders of the busy world as pandas."""
    uploaded = listings(spark, busy_world).persist()
    yield uploaded.toPandas(), orders(uploaded, busy_world).toPandas()
    uploaded.unpersist()


@pytest.fixture(scope="module")
def sales(traded):
    """One row per order, with its listing beside it."""
    uploaded, sold = traded
    uploaded = uploaded.rename(columns={"user_id": "seller", "country": "origin"})
    return sold.rename(columns={"country": "destination"}).merge(uploaded, on="listing_id", how="left")


def chances(created, flow, demand):
    """Chance of a sale in each week, by the flow's lag and the demand: rows listings, columns weeks."""
    days = (WEEKS.append(WEEKS[-1:] + pd.Timedelta(days=7)) - WEEKS[0]).days.to_numpy()
    waited = days[None, :] - ((created - WEEKS[0]) / pd.Timedelta(days=1)).to_numpy()[:, None]
    logs = np.log(np.maximum(waited, 1e-12))
    reached = norm.cdf((logs - np.log(flow.median_lag_days)) / flow.lag_sigma)
    return flow.share * np.diff(reached, axis=1) * demand


def test_uploads_of_each_country_and_week_are_poisson_around_the_expected(traded):
    uploaded, _ = traded
    week = (uploaded["created_at"] - WEEKS[0]).dt.days // 7
    counts = uploaded.groupby([uploaded["country"], week]).size()
    assert len(counts) == 20
    assert (abs(counts - 2_000) < 4 * np.sqrt(2_000)).all()
    spread = ((counts - 2_000) ** 2 / 2_000).sum()
    # Chi-square of 20 degrees of freedom: mean 20, standard deviation 6.3.
    assert 5 < spread < 46


def test_orders_of_each_flow_and_week_are_the_sum_of_share_lag_and_demand_over_uploads(busy_world, traded, sales):
    uploaded, _ = traded
    demand = np.array([0.6, 0.8, 1.0, 1.2, 1.4, 1.4, 1.2, 1.0, 0.8, 0.6])
    week = ((sales["completed_at"] - WEEKS[0]).dt.days // 7).rename("week")
    found = sales.groupby([*FLOW, week]).size()
    for flow in busy_world.flows.itertuples():
        created = uploaded.loc[uploaded["country"] == flow.origin_country, "created_at"]
        chance = chances(created, flow, demand)
        sold = found.loc[flow.origin_country, flow.destination_country].reindex(range(10), fill_value=0).to_numpy()
        error = np.sqrt((chance * (1 - chance)).sum(axis=0))
        assert (abs(sold - chance.sum(axis=0)) < 4 * error + 1).all(), flow
        assert abs(sold.sum() - chance.sum()) < 4 * np.sqrt((chance.sum(axis=1) * (1 - chance.sum(axis=1))).sum())


def test_every_order_has_a_listing_before_it_another_buyer_than_seller_and_lies_within_the_data(sales):
    assert sales["order_id"].is_unique and sales["listing_id"].is_unique
    assert sales["origin"].notna().all()
    assert (sales["completed_at"] >= sales["created_at"]).all()
    assert (sales["user_id"] != sales["seller"]).all()
    assert sales["completed_at"].max() < pd.Timestamp("2026-11-02")
    assert (sales["value"] == sales["price"]).all()


def test_orders_of_a_flow_have_its_mean_price_in_cents(busy_world, sales):
    value = sales["value"].astype(float)
    assert (sales["value"] * 100 % 1 == 0).all()
    grouped = value.groupby([sales["origin"], sales["destination"]])
    prices = busy_world.flows.set_index(["origin_country", "destination_country"]).rename_axis(FLOW).sort_index()
    assert len(grouped) == 4
    assert (abs(grouped.mean() - prices["mean_price"]) < 4 * grouped.std() / np.sqrt(grouped.size())).all()
    logs = np.log(value).groupby([sales["origin"], sales["destination"]]).std()
    assert (abs(logs - prices["price_sigma"]) < 0.05).all()


def test_a_small_share_of_orders_is_refunded_whole_or_in_part_and_never_more_than_paid(sales):
    refunded = sales[sales["refunded_value"] > 0]
    assert 0.03 < len(refunded) / len(sales) < 0.05
    assert (refunded["refunded_value"] <= refunded["value"]).all()
    assert 0.6 < (refunded["refunded_value"] == refunded["value"]).mean() < 0.95


def test_some_sellers_upload_often_and_some_of_them_buy(traded):
    uploaded, sold = traded
    uploads = uploaded["user_id"].value_counts()
    assert 0.2 < uploads[uploads > 1].sum() / len(uploaded) < 0.35
    assert 0.05 < sold["user_id"].isin(uploads.index).mean() < 0.2


def test_uploads_keep_to_the_hours_at_which_people_are_awake(traded):
    hour = traded[0]["created_at"].dt.hour
    assert hour.between(18, 21).mean() > 4 * hour.between(1, 4).mean()


def test_the_last_day_ends_the_data_within_a_week():
    world = make_world(50.0, [1.0] * 10)
    cut = world.settings.model_copy(update={"last_day": date(2026, 10, 28)})
    counts = daily_counts(replace(world, settings=cut))
    assert counts["day"].max() == pd.Timestamp("2026-10-28").value // 10**6
    assert len(counts) == 2 * 66


@pytest.mark.parametrize(
    ("zone", "last_day", "end"),
    [
        ("Europe/Berlin", date(2026, 11, 1), "2026-11-01 23:00"),
        ("Europe/Berlin", date(2026, 6, 28), "2026-06-28 22:00"),
        ("UTC", date(2026, 11, 1), "2026-11-02 00:00"),
    ],
)
def test_the_data_end_at_the_midnight_of_the_zone_in_which_the_report_counts_days(zone, last_day, end):
    world = make_world(50.0, [1.0] * 10)
    there = world.settings.model_copy(update={"timezone": zone, "last_day": last_day})
    assert end_of_data(replace(world, settings=there)) == pd.Timestamp(end).value // 10**6
    with pytest.raises(ValueError, match="no time zone of that name: give one such as Europe/Berlin"):
        SimulationSettings(timezone="Berlin")


def test_rows_are_the_same_whatever_the_partitions(spark, world, monkeypatch):
    once = listings(spark, world)
    prints = [fingerprint(once), fingerprint(orders(once, world))]
    monkeypatch.setattr(trade, "UPLOADS_PER_TASK", 200)
    split = listings(spark, world)
    assert split.rdd.getNumPartitions() == 8 != once.rdd.getNumPartitions()
    again = [fingerprint(split), fingerprint(orders(split.repartition(3, "price"), world))]
    assert again == prints
    other = make_world(80.0, [1.0] * 10, seed=8)
    assert fingerprint(listings(spark, other)) != prints[0]


def test_uploads_that_would_sell_more_than_once_are_refused_by_name(spark):
    world = make_world(10.0, [1.0] * 9 + [3.0])
    with pytest.raises(TableError, match=r"il.orders: .*\['AT', 'DE'\].*1\.05 times.*Fix: lower simulation.sales_rate"):
        listings(spark, world)


def test_listings_and_orders_have_the_columns_that_the_feeds_read(traded):
    uploaded, sold = traded
    feeds = FeedSettings()
    assert list(uploaded.columns) == list(feeds.listings.columns)
    assert list(sold.columns) == list(feeds.orders.columns)
