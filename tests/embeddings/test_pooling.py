"""Weighted means by hand, and what must not change them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from pma.embeddings.pooling import dot, heaviest, unit, weighted_mean

SCHEMA = "customer string, item string, weight double, vector array<float>"


def pooled(spark, rows, size=2):
    mean = weighted_mean(spark.createDataFrame(rows, SCHEMA), ["customer"], "item", size)
    return {row.customer: row.vector for row in mean.collect()}


def test_the_mean_is_weighted_by_hand(spark):
    rows = [
        ("ann", "p", 3.0, [1.0, 0.0]),
        ("ann", "q", 1.0, [0.0, 4.0]),
        ("ann", "no weight", 0.0, [9.0, 9.0]),
        ("bob", "p", 0.5, [1.0, -2.0]),
        ("eve", "p", 0.0, [1.0, -2.0]),
        ("eve", "q", None, [1.0, -2.0]),
    ]
    assert pooled(spark, rows) == {"ann": [0.75, 1.0], "bob": [1.0, -2.0]}


def test_the_heaviest_rows_win_and_equal_weights_go_by_name(spark):
    weights = [("ann", "c", 1.0), ("ann", "b", 1.0), ("ann", "a", 0.5), ("ann", "d", 2.0), ("bob", "z", 0.0)]
    kept = heaviest(
        spark.createDataFrame(weights, "customer string, item string, weight double"), ["customer"], "item", 2
    )
    assert sorted((row.customer, row.item, row.weight) for row in kept.collect()) == [
        ("ann", "b", 1.0),
        ("ann", "d", 2.0),
    ]


def test_unit_and_dot(spark):
    rows = spark.createDataFrame([([3.0, 4.0], [1.0, 2.0]), ([0.0, 0.0], [1.0, 1.0])], "x array<float>, y array<float>")
    found = rows.select(unit(F.col("x")).alias("unit"), dot(F.col("x"), F.col("y")).alias("dot")).collect()
    assert found[0].unit == pytest.approx([0.6, 0.8])
    assert (found[0].dot, found[1].unit, found[1].dot) == (11.0, [0.0, 0.0], 0.0)


quarters = st.integers(-20, 20).map(lambda n: n / 4)  # exact in single precision
entries = st.lists(st.tuples(st.integers(1, 40).map(lambda n: n / 4), quarters, quarters), min_size=1, max_size=6)


@settings(max_examples=10)
@given(entries, st.floats(0.125, 64), st.randoms(use_true_random=False))
def test_scaling_all_weights_or_mixing_the_rows_changes_nothing(spark, rows, scale, rng):
    plain = [("plain", f"i{i}", float(w), [float(x), float(y)]) for i, (w, x, y) in enumerate(rows)]
    scaled = [("scaled", item, w * scale, v) for _, item, w, v in plain]
    mixed = [("mixed", *row[1:]) for row in plain]
    rng.shuffle(mixed)
    means = pooled(spark, plain + scaled + mixed)
    weight = np.array([w for w, _, _ in rows])
    truth = weight @ np.array([[x, y] for _, x, y in rows]) / weight.sum()
    assert means["mixed"] == means["plain"]
    assert means["plain"] == pytest.approx(truth, abs=1e-5)
    assert means["scaled"] == pytest.approx(means["plain"], abs=1e-5)
