from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pma.embeddings.area import area_block, area_layout
from pma.embeddings.settings import AreaSettings

D1, D2 = date(2017, 6, 1), date(2017, 7, 1)
PREFERRED = "customer_id string, as_of_date date, store_id string, visits bigint"
CUSTOMERS = "customer_id string, age string, kids string"
LAYOUT = (("age", ("old", "young", "(missing)")), ("kids", ("yes", "(missing)")))


def block(spark, households, customers, layout=LAYOUT, pseudo=2.0):
    preferred = spark.createDataFrame([(*household, 1) for household in households], PREFERRED)
    known = spark.createDataFrame(customers, CUSTOMERS)
    rows = area_block(preferred, known, layout, AreaSettings(pseudo_households=pseudo)).collect()
    return {(row.customer_id, row.as_of_date): list(row.vector) for row in rows}


def test_the_layout_is_columns_in_order_and_levels_sorted_with_missing_last(spark):
    frame = spark.createDataFrame([("a", "young", None), ("b", "old", "yes"), ("c", "young", None)], CUSTOMERS)
    assert area_layout(frame) == LAYOUT


def test_a_table_without_demographics_is_an_error_that_names_it(spark):
    with pytest.raises(ValueError, match=r"il\.customers has no demographic column"):
        area_layout(spark.createDataFrame([("a",)], "customer_id string"))


def test_shrinkage_and_leaving_the_customer_out_by_hand(spark):
    """Store s: a old, b young, d unknown. Store t: e old. Kids: only b says yes. k = 2, N = 3."""
    households = [("a", D1, "s"), ("b", D1, "s"), ("d", D1, "s"), ("e", D1, "t")]
    customers = [("a", "old", None), ("b", "young", "yes"), ("d", None, None), ("e", "old", None)]
    got = block(spark, households, customers)
    # a: others b, e. overall = (1, 1, 0) + 1/3 over 3; area = b alone: (0, 1, 0) + 2 x overall, over 3.
    assert got["a", D1] == pytest.approx(
        [(2 * 4 / 9) / 3, (1 + 2 * 4 / 9) / 3, (2 * 1 / 9) / 3, (1 + 2 * 1.5 / 3) / 3, (2 * 1.5 / 3) / 3]
    )
    # b: others a, e, both old with kids missing; area = a alone.
    assert got["b", D1] == pytest.approx(
        [(1 + 2 * 7 / 9) / 3, (2 * 1 / 9) / 3, (2 * 1 / 9) / 3, (2 * 0.5 / 3) / 3, (1 + 2 * 2.5 / 3) / 3]
    )
    # d is unknown: nothing is taken off; area = a and b, overall = a, b, e.
    assert got["d", D1] == pytest.approx(
        [(1 + 2 * 7 / 12) / 4, (1 + 2 * 4 / 12) / 4, (2 * 1 / 12) / 4, (1 + 2 * 1.5 / 4) / 4, (1 + 2 * 2.5 / 4) / 4]
    )
    # e is alone at t: the overall distribution of a and b.
    assert got["e", D1] == pytest.approx([4 / 9, 4 / 9, 1 / 9, 1.5 / 3, 1.5 / 3])


def test_own_demographics_never_enter_ones_own_vector(spark):
    households = [("a", D1, "s"), ("b", D1, "s"), ("c", D1, "t")]
    others = [("b", "young", "yes"), ("c", "old", None)]
    old, young = (block(spark, households, [("a", age, "yes"), *others])["a", D1] for age in ("old", "young"))
    unknown = block(spark, households, [("a", None, None), *others])["a", D1]
    assert old == young == unknown


def test_a_household_counts_only_from_the_date_on_which_it_has_bought(spark):
    customers = [("a", "old", None), ("b", "young", None)]
    got = block(spark, [("a", D1, "s"), ("a", D2, "s"), ("b", D2, "s")], customers)
    assert got["a", D1] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1 / 2, 1 / 2])
    assert got["a", D2] == pytest.approx([(1 / 3) / 3, (1 + 4 / 3) / 3, (1 / 3) / 3, (1 / 2) / 3, (1 + 3 / 2) / 3])


def test_a_level_that_the_layout_has_not_seen_counts_as_missing(spark):
    households = [("a", D1, "s"), ("b", D1, "s")]
    new = block(spark, households, [("a", "old", "yes"), ("b", "ancient", "yes")])
    missing = block(spark, households, [("a", "old", "yes"), ("b", None, "yes")])
    assert new["a", D1] == missing["a", D1]


def test_nobody_known_gives_even_distributions(spark):
    assert block(spark, [("a", D1, "s")], [("a", None, None)])["a", D1] == pytest.approx([1 / 3] * 3 + [1 / 2] * 2)


HOUSEHOLDS = st.lists(
    st.tuples(
        st.sampled_from([D1, D2]),
        st.sampled_from(["s", "t", "u"]),
        st.sampled_from(["old", "young", "ancient", None]),
        st.sampled_from(["yes", None]),
    ),
    min_size=1,
    max_size=12,
)


@given(rows=HOUSEHOLDS, pseudo=st.floats(0.01, 1000))
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_distribution_is_positive_and_sums_to_one(spark, rows, pseudo):
    households = [(f"c{n}", day, store) for n, (day, store, _, _) in enumerate(rows)]
    customers = [(f"c{n}", age, kids) for n, (_, _, age, kids) in enumerate(rows)]
    got = block(spark, households, customers, pseudo=pseudo)
    assert set(got) == {(customer, day) for customer, day, _ in households}
    for vector in got.values():
        assert min(vector) > 0
        assert sum(vector[:3]) == pytest.approx(1, abs=1e-5)
        assert sum(vector[3:]) == pytest.approx(1, abs=1e-5)
