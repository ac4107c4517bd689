from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pma.embeddings.repository import Whitening, concatenate, encode, fit_whitening, layout, people
from pma.embeddings.settings import RepositorySettings

SETTINGS = RepositorySettings(weights={"purchases": 1.0, "store": 0.5}, whitening_floor=0.0)
BLOCKS = "customer_id string, as_of_date date, block string, vector array<float>"
DAY = date(2017, 6, 1)


def correlated(rows, seed=1):
    base = np.random.default_rng(seed).standard_normal((rows, 2))
    return (base @ np.array([[10.0, 9.0], [0.0, 1.0]])).astype(np.float32)


def whitened(spark, vectors, settings=SETTINGS):
    rows = [(str(i), DAY, "purchases", row.tolist()) for i, row in enumerate(vectors)]
    (whitening,) = fit_whitening(spark.createDataFrame(rows, BLOCKS), settings)
    return whitening, (vectors.astype(float) - whitening.mean) @ whitening.matrix


def test_whitened_vectors_are_uncorrelated_of_equal_variance_and_of_mean_length_one(spark):
    _, white = whitened(spark, correlated(400))
    np.testing.assert_allclose(np.cov(white.T), np.eye(2) / 2, atol=1e-5)
    assert np.mean((white**2).sum(axis=1)) == pytest.approx(1.0, rel=0.01)


def test_the_floor_keeps_part_of_the_order_of_the_variances(spark):
    softly = SETTINGS.model_copy(update={"whitening_floor": 1.0})
    _, white = whitened(spark, correlated(400), softly)
    first, second = np.var(white, axis=0)
    assert first > 10 * second
    assert np.mean((white**2).sum(axis=1)) == pytest.approx(1.0, rel=0.01)


def test_a_direction_without_variance_is_left_out(spark):
    rows = [(str(i), DAY, "purchases", [float(i), 5.0, float(-i)]) for i in range(9)]
    (whitening,) = fit_whitening(spark.createDataFrame(rows, BLOCKS), SETTINGS)
    assert whitening.length == 1


def test_a_single_customer_gives_a_zero_and_no_error(spark):
    rows = spark.createDataFrame([("a", DAY, "purchases", [1.0, 2.0])], BLOCKS)
    whitenings = fit_whitening(rows, SETTINGS)
    assert concatenate([{"purchases": [1.0, 2.0]}], whitenings).tolist() == [[0.0]]


def identity(block, length, weight):
    return Whitening(block, np.zeros(length), np.eye(length), weight)


def test_blocks_stand_side_by_side_at_their_weight():
    whitenings = [identity("purchases", 2, 1.0), identity("store", 2, 0.5)]
    rows = concatenate([{"purchases": [3.0, 4.0], "store": [0.0, 9.0]}, {"store": [2.0, 0.0]}, None], whitenings)
    np.testing.assert_allclose(rows, [[3.0, 4.0, 0.0, 4.5], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]], atol=1e-7)
    assert rows.dtype == np.float32
    assert layout(whitenings) == [("purchases", 0, 2), ("store", 2, 2)]


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=3, max_size=3), st.floats(0.1, 10))
def test_a_block_grows_with_the_customer_and_with_its_weight(vector, scale):
    whitening = identity("purchases", 3, 0.7)
    first, second = concatenate([{"purchases": vector}, {"purchases": [v * scale for v in vector]}], [whitening])
    np.testing.assert_allclose(first, 0.7 * np.asarray(vector), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(second, first * scale, rtol=1e-4, atol=1e-4)


def test_every_customer_gets_a_row_and_those_without_history_say_so(spark):
    lines = [("c1", "b1", datetime(2017, 5, 1)), ("c1", "b1", datetime(2017, 5, 1)), ("c2", "b2", datetime(2017, 6, 1))]
    purchases = spark.createDataFrame(lines, "customer_id string, basket_id string, purchased_at timestamp")
    customers = spark.createDataFrame([("c1",), ("c2",), ("c3",)], "customer_id string")
    everyone = people(customers, purchases, [DAY])
    blocks = spark.createDataFrame([("c1", DAY, "purchases", [3.0, 4.0])], BLOCKS)
    rows = encode(everyone, blocks, [identity("purchases", 2, 1.0)]).collect()
    found = {
        r["customer_id"]: (np.round(r["embedding"], 4).tolist(), r["baskets_seen"], r["has_history"]) for r in rows
    }
    assert found == {"c1": ([3.0, 4.0], 1, True), "c2": ([0.0, 0.0], 0, False), "c3": ([0.0, 0.0], 0, False)}
