"""Money that moves from one cell to another as long as a quantile of draws rises: curves and draws as they are."""

from __future__ import annotations

import numpy as np

from pma.planning.limits import Limits
from pma.planning.problem import Problem
from pma.planning.risk import at_quantile

# What moves at once, as shares of an equal part of a month's money, and how often each may.
_SIZES = (0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.012, 0.006)
_ROUNDS = 4
# Cells that may give, those that lose least by it, and as many that may take.
_CELLS = 24
_NEAR = 1e-9


def exchanged(problem: Problem, quantile: float, plan: np.ndarray) -> np.ndarray:
    """Return a plan, (C, M), within the limits, whose quantile of draws no exchange of the last sizes raises.

    Two cells exchange money in one month, or in all months at once, each time the two whose exchange raises it most.
    """
    months = plan.shape[1]
    moved = [*np.eye(months), *([np.ones(months)] if months > 1 else [])]
    for size in _SIZES:
        for where in moved:
            step = size * plan.mean(axis=0) * where
            for _ in range(_ROUNDS):
                better = _best_exchange(problem, quantile, plan, step)
                if better is None:
                    break
                plan = better
    return plan


def _best_exchange(problem: Problem, quantile: float, plan: np.ndarray, step: np.ndarray) -> np.ndarray | None:
    """The plan after the best exchange of a step, money by month, (M,); None: there is none that raises the quantile.

    What a cell brings hangs on its own money alone: with all cells a step up, and all a step down, each exchange of two
    is known by draw.
    """
    made, limits = problem.responses, problem.limits
    now = made.by_cell(plan)
    gain, loss = (made.by_cell(np.maximum(plan + move, 0.0)) - now for move in (step, -step))
    worth = now.sum(axis=1)
    counts = problem.risk.counts(worth)
    gives, takes = (plan - step >= limits.low).all(axis=1), (plan + step <= limits.high).all(axis=1)
    of, to = (
        np.flatnonzero(may)[np.argsort(-(counts @ change)[may], kind="stable")[:_CELLS]]
        for may, change in ((gives, loss), (takes, gain))
    )
    found = at_quantile(worth[:, None, None] + loss[:, of, None] + gain[:, None, to], quantile)
    found = np.where(_is_kept(limits, plan, step, of, to), found, -np.inf)
    base = float(at_quantile(worth, quantile))
    if not found.size or found.max() <= base + _NEAR * abs(base):
        return None
    i, j = np.unravel_index(int(np.argmax(found)), found.shape)
    after = plan.copy()
    after[of[i]] -= step
    after[to[j]] += step
    return after


def _is_kept(limits: Limits, plan: np.ndarray, step: np.ndarray, of: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Whether sums keep to their limits where one cell gives a step to another; (of, to)."""
    by_cell = limits.rows.toarray().reshape(-1, *plan.shape) @ step
    after = (limits.rows @ plan.ravel())[:, None, None] - by_cell[:, of, None] + by_cell[:, None, to]
    hair = _NEAR * max(float(plan.sum()), 1.0)
    within = (after <= limits.most[:, None, None] + hair) & (after >= limits.least[:, None, None] - hair)
    kept: np.ndarray = within.all(axis=0) & (of[:, None] != to)
    return kept
