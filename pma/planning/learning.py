"""What a campaign may get from week to week, so that the platform need not learn anew, and where that gives way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_HALVINGS = 60
# Changes a week beyond which nobody looks.
_ANY = 1e6


@dataclass(frozen=True)
class Reach:
    """Between which money a week campaigns may move. low, high: (K, P); change: of a week, by cell, (C,).

    unplaced: money that no campaign may take, (C,).
    """

    low: np.ndarray
    high: np.ndarray
    change: np.ndarray
    unplaced: np.ndarray


def reach(
    start: np.ndarray,
    floor: np.ndarray,
    cap: np.ndarray,
    cell: np.ndarray,
    money: np.ndarray,
    weeks: np.ndarray,
    change: float | None,
) -> Reach:
    """Return between which bounds weekly money may move, the change of a week being as asked or the least that can be.

    start: money a week before the first week, (K,); floor, cap: of any week, (K,), which hold whatever the change;
    cell: of each campaign, (K,); money: of a cell over all weeks, (C,); weeks: how long each is, in weeks, (P,).
    `change`: most change from one week to the next, as a share; None: any. Where the money of a cell cannot be reached
    within it, all campaigns of the cell may change by the same larger share, the least that reaches it.
    """
    step = np.arange(1, len(weeks) + 1)

    def bounds(by: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        up, down = (1.0 + by[cell])[:, None] ** step, (1.0 - np.minimum(by[cell], 1.0))[:, None] ** step
        low = np.minimum(np.maximum(start[:, None] * down, floor[:, None]), cap[:, None])
        return low, np.maximum(np.minimum(start[:, None] * up, cap[:, None]), low)

    def misses(by: np.ndarray) -> np.ndarray:
        low, high = (np.bincount(cell, bound @ weeks, len(money)) for bound in bounds(by))
        slack = 1e-9 * np.maximum(money, 1e-9)
        return (low > money + slack) | (high < money - slack)

    asked = np.full(len(money), _ANY if change is None else change)
    most = np.bincount(cell, bounds(np.full(len(money), _ANY))[1] @ weeks, len(money))
    unplaced = np.maximum(money - most, 0.0)
    money = money - unplaced
    less, more = np.log1p(asked), np.full(len(money), np.log1p(_ANY))
    is_short = misses(asked)
    for _ in range(_HALVINGS):
        middle = 0.5 * (less + more)
        still = misses(np.expm1(middle))
        less, more = np.where(still, middle, less), np.where(still, more, middle)
    found = np.where(is_short, np.expm1(more), asked)
    return Reach(*bounds(found), found, unplaced)


def switched_off(
    least: np.ndarray, worth: np.ndarray, cell: np.ndarray, money: np.ndarray, weeks: np.ndarray
) -> np.ndarray:
    """Return which campaigns get nothing, since their cell's money does not reach the least of all of them; (K,).

    least: money a week that a campaign must have, (K,), 0: any will do; worth: what its next unit brings, (K,): the
    best of a cell are kept, one in any case.
    """
    off = np.zeros(len(least), dtype=bool)
    needed = np.bincount(cell, least, len(money)) * weeks.sum()
    for c in np.flatnonzero(needed > money * (1 + 1e-9)):
        mine = np.flatnonzero(cell == c)
        best = mine[np.argsort(-worth[mine], kind="stable")]
        taken = np.cumsum(least[best]) * weeks.sum()
        keeps = (taken <= money[c] * (1 + 1e-9)) | (least[best] == 0)
        keeps[0] |= not keeps.any()
        off[best[~keeps]] = True
    return off
