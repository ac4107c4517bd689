"""Sessions and conversions of a few users, as short rows, for the tests of attribution."""

from datetime import datetime, timedelta
from decimal import Decimal

from pma.marketing.tables import CONVERSIONS, MODELS

UPLOAD, ORDER = "sales_ad_created", "order_completed"
AT = datetime(2026, 3, 31, 12, 0, 0)
TICK = timedelta(microseconds=1)
SESSION_DDL = (
    "session_id string, anonymous_id string, user_id string, started_at timestamp, channel string, source string, "
    "medium string, campaign string, campaign_id string, is_bot boolean"
)


def days(number):
    return timedelta(days=number)


def visit(session_id, user, at, channel="seo", **more):
    """A session; `at` is a moment, or so many days before AT."""
    at = at if isinstance(at, datetime) else AT - days(at)
    values = {"anonymous_id": f"device of {user}", "is_bot": False, **more}
    row = {"session_id": session_id, "user_id": user, "started_at": at, "channel": channel, **values}
    return tuple(row.get(field.split()[0]) for field in SESSION_DDL.split(", "))


def conversion(conversion_id, user, at=AT, value="0", kind=ORDER, is_first=True):
    """A conversion in Germany; `at` is a moment, or so many days before AT."""
    at = at if isinstance(at, datetime) else AT - days(at)
    nothing = Decimal(0)
    place = ("a listing", "DE", None if kind == UPLOAD else "DE", "DE")
    return (conversion_id, kind, user, at, *place, Decimal(value), nothing, is_first, "test")


def sessions_of(spark, rows):
    return spark.createDataFrame(list(rows), SESSION_DDL)


def conversions_of(spark, rows):
    return spark.createDataFrame(list(rows), CONVERSIONS.schema)


def paths(touched):
    """Sessions of each conversion, in the order of their numbers, which begin at 1 and have no gap."""
    found = {}
    for row in sorted(touched, key=lambda row: row["touch"]):
        path = found.setdefault(row["conversion_id"], [])
        if row["touch"]:
            path.append(row["session_id"])
        assert row["touch"] == len(path)
    assert all(row["touches"] == len(found[row["conversion_id"]]) for row in touched)
    return found


def weights(rows, conversion_id, model):
    """Weights of a conversion by a model, in the order of its touches."""
    assert model in MODELS
    mine = [row for row in rows if (row["conversion_id"], row["model"]) == (conversion_id, model)]
    return [row["weight"] for row in sorted(mine, key=lambda row: row["touch"])]


def decimals(*texts):
    return [Decimal(text) for text in texts]
