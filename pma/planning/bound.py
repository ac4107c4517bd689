"""The most that any plan can bring: cutting planes on curves that bend down, with the plan that comes nearest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from pma.planning.limits import Limits

# What a plan is worth by cell, (C,), and its slope by money, (C, M).
Worth = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
# Plans between the least and the most that curves are first cut at, as shares of the way.
_NOTHING = 1e-8
_FIRST = (0.0, 0.002, 0.01, 0.03, 0.08, 0.2, 0.5)


@dataclass(frozen=True)
class Bound:
    """plan: the best found, (C, M). value: what it is worth. most: no plan is worth more. prices: of rows, (R,)."""

    plan: np.ndarray
    value: float
    most: float
    prices: np.ndarray


def upper_bound(
    worth: Worth, limits: Limits, start: np.ndarray, min_return: float | None, tolerance: float, rounds: int
) -> Bound:
    """Return the best plan of concave curves, by Kelley's cutting planes, with the bound that they prove.

    A concave curve lies below each of its tangents, so a linear program over tangents is worth more than any plan can
    be; its solution is where the next tangents are laid (Kelley, 1960, The cutting-plane method for solving convex
    programs). Curves of cells are cut apart: each has a few months only. Money counts in shares of the largest sum
    and worth in that of `start`, so units change nothing. `start`: where to cut first, (C, M); it need not keep to the
    limits, and changes the way alone, not the end.
    """
    cells, months = limits.low.shape
    money = max(float(np.where(np.isfinite(limits.most), limits.most, 0.0).max(initial=0.0)), 1e-9)
    cuts = _Cuts(cells, months, money)
    best, value = None, -np.inf
    # Not at nothing: a curve may be upright there, and no number says how steep.
    nothing = _NOTHING * money
    for plan in (*(limits.low + share * (limits.high - limits.low) for share in _FIRST), start):
        cuts.add(np.maximum(plan, nothing), *worth(np.maximum(plan, nothing)))
    most, prices = np.inf, np.zeros(len(limits.names))
    for _ in range(rounds):
        asked, most_now, prices = cuts.solve(limits, min_return)
        most = min(most, most_now)
        # Between the best so far and where the planes point: nearer to the end in fewer rounds than at their corner.
        tried = asked if best is None else 0.5 * (asked + best)
        for plan in (tried,) if best is None else (tried, asked):
            at = np.maximum(plan, nothing)
            of_cell, slope = worth(at)
            cuts.add(at, of_cell, slope)
            is_kept = min_return is None or of_cell.sum() >= min_return * plan.sum() * (1 - 1e-9)
            if is_kept and of_cell.sum() > value:
                best, value = plan, float(of_cell.sum())
        if best is not None and most - value <= tolerance * max(abs(most), 1e-12):
            break
    if best is None:
        best, value = asked, float(worth(asked)[0].sum())
    return Bound(best, value, most, prices)


class _Cuts:
    """Tangents of the curves of all cells."""

    def __init__(self, cells: int, months: int, money: float) -> None:
        self.cells, self.months, self.money = cells, months, money
        self.cell: list[np.ndarray] = []
        self.slope: list[np.ndarray] = []
        self.level: list[np.ndarray] = []
        self.unit = 0.0

    def add(self, plan: np.ndarray, of_cell: np.ndarray, slope: np.ndarray) -> None:
        """Lay a tangent on each cell's curve at a plan."""
        self.unit = max(self.unit, float(np.abs(of_cell).sum()))
        level = of_cell - (slope * plan).sum(axis=1)
        is_new = np.ones(self.cells, dtype=bool)
        if self.cell:
            # A tangent that lies on an earlier one at this point says nothing new.
            lowest = np.full(self.cells, np.inf)
            heights = np.concatenate(self.level) + (np.concatenate(self.slope) * plan[np.concatenate(self.cell)]).sum(1)
            np.minimum.at(lowest, np.concatenate(self.cell), heights)
            is_new = lowest - of_cell > 1e-7 * max(self.unit, 1e-12) / self.cells
        self.cell.append(np.flatnonzero(is_new))
        self.slope.append(slope[is_new])
        self.level.append(level[is_new])

    def solve(self, limits: Limits, min_return: float | None) -> tuple[np.ndarray, float, np.ndarray]:
        """Return the plan that the tangents allow most, what they allow, and the price of each row of the limits."""
        cell, slope, level = (np.concatenate(part) for part in (self.cell, self.slope, self.level))
        money, unit, places = self.money, max(self.unit, 1e-12), self.cells * self.months
        cut = np.arange(len(cell))
        columns = cell[:, None] * self.months + np.arange(self.months)
        a_cuts = sparse.hstack(
            [
                sparse.csr_array(
                    ((-slope * money / unit).ravel(), (np.repeat(cut, self.months), columns.ravel())),
                    shape=(len(cut), places),
                ),
                sparse.csr_array((np.ones(len(cut)), (cut, cell)), shape=(len(cut), self.cells)),
            ]
        )
        nothing = sparse.csr_array((limits.rows.shape[0], self.cells))
        rows = sparse.hstack([limits.rows, nothing]).tocsr()
        equal = limits.least == limits.most
        below, above = ~equal & np.isfinite(limits.most), ~equal & (limits.least > 0)
        parts, ends = [a_cuts, rows[below], -rows[above]], [level / unit, limits.most[below], -limits.least[above]]
        if min_return is not None:
            parts.append(
                sparse.csr_array(
                    np.concatenate([np.full(places, min_return * money / unit), -np.ones(self.cells)])[None]
                )
            )
            ends.append(np.zeros(1))
        ends[1], ends[2] = ends[1] / money, ends[2] / money
        bounds = np.concatenate(
            [
                np.stack([limits.low.ravel(), limits.high.ravel()], axis=1) / money,
                np.tile([-np.inf, np.inf], (self.cells, 1)),
            ]
        )
        solved = linprog(
            np.concatenate([np.zeros(places), -np.ones(self.cells)]),
            A_ub=sparse.vstack(parts),
            b_ub=np.concatenate(ends),
            A_eq=rows[equal] if equal.any() else None,
            b_eq=limits.most[equal] / money if equal.any() else None,
            bounds=bounds,
            method="highs",
        )
        if solved.x is None:
            raise ValueError(f"the plan's linear program ended without a plan: {solved.message}")
        prices = np.zeros(len(equal))
        if equal.any():
            prices[equal] = -solved.eqlin.marginals
        of_rows = -solved.ineqlin.marginals[len(cut) : len(cut) + below.sum() + above.sum()]
        prices[below], prices[above] = of_rows[: below.sum()], -of_rows[below.sum() :]
        plan = np.clip(solved.x[:places].reshape(limits.low.shape) * money, limits.low, limits.high)
        return plan, float(-solved.fun * unit), prices * unit / money
