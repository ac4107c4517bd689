from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from pma.marketing.weights import (
    decay,
    linear_share,
    one_share,
    part,
    position_share,
    proportional_share,
    rounded,
    weight,
)
from tests.marketing.journeys import decimals


def weigh(spark, most, **shares):
    """Weights by name and number of touches, of shares that are functions of touch and touches."""
    pairs = spark.sql(f"SELECT n, explode(sequence(1, n)) AS k FROM (SELECT explode(sequence(1, {most})) AS n)")
    pairs = pairs.selectExpr("int(k)", "int(n)")
    k, n = F.col("k"), F.col("n")
    columns = [weight(rounded(share(k - 1, n)), rounded(share(k, n))).alias(name) for name, share in shares.items()]
    found = {}
    for row in pairs.select("n", "k", *columns).orderBy("n", "k").collect():
        for name in shares:
            found.setdefault((name, row["n"]), []).append(row[name])
    return found


@pytest.fixture(scope="module")
def found(spark):
    return weigh(
        spark,
        5,
        linear=linear_share,
        first=lambda k, n: position_share(k, n, 1.0, 0.0),
        last=lambda k, n: position_share(k, n, 0.0, 1.0),
        u_shape=lambda k, n: position_share(k, n, 0.4, 0.4),
        unequal=lambda k, n: position_share(k, n, 0.3, 0.5),
        only_ends=lambda k, n: position_share(k, n, 0.9, 0.1),
        only_middle=lambda k, n: position_share(k, n, 0.0, 0.0),
        second=lambda k, n: one_share(k, n, F.lit(2)),
        none_chosen=lambda k, n: one_share(k, n, F.lit(None).cast("int")),
    )


HAND = [
    ("linear", ["1"], ["0.5", "0.5"], ["0.333333333333", "0.333333333334", "0.333333333333"]),
    ("first", ["1"], ["1", "0"], ["1", "0", "0"]),
    ("last", ["1"], ["0", "1"], ["0", "0", "1"]),
    (
        *("u_shape", ["1"], ["0.5", "0.5"], ["0.4", "0.2", "0.4"], ["0.4", "0.1", "0.1", "0.4"]),
        ["0.4", "0.066666666667", "0.066666666666", "0.066666666667", "0.4"],
    ),
    ("unequal", ["1"], ["0.375", "0.625"], ["0.3", "0.2", "0.5"], ["0.3", "0.1", "0.1", "0.5"]),
    ("only_ends", ["1"], ["0.9", "0.1"], ["0.9", "0", "0.1"], ["0.9", "0", "0", "0.1"]),
    ("only_middle", ["1"], ["0.5", "0.5"], ["0", "1", "0"], ["0", "0.5", "0.5", "0"]),
    ("none_chosen", ["1"], ["0", "1"], ["0", "0", "1"]),
]


@pytest.mark.parametrize(("name", "expected"), [(name, expected) for name, *expected in HAND])
def test_weights_by_hand(found, name, expected):
    for touches, texts in enumerate(expected, start=1):
        assert found[name, touches] == decimals(*texts)


def test_one_chosen_touch_has_all(found):
    assert found["second", 3] == decimals("0", "1", "0")


def test_any_weights_of_first_and_last_add_up_to_exactly_one_and_none_is_negative(spark):
    @settings(max_examples=4)
    @given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=20, max_size=20))
    def holds(ends):
        ends = [(a, b) if a + b <= 1 else (a / (a + b), b / (a + b)) for a, b in ends]
        shares = {
            f"{index}": lambda k, n, first=first, last=last: position_share(k, n, first, last)
            for index, (first, last) in enumerate(ends)
        }
        for (_, touches), mine in weigh(spark, 9, **shares).items():
            assert (sum(mine), len(mine)) == (1, touches)
            assert min(mine) >= 0

    holds()


def test_shares_of_sizes_are_in_proportion_and_all_zero_is_all_the_same(spark):
    rows = [(1, 3, 0.0, 1.0, 4.0), (2, 3, 1.0, 3.0, 4.0), (3, 3, 3.0, 4.0, 4.0)]
    rows += [(1, 2, None, 0.0, 0.0), (2, 2, 0.0, 0.0, 0.0)]
    frame = spark.createDataFrame(rows, "k int, n int, before double, upto double, total double")
    k, n, total = F.col("k"), F.col("n"), F.col("total")
    shares = [
        rounded(proportional_share(k - 1, n, F.col("before"), total)),
        rounded(proportional_share(k, n, F.col("upto"), total)),
    ]
    found = [row[0] for row in frame.select(weight(*shares), "n", "k").orderBy(F.desc("n"), "k").collect()]
    assert found == decimals("0.25", "0.5", "0.25", "0.5", "0.5")


def test_a_touch_is_worth_half_at_its_half_life(spark):
    ages = spark.createDataFrame([(0.0,), (7.0,), (14.0,), (1e9,)], "age double")
    assert [row[0] for row in ages.select(decay(F.col("age"), 7.0)).collect()] == [1.0, 0.5, 0.25, 0.0]


def test_any_value_is_divided_to_its_last_digit(spark):
    @settings(max_examples=4)
    @given(
        st.lists(
            st.tuples(
                st.decimals(0, Decimal("999999999999.999999"), places=6),
                st.lists(st.decimals(0, 1, places=12), max_size=5),
            ),
            min_size=20,
            max_size=40,
        )
    )
    def holds(cases):
        rows = [
            (index, value, before, upto)
            for index, (value, cuts) in enumerate(cases)
            for before, upto in pairwise([Decimal(0), *sorted(cuts), Decimal(1)])
        ]
        frame = spark.createDataFrame(rows, "id int, v decimal(18,6), b decimal(18,12), u decimal(18,12)")
        parts = {}
        for row in frame.select("id", part(F.col("v"), F.col("b"), F.col("u")).alias("part")).collect():
            parts.setdefault(row["id"], []).append(row["part"])
        for index, (value, _) in enumerate(cases):
            assert sum(parts[index]) == value
            assert min(parts[index]) >= 0

    holds()
