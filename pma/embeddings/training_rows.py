"""The Parquet folder that training ranks read: sparse rows of customers, one sub-folder per shard."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scipy import sparse

from pma.embeddings.inputs import flat_matrix

ROW_COLUMNS = ("customer_id", "as_of_date", "indices", "values")


class TrainingRowsError(Exception):
    """A folder of training rows that cannot be trained on."""


@dataclass(frozen=True)
class ShardRows:
    """Rows of one shard in the order of customer_id, as_of_date: `customer_id` object [n], `raw` float32 [n, F]."""

    customer_id: np.ndarray
    raw: sparse.csr_matrix


def mounted(spark: SparkSession, folder: str) -> str:
    """Return a folder that every node mounts as Spark's writers need it: with its scheme, where HDFS is the default."""
    context = spark.sparkContext._jsc
    assert context is not None
    default = str(context.hadoopConfiguration().get("fs.defaultFS"))
    return folder if default.startswith(("file:", "dbfs:")) else f"file://{folder}"


def write_training_rows(features: DataFrame, folder: str, shards: int) -> None:
    """Write features (ROW_COLUMNS; one row per customer_id, as_of_date) as `folder`/shard=0, 1, ...

    A customer's rows share a shard, whatever the number of ranks, so that any number of ranks can train on the folder.
    """
    shard = F.pmod(F.crc32(F.col("customer_id").cast("string")), F.lit(shards)).cast("int")
    rows = features.select(*ROW_COLUMNS, shard.alias("shard"))
    target = mounted(features.sparkSession, folder)
    rows.repartition(shards, "shard").write.mode("overwrite").partitionBy("shard").parquet(target)


def shard_of(customer_id: str, shards: int) -> int:
    """Return the shard that `write_training_rows` puts a customer in."""
    return zlib.crc32(customer_id.encode()) % shards


def is_held_out(customer_id: str, share: float) -> bool:
    """Say whether all rows of a customer are kept from training; a hash that has nothing to do with the shard's."""
    digest = hashlib.blake2b(customer_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def read_shard(folder: str, shard: int, shards: int, feature_index: np.ndarray) -> ShardRows:
    """Read one shard of `folder`. Raises TrainingRowsError if the folder is not one of `shards` shards."""
    import pyarrow.dataset as ds

    path = Path(folder) / f"shard={shard}"
    if not Path(folder).is_dir():
        raise TrainingRowsError(f"{folder}: no such folder. Fix: write_training_rows before training")
    if not path.is_dir():
        return ShardRows(np.zeros(0, object), sparse.csr_matrix((0, len(feature_index)), dtype=np.float32))
    table = ds.dataset(str(path), format="parquet").to_table(columns=list(ROW_COLUMNS))
    table = table.sort_by([("customer_id", "ascending"), ("as_of_date", "ascending")]).combine_chunks()
    ids = np.asarray(table["customer_id"].to_pylist(), object)
    strangers = [customer for customer in ids if shard_of(customer, shards) != shard]
    if strangers:
        raise TrainingRowsError(
            f"{path}: customer {strangers[0]} does not belong to shard {shard} of {shards}. "
            f"Fix: write the folder again with embeddings.autoencoder.shards = {shards}"
        )
    lists = [
        column.chunk(0) if column.num_chunks else column.combine_chunks()
        for column in (table["indices"], table["values"])
    ]
    offsets = lists[0].offsets.to_numpy() - lists[0].offsets[0].as_py()
    indices, values = (part.flatten().to_numpy(zero_copy_only=False) for part in lists)
    if len(indices) != len(values):
        raise TrainingRowsError(
            f"{path}: indices and values differ in length. Fix: build st_il.customer_features again"
        )
    return ShardRows(
        ids, flat_matrix(indices.astype(np.int64), values.astype(np.float32), offsets.astype(np.int64), feature_index)
    )
