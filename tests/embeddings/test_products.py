"""Two worlds of products never bought together, four rare ones beside them, and the truth by hand."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from pma.embeddings.history import history
from pma.embeddings.products import baskets, nearest_products, product_vectors, top_products_block
from pma.embeddings.settings import ProductSettings, Word2VecSettings

AS_OF = date(2017, 6, 1)
LAST = datetime(2017, 5, 31, 23, 59, tzinfo=UTC)
SETTINGS = ProductSettings(word2vec=Word2VecSettings(vector_size=4, min_count=3, copies=8, max_iter=2), top=2)
LINE = (
    "customer_id string, basket_id string, product_id string, store_id string, purchased_at timestamp, "
    "quantity double, spend double, discount double"
)
PRODUCT = "product_id string, department string, category string, type string, brand string, description string"


def line(customer, basket, product, at=LAST, spend=1.0):
    return (customer, basket, product, "s1", at, 1.0, spend, 0.0)


def receipts():
    rng = np.random.default_rng(5)
    rows = []
    for i in range(60):
        world = "ab"[i % 2]
        for product in rng.choice(6, 3, replace=False):
            rows.append(line(f"c{i % 6}", f"t{i:02}", f"{world}{product}", LAST - timedelta(days=60 - i)))
    rare = [line("c0", "t00", product) for product in ("a-rare", "a-category", "a-department", "stranger", "unlisted")]
    return rows + rare


def catalogue(spark):
    worlds = [
        (f"{w}{i}", w.upper(), f"{w} cat {i // 3}", f"{w} type {i // 2}", None, None) for w in "ab" for i in range(6)
    ]
    rare = [
        ("a-rare", "A", "a cat 0", "a type 0", None, None),
        ("a-category", "A", "a cat 0", "unseen type", None, None),
        ("a-department", "A", None, None, None, None),
        ("stranger", "Z", "a cat 0", "a type 0", None, None),
        ("b-never", "B", "b cat 1", None, None, None),
    ]
    return spark.createDataFrame(worlds + rare, PRODUCT)


def rows_of(frame):
    return {row.product_id: (tuple(row.vector), row.source, row.purchases, row.idf) for row in frame.collect()}


@pytest.fixture(scope="module")
def fitted(spark):
    return product_vectors(spark.createDataFrame(receipts(), LINE), catalogue(spark), AS_OF, SETTINGS)


@pytest.fixture(scope="module")
def fitted_rows(fitted):
    return rows_of(fitted)


def test_neighbours_come_from_the_same_world(fitted):
    found = nearest_products(fitted, ["a0", "b5"], count=3).collect()
    assert [(row.product_id, row.rank) for row in sorted(found)] == [(p, r) for p in ("a0", "b5") for r in (1, 2, 3)]
    assert all(row.product_id[0] == row.neighbour_id[0] and row.product_id != row.neighbour_id for row in found)
    cosines = {p: [row.cosine for row in sorted(found) if row.product_id == p] for p in ("a0", "b5")}
    assert all(list(c) == sorted(c, reverse=True) and max(c) <= 1.0 + 1e-6 for c in cosines.values())


def test_rare_products_take_the_mean_of_the_nearest_known_level(fitted_rows):
    def mean(*products):
        weights = np.array([fitted_rows[p][2] for p in products])
        return pytest.approx(weights @ np.array([fitted_rows[p][0] for p in products]) / weights.sum(), abs=1e-6)

    everything = [f"{w}{i}" for w in "ab" for i in range(6)]
    fallback = {product: row for product, row in fitted_rows.items() if row[1] != "word2vec"}
    bought_by_one_of_six, by_none = pytest.approx(np.log(7 / 2)), pytest.approx(np.log(7))
    assert fallback == {
        "a-rare": (mean("a0", "a1"), "type", 1, bought_by_one_of_six),
        "a-category": (mean("a0", "a1", "a2"), "category", 1, bought_by_one_of_six),
        "a-department": (mean(*everything[:6]), "department", 1, bought_by_one_of_six),
        "b-never": (mean("b3", "b4", "b5"), "category", 0, by_none),
        "stranger": (mean(*everything), "global", 1, bought_by_one_of_six),
        "unlisted": (mean(*everything), "global", 1, bought_by_one_of_six),
    }
    assert {product for product, row in fitted_rows.items() if row[1] == "word2vec"} == set(everything)


def test_the_learned_vectors_are_centred(fitted_rows):
    learned = np.array([row[0] for row in fitted_rows.values() if row[1] == "word2vec"])
    assert learned.mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-6)
    assert np.linalg.norm(learned, axis=1).min() > 0.01


def test_purchases_from_as_of_on_change_nothing(spark, fitted_rows):
    midnight = datetime(2017, 6, 1, tzinfo=UTC)
    later = [
        line("c9", f"later{i}", product, midnight) for i in range(9) for product in ("a0", "b0", "stranger", "new")
    ]
    again = product_vectors(spark.createDataFrame(later + receipts(), LINE), catalogue(spark), AS_OF, SETTINGS)
    assert rows_of(again) == fitted_rows


def test_a_basket_is_a_set_of_what_was_bought_before_as_of(spark):
    rows = [
        line("c", "t1", "q"),
        line("c", "t1", "p"),
        line("c", "t2", "p"),
        line("c", "t3", "p", LAST + timedelta(minutes=1)),
    ]
    found = baskets(spark.createDataFrame(rows, LINE), AS_OF).collect()
    assert {row.sentence_id: row.words for row in found} == {"t1": ["p", "q"], "t2": ["p"]}


def test_the_top_products_are_pooled_by_recency_spend_and_rarity(spark):
    settings = SETTINGS.model_copy(update={"half_life_days": 10.0, "word2vec": Word2VecSettings(vector_size=2)})
    vectors = spark.createDataFrame(
        [("p", [1.0, 0.0], 2.0), ("q", [0.0, 1.0], 1.0), ("r", [5.0, 5.0], 0.1), ("everyone", [9.0, 9.0], 0.0)],
        "product_id string, vector array<float>, idf double",
    )
    ten_days_ago, yesterday = datetime(2017, 5, 22, 9, tzinfo=UTC), datetime(2017, 5, 31, 9, tzinfo=UTC)
    lines = [
        line("ann", "t1", "p", ten_days_ago, spend=3.0),
        line("ann", "t2", "q", ten_days_ago, spend=1.0),
        line("ann", "t3", "q", yesterday, spend=2.0),
        line("ann", "t3", "r", yesterday, spend=2.0),
        line("ann", "t3", "everyone", yesterday, spend=50.0),
        line("ann", "t3", "unknown", yesterday, spend=50.0),
        line("bob", "t4", "everyone", yesterday),
        line("eve", "t5", "p", yesterday, spend=-4.0),
    ]
    seen = history(spark.createDataFrame(lines, LINE), [AS_OF])
    # r is third of ann's and falls out of the two; what everyone buys, or was given back, has no weight.
    p, q = 0.5 * np.log1p(3.0) * 2.0, 2**-0.1 * np.log1p(3.0) * 1.0
    rows = top_products_block(seen, vectors, settings).collect()
    assert [(row.customer_id, row.as_of_date) for row in rows] == [("ann", AS_OF)]
    assert rows[0].vector == pytest.approx([p / (p + q), q / (p + q)], abs=1e-6)
