import hashlib
from datetime import datetime

from pyspark.sql import functions as F

from pma.checks import Check, judge, kept, mark_known, quarantined, refuse_copies, refused


def test_a_row_carries_every_check_it_fails_and_none_is_lost(spark):
    frame = spark.createDataFrame([(1, 5.0), (2, -1.0), (None, -2.0), (3, None)], "id int, value double")
    checks = [Check("no_id", F.col("id").isNull()), Check("negative", F.col("value") < 0)]
    judged = judge(frame, checks)
    assert sorted(map(tuple, kept(judged).collect()), key=str) == [(1, 5.0), (3, None)]
    bad = {(r["id"], r["value"]): r["reasons"] for r in refused(judged).collect()}
    assert bad == {(2, -1.0): ["negative"], (None, -2.0): ["no_id", "negative"]}


def test_of_the_passing_rows_of_a_key_the_first_in_order_passes_and_a_row_that_failed_is_no_copy(spark):
    frame = spark.createDataFrame([("a", 0), ("a", 2), ("a", 1), ("a", 3), ("b", 9)], "key string, rank int")
    judged = judge(frame, [Check("no_rank", F.col("rank") == 0)])
    rows = sorted(map(tuple, refuse_copies(judged, ["key"], ["rank"], "twice").collect()))
    assert rows == [
        ("a", 0, ["no_rank"]),
        ("a", 1, []),
        ("a", 2, ["twice"]),
        ("a", 3, ["twice"]),
        ("b", 9, []),
    ]


def test_a_key_is_known_when_the_dimension_has_it(spark):
    frame = spark.createDataFrame([("x", "p1"), ("y", "p9"), ("z", None)], "row string, product_id string")
    known = spark.createDataFrame([("p1",)], "product_id string")
    rows = sorted((r["row"], r["product_id_known"]) for r in mark_known(frame, known, "product_id").collect())
    assert rows == [("x", True), ("y", False), ("z", False)]


def test_quarantine_holds_rows_as_they_were_given_and_adds_up_the_copies_of_those_given_alike(spark):
    rows = [
        (["negative"], ("x1", -1.0, datetime(2017, 5, 1, 10, 0, 0, 250)), 1),
        (["negative"], ("x1", -1.0, datetime(2017, 5, 1, 10, 0, 0, 250)), 2),
        (["negative"], ("x1", -1.0, datetime(2017, 5, 1, 10, 0, 0, 251)), 1),
        (["no_id", "negative"], (None, -3.0, None), 1),
    ]
    bad = spark.createDataFrame(
        rows, "reasons array<string>, given struct<id: string, value: double, at: timestamp_ntz>, copies bigint"
    )
    found = sorted(map(tuple, quarantined(bad, "il.things", True, "run1").collect()), key=lambda row: row[4])
    expected = [
        (["negative"], '{"id":"x1","value":-1.0,"at":"2017-05-01T10:00:00.000250"}', 3),
        (["negative"], '{"id":"x1","value":-1.0,"at":"2017-05-01T10:00:00.000251"}', 1),
        (["no_id", "negative"], '{"value":-3.0}', 1),
    ]
    assert found == [
        ("il.things", True, hashlib.sha256(content.encode()).hexdigest(), reasons, content, copies, "run1")
        for reasons, content, copies in expected
    ]
