from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pma.embeddings.repository import concatenate, encode, layout, people, require_blocks, warn_of_kept
from pma.embeddings.settings import RepositorySettings
from pma.embeddings.whitening import Whitening, fit_whitening
from pma.tables import TableError

SETTINGS = RepositorySettings(weights={"purchases": 1.0, "store": 0.5}, whitening_floor=0.0)
BLOCKS = "customer_id string, as_of_date date, block string, vector array<float>"
DAY = date(2017, 6, 1)


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


def test_a_receipt_across_midnight_counts_once_it_has_ended(spark):
    lines = [("c1", "b1", datetime(2017, 5, 31, 23, 59)), ("c1", "b1", datetime(2017, 6, 1))]
    purchases = spark.createDataFrame(lines, "customer_id string, basket_id string, purchased_at timestamp")
    customers = spark.createDataFrame([("c1",)], "customer_id string")
    found = people(customers, purchases, [DAY, date(2017, 6, 2)]).orderBy("as_of_date").collect()
    assert [(str(r["as_of_date"]), r["baskets_seen"]) for r in found] == [("2017-06-01", 0), ("2017-06-02", 1)]


def test_a_block_that_lacks_a_date_is_refused_before_a_vector_is_written_without_it(spark):
    rows = [("c1", DAY, "purchases", [1.0]), ("c1", DAY, "store", [1.0]), ("c1", date(2017, 7, 1), "store", [1.0])]
    blocks = spark.createDataFrame(rows, BLOCKS)
    require_blocks(blocks, ["purchases", "store"], [DAY])
    with pytest.raises(
        TableError, match=r"st_il\.customer_blocks: no row of purchases at 2017-07-01\. Fix: run the jobs"
    ):
        require_blocks(blocks, ["purchases", "store"], [DAY, date(2017, 7, 1)])


def test_vectors_that_later_receipts_would_have_changed_are_counted_aloud(spark, caplog):
    ddl = "customer_id string, as_of_date date, model_version string, embedding array<float>"
    stored = spark.createDataFrame([("c1", DAY, "m", [1.0, 2.0]), ("c2", DAY, "m", [3.0, 4.0])], ddl)
    warn_of_kept(stored, stored)
    assert caplog.text == ""
    warn_of_kept(stored, spark.createDataFrame([("c1", DAY, "m", [1.0, 2.5]), ("c2", DAY, "m", [3.0, 4.0])], ddl))
    assert "bl.customer_embeddings: 1 vectors stay as they were written" in caplog.text
