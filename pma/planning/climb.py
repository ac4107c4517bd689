"""The best plan on curves of any form: each cell and month as straight pieces, given the others, by mixed integers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from pma.planning.limits import Limits

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
        asked = _best_pieces(value, limits, best, min_return, seconds, is_wide=number % 2 == 0)
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


def _best_pieces(
    value: Value, limits: Limits, plan: np.ndarray, min_return: float | None, seconds: float, is_wide: bool
) -> np.ndarray | None:
    months = plan.shape[1]
    spread = limits.high - limits.low
    grid = [limits.low + share * spread for share in _WIDE] if is_wide else [plan * share for share in _NEAR]
    points = np.sort(np.clip(np.stack([*grid, plan, limits.low, limits.high]), limits.low, limits.high), axis=0)
    height = np.empty(points.shape)
    for m in range(months):
        for k in range(len(points)):
            tried = plan.copy()
            tried[:, m] = points[k, :, m]
            height[k, :, m] = value(tried)
    # What a month is worth given the others: from the plan on.
    base = value(plan)
    widths, rises = np.diff(points, axis=0), np.diff(height, axis=0)
    return _solve(limits, points[0], widths, rises, height[0], base, min_return, seconds)


def _solve(
    limits: Limits,
    least: np.ndarray,
    widths: np.ndarray,
    rises: np.ndarray,
    lowest: np.ndarray,
    base: np.ndarray,
    min_return: float | None,
    seconds: float,
) -> np.ndarray | None:
    """Choose pieces, (K, C, M), from `least` on; None where the solver finds no plan in time."""
    _, cells, months = widths.shape
    money = max(float(widths.sum(axis=0).max()), 1e-9)
    unit = max(float(np.abs(rises).sum()), 1e-12)
    k, c, m = np.nonzero(widths > 1e-9 * money)
    order = np.lexsort((k, m, c))
    k, c, m = k[order], c[order], m[order]
    width, rise = widths[k, c, m], rises[k, c, m]
    steep = rise / width
    place = c * months + m
    # A run ends where the next piece is steeper: that one may begin when the run is full.
    is_turn = np.flatnonzero((place[1:] == place[:-1]) & (steep[1:] > steep[:-1] * (1 + 1e-9) + 1e-12 * unit / money))
    run = np.cumsum(np.isin(np.arange(len(place)), is_turn + 1) | np.concatenate([[True], place[1:] != place[:-1]])) - 1
    count, switches = len(place), len(is_turn)
    if not count:
        return None
    spent = sparse.csr_array((width / money, (place, np.arange(count))), shape=(cells * months, count))
    rows = limits.rows @ spent
    at_least = limits.rows @ least.ravel() / money
    constraints = [
        LinearConstraint(
            sparse.hstack([rows, sparse.csr_array((rows.shape[0], switches))]),
            limits.least / money - at_least,
            limits.most / money - at_least,
        )
    ]
    if switches:
        full, then = [], []
        for s, at in enumerate(is_turn):
            before, after = np.flatnonzero(run == run[at]), np.flatnonzero(run == run[at + 1])
            full += [(2 * s, piece, 1.0) for piece in before] + [(2 * s, count + s, -float(len(before)))]
            then += [(2 * s + 1, piece, 1.0) for piece in after] + [(2 * s + 1, count + s, -float(len(after)))]
        row, column, number = zip(*full, *then, strict=True)
        low = np.tile([0.0, -np.inf], switches)
        high = np.tile([np.inf, 0.0], switches)
        constraints.append(
            LinearConstraint(
                sparse.csr_array((number, (row, column)), shape=(2 * switches, count + switches)), low, high
            )
        )
    if min_return is not None:
        gained = (rise - min_return * width) / unit
        short = (min_return * least.sum() - (base.sum() + (lowest - base[:, None]).sum())) / unit
        constraints.append(LinearConstraint(np.concatenate([gained, np.zeros(switches)])[None], short, np.inf))
    solved = milp(
        np.concatenate([-rise / unit, np.zeros(switches)]),
        integrality=np.concatenate([np.zeros(count), np.ones(switches)]),
        bounds=Bounds(0.0, 1.0),
        constraints=constraints,
        options={"time_limit": seconds, "mip_rel_gap": 1e-5},
    )
    if solved.x is None:
        return None
    found: np.ndarray = least + (spent @ np.clip(solved.x[:count], 0.0, 1.0)).reshape(least.shape) * money
    return found
