"""The repository: blocks whitened, normalised, weighted and laid side by side, one vector per customer and date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pma.embeddings.history import history
from pma.embeddings.plan import Plan
from pma.embeddings.settings import EmbeddingSettings, RepositorySettings
from pma.embeddings.tables import EMBEDDING_MODELS
from pma.settings import digest

ENCODED = "customer_id string, as_of_date date, embedding array<float>, baskets_seen bigint, has_history boolean"


@dataclass(frozen=True)
class Whitening:
    """Of one block: mean [d] and matrix [d, length] that turn its vectors into uncorrelated ones of mean length 1."""

    block: str
    mean: NDArray[np.float64]
    matrix: NDArray[np.float64]
    weight: float

    @property
    def length(self) -> int:
        """Columns of the block in the embedding."""
        return int(self.matrix.shape[1])


def fit_whitening(blocks: DataFrame, settings: RepositorySettings) -> tuple[Whitening, ...]:
    """Fit PCA whitening per block, in the order of `settings.weights`, on a sample of the rows of one date.

    `blocks`: customer_id, block, vector. The sample is drawn by hash of the customer, so the driver holds
    `whitening_sample` rows at most. Directions with almost no variance are left out: whitening would blow them up.
    A block without a row is left out.
    """
    picked = blocks.withColumn("draw", F.xxhash64("customer_id"))
    fitted = []
    for block, weight in settings.weights.items():
        rows = picked.where(F.col("block") == block).orderBy("draw", "customer_id").limit(settings.whitening_sample)
        frame = rows.select("vector").toPandas()
        if len(frame):
            fitted.append(_whiten(block, np.stack(frame["vector"].to_list()).astype(np.float64), weight, settings))
    return tuple(fitted)


def _whiten(block: str, rows: NDArray[np.float64], weight: float, settings: RepositorySettings) -> Whitening:
    mean = rows.mean(axis=0)
    centred = rows - mean
    values, vectors = np.linalg.eigh(centred.T @ centred / max(len(rows) - 1, 1))
    order = np.argsort(values)[::-1]
    values, vectors = values[order], vectors[:, order]
    keep = values > max(values[0], 0) * settings.min_variance
    if not keep.any():
        # One customer, or all alike: nothing tells them apart, and the block stays a single zero.
        return Whitening(block, mean, np.zeros((rows.shape[1], 1)), weight)
    # The sign of an eigenvector is arbitrary: its largest entry is made positive, so that a refit gives the same.
    kept = vectors[:, keep]
    signs = np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])])
    softened = values[keep] + settings.whitening_floor * values[0]
    scale = signs / np.sqrt(softened * (values[keep] / softened).sum())
    return Whitening(block, mean, kept * scale, weight)


def layout(whitenings: Sequence[Whitening]) -> list[tuple[str, int, int]]:
    """Return (block, start, length) of each block in the embedding."""
    ends = np.cumsum([0, *[w.length for w in whitenings]])
    return [(w.block, int(start), w.length) for w, start in zip(whitenings, ends[:-1], strict=True)]


def concatenate(
    vectors: Sequence[Mapping[str, Sequence[float]] | None], whitenings: Sequence[Whitening]
) -> NDArray[np.float32]:
    """Turn the blocks of each customer into one row [n, dimension], float32.

    Each block is whitened, of length 1 in the root mean square over the customers it was fitted on, and multiplied by
    its weight. A customer's own length stays: how much he buys is part of who he is. A block that he lacks is zero.
    """
    parts = []
    for whitening in whitenings:
        found = np.array([bool(row) and whitening.block in row for row in vectors])  # type: ignore[operator]
        part = np.zeros((len(vectors), whitening.length))
        if found.any():
            given = np.stack([row[whitening.block] for row in vectors if row and whitening.block in row])
            part[found] = whitening.weight * ((given.astype(np.float64) - whitening.mean) @ whitening.matrix)
        parts.append(part)
    return np.concatenate(parts, axis=1).astype(np.float32)


def encode(people: DataFrame, blocks: DataFrame, whitenings: Sequence[Whitening]) -> DataFrame:
    """Return one embedding per row of `people` (see `people`), the rows of `bl.customer_embeddings` but for the model.

    `blocks`: customer_id, as_of_date, block, vector, unique per customer x date x block.
    """
    gathered = blocks.groupBy("customer_id", "as_of_date").agg(
        F.map_from_entries(F.array_sort(F.collect_list(F.struct("block", "vector")))).alias("vectors")
    )
    joined = people.join(gathered, on=["customer_id", "as_of_date"], how="left")
    rows = joined.select("customer_id", "as_of_date", "vectors", "baskets_seen")

    def encoded(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            maps = [dict(row) if row is not None else None for row in batch["vectors"]]
            batch["embedding"] = list(concatenate(maps, whitenings))
            batch["has_history"] = batch["baskets_seen"] > 0
            yield batch[["customer_id", "as_of_date", "embedding", "baskets_seen", "has_history"]]

    return rows.mapInPandas(encoded, ENCODED)


def people(customers: DataFrame, purchases: DataFrame, dates: Sequence[date]) -> DataFrame:
    """Return every customer x date with the receipts seen before it: customer_id, as_of_date, baskets_seen."""
    receipts = purchases.groupBy("customer_id", "basket_id").agg(F.min("purchased_at").alias("purchased_at"))
    seen = history(receipts, dates).groupBy("customer_id", "as_of_date").agg(F.count("*").alias("baskets_seen"))
    days = F.explode(F.array(*[F.lit(day) for day in sorted(set(dates))]))
    everyone = customers.select("customer_id", days.alias("as_of_date"))
    joined = everyone.join(seen, on=["customer_id", "as_of_date"], how="left")
    return joined.select("customer_id", "as_of_date", F.coalesce("baskets_seen", F.lit(0)).alias("baskets_seen"))


def model_row(
    spark: SparkSession,
    plan: Plan,
    whitenings: Sequence[Whitening],
    metrics: Mapping[str, float],
    settings: EmbeddingSettings,
    run_id: str,
) -> DataFrame:
    """Return the row of `bl.embedding_models`: where each block stands, what the model was made from and measured."""
    blocks = layout(whitenings)
    dimension = sum(length for _, _, length in blocks)
    made_from = (digest(settings), plan.input_hash, plan.trained_as_of)
    row = (plan.model_version, blocks, dimension, *made_from, dict(metrics), run_id)
    return spark.createDataFrame([row], EMBEDDING_MODELS.schema)
