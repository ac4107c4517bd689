"""The most that a plan of one month can bring on curves of any form: each curve from above, as straight pieces."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from pma.planning.limits import Limits
from pma.planning.pieces import NO_WIDTH, Best, best_pieces

# Worth of cells and its slope by money, (C,) both.
Ends = tuple[np.ndarray, np.ndarray]
# Two plans, (C, 1) both, to both ends of curves that bend down between them, and lie nowhere below the true ones there.
Above = Callable[[np.ndarray, np.ndarray], tuple[Ends, Ends]]
# Where pieces meet: shares of the way from the least to the most money, and of the money where the best plan should be.
_WIDE = np.concatenate([[0.0], np.geomspace(0.003, 1.0, 24)])
_NEAR = np.array([0.6, 0.7, 0.8, 0.87, 0.92, 0.95, 0.98, 1.0, 1.02, 1.05, 1.09, 1.15, 1.25, 1.4, 1.6])
# Bends that are worth less, as a share of all cells' worth together, are filled: each would cost a whole number.
_FILLED = 1e-4


def ceiling(above: Above, limits: Limits, near: np.ndarray, min_return: float | None, seconds: float) -> Best:
    """Return the best plan of curves that lie above those of the plan, and with it what no plan is worth more than.

    Between two points of a grid a curve that bends down lies below its tangents at both; where these meet is a point in
    between. The pieces through all these points lie above the curve, as near to it as the grid is fine: finest at
    `near`, a plan that should be near the best, (C, 1).
    """
    places = [limits.low + share * (limits.high - limits.low) for share in _WIDE] + [near * share for share in _NEAR]
    grid = np.sort(np.clip(np.stack(places)[..., 0], limits.low[:, 0], limits.high[:, 0]), axis=0)
    joints, between, tops = np.full(grid.shape, -np.inf), [], []
    for k, (low, high) in enumerate(pairwise(grid)):
        (at_low, up), (at_high, down) = above(low[:, None], high[:, None])
        joints[k] = np.maximum(joints[k], at_low)
        joints[k + 1] = at_high
        bend, width = up - down, high - low
        rise = at_high - at_low - down * width
        # Where both tangents are one line they meet everywhere: half way, then.
        share = np.divide(rise, bend * width, out=np.full(len(width), 0.5), where=bend * width > 0).clip(0.0, 1.0)
        between.append(low + share * width)
        tops.append(np.maximum(at_low + up * share * width, at_low + share * (at_high - at_low)))
    points = _woven(grid, np.stack(between))
    heights = _level(points, _woven(joints, np.stack(tops)))
    hair = _FILLED * float(np.abs(heights).max(axis=0).sum()) / heights.shape[1]
    filled = np.stack([_filled(*one, hair) for one in zip(points.T, heights.T, strict=True)], axis=1)
    return best_pieces(points[..., None], filled[..., None], float(filled[0].sum()), limits, min_return, seconds)


def _woven(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Rows of the one, and in between those of the other; (K + 1, C) and (K, C) to (2 K + 1, C)."""
    found = np.empty((len(outer) + len(inner), outer.shape[1]))
    found[::2], found[1::2] = outer, inner
    return found


def _level(points: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Heights of points in order, (K, C), those at one place all as the last of them, where that is higher.

    A piece of no width is left out, and its rise would be.
    """
    found, hair = heights.copy(), NO_WIDTH * float((points[-1] - points[0]).max())
    for k in range(len(points) - 2, -1, -1):
        is_one = points[k + 1] - points[k] <= hair
        found[k] = np.where(is_one, np.maximum(found[k], found[k + 1]), found[k])
    return found


def _filled(at: np.ndarray, height: np.ndarray, hair: float) -> np.ndarray:
    """Heights of points in order, (K,), those a hair below the least concave line above all raised to it."""
    kept: list[int] = []
    for k in range(len(at)):
        while len(kept) > 1 and _is_below(at, height, kept[-2], kept[-1], k):
            kept.pop()
        kept.append(k)
    hull = np.interp(at, at[kept], height[kept])
    return np.where(hull - height <= hair, np.maximum(hull, height), height)


def _is_below(at: np.ndarray, height: np.ndarray, i: int, j: int, k: int) -> bool:
    """Whether point j lies on or below the line from i to k."""
    return bool((height[j] - height[i]) * (at[k] - at[i]) <= (height[k] - height[i]) * (at[j] - at[i]))
