import re
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pma.simulation import paths, trade
from pma.simulation.clickstream import events
from pma.simulation.paths import conversions, sessions
from pma.simulation.touches import touches
from pma.simulation.trade import write_trade
from pma.sources.settings import FeedSettings
from pma.warehouse import fingerprint

CONVERTING = ("sales_ad_created", "order_completed")
FAULTS = {
    "plus": r"utm_(?:campaign|medium)=[^&]*\+",
    "escaped space": r"%20(?:&|$)",
    "twice escaped space": r"%2520(?:&|$)",
    "upper case": r"utm_source=[A-Z]+&utm_medium=[A-Z_]+",
    "duplicated parameter": r"utm_source=.*utm_source=",
    "escaped ampersand": r"x&amp;utm_source=",
    "alias": r"utm_source=(?:fb|ig|yt-ads)&",
    "missing id": r"&utm_medium=(?:cpc|cpv|paid_social)&(?!.*utm_id)",
    "empty parameters": r"utm_id=&utm_content=&utm_term=",
    "malformed escape": r"50%_off%zz",
}


@pytest.fixture(scope="module")
def folder(spark, world, tmp_path_factory):
    place = tmp_path_factory.mktemp("marketplace")
    write_trade(spark, world, place)
    return place


@pytest.fixture(scope="module")
def sent(folder):
    return pq.read_table(folder / "events").to_pandas()


@pytest.fixture(scope="module")
def seen(sent):
    """What was sent, once, with all ids and by right clocks: in order, of each device."""
    once = sent.dropna(subset=["event_id", "anonymous_id"]).sort_values("received_at").drop_duplicates("event_id")
    once = once[once["occurred_at"].dt.year == 2026]
    return once.sort_values(["anonymous_id", "occurred_at", "event_id"], ignore_index=True)


@pytest.fixture(scope="module")
def traded(folder):
    """One row per conversion: event_name, id, country, user_id and time."""
    uploaded, sold = (pq.read_table(folder / name).to_pandas() for name in ("listings", "orders"))
    uploaded = uploaded.assign(event_name=CONVERTING[0], id=uploaded["listing_id"], at=uploaded["created_at"])
    sold = sold.assign(event_name=CONVERTING[1], id=sold["order_id"], at=sold["completed_at"])
    return pd.concat([uploaded, sold])[["event_name", "id", "country", "user_id", "at"]]


@pytest.fixture(scope="module")
def visits(spark, world, folder):
    """One row per session, with its touch beside it."""
    read = [spark.read.parquet(str(folder / name)) for name in ("listings", "orders")]
    drawn = sessions(conversions(*read), world).toPandas().merge(touches(world), on="touch")
    return drawn.assign(at=pd.to_datetime(drawn["moment"], unit="ms"))


def test_every_conversion_has_its_event_at_its_time_by_its_user_with_its_id_in_the_address(sent, traded):
    found = sent[sent["event_name"].isin(CONVERTING)].drop_duplicates("event_id")
    path = found["page_url"].str.extract(
        r"^https://www\.velomarket\.example/(\w+)/(listing|order)/([^/]+)/(created|done)$"
    )
    keyed = found.assign(id=path[2], site=path[0].str.upper()).sort_values("id", ignore_index=True)
    wanted = traded.sort_values("id", ignore_index=True)
    assert len(keyed) == len(wanted) > 1_800
    rows = ["event_name", "id", "country", "user_id"]
    assert keyed[rows].equals(wanted[rows])
    assert (keyed["occurred_at"] == wanted["at"]).all()
    assert (keyed["site"] == keyed["country"]).all()
    assert (path[1] + path[3]).isin(["listingcreated", "orderdone"]).all()


def test_sessions_are_as_many_as_the_settings_say_and_bots_make_their_share(visits, traded, world):
    assert len(visits) / len(traded) == pytest.approx(world.settings.sessions_per_conversion, rel=0.05)
    assert visits["is_bot"].mean() == pytest.approx(world.settings.bot_share, rel=0.15)
    assert not visits.loc[visits["is_bot"], "object_id"].notna().any()


def test_a_path_has_one_to_six_sessions_within_25_days_of_which_the_last_converts_and_one_is_the_cause(visits, traded):
    paths_ = visits.dropna(subset=["object_id"]).merge(
        traded, left_on="object_id", right_on="id", suffixes=("", "_end")
    )
    lead = paths_["at_end"] - paths_["at"]
    assert lead.min() == timedelta(0) and timedelta(days=22) < lead.max() < timedelta(days=25)
    assert (paths_["converts"] == (lead == timedelta(0))).all()
    # What began before the first day is not in the data.
    whole = paths_[paths_["at_end"] >= pd.Timestamp("2026-09-18")].groupby("object_id")
    lengths = whole.size()
    assert set(lengths) == {1, 2, 3, 4, 5, 6}
    assert lengths.mean() == pytest.approx(3.03, abs=0.15)
    assert (whole["converts"].sum() == 1).all()
    assert (whole["is_cause"].sum() == 1).all()
    assert paths_["at"].min() >= pd.Timestamp("2026-08-24")


def test_causes_come_by_the_channels_of_what_made_the_conversions(visits):
    cause = visits[visits["is_cause"]]
    adds = 7 * 0.08 + 0.05 + 0.05 + 0.4 + 0.04
    expected = {"meta_prospecting": 0.08, "affiliate": 0.08, "google_search_brand": 0.14, "referral": 0.04}
    for channel, share in expected.items():
        chance = share / adds
        error = np.sqrt(chance * (1 - chance) / len(cause))
        assert abs((cause["channel"] == channel).mean() - chance) < 4 * error, channel
    assert (cause["channel"] == "tv").sum() == 0


def test_every_fault_of_tags_occurs_and_the_others_are_clean(sent, world):
    address = sent.loc[~sent["event_name"].isin(CONVERTING), ["event_id", "page_url"]].drop_duplicates()["page_url"]
    tagged = address[address.str.contains("utm_source")]
    found = pd.DataFrame({name: tagged.str.contains(re.compile(fault)) for name, fault in FAULTS.items()})
    assert (found.sum() > 20).all(), found.sum()
    assert (found.sum(axis=1) <= 1).all(), tagged[found.sum(axis=1) > 1].head().to_list()
    share = found.any(axis=1).mean()
    error = np.sqrt(world.settings.utm_noise * (1 - world.settings.utm_noise) / len(tagged))
    assert abs(share - world.settings.utm_noise) < 4 * error
    stale = address[address.str.contains("gclid") & ~address.str.contains("utm_")]
    assert len(stale) > 20


def test_clean_landings_of_a_channel_are_tagged_as_it_tags(sent):
    address = sent["page_url"]
    click = r"Cj0KCQ[0-9a-f]{16}$"
    for pattern in (
        rf"utm_source=google&utm_medium=cpc&utm_campaign=DE_gads_search_brand_supply_01&utm_id=DE0&gclid={click}",
        rf"utm_source=youtube&utm_medium=cpv&utm_campaign=AT_YT_Flobikes_supply_02&utm_id=AT5&gclid={click}",
        rf"utm_source=instagram&utm_medium=paid_social&utm_campaign=DE_fb_prosp_supply_01&utm_id=DE6&fbclid={click}",
        rf"utm_source=tiktok&utm_medium=paid_social&utm_id=AT9&ttclid={click}",
        r"utm_source=bikedeals&utm_medium=affiliate&utm_campaign=DE_aff_network_supply_01$",
        r"utm_source=newsletter&utm_medium=email&utm_campaign=weekly_news$",
        r"utm_source=instagram&utm_medium=social&utm_campaign=bike_of_the_week$",
    ):
        assert address.str.contains(pattern).sum() > 5, pattern


def test_a_payment_provider_sends_buyers_back_without_tags_just_before_their_order(seen):
    back = seen.index[seen["referrer"].isin(["https://checkout.adyen.com/", "https://www.paypal.com/"])]
    assert len(back) > 200 and set(seen.loc[back, "referrer"].value_counts() > 50) == {True}
    assert not seen.loc[back, "page_url"].str.contains("utm_|clid").any()
    following = seen.loc[[place + 1 for place in back]].reset_index(drop=True)
    before = seen.loc[back].reset_index(drop=True)
    is_next = (following["event_name"] == "order_completed") & (following["anonymous_id"] == before["anonymous_id"])
    # Another session on the same device, or a page whose clock was wrong, seldom stands between.
    assert is_next.mean() > 0.98


def test_later_pages_come_from_the_site_itself(seen):
    gap = seen.groupby("anonymous_id")["occurred_at"].diff()
    later = seen[(gap < timedelta(minutes=4)) & (seen["event_name"] == "page_view")]
    assert later["referrer"].str.startswith("https://www.velomarket.example/").mean() > 0.9


def test_pauses_lie_on_both_sides_of_half_an_hour_and_sessions_cross_midnight(seen):
    gap = seen.groupby("anonymous_id")["occurred_at"].diff()
    for seconds in (1799, 1800, 1801):
        assert (gap == timedelta(seconds=seconds)).sum() > 5, seconds
    day = seen["occurred_at"].dt.date
    assert ((gap < timedelta(minutes=5)) & (day != day.shift())).sum() > 3


def test_users_have_devices_and_devices_users_as_in_real_life(seen, visits):
    known = seen.dropna(subset=["user_id"])
    devices = known.groupby("user_id")["anonymous_id"].nunique()
    users = known.groupby("anonymous_id")["user_id"].nunique()
    assert (devices == 2).sum() > 30
    assert (users >= 2).sum() > 5
    end = seen[seen["event_name"].isin(CONVERTING)]
    first = seen.assign(day=seen["occurred_at"].dt.date).groupby(["anonymous_id", "day"])["user_id"].first
    assert end["user_id"].notna().all() and seen["user_id"].isna().mean() > 0.5
    assert visits["is_remembered"].mean() > 0.5 and first().notna().any()
    assert 0.4 < (seen["event_name"] == "login").sum() / len(end) < 0.75


def test_bots_say_who_they_are_or_read_thousands_of_pages(seen, visits):
    robots = seen["user_agent"].str.contains("bot|python-requests", case=False)
    assert robots.groupby(seen["anonymous_id"]).mean().isin([0.0, 1.0]).all()
    tame = visits["is_bot"] & ~visits["is_crawler"]
    assert seen.loc[robots, "anonymous_id"].nunique() == pytest.approx(tame.sum(), rel=0.02)
    per_day = seen.groupby(["anonymous_id", seen["occurred_at"].dt.date]).size()
    assert visits["is_crawler"].sum() > 0
    assert per_day.max() > 2_000 and (per_day[per_day > 100].count() <= 2 * visits["is_crawler"].sum())


def test_events_are_sent_again_late_without_ids_and_by_wrong_clocks(sent):
    copies = sent.dropna(subset=["event_id"]).groupby("event_id")
    twice = copies.size() == 2
    assert copies.size().max() == 2 and twice.mean() == pytest.approx(0.003, abs=0.001)
    again = sent[sent["event_id"].isin(twice.index[twice])].drop(columns="received_at").drop_duplicates()
    assert len(again) == twice.sum()
    years = sent["occurred_at"].dt.year
    assert set(years) == {1970, 2026, 2031}
    assert ((years == 1970) | (years == 2031)).mean() < 0.0005
    underway = (sent["received_at"] - sent["occurred_at"])[years == 2026]
    late = underway > timedelta(hours=1)
    assert late.mean() == pytest.approx(0.005, abs=0.002)
    assert underway.max() < timedelta(days=3, hours=1) and underway.min() > timedelta(0)
    assert 0 < sent["event_id"].isna().sum() < 30 and 0 < sent["anonymous_id"].isna().sum() < 30


def test_nothing_happens_outside_the_data_but_what_a_conversion_began_with(seen, traded):
    ends = [seen["occurred_at"].max(), *traded.groupby("event_name")["at"].max()]
    # Events, uploads and orders end with a whole week where the report counts its days: there no Monday has begun.
    assert [end.tz_localize("UTC").tz_convert("Europe/Berlin").date() for end in ends] == [date(2026, 11, 1)] * 3
    assert seen["occurred_at"].min() > pd.Timestamp("2026-08-23 20:00")


def test_events_are_the_same_whatever_the_partitions(spark, world, folder, monkeypatch):
    read = [spark.read.parquet(str(folder / name)) for name in ("listings", "orders")]
    written = fingerprint(spark.read.parquet(str(folder / "events")))
    for module in (trade, paths):
        monkeypatch.setattr(module, "tasks", lambda marketplace: 5)
    again = events(read[0].repartition(3, "price"), read[1].repartition(1), world)
    assert fingerprint(again) == written


def test_events_have_the_columns_that_the_feed_reads(sent):
    assert list(sent.columns) == list(FeedSettings().st_events.columns)
