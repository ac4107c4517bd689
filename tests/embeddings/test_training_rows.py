from datetime import date

import numpy as np
import pytest

from pma.embeddings.training_rows import (
    TrainingRowsError,
    is_held_out,
    mounted,
    read_shard,
    shard_of,
    write_training_rows,
)

SCHEMA = "customer_id string, as_of_date date, indices array<int>, values array<float>"
ROWS = [
    (f"customer {i}", date(2017, month, 1), [i % 3, 5], [float(i + month), 1.0]) for i in range(30) for month in (3, 2)
]
VOCABULARY = np.array([0, 1, 2, 5])


def test_spark_and_python_agree_on_the_shard_and_no_row_is_lost(spark, tmp_path):
    folder = str(tmp_path / "rows")
    write_training_rows(spark.createDataFrame(ROWS, SCHEMA), folder, shards=4)
    found = {}
    for shard in range(4):
        part = read_shard(folder, shard, 4, VOCABULARY)
        assert {shard_of(customer, 4) for customer in part.customer_id} <= {shard}
        for customer, row in zip(part.customer_id, part.raw.toarray(), strict=True):
            found.setdefault(customer, []).append(row.tolist())
    expected = {}
    for customer, _, indices, values in sorted(ROWS, key=lambda row: row[:2]):
        row = dict(zip(indices, values, strict=True))
        expected.setdefault(customer, []).append([row.get(index, 0.0) for index in VOCABULARY])
    assert found == expected


def test_a_mounted_folder_keeps_its_name_but_where_hdfs_is_the_default(spark):
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    default = hadoop.get("fs.defaultFS")
    try:
        assert mounted(spark, "/mnt/rows") == "/mnt/rows"
        hadoop.set("fs.defaultFS", "hdfs://somewhere:8020")
        assert mounted(spark, "/mnt/rows") == "file:///mnt/rows"
    finally:
        hadoop.set("fs.defaultFS", default)


def test_rows_have_one_order_however_they_were_written(spark, tmp_path):
    frame = spark.createDataFrame(ROWS, SCHEMA)
    write_training_rows(frame, str(tmp_path / "a"), shards=2)
    write_training_rows(frame.orderBy("as_of_date").repartition(3), str(tmp_path / "b"), shards=2)
    first, second = (read_shard(str(tmp_path / name), 1, 2, VOCABULARY) for name in "ab")
    assert first.customer_id.tolist() == second.customer_id.tolist()
    assert np.array_equal(first.raw.toarray(), second.raw.toarray())


def test_a_folder_of_another_number_of_shards_is_refused(spark, tmp_path):
    folder = str(tmp_path / "rows")
    write_training_rows(spark.createDataFrame(ROWS, SCHEMA), folder, shards=4)
    with pytest.raises(TrainingRowsError, match=r"does not belong to shard 1 of 3\. Fix: .*shards = 3"):
        read_shard(folder, 1, 3, VOCABULARY)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(TrainingRowsError, match="no such folder"):
        read_shard(str(tmp_path / "none"), 0, 4, VOCABULARY)


def test_a_shard_without_customers_is_empty(spark, tmp_path):
    folder = str(tmp_path / "rows")
    write_training_rows(spark.createDataFrame(ROWS[:1], SCHEMA), folder, shards=4)
    empty = (shard_of("customer 0", 4) + 1) % 4
    assert read_shard(folder, empty, 4, VOCABULARY).raw.shape == (0, 4)


def test_held_out_customers_are_a_share_that_does_not_follow_the_shard():
    held = np.array([is_held_out(str(i), 0.2) for i in range(8000)])
    shards = np.array([shard_of(str(i), 8) for i in range(8000)])
    assert held.mean() == pytest.approx(0.2, abs=0.02)
    for shard in range(8):
        assert held[shards == shard].mean() == pytest.approx(0.2, abs=0.05)
