"""Money in whole cents whose sums are exact."""

from __future__ import annotations

import numpy as np


def whole_cents(money: np.ndarray, group: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return money in whole cents, (N,), each the cent below or above it, that adds up to each group's `total` exactly.

    money: (N,), 0 or more; group: (N,), rising; total: whole cents by group. Running sums are rounded and their
    differences taken: every stretch of a group is right within a cent too, so put what belongs together side by side.
    Each group's money is first scaled to its total; where there is none, the last row gets it.
    """
    found = np.zeros(len(money), dtype=np.int64)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(money)], strict=True):
        asked, running = int(total[group[start]]), np.cumsum(money[start:end])
        scaled = running / running[-1] * asked if running[-1] > 0 else np.zeros(end - start)
        rounded = np.rint(scaled).astype(np.int64)
        # From the last row that has money on the sum is the total itself, whatever a float makes of it.
        rounded[running >= running[-1]] = asked
        if running[-1] <= 0:
            rounded[:-1] = 0
        found[start:end] = np.diff(rounded, prepend=0)
    return found
