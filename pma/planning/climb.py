"""The best plan on curves of any form: each cell and month as straight pieces, given the others, by mixed integers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pma.planning.limits import Limits
from pma.planning.pieces import best_pieces

# What a plan is worth by cell; (C, M) -> (C,).
Value = Callable[[np.ndarray], np.ndarray]
# Where curves are looked at: shares of the way from the least to the most money, and of the plan's own.
_WIDE = np.array([0, 0.001, 0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3,
                  0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])  # fmt: skip
_NEAR = np.array([0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0, 1.01, 1.02, 1.05, 1.1, 1.2, 1.3, 1.5, 2.0])
_STEPS = (1.0, 0.5, 0.25, 0.1)


def climb(
    value: Value, limits: Limits, start: np.ndarray, min_return: float | None, seconds: float, rounds: int = 6
) -> np.ndarray:
    """Return a plan that is worth no less than `start`, (C, M), which keeps to the limits.

    Each round looks at every cell and month at many amounts, the other months as they are, and finds the best choice
    of all of them together: straight pieces between, whole numbers where a curve bends up, since there all or nothing
    beats a bit. A step that is not worth more once months work together is halved. Ends where no step is.
    """
    best, worth = start, float(value(start).sum())
    for number in range(rounds):
        asked = _looked_at(value, limits, best, min_return, seconds, is_wide=number % 2 == 0)
        gained = 0.0
        for step in _STEPS if asked is not None else ():
            tried = best + step * (asked - best)
            of_cell = value(tried)
            is_kept = min_return is None or of_cell.sum() >= min_return * tried.sum()
            if is_kept and of_cell.sum() > worth:
                gained, best, worth = float(of_cell.sum()) - worth, tried, float(of_cell.sum())
                break
        if number % 2 and gained <= 1e-5 * abs(worth):
            break
    return best


def _looked_at(
    value: Value, limits: Limits, plan: np.ndarray, min_return: float | None, seconds: float, is_wide: bool
) -> np.ndarray | None:
    """The best choice of amounts that are looked at, (C, M); None where the solver finds none in time."""
    spread = limits.high - limits.low
    grid = [limits.low + share * spread for share in _WIDE] if is_wide else [plan * share for share in _NEAR]
    points = np.sort(np.clip(np.stack([*grid, plan, limits.low, limits.high]), limits.low, limits.high), axis=0)
    height = np.empty(points.shape)
    for m in range(plan.shape[1]):
        for k in range(len(points)):
            tried = plan.copy()
            tried[:, m] = points[k, :, m]
            height[k, :, m] = value(tried)
    # What a month is worth given the others: from the plan on.
    base = value(plan)
    lowest = float(base.sum() + (height[0] - base[:, None]).sum())
    return best_pieces(points, height, lowest, limits, min_return, seconds).plan
