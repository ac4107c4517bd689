import json

from pyspark.sql import functions as F

from pma.checks import Check, judge, kept, mark_copies, mark_known, quarantined, refused


def test_a_row_carries_every_check_it_fails_and_none_is_lost(spark):
    frame = spark.createDataFrame([(1, 5.0), (2, -1.0), (None, -2.0), (3, None)], "id int, value double")
    checks = [Check("no_id", F.col("id").isNull()), Check("negative", F.col("value") < 0)]
    judged = judge(frame, checks)
    assert sorted(map(tuple, kept(judged).collect()), key=str) == [(1, 5.0), (3, None)]
    bad = {(r["id"], r["value"]): r["reasons"] for r in refused(judged).collect()}
    assert bad == {(2, -1.0): ["negative"], (None, -2.0): ["no_id", "negative"]}


def test_of_equal_keys_the_first_in_order_is_copy_one(spark):
    frame = spark.createDataFrame([("a", 2), ("a", 1), ("b", 9)], "key string, rank int")
    rows = sorted(map(tuple, mark_copies(frame, ["key"], ["rank"]).collect()))
    assert rows == [("a", 1, 1), ("a", 2, 2), ("b", 9, 1)]


def test_a_key_is_known_when_the_dimension_has_it(spark):
    frame = spark.createDataFrame([("x", "p1"), ("y", "p9"), ("z", None)], "row string, product_id string")
    known = spark.createDataFrame([("p1",)], "product_id string")
    rows = sorted((r["row"], r["product_id_known"]) for r in mark_known(frame, known, "product_id").collect())
    assert rows == [("x", True), ("y", False), ("z", False)]


def test_quarantine_counts_equal_rows_and_keeps_their_content(spark):
    frame = spark.createDataFrame([(1, -1.0), (1, -1.0), (2, -3.0)], "id int, value double")
    judged = judge(frame, [Check("negative", F.col("value") < 0)])
    rows = quarantined(refused(judged), "il.things", "run1").collect()
    found = sorted(
        (json.loads(r["content"])["id"], r["copies"], r["reasons"], r["source_table"], r["run_id"]) for r in rows
    )
    assert found == [(1, 2, ["negative"], "il.things", "run1"), (2, 1, ["negative"], "il.things", "run1")]
