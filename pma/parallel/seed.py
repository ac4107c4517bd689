"""Seeds of groups."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def group_seed(seed: int, *key: Any) -> int:
    """Seed of one group, from the run's seed and the group's key: the same in every process and on every platform.

    The worker function calls it itself, with the key that stands in its frame, e.g.
    `np.random.default_rng(group_seed(spec.seed, frame["geo"].iloc[0]))`. Returns a whole number in [0, 2**32), which
    numpy, scikit-learn, TensorFlow and PyMC all take. A numpy or pandas scalar counts as the Python value it stands
    for; None, NaN, NaT and pandas' NA are the same null. `1`, `"1"` and `True` are different keys.
    """
    text = json.dumps([int(seed), *(_plain(part) for part in key)], ensure_ascii=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _plain(part: Any) -> list[str]:
    """Type and text of one part of a key."""
    import pandas as pd

    if hasattr(part, "item") and not isinstance(part, str):
        part = (
            part.item() if getattr(part, "dtype", None) is None or part.dtype.kind not in "mM" else pd.Timestamp(part)
        )
    if part is None or part is pd.NaT or part is pd.NA or (isinstance(part, float) and part != part):
        return ["null", ""]
    if isinstance(part, pd.Timestamp):
        part = part.to_pydatetime(warn=False)
    if hasattr(part, "isoformat"):
        return [type(part).__name__, part.isoformat()]
    if isinstance(part, bool | int | str):
        return [type(part).__name__, str(part)]
    raise TypeError(
        f"a key holds strings, whole numbers, booleans, dates or timestamps, not {type(part).__name__}: {part!r}"
    )
