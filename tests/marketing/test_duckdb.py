"""The benchmark's rival, SQL of DuckDB on the same files, is a second way to the same sessions and the same credit."""

import random
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest
from pyspark.sql import functions as F

from pma.marketing.attribution import attribute
from pma.marketing.conversions import conversions
from pma.marketing.identities import identities
from pma.marketing.markov import EFFECTS
from pma.marketing.sessions import read_session_rules, sessionise
from pma.marketing.settings import AttributionSettings, SessionSettings
from pma.marketing.tables import CONVERSIONS_OF, EVENTS, LISTINGS, ORDERS
from pma.marketing.touches import touches
from tests.bench.attribution import MODELS, duckdb_attribution
from tests.bench.events import SKEWED_USER_CONVERSIONS, SKEWED_USER_DEVICES, write_events
from tests.conftest import REPOSITORY

SITE = "https://www.velomarket.example/de/"
PAGES = [
    *[(SITE, None)] * 8,
    (SITE, "https://www.google.com/"),
    (SITE, "https://blog.example/bikes"),
    (SITE, f"{SITE}basket"),
    (SITE, "https://www.paypal.com/"),
    (f"{SITE}?utm_source=google&utm_medium=cpc&utm_campaign=DE_gads_pmax_supply_01&utm_id=11&gclid=a", None),
    (f"{SITE}?utm_source=google&utm_medium=cpc&utm_campaign=DE_gads_search_brand_brand_01&utm_id=12&gclid=b", None),
    (f"{SITE}?utm_source=fb&utm_medium=paid_social&utm_campaign=DE_fb_prosp_supply_01&utm_id=21", None),
    (f"{SITE}?utm_source=newsletter&utm_medium=email&utm_campaign=week%2012", None),
    (f"{SITE}?utm_source=instagram&utm_medium=social", None),
    (f"{SITE}?gclid=c", None),
]
FIRST = datetime(2026, 1, 1)
CREDIT = (
    "conversion_id, session_id, model, touch, touches, channel, source, medium, campaign, campaign_id, weight, value"
)
SESSION = "session_id, user_id, started_at, ended_at, events, page_views, source, medium, campaign, channel, is_bot"


def website(devices, pages, seed):
    """Rows of events, listings and orders: pauses around half an hour, shared devices, robots, people unknown."""
    draw = random.Random(seed)
    events, listings, orders = [], [], []
    for device in range(devices):
        at = FIRST + timedelta(seconds=draw.randrange(10**6))
        agent = "Googlebot/2.1" if draw.random() < 0.1 else "Mozilla/5.0"
        for page in range(pages):
            at += timedelta(seconds=draw.choice([7, 60, 1799, 1800, 1801, 86400, 10 * 86400]))
            person = f"u{draw.choice([device, device, device, device // 2])}"
            user = person if draw.random() < 0.4 else None
            address, referrer = draw.choice(PAGES)
            event = f"e{device}-{page}"
            events.append((event, f"d{device}", user, at, at, "page_view", "DE", address, referrer, agent))
            if user and draw.random() < 0.3:
                listings.append((event, user, "DE", at, Decimal(10)))
                if draw.random() < 0.5:
                    orders.append((event, event, user, "AT", at, Decimal(7), Decimal(0)))
    return events, listings, orders


KNOWN = date(2027, 1, 1)


def both(spark, folder, events, sold):
    """Sessions and credit of the events and conversions, ours and DuckDB's, row by row in one order."""
    visits = sessionise(
        events, identities(events, KNOWN), KNOWN, read_session_rules(REPOSITORY / "conf" / "rules"), SessionSettings()
    ).persist()
    chosen = AttributionSettings()
    ours = attribute(touches(sold, visits, chosen), spark.createDataFrame([], EFFECTS), chosen, MODELS)
    for name, frame in (("events", events), ("conversions", sold), ("ours", ours), ("visits", visits)):
        frame.coalesce(1).write.parquet(str(folder / name))

    duckdb_attribution(folder, target=folder)

    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        for columns, mine, theirs in ((SESSION, "visits", "sessions"), (CREDIT, "ours", "credit")):
            yield [
                db.execute(f"SELECT {columns} FROM '{folder}/{files}' ORDER BY ALL").fetchall()
                for files in (f"{mine}/*.parquet", f"{theirs}.parquet")
            ]


@pytest.mark.parametrize("seed", [1, 2])
def test_both_ways_give_the_same_sessions_and_the_same_credit_row_by_row(spark, tmp_path, seed):
    rows = website(60, 14, seed)
    events, listings, orders = (
        spark.createDataFrame(given, spec.schema) for given, spec in zip(rows, (EVENTS, LISTINGS, ORDERS), strict=True)
    )
    for ours, theirs in both(spark, tmp_path, events, conversions(listings, orders, "test").persist()):
        assert len(ours) > 300
        assert ours == theirs


def test_of_a_user_with_half_of_all_events_and_of_a_crowded_hour_both_ways_give_the_same_row_by_row(spark, tmp_path):
    write_events(spark, str(tmp_path / "written"), 4000, skew=True)
    events = spark.read.parquet(str(tmp_path / "written")).persist()
    is_order = F.col("event_name") == CONVERSIONS_OF["orders"]
    sold = events.where(F.col("event_name").isin(*CONVERSIONS_OF.values())).select(
        F.col("event_id").alias("conversion_id"),
        F.col("event_name").alias("conversion_type"),
        "user_id",
        F.col("occurred_at").alias("converted_at"),
        "country",
        F.lit(True).alias("is_first"),
        F.when(is_order, F.lit(7)).otherwise(F.lit(0)).cast("decimal(18,6)").alias("value"),
    )
    (visits, their_visits), (credit, their_credit) = both(spark, tmp_path, events, sold.persist())
    assert visits == their_visits
    assert credit == their_credit
    # He is no robot, and the sessions of all devices that he logs in on meet in the windows of his conversions.
    his = {row[0] for row in visits if row[1] == "u-1"}
    assert len(his) > 300
    assert not any(row[-1] for row in visits)
    of_his = Counter(row[0] for row in credit if row[2] == "linear" and row[1] in his)
    assert len(of_his) >= SKEWED_USER_CONVERSIONS
    assert max(of_his.values()) > SKEWED_USER_DEVICES
    hours = Counter(row[2].replace(minute=0, second=0) for row in visits if row[1] != "u-1")
    assert sorted(hours.values())[-1] > 5 * sorted(hours.values())[-2]
