from datetime import date, datetime
from math import log

import numpy as np
import pytest

from pma.embeddings.history import history
from pma.embeddings.receipts import fit_receipt_words, last_baskets, receipt_block
from pma.embeddings.settings import ReceiptSettings, Word2VecSettings
from pma.embeddings.text import WordRules

PURCHASES = "customer_id string, basket_id string, product_id string, purchased_at timestamp"
PRODUCTS = "product_id string, description string"
WORDS = "word string, vector array<float>, weight double"
RULES = WordRules(version=1, units=("oz",), empty=("and",), abbreviations={"frzn": "frozen"})
D1, D2 = date(2017, 6, 1), date(2017, 7, 1)
TWO = ReceiptSettings(encoder="wordllama", word2vec=Word2VecSettings(vector_size=2))


def purchases_of(spark, *lines):
    """customer, basket, product, day, hour of May 2017; a day past 31 is in June."""
    rows = [(c, b, p, datetime(2017, 5 + day // 32, day % 32 + day // 32, hour)) for c, b, p, day, hour in lines]
    return spark.createDataFrame(rows, PURCHASES)


def baskets(frame):
    rows = last_baskets(frame, 3).collect()
    return sorted((r.customer_id, r.as_of_date, r.place, r.basket_id) for r in rows)


def test_last_baskets_go_by_the_latest_line_and_then_by_the_larger_id(spark):
    lines = [("a", "b1", "p", 9, 1), ("a", "b1", "q", 9, 5), ("a", "b2", "p", 9, 4), ("a", "b3", "p", 2, 1)]
    lines += [("a", "b4", "p", 2, 1), ("a", "b0", "p", 1, 1), ("z", "b9", "p", 1, 1)]
    got = baskets(history(purchases_of(spark, *lines), [D1]))
    assert got == [("a", D1, 1, "b1"), ("a", D1, 2, "b2"), ("a", D1, 3, "b4"), ("z", D1, 1, "b9")]


def test_baskets_after_the_date_are_not_among_the_last(spark):
    frame = history(purchases_of(spark, ("a", "b1", "p", 9, 1), ("a", "b2", "p", 33, 1)), [D1, D2])
    assert baskets(frame) == [("a", D1, 1, "b1"), ("a", D2, 1, "b2"), ("a", D2, 2, "b1")]


@pytest.fixture(scope="module")
def shop(spark):
    """Descriptions: p1 red (twice as heavy) and blue; p2 red; p3 has no known word; p4 no description."""
    descriptions = [("p1", "RED and BLUE 8 OZ"), ("p2", "RED"), ("p3", "GREEN 2 OZ"), ("p4", None)]
    products = spark.createDataFrame(descriptions, PRODUCTS)
    return products, spark.createDataFrame([("red", [1.0, 0.0], 2.0), ("blue", [0.0, 1.0], 1.0)], WORDS)


def block(spark, shop, *lines, dates=(D1,)):
    products, word_table = shop
    frame = receipt_block(history(purchases_of(spark, *lines), dates), products, word_table, TWO, RULES)
    return {(row.customer_id, row.as_of_date): list(row.vector) for row in frame.collect()}


def test_a_line_is_the_weighted_mean_of_its_words_and_a_customer_the_mean_of_his_lines(spark, shop):
    lines = [("a", "b1", "p1", 1, 1), ("a", "b1", "p2", 1, 1), ("a", "b2", "p3", 2, 1), ("a", "b3", "p4", 3, 1)]
    lines += [("b", "b5", "p1", 1, 1), ("c", "b6", "p3", 1, 1)]
    got = block(spark, shop, *lines)
    assert set(got) == {("a", D1), ("b", D1)}  # c bought nothing that has a known word
    assert got["b", D1] == pytest.approx([2 / 3, 1 / 3])
    assert got["a", D1] == pytest.approx([(2 / 3 + 1) / 2, (1 / 3) / 2])


def test_the_fourth_last_basket_and_later_purchases_change_nothing(spark, shop):
    kept = [("a", f"b{n}", "p1", 10 + n, 1) for n in range(3)]
    base = block(spark, shop, *kept)
    assert block(spark, shop, *kept, ("a", "old", "p2", 1, 1), ("a", "new", "p2", 33, 1)) == base


def test_word_weights_are_inverse_document_frequencies_before_the_date(spark):
    products = spark.createDataFrame([("p1", "RED FRZN"), ("p2", "RED and RED"), ("p3", "BLUE")], PRODUCTS)
    lines = [("a", "b1", "p1", 1, 1), ("a", "b1", "p2", 1, 1), ("b", "b2", "p2", 1, 1), ("b", "b3", "p3", 33, 1)]
    settings = ReceiptSettings(encoder="wordllama", word2vec=Word2VecSettings(vector_size=64))
    rows = {r.word: r for r in fit_receipt_words(purchases_of(spark, *lines), products, D1, settings, RULES).collect()}
    assert {word: row.weight for word, row in rows.items()} == pytest.approx(
        {"red": log(3 / 3), "frozen": log(3 / 2), "blue": log(3 / 1)}
    )
    assert all(np.linalg.norm(row.vector) == pytest.approx(1, abs=1e-6) for row in rows.values())


def test_word2vec_puts_words_of_like_baskets_nearer_and_repeats_itself(spark):
    aisles = [("milk", "eggs", "bread", "jam"), ("nails", "paint", "hammer", "screws")]
    products = spark.createDataFrame([(word, word.upper()) for aisle in aisles for word in aisle], PRODUCTS)
    lines = [
        ("a", f"b{n}", word, 1 + n % 28, 1)
        for n in range(240)
        for word in aisles[n % 2]
        if word != aisles[n % 2][n // 2 % 4]
    ]
    learn = Word2VecSettings(vector_size=8, max_iter=10, copies=1, min_count=1, sample=0.0)
    settings = ReceiptSettings(encoder="word2vec", word2vec=learn)

    def fit():
        rows = fit_receipt_words(purchases_of(spark, *lines), products, D1, settings, RULES).collect()
        return {row.word: np.array(row.vector) / np.linalg.norm(row.vector) for row in rows}

    v, again = fit(), fit()
    assert set(v) == {word for aisle in aisles for word in aisle}
    near = [v[a] @ v[b] for aisle in aisles for a in aisle for b in aisle if a < b]
    far = [v[a] @ v[b] for a in aisles[0] for b in aisles[1]]
    assert np.mean(near) > np.mean(far) + 0.2
    assert {word: x.tolist() for word, x in v.items()} == {word: x.tolist() for word, x in again.items()}
