"""Purchase metrics of many customers through the trained autoencoder, in Spark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame

from pma.embeddings.autoencoder import Autoencoder
from pma.embeddings.inputs import flat_matrix

BLOCK = "customer_id string, as_of_date date, vector array<float>"


@lru_cache(maxsize=1)
def load_once(path: str) -> Autoencoder:
    """Return the model of a file, read once per Python worker."""
    return Autoencoder.load(Path(path))


def encode_purchases(features: DataFrame, model: str) -> DataFrame:
    """Return the vector of each row of features. One row per customer_id, as_of_date: vector [dimension].

    `model`: a file that every worker can read. Raises SealedFileError, through Spark, when it is missing or damaged.
    """
    load_once(model)

    def encoded(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        trained = load_once(model)
        for batch in batches:
            indices, values = batch.column("indices"), batch.column("values")
            offsets = indices.offsets.to_numpy().astype("int64")
            raw = flat_matrix(
                indices.flatten().to_numpy().astype("int64"),
                values.flatten().to_numpy(),
                offsets - offsets[0],
                trained.plan.feature_index,
            )
            codes = trained.encode(raw)
            ends = pa.array(range(0, codes.size + 1, codes.shape[1]), pa.int32())
            vectors = pa.ListArray.from_arrays(ends, pa.array(codes.ravel(), pa.float32()))
            named = {
                "customer_id": batch.column("customer_id"),
                "as_of_date": batch.column("as_of_date"),
                "vector": vectors,
            }
            yield pa.RecordBatch.from_pydict(named)

    return features.select("customer_id", "as_of_date", "indices", "values").mapInArrow(encoded, BLOCK)
