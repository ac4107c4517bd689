"""Events of the website, made for tests of sessions."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pma.marketing.tables import EVENTS

RULES = Path(__file__).parents[2] / "conf" / "rules"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SITE = "https://www.velomarket.example/de/"
PERSON = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def clock(minutes):
    """The same moment as Spark hands it back: in UTC, without saying so."""
    return at(minutes).replace(tzinfo=None)


def event(event_id, minutes, query="", device="d1", **more):
    """One page view, so many minutes after noon; `query` is appended to the address."""
    row = {
        "event_id": event_id,
        "anonymous_id": device,
        "user_id": None,
        "occurred_at": at(minutes),
        "received_at": at(minutes) + timedelta(seconds=1),
        "event_name": "page_view",
        "country": "DE",
        "page_url": SITE + query,
        "referrer": None,
        "user_agent": PERSON,
    }
    return {**row, **more}


def frame(spark, events):
    names = EVENTS.schema.names
    return spark.createDataFrame([tuple(event[name] for name in names) for event in events], EVENTS.schema)
