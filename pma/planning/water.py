"""Money poured over curves until one more unit is worth the same everywhere, within what each may get week by week."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import isotonic_regression

_HALVINGS = 60
# A level beyond all levels, times the last.
_BEYOND = 1e9


@dataclass(frozen=True)
class Curves:
    """What money brings, K curves of any form. level: money a week, rising from 0; value: a week; (K, G)."""

    level: np.ndarray
    value: np.ndarray

    def at(self, rate: np.ndarray) -> np.ndarray:
        """Return the value a week of so much money a week; (K, P), straight between levels, flat beyond the last."""
        found = [np.interp(r, x, y) for r, x, y in zip(rate, self.level, self.value, strict=True)]
        return np.array(found).reshape(rate.shape)

    @cached_property
    def above(self) -> tuple[np.ndarray, np.ndarray]:
        """Levels and falling slopes of the least concave curves above; (K, G + 2).

        Slopes stand at the middles of pieces, with one at no money, one at the last level, and none far beyond.
        """
        width = np.diff(self.level, axis=1)
        steep = np.diff(self.value, axis=1) / np.maximum(width, 1e-300)
        # Slopes of the least concave curve above are the falling regression of the curve's own, by widths.
        fitted = [isotonic_regression(s, weights=w, increasing=False).x for s, w in zip(steep, width, strict=True)]
        slope = np.maximum(np.array(fitted).reshape(steep.shape), 0.0)
        first = np.maximum(2 * slope[:, :1] - slope[:, 1:2], slope[:, :1])
        last = np.clip(2 * slope[:, -1:] - slope[:, -2:-1], 0.0, slope[:, -1:])
        middle = self.level[:, :-1] + width / 2
        end = self.level[:, -1:]
        levels = np.concatenate([0 * end, middle, end, _BEYOND * np.maximum(end, 1e-12)], axis=1)
        return levels, np.concatenate([first, slope, last, 0 * last], axis=1)

    def wanted(self, price: np.ndarray) -> np.ndarray:
        """Return the money a week whose next unit is worth the price of it, (K,) both; of less than nothing: no end."""
        levels, slopes = self.above
        passed = (slopes > price[:, None]).sum(axis=1)
        right = np.clip(passed, 1, levels.shape[1] - 1)
        k = np.arange(len(levels))
        fall = slopes[k, right - 1] - slopes[k, right]
        part = np.divide(slopes[k, right - 1] - price, fall, out=np.ones(len(levels)), where=fall > 0)
        between = levels[k, right - 1] + np.clip(part, 0.0, 1.0) * (levels[k, right] - levels[k, right - 1])
        found: np.ndarray = np.where(passed == 0, 0.0, np.where(passed == levels.shape[1], levels[:, -1], between))
        return found


def pour(
    curves: Curves,
    cell: np.ndarray,
    share: np.ndarray,
    money: np.ndarray,
    weeks: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray:
    """Return money a week by campaign and week, (K, P), that brings most and adds up to each cell's money.

    cell: of each campaign, (K,); share: of its cell at today's mix, (K,); money: (C,); weeks: how long each week is,
    in weeks, (P,); low, high: money a week, (K, P), between whose sums the money lies. Bounds are those of
    `pma.planning.learning`: each campaign reaches any level between them, as fast as it may, and stays. So for any
    price of money the best path is the wanted level, kept within the bounds, and one price per cell spends the money.
    On S-shaped curves that is the answer to the concave curves above; today's mix is given where it brings as much.
    """
    # No week costs more than all: a level of no end would be looked for otherwise.
    high = np.minimum(high, (money / weeks.min())[cell][:, None])
    low = np.minimum(low, high)

    def is_over(level: np.ndarray) -> np.ndarray:
        spent = np.bincount(cell, np.clip(level[:, None], low, high) @ weeks, len(money))
        over: np.ndarray = spent > money
        return over

    dear = np.zeros(len(money))
    np.maximum.at(dear, cell, curves.above[1][:, 0])
    # Below nothing money has no price: every campaign takes what it may get.
    cheap = -np.maximum(dear, 1e-300)
    for _ in range(_HALVINGS):
        price = 0.5 * (cheap + dear)
        over = is_over(curves.wanted(price[cell]))
        cheap, dear = np.where(over, price, cheap), np.where(over, dear, price)
    most = high.max(axis=1)
    steepest = np.zeros(len(money))
    np.maximum.at(steepest, cell, most / np.maximum(share, 1e-300))
    # Where curves are straight, a price asks for less or for more, and what lies between spends the money.
    less, more = (np.minimum(curves.wanted(price[cell]), most) for price in (dear, cheap))
    levels = (_between(less, more, cell, is_over), _between(0 * share, share * steepest[cell], cell, is_over))
    best, as_today = (np.clip(level[:, None], low, high) for level in levels)
    brings, today = (np.bincount(cell, curves.at(path) @ weeks, len(money)) for path in (best, as_today))
    is_better = brings > today + 1e-12 * np.abs(today)
    return np.where(is_better[cell][:, None], best, as_today)


def _between(
    less: np.ndarray, more: np.ndarray, cell: np.ndarray, is_over: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """The levels between two, all campaigns of a cell as far between them, that spend the cell's money; (K,)."""
    low = np.zeros(cell.max(initial=-1) + 1)
    high = np.ones_like(low)
    for _ in range(_HALVINGS):
        part = 0.5 * (low + high)
        over = is_over(less + part[cell] * (more - less))[: len(part)]
        low, high = np.where(over, low, part), np.where(over, part, high)
    found: np.ndarray = less + (0.5 * (low + high))[cell] * (more - less)
    return found
