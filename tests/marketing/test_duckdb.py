"""The benchmark's rival, SQL of DuckDB on the same files, is a second way to the same sessions and the same credit."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest

from pma.marketing.attribution import attribute
from pma.marketing.conversions import conversions
from pma.marketing.identities import identities
from pma.marketing.markov import EFFECTS
from pma.marketing.sessions import read_session_rules, sessionise
from pma.marketing.settings import AttributionSettings, SessionSettings
from pma.marketing.tables import EVENTS, LISTINGS, ORDERS
from pma.marketing.touches import touches
from tests.bench.attribution import MODELS, duckdb_attribution
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


@pytest.mark.parametrize("seed", [1, 2])
def test_both_ways_give_the_same_sessions_and_the_same_credit_row_by_row(spark, tmp_path, seed):
    rows = website(60, 14, seed)
    events, listings, orders = (
        spark.createDataFrame(given, spec.schema) for given, spec in zip(rows, (EVENTS, LISTINGS, ORDERS), strict=True)
    )
    known = date(2027, 1, 1)
    sold = conversions(listings, orders, "test").persist()
    visits = sessionise(
        events, identities(events, known), known, read_session_rules(REPOSITORY / "conf" / "rules"), SessionSettings()
    ).persist()
    chosen = AttributionSettings()
    ours = attribute(touches(sold, visits, chosen), spark.createDataFrame([], EFFECTS), chosen, MODELS)
    for name, frame in (("events", events), ("conversions", sold), ("ours", ours), ("visits", visits)):
        frame.coalesce(1).write.parquet(str(tmp_path / name))

    duckdb_attribution(tmp_path, target=tmp_path)

    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        for columns, mine, theirs in ((SESSION, "visits", "sessions"), (CREDIT, "ours", "credit")):
            found = [
                db.execute(f"SELECT {columns} FROM '{tmp_path}/{files}' ORDER BY ALL").fetchall()
                for files in (f"{mine}/*.parquet", f"{theirs}.parquet")
            ]
            assert len(found[0]) > 300
            assert found[0] == found[1]
