import json
from datetime import datetime
from decimal import Decimal

import pytest

from pma.checks import QUARANTINE
from pma.marketing.tables import LISTINGS, ORDERS
from pma.sources.external import map_columns
from pma.sources.landing import land
from pma.sources.orders import check_listings, check_orders
from pma.sources.settings import SourceTable

NOW = datetime(2026, 4, 1)
AT = datetime(2026, 3, 1, 12)
OF_LISTING = ("listing_id", "user_id", "country", "created_at", "price")
OF_ORDER = ("order_id", "listing_id", "user_id", "country", "completed_at", "value", "refunded_value")

GOOD_LISTING = "l1,anna,DE,2026-03-01 12:00:00,900.5"
BAD_LISTINGS = [
    (",anna,DE,2026-03-01 12:00:00,1", ["missing_listing_id"]),
    ("l2,,DE,2026-03-01 12:00:00,1", ["missing_user_id"]),
    ("l2,anna,DE,2026-03-01 12:00:00,-1", ["negative_price"]),
    ("l2,anna,DE,2026-04-02 12:00:00,1", ["in_the_future"]),
    ("l2,anna,DE,once,much", ["unreadable_created_at", "unreadable_price"]),
    ("l1,anna,DE,2026-03-02 12:00:00,1", ["duplicate_listing"]),
]
GOOD_ORDER = "o1,l1,ben,FR,2026-03-01 12:00:00,900.5,0"
REFUNDED = "o1,l1,ben,FR,2026-03-01 12:00:00,900.5,900.5"
BAD_ORDERS = [
    ("o1,l1,ben,FR,2026-03-01 12:00:00,1,0", ["duplicate_order"]),
    ("o2,l9,ben,FR,2026-03-01 12:00:00,1,0", ["unknown_listing"]),
    ("o2,,ben,FR,2026-03-01 12:00:00,1,0", ["missing_listing_id"]),
    ("o2,l1,ben,FR,2026-03-01 12:00:00,-1,0", ["negative_value"]),
    ("o2,l1,ben,FR,2026-03-01 12:00:00,1,-1", ["negative_refund"]),
    ("o2,l1,ben,FR,2026-04-02 12:00:00,1,0", ["in_the_future"]),
    ("o2,l1,ben,FR,2026-03-01 12:00:00,1e14,0", ["unreadable_value"]),
]


def as_json(line, names):
    given = dict(zip(names, line.split(","), strict=True))
    return json.dumps({name: value for name, value in given.items() if value}, separators=(",", ":"))


@pytest.fixture
def mapped(spark):
    def mapped(spec, names, lines):
        rows = [tuple(value or None for value in line.split(",")) for line in lines]
        raw = spark.createDataFrame(rows, ", ".join(f"{name} string" for name in names))
        return map_columns(raw, SourceTable(columns={name: name for name in names}), spec, section="feeds")

    return mapped


def refused(warehouse, spec):
    found = warehouse.read(QUARANTINE).where(f"source_table = '{spec.name}'").collect()
    return {row["content"]: (sorted(row["reasons"]), row["copies"]) for row in found}


def test_each_bad_row_is_refused_for_its_reason_copies_are_one_row_and_none_is_lost(warehouse, mapped):
    # A listing and an order that came twice, and the same of every bad row.
    lines = 2 * [GOOD_LISTING, *[line for line, _ in BAD_LISTINGS]]
    land(warehouse, LISTINGS, check_listings(mapped(LISTINGS, OF_LISTING, lines), NOW), 1.0, "feeds")
    listings = warehouse.read(LISTINGS)
    assert list(map(tuple, listings.collect())) == [("l1", "anna", "DE", AT, Decimal("900.5"))]
    assert refused(warehouse, LISTINGS) == {as_json(line, OF_LISTING): (why, 2) for line, why in BAD_LISTINGS}

    # The order was sent again when its money was given back.
    lines = 2 * [GOOD_ORDER, REFUNDED, *[line for line, _ in BAD_ORDERS]]
    land(warehouse, ORDERS, check_orders(mapped(ORDERS, OF_ORDER, lines), listings, NOW), 1.0, "feeds")
    orders = warehouse.read(ORDERS).collect()
    assert list(map(tuple, orders)) == [("o1", "l1", "ben", "FR", AT, Decimal("900.5"), Decimal("900.5"))]
    assert refused(warehouse, ORDERS) == {as_json(line, OF_ORDER): (why, 2) for line, why in BAD_ORDERS}
