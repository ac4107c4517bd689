"""The best plan on curves of straight pieces, which may bend either way: a mixed-integer program with its own bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from pma.planning.limits import Limits

# Of what a plan is worth at the most: so near to the best of all choices a solution ends.
_NEAR = 1e-5
# Pieces of so little money, as a share of the most of a cell, are left out.
NO_WIDTH = 1e-9


@dataclass(frozen=True)
class Best:
    """plan: (C, M), None where none was found in time. most: no plan on the pieces is worth more."""

    plan: np.ndarray | None
    most: float


@dataclass(frozen=True)
class _Pieces:
    """Pieces in the order of places, cells and months, and of money in each; N of them.

    place: (N,); width, rise: money and worth of all of it, (N,). turns: pieces after which a steeper one comes. run:
    number of the run between turns, (N,).
    """

    place: np.ndarray
    width: np.ndarray
    rise: np.ndarray
    turns: np.ndarray
    run: np.ndarray


def best_pieces(
    points: np.ndarray, heights: np.ndarray, lowest: float, limits: Limits, min_return: float | None, seconds: float
) -> Best:
    """Return the best plan where worth runs straight between points.

    points: money by cell and month, rising, (K, C, M); heights: worth there, of which the places' sums count, (K, C,
    M); lowest: worth of a plan at the first points. Where a piece is steeper than the one before, that one must be full
    first: all or nothing beats a bit. `seconds`: most that may be taken; the bound holds whenever it ends.
    """
    widths, rises = np.diff(points, axis=0), np.diff(heights, axis=0)
    money = max(float(widths.sum(axis=0).max()), 1e-9)
    unit = max(float(np.abs(rises).sum()), 1e-12)
    pieces = _pieces(widths, rises, money, unit)
    count, switches = len(pieces.place), len(pieces.turns)
    if not count:
        return Best(points[0], lowest)
    cells, months = points.shape[1:]
    spent = sparse.csr_array((pieces.width / money, (pieces.place, np.arange(count))), shape=(cells * months, count))
    rows = limits.rows @ spent
    at_least = limits.rows @ points[0].ravel() / money
    kept = sparse.hstack([rows, sparse.csr_array((rows.shape[0], switches))])
    constraints = [LinearConstraint(kept, limits.least / money - at_least, limits.most / money - at_least)]
    if switches:
        constraints.append(_in_order(pieces))
    if min_return is not None:
        gained = np.concatenate([(pieces.rise - min_return * pieces.width) / unit, np.zeros(switches)])
        constraints.append(LinearConstraint(gained[None], (min_return * points[0].sum() - lowest) / unit, np.inf))
    solved = milp(
        np.concatenate([-pieces.rise / unit, np.zeros(switches)]),
        integrality=np.concatenate([np.zeros(count), np.ones(switches)]),
        bounds=Bounds(0.0, 1.0),
        constraints=constraints,
        options={"time_limit": seconds, "mip_rel_gap": _NEAR},
    )
    proved = solved.fun if solved.mip_dual_bound is None else solved.mip_dual_bound
    most = np.inf if proved is None else lowest - proved * unit
    if solved.x is None:
        return Best(None, most)
    money_of = (spent @ np.clip(solved.x[:count], 0.0, 1.0)).reshape(cells, months) * money
    return Best(points[0] + money_of, most)


def _pieces(widths: np.ndarray, rises: np.ndarray, money: float, unit: float) -> _Pieces:
    months = widths.shape[2]
    k, c, m = np.nonzero(widths > NO_WIDTH * money)
    order = np.lexsort((k, m, c))
    k, c, m = k[order], c[order], m[order]
    width, rise, place = widths[k, c, m], rises[k, c, m], c * months + m
    steep = rise / width
    is_next = place[1:] == place[:-1]
    # A run ends where the next piece is steeper: that one may begin when the run is full.
    turns = np.flatnonzero(is_next & (steep[1:] > steep[:-1] * (1 + 1e-9) + 1e-12 * unit / money))
    run = np.cumsum(np.isin(np.arange(len(place)), turns + 1) | np.concatenate([[True], ~is_next])) - 1
    return _Pieces(place, width, rise, turns, run)


def _in_order(pieces: _Pieces) -> LinearConstraint:
    """A switch at each turn: 1, and the run before is full; 0, and the run after is empty."""
    count, switches = len(pieces.place), len(pieces.turns)
    full, then = [], []
    for s, at in enumerate(pieces.turns):
        before, after = (np.flatnonzero(pieces.run == pieces.run[one]) for one in (at, at + 1))
        full += [(2 * s, piece, 1.0) for piece in before] + [(2 * s, count + s, -float(len(before)))]
        then += [(2 * s + 1, piece, 1.0) for piece in after] + [(2 * s + 1, count + s, -float(len(after)))]
    row, column, number = zip(*full, *then, strict=True)
    low, high = np.tile([0.0, -np.inf], switches), np.tile([np.inf, 0.0], switches)
    return LinearConstraint(
        sparse.csr_array((number, (row, column)), shape=(2 * switches, count + switches)), low, high
    )
