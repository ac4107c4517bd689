"""Whole amounts: money rounded so that every sum and limit still holds, to the cent."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from pma.planning.limits import Limits

CENT = 0.01


def whole_amounts(plan: np.ndarray, limits: Limits, step: float) -> np.ndarray:
    """Return a plan in whole steps, (C, M) of integers: each amount the step below or above it.

    Which of the two is chosen so that rows of the limits hold as they did, a total being the whole steps in it, and the
    sum of what is moved is least: amounts nearest to the step above get it. Where bounds between two steps leave many
    amounts no choice, the others make up for them, by some steps more; where all are at such bounds, by cents beyond
    them. Raises ValueError where no choice keeps to all limits: a floor or ceiling that is no multiple of the step.
    """
    exact = plan / step
    below = np.floor(exact + 1e-6)
    # A bound that is no whole step counts inwards, but where nothing is left inside; a total has the whole steps in it.
    low, high = np.ceil(limits.low / step - 1e-6), np.floor(limits.high / step + 1e-6)
    none_inside = low > high
    low, high = np.where(none_inside, low - 1, low), np.where(none_inside, high + 1, high)
    ways = [(low, high, 0), (low, high, plan.size)]
    if step <= CENT:
        # All that bounds allow may be asked for, and parts of a cent of many of them be missing: a cent beyond is as
        # near.
        ways.append((np.floor(limits.low / step + 1e-6), np.ceil(limits.high / step - 1e-6), plan.size))
    rest = np.clip(exact - below, 0.0, 1.0)
    moved = None
    for low, high, further in ways:
        moved = _moved(rest, below, low, high, limits, step, further)
        if moved is not None:
            break
    if moved is None or (below + 1 < low).any() or (below > high).any():
        raise ValueError(
            f"no plan in whole steps of {step:g} keeps to all limits: give floors, ceilings and budgets that are "
            "multiples of it, or a smaller planning.plan.round_to"
        )
    found: np.ndarray = (below + moved).astype(np.int64)
    return found


def _moved(
    rest: np.ndarray, below: np.ndarray, low: np.ndarray, high: np.ndarray, limits: Limits, step: float, further: int
) -> np.ndarray | None:
    """Steps that amounts move from the step below, (C, M): none or one, or so many further; None: there is no way."""
    most_moves = np.array([1, further, further])[:, None, None]
    ends = (
        np.stack([low - below, 0 * low, 0 * low]),
        np.stack([high - below, high - below - 1, below - low]),
    )
    # A floor alone counts upwards: a total, floor and ceiling in one, has the whole steps in it.
    whole = np.where(limits.least == limits.most, np.floor(limits.least / step + 1e-6), limits.least / step - 1e-6)
    least = np.where(np.isfinite(limits.least), np.ceil(whole), limits.least)
    most = np.where(np.isfinite(limits.most), np.floor(limits.most / step + 1e-6), limits.most)
    have, rows = limits.rows @ below.ravel(), sparse.csr_array(limits.rows)
    bounds = Bounds(*(np.clip(end, 0, most_moves).ravel() for end in ends))
    # What a step up, more of them, and steps down move an amount by.
    cost = np.concatenate([(1.0 - 2.0 * rest).ravel(), np.ones(rest.size), (1.0 + 2.0 * rest).ravel()])
    kept = LinearConstraint(sparse.hstack([rows, rows, -rows]), least - have, most - have)
    # Sums that lie within each other or apart have whole corners: only others need whole numbers to be asked for.
    solved = milp(cost, bounds=bounds, constraints=kept)
    if solved.x is not None and np.abs(solved.x - np.round(solved.x)).max(initial=0.0) > 1e-9:
        solved = milp(cost, integrality=np.ones(3 * rest.size), bounds=bounds, constraints=kept)
    if solved.x is None:
        return None
    up, more, down = np.round(solved.x).reshape(3, *rest.shape)
    found: np.ndarray = up + more - down
    return found
