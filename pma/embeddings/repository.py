"""The repository: blocks whitened, normalised, weighted and laid side by side, one vector per customer and date."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pma.embeddings.history import history
from pma.embeddings.plan import Plan
from pma.embeddings.settings import EmbeddingSettings
from pma.embeddings.tables import EMBEDDING_MODELS
from pma.embeddings.whitening import Whitening
from pma.settings import digest
from pma.tables import TableError

logger = logging.getLogger(__name__)

ENCODED = "customer_id string, as_of_date date, embedding array<float>, baskets_seen bigint, has_history boolean"


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


def require_blocks(blocks: DataFrame, wanted: Iterable[str], dates: Iterable[date]) -> None:
    """Raise TableError unless every block has rows at every date: vectors are written once, without what is not there.

    blocks: the rows of one model in `st_il.customer_blocks`.
    """
    found = {(row["block"], row["as_of_date"]) for row in blocks.select("block", "as_of_date").distinct().collect()}
    if lacking := [f"{block} at {day}" for block in wanted for day in dates if (block, day) not in found]:
        raise TableError(
            f"st_il.customer_blocks: no row of {', '.join(lacking)}. Fix: run the jobs before jobs/embed.py with the "
            "same settings and dates, or leave the block out of embeddings.repository.weights"
        )


def warn_of_kept(stored: DataFrame, fresh: DataFrame) -> None:
    """Say how many stored vectors receipts that came later would have changed: they stay as they were written."""
    key = ["customer_id", "as_of_date", "model_version"]
    other = fresh.select(*key, F.col("embedding").alias("other"))
    differ = stored.join(other, on=key, how="inner").where(F.col("embedding") != F.col("other")).count()
    if differ:
        logger.warning(
            "bl.customer_embeddings: %d vectors stay as they were written, though receipts of before their dates have "
            "changed since. Fix: embeddings.trained_as_of at a later date makes a new model with vectors of its own",
            differ,
        )


def people(customers: DataFrame, purchases: DataFrame, dates: Sequence[date]) -> DataFrame:
    """Return every customer x date with the receipts seen before it: customer_id, as_of_date, baskets_seen."""
    receipts = purchases.groupBy("customer_id", "basket_id").agg(F.max("purchased_at").alias("purchased_at"))
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
