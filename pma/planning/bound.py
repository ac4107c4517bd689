"""The most that any plan can bring: cutting planes on curves that bend down, with the plan that comes nearest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from pma.planning.limits import InfeasibleError, Limits
from pma.planning.linear import Program, money_of, within

# A plan, (C, M), and how much each draw counts, (D,), to worth by cell, (C,), and its slope by money, (C, M).
Worth = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
# How much each draw counts in what a plan is worth to the planner; (C, M) -> (D,).
Counts = Callable[[np.ndarray], np.ndarray]
# Plans between the least and the most that curves are first cut at, as shares of the way.
_FIRST = (0.0, 0.002, 0.01, 0.03, 0.08, 0.2, 0.5)
# Money that stands in for none, as a share of the budget: a curve may be upright there, and no number says how steep.
_NOTHING = 1e-8
# Plans at which a new way to count draws is cut at once.
_KEPT = 12


@dataclass(frozen=True)
class Bound:
    """plan: the best found, (C, M). most: no plan is worth more. prices: of rows, (R,). counts: of draws, (D,)."""

    plan: np.ndarray
    value: float
    most: float
    prices: np.ndarray
    counts: np.ndarray


def upper_bound(
    worth: Worth,
    counts: Counts,
    limits: Limits,
    start: np.ndarray,
    min_return: float | None,
    tolerance: float,
    rounds: int,
) -> Bound:
    """Return the best plan of concave curves, by Kelley's cutting planes, with the bound that they prove.

    A concave curve lies below each of its tangents, so a linear program over tangents is worth more than any plan can
    be; its solution is where the next tangents are laid (Kelley, 1960, The cutting-plane method for solving convex
    programs). Curves of cells are cut apart: each has a few months only. `counts`: which draws count; where they depend
    on the plan, as the worst do, a plan is worth the least of all counts, each a concave function with tangents of its
    own, and counts are added as they are met. `start`: where to cut first, (C, M); it need not keep to the limits, and
    changes the way alone, not the end.
    """
    money = money_of(limits)
    cuts = _Cuts(worth, limits.low.shape, money)
    first = cuts.count(counts(start))
    for plan in (*(limits.low + share * (limits.high - limits.low) for share in _FIRST), start):
        cuts.add(plan, {first})
    best, value, most = start, -np.inf, np.inf
    for _ in range(rounds):
        asked, most_now, prices, pull = cuts.solve(limits, min_return)
        most = min(most, most_now)
        # Between the best so far and where the planes point: nearer to the end in fewer rounds than at their corner.
        for plan in (asked,) if not np.isfinite(value) else (0.5 * (asked + best), asked):
            newest = cuts.count(counts(plan))
            of_plan = cuts.add(plan, {newest, *np.flatnonzero(pull).tolist()})
            is_kept = min_return is None or of_plan >= min_return * plan.sum() * (1 - 1e-9)
            if is_kept and of_plan > value:
                best, value = plan, of_plan
        if most - value <= tolerance * max(abs(most), 1e-12):
            break
    if not np.isfinite(value):
        best = asked
    return Bound(best, value, most, prices, np.average(cuts.counts[: len(pull)], axis=0, weights=pull))


class _Cuts:
    """Tangents of the curves of all cells, for each way to count draws."""

    def __init__(self, worth: Worth, shape: tuple[int, ...], money: float) -> None:
        self.worth, self.shape, self.money = worth, shape, money
        self.counts: list[np.ndarray] = []
        self.plans: list[np.ndarray] = []
        self.way: list[np.ndarray] = []
        self.cell: list[np.ndarray] = []
        self.slope: list[np.ndarray] = []
        self.level: list[np.ndarray] = []
        self.unit = 0.0

    def count(self, counts: np.ndarray) -> int:
        """Return the number of a way to count draws; a new one gets tangents at the last plans."""
        for number, known in enumerate(self.counts):
            if np.array_equal(counts, known):
                return number
        self.counts.append(counts)
        for plan in self.plans[-_KEPT:]:
            self._lay(plan, len(self.counts) - 1)
        return len(self.counts) - 1

    def add(self, plan: np.ndarray, ways: set[int]) -> float:
        """Lay tangents at a plan by some ways to count draws, its own among them; return the least worth of these."""
        plan = np.maximum(plan, _NOTHING * self.money)
        self.plans.append(plan)
        return min(self._lay(plan, way) for way in sorted(ways))

    def _lay(self, plan: np.ndarray, way: int) -> float:
        of_cell, slope = self.worth(plan, self.counts[way])
        cells = len(of_cell)
        self.unit = max(self.unit, float(np.abs(of_cell).sum()))
        self.way.append(np.full(cells, way))
        self.cell.append(np.arange(cells))
        self.slope.append(slope)
        self.level.append(of_cell - (slope * plan).sum(axis=1))
        return float(of_cell.sum())

    def solve(self, limits: Limits, min_return: float | None) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
        """Return the plan that the tangents allow most, what they allow, prices of rows, the pull of each way."""
        way, cell, slope, level = (np.concatenate(part) for part in (self.way, self.cell, self.slope, self.level))
        (cells, months), ways = self.shape, len(self.counts)
        money, unit, places = self.money, max(self.unit, 1e-12), cells * months
        cut, heights = np.arange(len(cell)), ways * cells
        columns = cell[:, None] * months + np.arange(months)
        tangents = sparse.hstack(
            [
                sparse.csr_array(
                    ((-slope * money / unit).ravel(), (np.repeat(cut, months), columns.ravel())),
                    shape=(len(cut), places),
                ),
                sparse.csr_array((np.ones(len(cut)), (cut, way * cells + cell)), shape=(len(cut), heights)),
                sparse.csr_array((len(cut), 1)),
            ]
        )
        # The last variable, worth, is no more than what any way to count makes of the cells.
        sums = sparse.hstack(
            [
                sparse.csr_array((ways, places)),
                -sparse.kron(sparse.eye_array(ways), np.ones((1, cells))),
                np.ones((ways, 1)),
            ]
        )
        parts, ends = [tangents, sums], [level / unit, np.zeros(ways)]
        if min_return is not None:
            asked = np.concatenate([np.full(places, min_return * money / unit), np.zeros(heights), [-1.0]])
            parts.append(sparse.csr_array(asked[None]))
            ends.append(np.zeros(1))
        nothing = sparse.csr_array((limits.rows.shape[0], heights + 1))
        program = Program(limits, sparse.hstack([limits.rows, nothing]).tocsr(), money)
        solved = program.solve(
            np.concatenate([np.zeros(places + heights), [-1.0]]),
            np.concatenate([within(limits, money), np.tile([-np.inf, np.inf], (heights + 1, 1))]),
            more=(sparse.vstack(parts), np.concatenate(ends)),
        )
        if solved.x is None and min_return is not None:
            raise InfeasibleError(f"no plan within the limits returns {min_return:g} per unit of money", {})
        if solved.x is None:
            raise ValueError(f"the plan's linear program ended without a plan: {solved.message}")
        pull = -solved.ineqlin.marginals[len(cut) : len(cut) + ways]
        prices = program.prices(solved, skip=len(cut) + ways + (min_return is not None))
        plan = np.clip(solved.x[:places].reshape(self.shape) * money, limits.low, limits.high)
        return plan, float(-solved.fun * unit), prices * unit / money, np.maximum(pull, 0.0)
