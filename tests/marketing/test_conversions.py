from datetime import datetime
from decimal import Decimal

import pytest

from pma.marketing.conversions import conversions
from pma.marketing.tables import CONVERSIONS, LISTINGS, ORDERS
from pma.tables import TableError, conform

NOON = datetime(2026, 3, 1, 12)
LATER = datetime(2026, 3, 2, 12)


def frames(spark, listings, orders):
    return spark.createDataFrame(listings, LISTINGS.schema), spark.createDataFrame(orders, ORDERS.schema)


def test_an_upload_counts_where_it_is_made_and_an_order_where_its_buyer_is_each_with_its_exact_value(spark):
    listings, orders = frames(
        spark,
        [("l1", "anna", "DE", NOON, Decimal("900.10")), ("l2", "anna", "DE", NOON, Decimal("5"))],
        [
            ("o1", "l1", "ben", "FR", LATER, Decimal("900.100001"), Decimal("0")),
            ("o2", "l2", "ben", "AT", NOON, Decimal("123456789012.000001"), Decimal("100.5")),
        ],
    )
    found = conform(conversions(listings, orders, "a marketplace"), CONVERSIONS)
    upload, order, money = "sales_ad_created", "order_completed", Decimal
    assert sorted(map(tuple, found.collect())) == [
        # Of two at one moment the first by name is the first; a refund is not taken off the value.
        *[
            (
                *("order:o1", order, "ben", LATER, "l1", "DE", "FR", "FR"),
                *(money("900.100001"), money(0), False, "a marketplace"),
            ),
            (
                *("order:o2", order, "ben", NOON, "l2", "DE", "AT", "AT"),
                *(money("123456789012.000001"), money("100.5"), True, "a marketplace"),
            ),
            ("upload:l1", upload, "anna", NOON, "l1", "DE", None, "DE", money(0), money(0), True, "a marketplace"),
            ("upload:l2", upload, "anna", NOON, "l2", "DE", None, "DE", money(0), money(0), False, "a marketplace"),
        ],
    ]


def test_the_first_is_the_first_of_its_type_and_user(spark):
    listings, orders = frames(
        spark,
        [("l1", "anna", "DE", NOON, Decimal(1)), ("l2", "ben", "DE", LATER, Decimal(1))],
        [
            ("o1", "l1", "anna", "DE", LATER, Decimal(1), Decimal(0)),
            ("o2", "l2", "anna", "DE", NOON, Decimal(1), Decimal(0)),
        ],
    )
    found = {row["conversion_id"]: row["is_first"] for row in conversions(listings, orders, "test").collect()}
    assert found == {"upload:l1": True, "upload:l2": True, "order:o1": False, "order:o2": True}


def test_an_order_of_an_unknown_listing_is_not_lost_but_has_no_origin_and_the_write_refuses_it(spark, warehouse):
    listings, orders = frames(
        spark,
        [("l1", "anna", "DE", NOON, Decimal(1))],
        [("o1", "l9", "ben", "FR", NOON, Decimal(1), Decimal(0))],
    )
    rows = {row["conversion_id"]: row for row in conversions(listings, orders, "test").collect()}
    assert sorted(rows) == ["order:o1", "upload:l1"]
    assert rows["order:o1"]["origin_country"] is None
    with pytest.raises(TableError, match=r"il\.conversions: .*origin_country"):
        warehouse.replace(CONVERSIONS, conversions(listings, orders, "test"))
