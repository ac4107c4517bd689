"""Snowplow's fractribution package publishes raw events and what it makes of them: here what ours makes of the same.

Its channels are its own, so our sessions are given their names here. A session there is whatever its tracker calls one;
each has one page.
"""

import csv
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path
from urllib.parse import urlencode

import pytest
from pyspark.sql import functions as F

from pma.marketing.attribution import attribute
from pma.marketing.conversions import conversions
from pma.marketing.identities import identities
from pma.marketing.markov import CONVERTED, EFFECTS, LOST, START, transition_counts
from pma.marketing.sessions import read_session_rules, sessionise
from pma.marketing.settings import AttributionSettings, SessionSettings
from pma.marketing.tables import EVENTS, LISTINGS, ORDERS
from pma.marketing.touches import touches
from tests.marketing.journeys import ORDER

RULES = Path(__file__).parents[2] / "conf" / "rules"
FOLDER = Path(__file__).parents[3] / "shared" / "data" / "attribution" / "snowplow_fractribution"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"Snowplow's fixture is not there: {FOLDER}")

PREFIX = "snowplow_fractribution_"
MONTH = AttributionSettings(window_days=30)
# Theirs are the users who never convert. Ours are the sessions that no conversion claims: these three came back after
# their order, and did not order again.
AFTER_AN_ORDER = {
    "ff000170187170673177": ["Direct"] * 10,
    "ff0009028775170427694": ["Direct"],
    "ff0006911334202687206": ["Organic_Search"],
}
TWICE_IN_A_MINUTE = "ff0008275880593050809"


def read(kind, name):
    with (FOLDER / kind / f"{PREFIX}{name}.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def expected(name):
    return read("expected", f"{name}_expected")


def moment(text):
    return datetime.fromisoformat(text.removesuffix("Z"))


def customer(event):
    return f"f{event['domain_userid']}"


def their_channel():
    """Their rules, as far as these events go."""
    source, medium = F.col("source"), F.col("medium")
    return (
        F.when((source == "(direct)") & (medium == "(none)"), "Direct")
        .when((medium == "referral") & (source == "youtube"), "Video")
        .when(medium == "referral", "Referral")
        .when(medium == "organic", "Organic_Search")
        .when(medium == "cpc", "Paid_Search_Other")
        .otherwise("Unmatched_Channel")
    )


def tagged(event):
    """The event as our tracker would have sent it: what it says of its origin stands in the address."""
    tags = {f"utm_{name}": event[f"mkt_{name}"] for name in ("source", "medium", "campaign")}
    said = {name: value for name, value in tags.items() if value not in ("", "(not set)", "(direct)", "(none)")}
    at = moment(event["derived_tstamp"])
    page = f"https://poplindata.com/?{urlencode(said)}"
    who = event["event_id"], event["domain_userid"], customer(event)
    return (*who, at, at, event["event_name"], None, page, None, event["useragent"])


def order(event):
    at, value = moment(event["derived_tstamp"]), Decimal(event["tr_total"])
    return (event["event_id"], event["event_id"], customer(event), "DE", at, value, Decimal(0))


def collapsed(path):
    return [name for name, _ in groupby(path)]


@pytest.fixture(scope="module")
def own(spark):
    """Sessions by our own rules, with the names of their channels."""
    events = spark.createDataFrame([tagged(event) for event in read("source", "events")], EVENTS.schema)
    known = date(2023, 1, 1)
    chosen = SessionSettings(own_hosts=("poplindata.com",))
    found = sessionise(events, identities(events, known), known, read_session_rules(RULES), chosen)
    return found.withColumn("channel", their_channel()).persist()


@pytest.fixture(scope="module")
def sold(spark):
    orders = [order(event) for event in read("source", "events") if Decimal(event["tr_total"] or 0) > 0]
    listings = spark.createDataFrame([], LISTINGS.schema)
    return conversions(listings, spark.createDataFrame(orders, ORDERS.schema), "test").persist()


@pytest.fixture(scope="module")
def touched(sold, own):
    return touches(sold, own, MONTH).persist()


def test_our_sessions_are_its_own_but_for_one_that_came_39_seconds_after_another_and_said_nothing(own):
    theirs = {}
    for row in expected("sessions_by_customer_id"):
        # We write sources in small letters, YouTube by one name, and nothing where there is no campaign.
        source = row["source"].lower().replace("youtube.com", "youtube")
        campaign = None if row["campaign"] == "(not set)" else row["campaign"]
        when = moment(row["visit_start_tstamp"])
        theirs[row["customer_id"], when] = (row["channel"], source, row["medium"], campaign)
    # The visit from quora.com went on; its tracker began a new, direct session.
    gone = theirs.pop((TWICE_IN_A_MINUTE, datetime(2022, 6, 22, 12, 23, 25)))
    assert gone == ("Direct", "(direct)", "(none)", None)
    ours = {(r.user_id, r.started_at): (r.channel, r.source, r.medium, r.campaign) for r in own.collect()}
    assert (len(ours), ours) == (96, theirs)


def test_our_conversions_are_its_six_row_by_row(sold):
    theirs = {
        row["customer_id"]: (ORDER, moment(row["conversion_tstamp"]), Decimal(row["revenue"]))
        for row in expected("conversions_by_customer_id")
    }
    ours = {row["user_id"]: (row["conversion_type"], row["converted_at"], row["value"]) for row in sold.collect()}
    assert (sold.count(), ours) == (6, theirs)


def test_our_paths_to_conversion_are_its_six_row_by_row(touched):
    ours = {}
    for row in touched.orderBy("conversion_id", "touch").collect():
        ours.setdefault(row["user_id"], []).append(row["channel"])
    theirs = {row["customer_id"]: row["path"].split(" > ") for row in expected("paths_to_conversion")}
    assert (len(ours), ours) == (6, theirs)
    # Its credit is given on paths without repeats in a row; ours keeps them, and the last touch is the same.
    short = {row["customer_id"]: row["transformed_path"].split(" > ") for row in expected("paths_to_conversion")}
    assert {name: collapsed(path) for name, path in ours.items()} == short


def test_our_last_touch_credit_of_every_channel_is_its_own(spark, touched):
    theirs = [row for row in expected("channel_attribution") if row["ATTRIBUTION_TYPE"] == "last_touch"]
    # It also lists the channels without any credit, and its money is a sum of doubles: 234.4200000000000284.
    ours = {row["CHANNEL"]: [Decimal(0), Decimal(0)] for row in theirs}
    for row in attribute(touched, spark.createDataFrame([], EFFECTS), MONTH, ("last_click",)).collect():
        ours[row["channel"]][0] += row["weight"]
        ours[row["channel"]][1] += row["value"]
    cents = Decimal("0.01")
    assert ours == {
        row["CHANNEL"]: [Decimal(row["CONVERSIONS"]), Decimal(row["REVENUE"]).quantize(cents)] for row in theirs
    }
    assert sum(value for _, value in ours.values()) == Decimal("500.92")


def test_our_paths_without_conversion_are_its_61_and_three_that_came_back_are_ours_alone(sold, own, touched):
    lost = {row["customer_id"]: row["path"].split(" > ") for row in expected("paths_to_non_conversion")}
    won = [row["path"].split(" > ") for row in expected("paths_to_conversion")]
    assert len(lost) == 61
    # What came 39 seconds after another and said nothing is no session of ours.
    assert lost[TWICE_IN_A_MINUTE] == ["Referral", "Direct"]
    lost[TWICE_IN_A_MINUTE] = ["Referral"]
    theirs = Counter()
    for path, end in [(p, LOST) for p in (*lost.values(), *AFTER_AN_ORDER.values())] + [(p, CONVERTED) for p in won]:
        theirs.update(pairwise([START, *path, end]))
    ours = transition_counts(touched, sold, own, MONTH).where(f"conversion_type = '{ORDER}'").collect()
    assert {(row["state"], row["next_state"]): row["steps"] for row in ours} == theirs
