"""The linear columns of a design: context, organic, events, interactions, season and trend, each at its prior scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pma.mmm.basis import season, trend_lines
from pma.mmm.spec import ModelSpec

# The prior's scale of a linear column, by what it is.
SIGMAS = {
    "context": "context_sigma",
    "organic": "organic_sigma",
    "event": "event_sigma",
    "interaction": "interaction_sigma",
    "seasonality": "season_sigma",
}
# A product of so many usual ones says no more.
MOST = 5.0
KINDS = {"context": "context", "organic": "organic", "calendar": "event", "interaction": "interaction"}


def linear_columns(
    wide: pd.DataFrame,
    roles: dict[str, str],
    spec: ModelSpec,
    explained: np.ndarray,
    window: np.ndarray,
    notes: list[str],
) -> dict[str, Any]:
    """Return names, kinds, columns, means, none and rotation of a `pma.mmm.design.Design`.

    `wide`: weeks x variables, `roles` of them; `explained`, `window`: weeks that are fitted, and that say what is
    usual, (T,). What was done to the data is added to `notes`.
    """
    # Name, kind, values times the prior's scale, and the value that counts as none (None: the mean).
    parts: list[tuple[str, str, np.ndarray, float | None]] = []
    for name in sorted(map(str, wide)):
        kind = KINDS.get(roles[name])
        found = None if kind is None else _column(wide[name], kind, explained, window, notes)
        if kind is not None and found is not None:
            column, zero = found
            sigma = getattr(spec, SIGMAS[kind])
            parts.append((name, kind, column * sigma, None if kind == "context" else zero * sigma))
    weeks = pd.DatetimeIndex(wide.index)
    for name, column in season(weeks, spec.yearly_order, spec.monthly_order).items():
        parts.append((name, "seasonality", column * spec.season_sigma, None))
    for name, column in trend_lines(len(weeks), spec.trend).items():
        parts.append((name, "trend", column * spec.trend.slope_sigma, None))
    whole = np.column_stack([part[2] for part in parts]) if parts else np.zeros((len(weeks), 0))
    means = (whole * window[:, None]).sum(axis=0) / window.sum()
    whole = whole - means
    none = np.array([0.0 if zero is None else zero - mean for (*_, zero), mean in zip(parts, means, strict=True)])
    return {
        "names": tuple(part[0] for part in parts),
        "kinds": tuple(part[1] for part in parts),
        "columns": whole,
        "means": means,
        "none": none,
        "rotation": principal_axes(whole, explained),
    }


def principal_axes(columns: np.ndarray, explained: np.ndarray) -> np.ndarray:
    """Return the rotation of columns, (T, K), into their principal axes over explained weeks; (K, K)."""
    if not columns.shape[1]:
        return np.zeros((0, 0))
    axes: np.ndarray = np.linalg.svd(columns[explained > 0], full_matrices=True)[2].T
    return axes


def _column(
    values: pd.Series, kind: str, explained: np.ndarray, window: np.ndarray, notes: list[str]
) -> tuple[np.ndarray, float] | None:
    """A variable in deviations from its mean (events: as they are), and where its zero is; None: it says nothing.

    Unknown weeks stand at its mean.
    """
    raw = values.to_numpy(dtype=float)
    seen = raw[(explained > 0) & ~np.isnan(raw)]
    if not len(seen):
        notes.append(f"{values.name} is unknown: it is not in the model")
        return None
    least = 1e-9 * max(np.abs(seen).max(), 1e-300)
    if seen.std() <= least:
        notes.append(f"{values.name} is the same in every week: it is not in the model")
        return None
    lost = int(np.isnan(raw).sum())
    if lost:
        notes.append(f"{values.name} is unknown in {lost} weeks: its mean stands in")
    inside = raw[window & ~np.isnan(raw)]
    seen = inside if len(inside) and inside.std() > least else seen
    filled = np.where(np.isnan(raw), seen.mean(), raw)
    if kind == "event":
        return filled, 0.0
    if kind == "interaction":
        # In usual products: one outlier of a part moves neither the scale nor, far beyond it, the column.
        sizes = np.abs(seen[seen != 0])
        return np.clip(filled / np.median(sizes), -MOST, MOST), 0.0
    return (filled - seen.mean()) / seen.std(), -seen.mean() / seen.std()


def left_over(basis: np.ndarray, linear: dict[str, Any], explained: np.ndarray) -> np.ndarray:
    """Return the waves of the trend, (T, W), less what level, season and straight trend explain of them.

    Else the two could trade all day.
    """
    smooth = [j for j, kind in enumerate(linear["kinds"]) if kind in ("seasonality", "trend")]
    taken = np.column_stack([np.ones(len(basis)), linear["columns"][:, smooth]])
    seen = explained > 0
    factors = np.linalg.lstsq(taken[seen], basis[seen], rcond=None)[0]
    return basis - taken @ factors
