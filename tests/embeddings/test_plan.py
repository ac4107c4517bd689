"""Which model, trained before which date, for which dates."""

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from pma.embeddings.plan import make_plan
from pma.settings import load
from pma.sources.tables import CUSTOMERS, PRODUCTS, PURCHASES, STORES
from pma.tables import TableError
from tests.conftest import REPOSITORY

AS_OF = ("2017-06-01", "2017-07-01")


def settings(*overrides):
    return load(overrides=[f"as_of=[{', '.join(AS_OF)}]", f"rules={REPOSITORY}/conf/rules", *overrides])


def line(customer, basket, day):
    at = datetime(2017, *day, 12, tzinfo=UTC)
    return (customer, basket, "milk", "s1", at, 1.0, 2.0, 0.0)


FIRST, MAY, JUNE = line("ann", "b1", (1, 10)), line("ann", "b2", (5, 31)), line("bob", "b3", (6, 1))


@pytest.fixture
def shop(spark, warehouse):
    warehouse.replace(PRODUCTS, spark.createDataFrame([("milk", *[None] * 5)], PRODUCTS.schema))
    warehouse.replace(STORES, spark.createDataFrame([("s1", "Ohio", False)], STORES.schema))
    warehouse.replace(CUSTOMERS, spark.createDataFrame([(n, *[None] * 7) for n in ("ann", "bob")], CUSTOMERS.schema))

    def fill(*lines):
        warehouse.replace(PURCHASES, spark.createDataFrame(lines, PURCHASES.schema))
        return warehouse

    return fill


def test_the_model_is_that_of_the_rows_before_its_date_whatever_came_later(shop):
    version = make_plan(shop(FIRST, MAY), settings()).model_version
    assert version.startswith("20170601-")
    assert make_plan(shop(FIRST, MAY, JUNE), settings()).model_version == version
    assert make_plan(shop(FIRST), settings()).model_version != version
    assert make_plan(shop(FIRST, MAY), settings("embeddings.products.top=7")).model_version != version
    assert make_plan(shop(FIRST, MAY), settings("embeddings.penetration.bootstrap=7")).model_version == version


def test_without_dates_it_is_the_day_after_the_last_purchase_and_those_that_its_measures_need(shop):
    tables = shop(FIRST, line("bob", "b4", (11, 30)))
    newest, four_weeks = date(2017, 12, 1), timedelta(weeks=4)
    assert make_plan(tables, settings("as_of=[]")).as_of_dates == tuple(
        newest - n * four_weeks for n in (4, 3, 2, 1, 0)
    )
    kept = settings("as_of=[]", "embeddings.trained_as_of=2017-10-15")
    assert make_plan(tables, kept).as_of_dates == (newest - four_weeks, newest)
    # A date needs training_min_days of purchases before it.
    assert make_plan(shop(FIRST, line("bob", "b4", (3, 20))), settings("as_of=[]")).as_of_dates == (date(2017, 3, 21),)


def test_how_the_work_is_laid_out_makes_no_other_model(shop):
    version = make_plan(shop(FIRST, MAY), settings()).model_version
    for setting in ("features.lines_per_task=9", "autoencoder.start_timeout=9", "next_item.k=7"):
        assert make_plan(shop(FIRST, MAY), settings(f"embeddings.{setting}")).model_version == version


def test_metrics_that_were_measured_with_other_settings_are_refused_with_the_fix(spark, shop):
    plan = make_plan(shop(FIRST, MAY), settings())
    other = make_plan(shop(FIRST, MAY), settings("embeddings.features.windows_days=[7]"))
    given = [("ann", day, plan.measured_with) for day in plan.feature_dates]
    rows = spark.createDataFrame(given, "customer_id string, as_of_date date, measured_with string")
    assert plan.measured(rows).count() == len(given)
    with pytest.raises(TableError, match=r"st_il\.customer_features: no row .*Fix: run jobs/features\.py"):
        other.measured(rows)
    with pytest.raises(TableError, match=r"st_il\.customer_features: no row of 2017-07-01 was measured"):
        plan.measured(rows.where("as_of_date <> '2017-07-01'"))


def test_days_are_those_of_utc_whatever_the_zone_of_the_machine(shop, monkeypatch):
    midnight = ("ann", "b2", "milk", "s1", datetime(2017, 6, 30, 1, tzinfo=UTC), 1.0, 2.0, 0.0)
    tables = shop(FIRST, midnight)
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert make_plan(tables, settings("as_of=[]")).as_of_dates[-1] == date(2017, 7, 1)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_a_date_that_the_purchases_do_not_reach_is_warned_of(shop, caplog):
    make_plan(shop(FIRST, MAY, JUNE), settings())
    assert "il.purchases: ends on 2017-06-01, before as_of 2017-07-01: vectors are written once" in caplog.text


def test_a_missing_file_of_rules_is_named_with_the_setting(shop, tmp_path):
    with pytest.raises(TableError, match=r"no .*receipt_words\.yml, .*Fix: set `rules`"):
        make_plan(shop(FIRST, MAY), settings(f"rules={tmp_path}"))


def test_training_dates_roll_back_from_the_first_date_as_far_as_there_is_history(shop):
    plan = make_plan(shop(FIRST, MAY), settings())
    assert plan.trained_as_of == date(2017, 6, 1)
    assert plan.training_dates == (date(2017, 3, 9), date(2017, 4, 6), date(2017, 5, 4), date(2017, 6, 1))
    assert plan.as_of_dates == (date(2017, 6, 1), date(2017, 7, 1))


def test_a_model_that_would_have_seen_the_future_is_refused(shop):
    with pytest.raises(TableError, match=r"as_of 2017-06-01 lies before embeddings\.trained_as_of 2017-06-02"):
        make_plan(shop(FIRST, MAY), settings("embeddings.trained_as_of=2017-06-02"))
