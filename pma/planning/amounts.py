"""Whole amounts: money rounded so that every sum and limit still holds, to the cent."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from pma.planning.limits import Limits

# What a step further than the next one costs, beside the 1 that the next one costs at most.
_FURTHER = 2.0


def whole_amounts(plan: np.ndarray, limits: Limits, step: float) -> np.ndarray:
    """Return a plan in whole steps, (C, M) of integers: each amount the step below or above it.

    Which of the two is chosen so that rows of the limits hold as they did, a total being the whole steps in it, and the
    sum of what is moved is least: amounts nearest to the step above get it. Where many amounts lie at bounds that are
    no whole steps, and the others cannot take what is left by a step each, some of these are moved further. Raises
    ValueError where no choice keeps to all limits: a floor or ceiling that is no multiple of the step.
    """
    exact = plan / step
    below = np.floor(exact + 1e-6)
    rest = np.clip(exact - below, 0.0, 1.0)
    # A bound that is no whole step counts inwards, but where nothing is left inside; a total has the whole steps in it.
    low, high = np.ceil(limits.low / step - 1e-6), np.floor(limits.high / step + 1e-6)
    none_inside = low > high
    low, high = np.where(none_inside, low - 1, low), np.where(none_inside, high + 1, high)
    least = np.where(np.isfinite(limits.least), np.floor(limits.least / step + 1e-6), limits.least)
    most = np.where(np.isfinite(limits.most), np.floor(limits.most / step + 1e-6), limits.most)
    have = limits.rows @ below.ravel()
    # One step up or none, then steps further up, and down.
    one = [np.clip(low - below, 0, 1), np.clip(high - below, 0, 1)]
    further = [np.clip(high - below - 1, 0, plan.size), np.clip(below - low, 0, plan.size)]
    ends = Bounds(
        np.concatenate([one[0].ravel(), np.zeros(2 * plan.size)]),
        np.concatenate([part.ravel() for part in (one[1], *further)]),
    )
    cost = np.concatenate([1.0 - 2.0 * rest.ravel(), np.full(2 * plan.size, _FURTHER)])
    rows = sparse.csr_array(sparse.hstack([limits.rows, limits.rows, -limits.rows]))
    kept = LinearConstraint(rows, least - have, most - have)
    # Sums that lie within each other or apart have whole corners: only others need whole numbers to be asked for.
    solved = milp(cost, bounds=ends, constraints=kept)
    if solved.x is not None and np.abs(solved.x - np.round(solved.x)).max(initial=0.0) > 1e-9:
        solved = milp(cost, integrality=np.ones(3 * plan.size), bounds=ends, constraints=kept)
    if solved.x is None or (below + 1 < low).any() or (below > high).any():
        raise ValueError(
            f"no plan in whole steps of {step:g} keeps to all limits: give floors, ceilings and budgets that are "
            "multiples of it, or a smaller planning.plan.round_to"
        )
    up, more, less = np.round(solved.x).astype(np.int64).reshape(3, *plan.shape)
    found: np.ndarray = below.astype(np.int64) + up + more - less
    return found
