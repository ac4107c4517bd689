"""Sparse purchase metrics to the autoencoder's inputs: zero indicators and scaled log values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from pma.embeddings.settings import METRICS, AutoencoderSettings

DICTIONARY_COLUMNS = ("feature_index", "block", "level", "entity", "metric", "window_days", "center", "scale")
PRESENCE_METRIC = "visits"
# Stands for a scaled value of exactly zero, so that "bought, the median amount" differs from "not bought".
TINY = np.float32(1e-6)


class DictionaryError(Exception):
    """A feature dictionary that no inputs can be made from."""


@dataclass(frozen=True)
class InputPlan:
    """Where each feature of the vocabulary stands in the model's inputs.

    An input row is [one indicator group after the other | all values]. F features, G groups, W = indicators + F inputs.
    `feature_index` int64 [F], in the order of the names; `indicators` int64 [I]: positions in it, group after group;
    `starts` int64 [G + 1]; `group_weights` and `target_weights` float32 [G]; `center`, `scale` float32 [F];
    `blocks` int64 [W]: features of one block go missing together; `limits` float32 [2]: value weight and clip.
    """

    feature_index: np.ndarray
    indicators: np.ndarray
    starts: np.ndarray
    group_weights: np.ndarray
    target_weights: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    blocks: np.ndarray
    limits: np.ndarray

    @property
    def features(self) -> int:
        """F, the size of the vocabulary."""
        return len(self.feature_index)

    @property
    def values_start(self) -> int:
        """I, the number of indicators: the values stand behind them."""
        return len(self.indicators)

    @property
    def width(self) -> int:
        """W, the number of inputs of the model."""
        return self.values_start + self.features

    @property
    def value_weight(self) -> float:
        """Length of the value part of a row, where an indicator group has its group weight."""
        return float(self.limits[0])

    @property
    def groups(self) -> list[tuple[int, int]]:
        """Start and end of each indicator group in the inputs."""
        return [(int(start), int(end)) for start, end in zip(self.starts[:-1], self.starts[1:], strict=True)]


def plan_inputs(dictionary: pd.DataFrame, settings: AutoencoderSettings) -> InputPlan:
    """Lay out the inputs for a vocabulary.

    `dictionary`: one row per feature_index in the vocabulary (DICTIONARY_COLUMNS; center and scale are of log1p of the
    non-zero values). Indicators are the visits features: whether something was bought is the same for spend, quantity
    and discount. One group per level and window. Raises DictionaryError.
    """
    missing = sorted(set(DICTIONARY_COLUMNS) - set(dictionary.columns))
    if missing:
        raise DictionaryError(
            f"st_il.feature_dictionary: no column {', '.join(missing)}. Fix: join st_il.feature_scales to it"
        )
    # By name: numbers depend on what a warehouse has seen before, and equal features must give an equal model.
    metric = pd.Categorical(dictionary["metric"], METRICS, ordered=True)
    names = dictionary.assign(metric=metric).sort_values(
        ["level", "entity", "metric", "window_days"], ignore_index=True
    )
    if names.empty or names["feature_index"].duplicated().any():
        raise DictionaryError(
            "st_il.feature_scales: empty, or a feature_index twice. Fix: build the features for trained_as_of again"
        )
    if names[["center", "scale"]].isna().to_numpy().any():
        raise DictionaryError(
            "st_il.feature_scales: center or scale is null. Fix: build the features for trained_as_of again"
        )
    longest = int(names["window_days"].max())
    groups, weights, targets = [], [], []
    for level, weight in settings.level_weights.items():
        for window in sorted(names.loc[names["level"] == level, "window_days"].unique(), reverse=True):
            is_group = (
                (names["level"] == level) & (names["metric"] == PRESENCE_METRIC) & (names["window_days"] == window)
            )
            if is_group.any():
                groups.append(np.flatnonzero(is_group))
                weights.append(weight * (1.0 if window == longest else settings.recent_weight))
                targets.append(weight * (1.0 if window == longest else settings.recent_target_weight))
    if not groups:
        raise DictionaryError(
            f"st_il.feature_dictionary: no visits feature of the levels {', '.join(settings.level_weights)}. "
            "Fix: name the levels of your taxonomy in embeddings.autoencoder.level_weights"
        )
    indicators = np.concatenate(groups)
    block_ids = names["block"].astype("category").cat.codes.to_numpy(np.int64)
    return InputPlan(
        feature_index=names["feature_index"].to_numpy(np.int64),
        indicators=indicators,
        starts=np.cumsum([0, *(len(group) for group in groups)]),
        group_weights=np.asarray(weights, np.float32),
        target_weights=np.asarray(targets, np.float32),
        center=names["center"].to_numpy(np.float32),
        scale=np.maximum(names["scale"].to_numpy(np.float32), np.float32(settings.minimum_scale)),
        blocks=np.concatenate([block_ids[indicators], block_ids]),
        limits=np.asarray([settings.value_weight, settings.clip], np.float32),
    )


def raw_matrix(
    indices: Sequence[np.ndarray], values: Sequence[np.ndarray], feature_index: np.ndarray
) -> sparse.csr_matrix:
    """Return the raw values [n, F] of n sparse rows; features outside the vocabulary `feature_index` are left out."""
    lengths = np.fromiter((len(row) for row in indices), np.int64, len(indices))
    flat = np.concatenate([np.asarray(row, np.int64) for row in indices]) if len(indices) else np.zeros(0, np.int64)
    amounts = (
        np.concatenate([np.asarray(row, np.float32) for row in values]) if len(values) else np.zeros(0, np.float32)
    )
    if len(flat) != len(amounts):
        raise ValueError("st_il.customer_features: indices and values differ in length. Fix: build the features again")
    return flat_matrix(flat, amounts, np.concatenate([[0], np.cumsum(lengths)]), feature_index)


def flat_matrix(
    indices: np.ndarray, values: np.ndarray, offsets: np.ndarray, feature_index: np.ndarray
) -> sparse.csr_matrix:
    """Return raw values [n, F] of rows that lie one after the other: row i is [offsets[i], offsets[i + 1])."""
    by_number = np.argsort(feature_index)
    found = np.searchsorted(feature_index, indices, sorter=by_number)
    found[found == len(feature_index)] = 0
    place = by_number[found]
    known = (feature_index[place] == indices) & (values != 0)
    kept = np.concatenate([[0], np.cumsum(known)])[offsets]
    shape = (len(offsets) - 1, len(feature_index))
    matrix = sparse.csr_matrix((values[known].astype(np.float32), place[known].astype(np.int32), kept), shape=shape)
    matrix.sort_indices()
    return matrix


def input_matrix(raw: sparse.csr_matrix, plan: InputPlan) -> sparse.csr_matrix:
    """Turn raw values [n, F] into model inputs float32 [n, W].

    Each indicator group is a row of zeros and ones, brought to length 1 x its weight. The values are
    (sign(v) log1p|v| - center) / scale, clipped, zero where nothing was bought, times value weight / sqrt(number of
    values): so a customer of ten receipts and one of a thousand have inputs of the same size.
    """
    parts = [_indicator_group(raw, plan, group) for group in range(len(plan.group_weights))]
    values = raw.copy()
    logged = np.sign(values.data) * np.log1p(np.abs(values.data))
    clip = float(plan.limits[1])
    scaled = np.clip((logged - plan.center[values.indices]) / plan.scale[values.indices], -clip, clip)
    scaled[scaled == 0] = TINY
    per_row = np.diff(values.indptr)
    values.data = (scaled * plan.value_weight / np.sqrt(np.repeat(np.maximum(per_row, 1), per_row))).astype(np.float32)
    if plan.value_weight == 0:
        values = sparse.csr_matrix(raw.shape, dtype=np.float32)
    return sparse.hstack([*parts, values], format="csr", dtype=np.float32)


def _indicator_group(raw: sparse.csr_matrix, plan: InputPlan, group: int) -> sparse.csr_matrix:
    start, end = plan.groups[group]
    place = np.full(plan.features, -1, np.int64)
    place[plan.indicators[start:end]] = np.arange(end - start)
    columns = place[raw.indices]
    offsets = np.concatenate([[0], np.cumsum(columns >= 0)])[raw.indptr]
    per_row = np.diff(offsets)
    length = plan.group_weights[group] / np.sqrt(np.repeat(np.maximum(per_row, 1), per_row))
    return sparse.csr_matrix(
        (length.astype(np.float32), columns[columns >= 0], offsets), shape=(raw.shape[0], end - start)
    )
