"""What a plan must keep to: sums, floors, ceilings, changes, as rows of one linear system over cells and months."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from pma.planning.settings import Limit, PlanSettings

WHOLE_BUDGET = "the whole budget"
_OF = "(planning.plan.limits, or the scenario's)"
# Cells that an error names.
_NAMED = 6


@dataclass(frozen=True)
class Limits:
    """Bounds of all cells and months, and rows of sums over them; C cells, M months, R rows.

    low, high: money, (C, M). why_low, why_high: the names of what sets them, (C, M). rows: (R, C M), of 0 and 1; least,
    most: money, (R,); names: (R,).
    """

    low: np.ndarray
    high: np.ndarray
    why_low: np.ndarray
    why_high: np.ndarray
    rows: sparse.csr_array
    least: np.ndarray
    most: np.ndarray
    names: tuple[str, ...]

    @property
    def sides(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which rows are fixed, which have a ceiling alone and above a floor, and which a floor; (R,) each."""
        equal = self.least == self.most
        return equal, ~equal & np.isfinite(self.most), ~equal & (self.least > 0)


class InfeasibleError(ValueError):
    """A request that contradicts itself. `conflict`: the names of limits that cannot hold together, and by how much."""

    def __init__(self, message: str, conflict: dict[str, float]) -> None:
        super().__init__(message)
        self.conflict = conflict


def limits(cells: pd.DataFrame, months: tuple, current: np.ndarray, settings: PlanSettings) -> Limits:
    """Return what a plan must keep to.

    `cells`: rows of country, channel, (C,); `months`: first days, (M,); `current`: what a month like today costs by
    cell, (C, M). Raises ValueError where a limit names what is nowhere, or money is not a number of 0 or more, and
    InfeasibleError where limits contradict each other, with the smallest changes that end it.
    """
    low, high = np.zeros(current.shape), np.full(current.shape, np.inf)
    why_low, why_high = np.full(current.shape, "", dtype=object), np.full(current.shape, "", dtype=object)
    rows, least, most, names = [], [], [], []

    def bound(at: np.ndarray, floor: np.ndarray | float, ceiling: np.ndarray | float, name: str) -> None:
        higher, lower = at & (floor > low), at & (ceiling < high)
        low[higher], why_low[higher] = np.broadcast_to(floor, low.shape)[higher], name
        high[lower], why_high[lower] = np.broadcast_to(ceiling, high.shape)[lower], name

    for number, limit in enumerate(settings.limits):
        name = limit.name or f"limit {number + 1}"
        at = _places(limit, name, cells, months)
        floor = 0.0 if limit.floor is None else limit.floor
        ceiling = np.inf if limit.ceiling is None else limit.ceiling
        if limit.of == "each":
            bound(at, floor, ceiling, name)
        else:
            rows.append(at.ravel().astype(float))
            least.append(floor)
            most.append(ceiling)
            names.append(name)
    careful = np.broadcast_to(cells["country"].isin(settings.careful_countries).to_numpy()[:, None], current.shape)
    for at, change, why in (
        (np.ones(current.shape, dtype=bool), settings.max_change, "at most {:.0%} from today"),
        (careful, settings.max_change_flagged, "at most {:.0%} from today where fits are in doubt"),
    ):
        if change is not None:
            bound(at, (1 - change) * current, (1 + change) * current, why.format(change))
    totals = [settings.budget_of(month, float(current[:, m].sum())) for m, month in enumerate(months)]
    for m, (month, total) in enumerate(zip(months, totals, strict=True)):
        row = np.zeros(current.shape)
        row[:, m] = 1.0
        rows.append(row.ravel())
        least.append(total if settings.spend_all else 0.0)
        most.append(total)
        names.append(f"budget of {month:%Y-%m}")
    # Nothing can cost more than the month has: curves need an end.
    bound(np.isinf(high), 0.0, np.broadcast_to(totals, high.shape), WHOLE_BUDGET)
    found = Limits(
        low,
        high,
        why_low,
        why_high,
        sparse.csr_array(np.array(rows)),
        np.array(least, dtype=float),
        np.array(most, dtype=float),
        tuple(names),
    )
    _check_places(found, cells, months)
    _check_rows(found)
    return found


def _places(limit: Limit, name: str, cells: pd.DataFrame, months: tuple) -> np.ndarray:
    """Where a limit holds; (C, M)."""
    for kind, asked in (("country", limit.countries), ("channel", limit.channels)):
        unknown = sorted(set(asked) - set(cells[kind]))
        if unknown:
            known = ", ".join(sorted(set(cells[kind])))
            raise ValueError(
                f"limit {name!r} {_OF} names {kind} {', '.join(unknown)}, which no fit has. There are {known}"
            )
    in_months = [f"{month:%Y-%m}" for month in months]
    unknown = sorted(set(limit.months) - set(in_months))
    if unknown:
        raise ValueError(
            f"limit {name!r} {_OF} names month {', '.join(unknown)}; the plan is of {', '.join(in_months)}"
        )
    of_cell = np.ones(len(cells), dtype=bool)
    if limit.countries:
        of_cell &= cells["country"].isin(limit.countries).to_numpy()
    if limit.channels:
        of_cell &= cells["channel"].isin(limit.channels).to_numpy()
    of_month = np.array([not limit.months or name in limit.months for name in in_months])
    found: np.ndarray = of_cell[:, None] & of_month
    return found


def _check_places(found: Limits, cells: pd.DataFrame, months: tuple) -> None:
    """Raise InfeasibleError where a cell's floor is above its ceiling: all such cells, and by how much."""
    told: list[str] = []
    conflict: dict[str, float] = {}
    for c, m in np.argwhere(found.low > found.high):
        where = f"{cells['country'][c]} {cells['channel'][c]} in {months[m]:%Y-%m}"
        floor, ceiling = found.why_low[c, m], found.why_high[c, m]
        more = float(found.low[c, m] - found.high[c, m])
        told.append(
            f"{where}: '{floor}' asks for {found.low[c, m]:,.2f} or more, '{ceiling}' for {found.high[c, m]:,.2f} or "
            f"less. Lower the one or raise the other by {more:,.2f}"
        )
        conflict |= {name: max(more, conflict.get(name, 0.0)) for name in (floor, ceiling)}
    if told:
        others = f"; and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
        raise InfeasibleError("; ".join(told[:_NAMED]) + others, conflict)


def _check_rows(found: Limits) -> None:
    """Raise InfeasibleError where no plan keeps to all limits: those with the least money to give way."""
    # Slack of each row below and above, and of each bound: the least sum of them that lets a plan be.
    count, places = found.rows.shape
    eye = sparse.eye_array(count)
    has_least, has_most = np.flatnonzero(found.least > 0), np.flatnonzero(np.isfinite(found.most))
    a = sparse.vstack(
        [
            sparse.hstack([found.rows, -eye, sparse.csr_array((count, count))]).tocsr()[has_most],
            sparse.hstack([-found.rows, sparse.csr_array((count, count)), -eye]).tocsr()[has_least],
        ]
    )
    b = np.concatenate([found.most[has_most], -found.least[has_least]])
    cost = np.concatenate([np.zeros(places), np.ones(2 * count)])
    bounds = np.concatenate(
        [
            np.stack([found.low.ravel(), found.high.ravel()], axis=1),
            np.tile([0.0, np.inf], (2 * count, 1)),
        ]
    )
    solved = linprog(cost, A_ub=a, b_ub=b, bounds=bounds, method="highs")
    slack = solved.x[places:].reshape(2, count)
    scale = max(found.most[has_most].max(initial=0.0), 1.0)
    if slack.sum() <= 1e-9 * scale:
        return
    told: list[str] = []
    conflict: dict[str, float] = {}
    for r, name in enumerate(found.names):
        for more, what, at in ((slack[0, r], "raise", found.most), (slack[1, r], "lower", found.least)):
            if more > 1e-9 * scale:
                conflict[name] = float(more)
                told.append(f"{what} '{name}' ({at[r]:,.2f}) by {more:,.2f}")
    against = _against(found, solved, has_most, has_least)
    stays = [name for name in against if name not in conflict]
    raise InfeasibleError(
        f"no plan keeps to all limits: {' and '.join(told)}. "
        f"It stands against {', '.join(map(repr, stays)) or 'itself'}",
        dict.fromkeys(against, 0.0) | conflict,
    )


def _against(found: Limits, solved: object, has_most: np.ndarray, has_least: np.ndarray) -> list[str]:
    """The names of limits that the smallest change is there for: those with a price in the problem of slack."""
    priced = np.abs(solved.ineqlin.marginals) > 1e-9  # type: ignore[attr-defined]
    rows = [*has_most[priced[: len(has_most)]], *has_least[priced[len(has_most) :]]]
    names = [found.names[r] for r in rows]
    for prices, whys in ((solved.lower, found.why_low), (solved.upper, found.why_high)):  # type: ignore[attr-defined]
        of_places = np.abs(prices.marginals[: found.low.size]) > 1e-9
        names += [why for why in whys.ravel()[of_places] if why]
    return list(dict.fromkeys(names))
