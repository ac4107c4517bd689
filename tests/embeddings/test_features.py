from datetime import date, datetime

import pytest

from pma.embeddings.features import dictionary, feature_scales, measure, require_named, require_numbering
from pma.embeddings.settings import FeatureSettings
from pma.tables import TableError

SETTINGS = FeatureSettings(windows_days=(30, 90), min_customers=1)
PURCHASE = (
    "customer_id string, basket_id string, product_id string, store_id string, purchased_at timestamp, "
    "quantity double, spend double, discount double"
)
PRODUCT = "product_id string, department string, category string, type string, brand string, description string"
NAMES = (
    "feature_index int, name string, block string, level string, entity string, metric string, window_days int, "
    "meaning string"
)
AS_OF = date(2017, 6, 1)


def line(customer, basket, product, day, quantity=1.0, spend=2.0, discount=0.0, store="s1", hour=9):
    return (customer, basket, product, store, datetime(2017, *day, hour), quantity, spend, discount)


@pytest.fixture(scope="module")
def products(spark):
    rows = [("p1", "FOOD", "MILK", "WHOLE MILK", "Own", "MILK"), ("p2", "FOOD", "BREAD", "RYE", "Own", "RYE")]
    return spark.createDataFrame(rows, PRODUCT)


@pytest.fixture(scope="module")
def names(spark, products):
    stores = spark.createDataFrame([("s1",), ("s2",)], "store_id string")
    return dictionary(products, stores, SETTINGS, spark.createDataFrame([], NAMES)).persist()


def features(spark, products, names, lines, dates=(AS_OF,)):
    rows = measure(spark.createDataFrame(lines, PURCHASE), products, names, dates, SETTINGS).collect()
    name_of = {row["feature_index"]: row["name"] for row in names.collect()}
    return {
        (row["customer_id"], row["as_of_date"]): {
            name_of[i]: round(v, 4) for i, v in zip(row["indices"], row["values"], strict=True)
        }
        for row in rows
    }


def test_a_customer_is_measured_at_every_level_over_every_window(spark, products, names):
    lines = [
        line("c1", "b1", "p1", (5, 30), quantity=2.0, spend=3.0, discount=0.5),
        line("c1", "b1", "p2", (5, 30), spend=1.0),
        line("c1", "b2", "p1", (4, 1), spend=4.0),
    ]
    found = features(spark, products, names, lines)[("c1", AS_OF)]
    milk = {name.removeprefix("type/WHOLE MILK/"): value for name, value in found.items() if "/WHOLE MILK/" in name}
    assert milk == {
        "visits/30": 1,
        "visits/90": 2,
        "spend/30": 3,
        "spend/90": 7,
        "quantity/30": 2,
        "quantity/90": 3,
        "discount/30": 0.5,
        "discount/90": 0.5,
        "recency/90": 2,
    }
    total = {name.removeprefix("total/all/"): value for name, value in found.items() if name.startswith("total/")}
    assert (total["visits/30"], total["visits/90"], total["spend/90"], total["recency/90"]) == (1, 2, 8, 2)
    assert (total["basket_lines/30"], total["basket_lines/90"], total["basket_spend/90"]) == (2, 1.5, 4)
    assert (found["department/FOOD/visits/90"], found["store/s1/visits/90"], found["weekday/Tuesday/visits/30"]) == (
        2,
        2,
        1,
    )


def test_two_lines_of_one_receipt_are_one_visit(spark, products, names):
    lines = [line("c1", "b1", "p1", (5, 30)), line("c1", "b1", "p2", (5, 30))]
    found = features(spark, products, names, lines)[("c1", AS_OF)]
    assert (found["total/all/visits/30"], found["category/MILK/visits/30"]) == (1, 1)


def test_nothing_bought_on_or_after_the_date_counts(spark, products, names):
    before = [line("c1", "b1", "p1", (5, 30))]
    after = [line("c1", "b2", "p1", (6, 1), hour=0), line("c2", "b3", "p2", (6, 2))]
    assert features(spark, products, names, before + after) == features(spark, products, names, before)


def test_a_purchase_older_than_the_longest_window_gives_no_row(spark, products, names):
    assert features(spark, products, names, [line("c1", "b1", "p1", (2, 1))]) == {}


def test_each_date_is_measured_as_if_alone(spark, products, names):
    lines = [line("c1", "b1", "p1", (4, 20)), line("c1", "b2", "p1", (5, 30))]
    both = features(spark, products, names, lines, (date(2017, 5, 1), AS_OF))
    alone = {**features(spark, products, names, lines, (date(2017, 5, 1),)), **features(spark, products, names, lines)}
    assert both == alone


def test_an_index_once_given_is_kept_when_products_are_added(spark, products, names):
    more = products.union(spark.createDataFrame([("p3", "AAA", "AAA", "AAA", "Own", "AAA")], PRODUCT))
    stores = spark.createDataFrame([("s1",), ("s2",)], "store_id string")
    old = {row["feature_index"]: row["name"] for row in names.collect()}
    new = {row["feature_index"]: row["name"] for row in dictionary(more, stores, SETTINGS, names).collect()}
    assert {index: new[index] for index in old} == old
    assert sorted(new) == list(range(len(new)))
    assert {name.split("/")[1] for index, name in new.items() if index not in old} == {"AAA"}


def test_the_scale_is_the_interquartile_range_of_the_logs_and_rare_features_are_left_out(spark):
    rows = [
        (str(i), AS_OF, [0, 1] if i == 0 else [0], [float(v), 1.0] if i == 0 else [float(v)])
        for i, v in enumerate((1, 3, 7, 15, 31))
    ]
    given = spark.createDataFrame(rows, "customer_id string, as_of_date date, indices array<int>, values array<float>")
    found = feature_scales(given, FeatureSettings(min_customers=2)).collect()
    # log1p of 1, 3, 7, 15, 31 is 1 to 5 times ln 2: median 3, quartiles 2 and 4.
    ln2 = 0.6931471805599453
    assert [
        (r["feature_index"], r["customers"], round(r["center"] / ln2, 6), round(r["scale"] / ln2, 6)) for r in found
    ] == [(0, 5, 3, 2)]


def test_names_that_another_run_has_numbered_meanwhile_are_refused(spark, names):
    require_named(names, names)
    with pytest.raises(TableError, match=r"st_il\.feature_dictionary: another run .*Fix: run again"):
        require_named(names, names.where("feature_index > 0"))


def test_a_model_that_learned_the_features_by_other_numbers_is_refused_with_the_fix(spark, names):
    require_numbering(names, names.where("feature_index > 3"), "artifacts/m")
    renamed = names.selectExpr("feature_index", "IF(feature_index = 3, 'other', name) AS name")
    for stored in (renamed, names.where("feature_index <> 3")):
        with pytest.raises(TableError, match=r"st_il\.feature_dictionary: .* artifacts/m .*Fix: give this warehouse"):
            require_numbering(stored, names, "artifacts/m")
