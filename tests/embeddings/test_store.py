from datetime import date, datetime

import numpy as np
import pytest

from pma.embeddings.history import history
from pma.embeddings.settings import StoreSettings
from pma.embeddings.store import OTHER, count_lines, fit_store_vectors, preferred_store, store_block

PURCHASES = (
    "customer_id string, basket_id string, product_id string, store_id string, purchased_at timestamp, "
    "quantity double, spend double, discount double"
)
PRODUCTS = "product_id string, department string, category string, type string, brand string, description string"
SETTINGS = StoreSettings(vector_size=4, min_baskets=5, shrinkage=10.0, max_epochs=40)
JUNE, JULY = date(2017, 6, 1), date(2017, 7, 1)


def line(customer, basket, store, day, product="milk", hour=12):
    return (customer, basket, product, store, datetime(2017, 5, day, hour), 1.0, 2.0, 0.0)


def purchases_of(spark, *lines):
    return spark.createDataFrame(list(lines), PURCHASES)


def preferred(spark, *lines, dates=(JUNE,)):
    rows = preferred_store(history(purchases_of(spark, *lines), dates)).collect()
    return {(r.customer_id, r.as_of_date): (r.store_id, r.visits) for r in rows}


def test_a_visit_is_a_basket_not_a_line(spark):
    lines = [line("a", "b1", "big", 1, product) for product in ("milk", "eggs", "beer")]
    lines += [line("a", "b2", "near", 2), line("a", "b3", "near", 3)]
    assert preferred(spark, *lines) == {("a", JUNE): ("near", 2)}


def test_of_equal_visits_the_later_last_visit_wins(spark):
    lines = [line("a", "b1", "s1", 1), line("a", "b2", "s2", 2), line("a", "b3", "s1", 3), line("a", "b4", "s2", 2)]
    assert preferred(spark, *lines) == {("a", JUNE): ("s1", 2)}


def test_of_equal_visits_at_one_moment_the_smaller_store_id_wins(spark):
    assert preferred(spark, line("a", "b1", "s2", 1), line("a", "b2", "s1", 1)) == {("a", JUNE): ("s1", 1)}


def test_lines_without_a_store_are_no_visits_and_a_customer_without_a_store_has_no_row(spark):
    lines = [line("a", "b1", None, 1), line("a", "b2", None, 2), line("a", "b3", "s1", 1), line("b", "b4", None, 1)]
    assert preferred(spark, *lines) == {("a", JUNE): ("s1", 1)}


def test_the_store_preferred_at_a_date_ignores_what_comes_later(spark):
    early = [line("a", "b1", "s1", 1), line("a", "b2", "s1", 2)]
    late = [("a", f"c{n}", "milk", "s2", datetime(2017, 6, n + 1), 1.0, 2.0, 0.0) for n in range(5)]
    assert preferred(spark, *early, *late, dates=(JUNE, JULY)) == {("a", JUNE): ("s1", 2), ("a", JULY): ("s2", 5)}


@pytest.fixture(scope="module")
def town(spark):
    """Stores f1, f2 sell flowers, m1, m2 sell meat, 40 baskets each; tiny sells one basket of meat."""
    share = {"f1": 0.9, "f2": 0.9, "m1": 0.1, "m2": 0.1}
    rng = np.random.default_rng(3)
    lines = [
        line(f"c{n % 7}", f"{store}-{n}", store, 1 + n % 28, f"{kind}{product}")
        for store, flowers in share.items()
        for n in range(40)
        for product in range(4)
        for kind in ["flower" if rng.random() < flowers else "meat"]
    ]
    products = [
        (f"{kind}{n}", "shop", kind, f"{kind} {n}", None, None) for kind in ("flower", "meat") for n in range(4)
    ]
    purchases = purchases_of(spark, *lines, line("c1", "t1", "tiny", 3, "meat0"))
    return purchases, spark.createDataFrame(products, PRODUCTS)


@pytest.fixture(scope="module")
def town_vectors(town):
    return fit_store_vectors(*town, JUNE, SETTINGS)


def vectors_of(frame):
    return {row.store_id: np.array(row.vector) for row in frame.collect()}


def test_counts_keep_every_line_in_train_or_held_out_and_pool_rare_stores_in_row_zero(town):
    counts = count_lines(*town, JUNE, SETTINGS)
    both = (counts.train + counts.valid).toarray()
    assert counts.stores == (OTHER, "f1", "f2", "m1", "m2")
    assert both.sum(axis=1).tolist() == [1, 160, 160, 160, 160]
    assert both[0].tolist() == [1.0 if item == "meat 0" else 0.0 for item in counts.items]
    assert 0 < counts.valid.sum() < counts.train.sum()


def test_a_product_without_type_counts_under_its_category_and_an_unknown_one_as_missing(spark):
    lines = [line("a", "b1", "s1", 1, "p1"), line("a", "b1", "s1", 1, "p2"), line("a", "b1", "s1", 1, "gone")]
    products = spark.createDataFrame(
        [("p1", "dairy", "milk", None, None, None), ("p2", "dairy", "milk", "skim", None, None)], PRODUCTS
    )
    counts = count_lines(purchases_of(spark, *lines), products, JUNE, SETTINGS)
    assert counts.items == ("(missing)", "milk", "skim")
    assert (counts.train + counts.valid).toarray().tolist() == [[1.0, 1.0, 1.0]]


def test_every_store_has_a_vector_and_says_whether_it_is_its_own(town_vectors):
    rows = {row.store_id: (row.baskets, row.source, len(row.vector)) for row in town_vectors.collect()}
    trained = dict.fromkeys(("f1", "f2", "m1", "m2"), (40, "trained", 4))
    assert rows == {OTHER: (1, "other", 4), "tiny": (1, "other", 4), **trained}


def test_stores_that_sell_the_same_things_are_nearer(town_vectors):
    v = vectors_of(town_vectors)
    within = max(np.linalg.norm(v["f1"] - v["f2"]), np.linalg.norm(v["m1"] - v["m2"]))
    across = min(np.linalg.norm(v[f] - v[m]) for f in ("f1", "f2") for m in ("m1", "m2"))
    assert within < across / 2


def test_a_rare_store_shares_the_vector_of_other_which_stays_near_the_mean(town_vectors):
    v = vectors_of(town_vectors)
    assert v["tiny"].tolist() == v[OTHER].tolist()
    assert np.linalg.norm(v[OTHER]) < 0.3 * min(np.linalg.norm(v[store]) for store in ("f1", "f2", "m1", "m2"))


def test_equal_seeds_give_equal_vectors_bit_for_bit(town, town_vectors):
    again = vectors_of(fit_store_vectors(*town, JUNE, SETTINGS))
    assert {s: x.tolist() for s, x in again.items()} == {s: x.tolist() for s, x in vectors_of(town_vectors).items()}


def test_lines_on_or_after_the_training_date_change_no_vector(spark, town, town_vectors):
    purchases, products = town
    late = purchases_of(spark, *[("z", f"z{n}", "meat1", "f1", datetime(2017, 6, 1), 1.0, 1.0, 0.0) for n in range(50)])
    later = vectors_of(fit_store_vectors(purchases.unionByName(late), products, JUNE, SETTINGS))
    assert {s: x.tolist() for s, x in later.items()} == {s: x.tolist() for s, x in vectors_of(town_vectors).items()}


def test_no_line_before_the_training_date_is_an_error_that_names_table_and_fix(town):
    with pytest.raises(
        ValueError, match=r"il\.purchases has no line .* before trained_as_of 2016-01-01: choose a later"
    ):
        fit_store_vectors(*town, date(2016, 1, 1), SETTINGS)


def test_the_block_gives_own_vector_shared_vector_and_the_one_for_a_store_never_seen(spark):
    stores = spark.createDataFrame(
        [(OTHER, [0.5, 0.5], 3, "other"), ("s1", [1.0, 2.0], 30, "trained"), ("s2", [0.5, 0.5], 3, "other")],
        "store_id string, vector array<float>, baskets bigint, source string",
    )
    customers = spark.createDataFrame(
        [("a", JUNE, "s1", 4), ("b", JUNE, "s2", 1), ("c", JUNE, "new", 1)],
        "customer_id string, as_of_date date, store_id string, visits bigint",
    )
    rows = {(r.customer_id, r.as_of_date): list(r.vector) for r in store_block(customers, stores).collect()}
    assert rows == {("a", JUNE): [1.0, 2.0], ("b", JUNE): [0.5, 0.5], ("c", JUNE): [0.5, 0.5]}


def test_the_block_fails_without_the_shared_vector(spark):
    stores = spark.createDataFrame([("s1", [1.0])], "store_id string, vector array<float>")
    customers = spark.createDataFrame([("c", JUNE, "new")], "customer_id string, as_of_date date, store_id string")
    with pytest.raises(Exception, match=r"il\.store_vectors has no row \(other\)"):
        store_block(customers, stores).collect()
