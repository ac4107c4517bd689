"""Blocks whitened: how each block's vectors become uncorrelated ones of one length, fitted once per model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.embeddings.sealed import read_sealed, write_sealed
from pma.embeddings.settings import RepositorySettings

# Of a model's files, the one that `save_whitening` writes.
WHITENING_FILE = "whitening"
WHITENING_FIX = "restore the file, or delete it and run jobs/embed.py, which fits it again"


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


def save_whitening(whitenings: Sequence[Whitening], folder: Path) -> None:
    """Keep the whitening of a model with its files: fitted anew on another machine, near-equal directions may turn."""
    arrays = {f"{i}_{name}": getattr(w, name) for i, w in enumerate(whitenings) for name in ("mean", "matrix")}
    write_sealed(folder / WHITENING_FILE, {"blocks": [[w.block, w.weight] for w in whitenings]}, arrays)


def load_whitening(folder: Path) -> tuple[Whitening, ...]:
    """Return the whitening of a model. Raises SealedFileError, naming file and fix, if it is missing or damaged."""
    header, arrays = read_sealed(folder / WHITENING_FILE, WHITENING_FIX)
    return tuple(
        Whitening(block, arrays[f"{i}_mean"], arrays[f"{i}_matrix"], weight)
        for i, (block, weight) in enumerate(header["blocks"])
    )
