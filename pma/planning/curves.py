"""What weekly spend brings by draw, with slopes, and the least concave curve above it; written out and compiled."""

from __future__ import annotations

import math

import numpy as np

from pma.media.compiled import jit
from pma.media.kernels import carried, saturated, saturated_back

HILL = 0
# Halvings of the stretch in which a line from a point touches the curve: to a thousandth of it.
HALVINGS = 10


@jit
def brought(spend, begins, cell, weights, kind, first, second, usual, coefficient, touch, value, slope, share):  # type: ignore[no-untyped-def]
    """Fill what spend brings from week `begins` on, by part and draw, and the weighted slopes by weekly spend.

    A part is one target of one cell. spend: of each cell, (cells, weeks), money. cell, kind, usual: (parts,); weights:
    of adstock, (parts, draws, lags); first, second: of saturation, coefficient: (parts, draws). touch: up to which
    level a line stands in for the curve, see `touches`; of no weeks: the curves as they are. value: (parts, draws).
    share: how much a draw counts in `slope`, (parts, draws); slope: (parts, weeks), left alone where that is empty.
    """
    parts, draws = first.shape
    weeks = spend.shape[1]
    level, found, logs, back = np.empty(weeks), np.empty(weeks), np.empty(weeks), np.empty(weeks)
    scaled, by_spend = np.empty(weeks), np.empty(weeks)
    wants_slope, is_line = slope.shape[0] > 0, touch.shape[2] > 0
    for p in range(parts):
        for t in range(weeks):
            scaled[t] = spend[cell[p], t] / usual[p]
        for d in range(draws):
            level[:] = 0.0
            carried(scaled, weights[p, d], 1.0, level)
            saturated(kind[p], level, first[p, d], second[p, d], found, logs)
            if is_line:
                lined(level, touch[p, d], begins, found)
            total = 0.0
            for t in range(begins, weeks):
                total += found[t]
            value[p, d] = coefficient[p, d] * total
            if not wants_slope:
                continue
            for t in range(weeks):
                back[t] = 1.0 if t >= begins else 0.0
            saturated_back(kind[p], level, first[p, d], second[p, d], found, logs, back)
            if is_line:
                lined_back(level, touch[p, d], begins, back)
            spread_back(back, weights[p, d], by_spend)
            factor = share[p, d] * coefficient[p, d] / usual[p]
            for t in range(weeks):
                slope[p, t] += factor * by_spend[t]


@jit
def lined(level, touch, begins, found):  # type: ignore[no-untyped-def]
    """Put the line in the curve's place, below where they touch; (weeks,) and (weeks, 3)."""
    for t in range(begins, level.shape[0]):
        if level[t] < touch[t, 0]:
            found[t] = touch[t, 2] - touch[t, 1] * (touch[t, 0] - level[t])


@jit
def lined_back(level, touch, begins, back):  # type: ignore[no-untyped-def]
    """Put the line's slope in that of the curve's place; (weeks,) and (weeks, 3)."""
    for t in range(begins, level.shape[0]):
        if level[t] < touch[t, 0]:
            back[t] = touch[t, 1]


@jit
def spread_back(back, weights, out):  # type: ignore[no-untyped-def]
    """Fill the slopes by spend from those by level: what a week's spend does in the weeks that it carries into."""
    weeks = back.shape[0]
    out[:] = 0.0
    for lag in range(min(weights.shape[0], weeks)):
        w, later = weights[lag], back[lag:]
        for t in range(weeks - lag):
            out[t] += w * later[t]


@jit
def touches(least, most, begins, cell, weights, kind, first, second, usual, halvings, touch):  # type: ignore[no-untyped-def]
    """Fill lines that stand above the S-shaped curves below where they touch them: level, slope and value there.

    (parts, draws, weeks, 3); zeros where the curve bends down from the least level on. least, most: spend between which
    the curve is looked at, (cells, weeks). Hill's curves with a slope above 1 alone are S-shaped. The least concave
    curve above S between levels c and u is a line from c to where S(x) - S(c) = (x - c) S'(x), then S itself; to u,
    where that is beyond. Bisection comes from above: the tangent at a point further up is flatter, and above S from c
    on too, if by a hair more; with no `halvings` it is that at u, near enough where c and u are near.
    """
    parts, draws = first.shape
    weeks = least.shape[1]
    low, high, scaled = np.empty(weeks), np.empty(weeks), np.empty(weeks)
    touch[:] = 0.0
    for p in range(parts):
        for d in range(draws):
            half, steep = first[p, d], second[p, d]
            if kind[p] != HILL or steep <= 1.0:
                continue
            for spend, level in ((least, low), (most, high)):
                for t in range(weeks):
                    scaled[t] = spend[cell[p], t] / usual[p]
                level[:] = 0.0
                carried(scaled, weights[p, d], 1.0, level)
            turn = half * ((steep - 1.0) / (steep + 1.0)) ** (1.0 / steep)
            for t in range(begins, weeks):
                if low[t] < turn and high[t] > low[t]:
                    line(low[t], high[t], turn, half, steep, halvings, touch[p, d, t])


@jit
def line(c, u, turn, half, steep, halvings, touch):  # type: ignore[no-untyped-def]
    """Fill level, slope and value of one line of `touches`; `turn`: the level from which S bends down."""
    at_c, at_u = hill(c, half, steep), hill(u, half, steep)
    if u <= turn or at_u - at_c <= (u - c) * steep * at_u * (1.0 - at_u) / u:
        # A line for all levels: at u itself too, where the curve is steeper. It ends anywhere beyond.
        slope, more = (at_u - at_c) / (u - c), u + 1.0
        touch[0], touch[1], touch[2] = u + more, slope, at_u + slope * more
        return
    # The line from 0 touches at (steep - 1)^(1 / steep); that from any c above 0 before it.
    low, high = turn, min(max(half * (steep - 1.0) ** (1.0 / steep), turn), u)
    for _ in range(halvings):
        middle = 0.5 * (low + high)
        there = hill(middle, half, steep)
        if there - at_c > (middle - c) * steep * there * (1.0 - there) / middle:
            high = middle
        else:
            low = middle
    there = hill(high, half, steep)
    touch[0], touch[1], touch[2] = high, steep * there * (1.0 - there) / high, there


@jit
def hill(level, half, steep):  # type: ignore[no-untyped-def]
    """Return Hill's saturation of a level."""
    if level <= 0.0:
        return 0.0
    return 1.0 / (1.0 + math.exp(steep * (math.log(half) - math.log(level))))
