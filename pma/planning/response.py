"""What a plan brings: the curves of fits over a horizon, with what was spent before and what works on after its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd

from pma.media.kernels import SATURATIONS
from pma.media.transforms import adstock_weights
from pma.planning.curves import HALVINGS, brought, touches

WEEK = timedelta(days=7)
CELL = ["country", "channel"]
# Today's spend is the mean of so many last weeks.
CURRENT_WEEKS = 4
# Lines above curves that a plan keeps at once, bytes.
_LINES_BYTES = 2**28
# A plan, (C, M), and how much each draw counts, (D,), to worth by cell, (C,), and its slope by money, (C, M).
Above = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
# What stands in for curves of all money, and for those of money up to what was seen; see `Responses.lines`.
Lines = tuple[np.ndarray, np.ndarray]
_NO_LINES = np.zeros((0, 0, 0, 3))
_NO_SLOPE = np.zeros((0, 0))


@dataclass(frozen=True)
class Horizon:
    """The weeks of a plan.

    months: first days, (M,). weeks: Mondays, (W,): `before` of them, whose spend carries over into the plan, then those
    that the months touch, then as many as an ad works on. share: how much of a month's money is spent in a week, by
    days, (M, W): the rows add up to 1. counts: how much of what a week brings counts, (W,), rising to 1 and falling
    again; None: all of it, from the first week of the months on.
    """

    months: tuple[date, ...]
    weeks: tuple[date, ...]
    before: int
    share: np.ndarray
    counts: np.ndarray | None = None

    @cached_property
    def inside(self) -> np.ndarray:
        """The part of each week's days that lies in each month; (M, W)."""
        days = np.array([pd.Timestamp(month).days_in_month for month in self.months])
        return self.share * days[:, None] / 7

    @cached_property
    def spans(self) -> list[tuple[int, int, float]]:
        """First weeks and ends of stretches that count, each with a weight: together they are `counts`."""
        if self.counts is None:
            return [(self.before, len(self.weeks), 1.0)]
        heights, found = np.unique(self.counts[self.counts > 0].round(9)), []
        for below, height in pairwise([0.0, *heights]):
            at = np.flatnonzero(self.counts >= height - 1e-9)
            found.append((int(at[0]), int(at[-1]) + 1, float(height - below)))
        return found


def horizon(first: date, months: int, lags: int) -> Horizon:
    """Return the horizon of so many months from that of `first` on. Raises ValueError where there are none."""
    if months < 1:
        raise ValueError(f"a plan of {months} months: planning.plan.months must be 1 or more")
    starts = [(pd.Timestamp(first).to_period("M") + m).start_time.date() for m in range(months + 1)]
    begins = starts[0] - timedelta(days=starts[0].weekday())
    touched = -(-(starts[-1] - begins).days // 7)
    weeks = [begins + WEEK * w for w in range(-lags, touched + lags)]
    days = np.array([[_overlap(week, a, b) for week in weeks] for a, b in pairwise(starts)])
    return Horizon(tuple(starts[:-1]), tuple(weeks), lags, days / days.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Responses:
    """What money in cells brings; C cells (a country and a channel each), P parts (a target of a cell), D draws.

    cells: rows of country, channel. part: rows of cell, target. weights: of adstock, (P, D, lags); kind, usual: (P,);
    first, second: of saturation, coefficient: (P, D). spent: money that is spent whatever the plan, (C, W). worth: what
    a unit of the target is worth in the plan's objective, (P, D). seen: the most that a week has seen, money by cell,
    (C,): what money beyond it brings counts less by the share `discount`; None: it counts as any. after: money a week
    once the plan is over, (C,), for the rest of its last week where days are counted, see `within`; None: nothing.
    """

    horizon: Horizon
    cells: pd.DataFrame
    part: pd.DataFrame
    weights: np.ndarray
    kind: np.ndarray
    usual: np.ndarray
    first: np.ndarray
    second: np.ndarray
    coefficient: np.ndarray
    spent: np.ndarray
    worth: np.ndarray
    seen: np.ndarray | None = None
    discount: float = 0.0
    after: np.ndarray | None = None

    def by_draw(self, plan: np.ndarray) -> np.ndarray:
        """Return what a plan, money by cell and month (C, M), brings by part and draw, units of the target; (P, D)."""
        whole = self._brought(plan, _NO_LINES)[0]
        if self._seen is not None:
            whole += self.discount * (self._brought(np.minimum(plan, self._seen), _NO_LINES)[0] - whole)
        return whole - self.unplanned

    def within(self, month: int | None = None) -> Responses:
        """Return the same, but that what money brings counts on the days of a month alone; None: of all months.

        So months count it: with what money of the months before still brings, without what comes after the last day.
        Days of the plan's last week that lie after it spend as today: curves are of whole weeks.
        """
        inside = self.horizon.inside
        counts, spent = inside.sum(axis=0) if month is None else inside[month], self.spent
        if self.after is not None:
            last = int(np.flatnonzero(inside.any(axis=0))[-1])
            spent = spent.copy()
            spent[:, last] += (1 - inside[:, last].sum()) * self.after
        return replace(self, horizon=replace(self.horizon, counts=counts), spent=spent)

    def objective(self, plan: np.ndarray) -> np.ndarray:
        """Return what a plan is worth by draw; (D,)."""
        worth: np.ndarray = (self.worth * self.by_draw(plan)).sum(axis=0)
        return worth

    def by_cell(self, plan: np.ndarray, worth: np.ndarray | None = None) -> np.ndarray:
        """Return what each cell's money is worth by draw, (D, C); `worth`: of a unit, (P, D), else the objective's."""
        return self.in_cells(self.by_draw(plan), worth)

    def in_cells(self, brought: np.ndarray, worth: np.ndarray | None = None) -> np.ndarray:
        """Return the same of what was brought already, see `by_draw`: one look at the curves serves several worths."""
        of_part = (self.worth if worth is None else worth) * brought
        found = np.zeros((len(self.cells), of_part.shape[1]))
        np.add.at(found, self._cell, of_part)
        return found.T

    def value_and_slope(self, plan: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what each cell is worth, (C,), and its slope by money, (C, M); `share`: how draws count, (D,)."""
        return self._summed(plan, share, (_NO_LINES, _NO_LINES))

    def above(self, low: np.ndarray, high: np.ndarray, halvings: int = HALVINGS) -> Above:
        """Return `value_and_slope` of concave curves that lie nowhere below the true ones between two plans, (C, M).

        `halvings`: how close to the least of such curves; 0 will do where the two plans are near each other.
        """
        if self.is_concave:
            return self.value_and_slope
        blocks = self._blocks()
        # Lines of large plans are found anew each time: all of them together may be more than a machine holds.
        kept = [blocks[0]._both_lines(low, high, halvings)] if len(blocks) == 1 else None

        def worth(plan: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            value, slope = np.zeros(len(self.cells)), np.zeros(plan.shape)
            for number, block in enumerate(blocks):
                lines = kept[number] if kept else block._both_lines(low, high, halvings)
                of_cell, steep = block._summed(plan, share, lines)
                value, slope = value + of_cell, slope + steep
            return value, slope

        return worth

    def lines(self, low: np.ndarray, high: np.ndarray, halvings: int = HALVINGS) -> np.ndarray:
        """Return what stands in for curves where they are not concave between two plans, (C, M); (P, D, W, 3)."""
        found = np.zeros((*self.first.shape, len(self.horizon.weeks), 3))
        least, most = (self.spent + plan @ self.horizon.share for plan in (low, high))
        curve = (self.weights, self.kind, self.first, self.second, self.usual)
        touches(least, most, self.horizon.before, self._cell, *curve, halvings, found)
        return found

    def _both_lines(self, low: np.ndarray, high: np.ndarray, halvings: int) -> Lines:
        whole = self.lines(low, high, halvings)
        if self._seen is None:
            return whole, _NO_LINES
        # Below its own start a line lies under the curve: money up to what was seen has ends of its own.
        return whole, self.lines(np.minimum(low, self._seen), np.minimum(high, self._seen), halvings)

    @cached_property
    def is_concave(self) -> bool:
        """Whether every curve bends down everywhere: Hill's with a slope above 1 do not."""
        return not ((self.kind == SATURATIONS["hill"])[:, None] & (self.second > 1.0)).any()

    def _blocks(self) -> list[Responses]:
        """The parts in blocks whose lines are no more than `_LINES_BYTES`."""
        of_part = 3 * 8 * self.first.shape[1] * len(self.horizon.weeks) * (1 if self._seen is None else 2)
        size = max(_LINES_BYTES // of_part, 1)
        if len(self.part) <= size:
            return [self]
        return [self.of_parts(slice(at, at + size)) for at in range(0, len(self.part), size)]

    def of_parts(self, kept: slice | np.ndarray) -> Responses:
        """Return responses of some parts alone, a slice or (P,) of booleans; all cells stay."""

        def few(values: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(values[kept])

        return replace(
            self,
            part=self.part[kept].reset_index(drop=True),
            weights=few(self.weights),
            kind=few(self.kind),
            usual=few(self.usual),
            first=few(self.first),
            second=few(self.second),
            coefficient=few(self.coefficient),
            worth=few(self.worth),
        )

    def thinned(self, draws: int) -> Responses:
        """Return the same with draws at even distances, `draws` of them at the most."""
        count = self.first.shape[1]
        kept = np.unique(np.linspace(0, count - 1, min(draws, count)).round().astype(int))

        def few(values: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(values[:, kept])

        return replace(
            self,
            weights=few(self.weights),
            first=few(self.first),
            second=few(self.second),
            coefficient=few(self.coefficient),
            worth=few(self.worth),
        )

    @cached_property
    def unplanned(self) -> np.ndarray:
        """What money that is spent whatever the plan brings, by part and draw, units of the target; (P, D)."""
        return self._brought(np.zeros((len(self.cells), len(self.horizon.months))), _NO_LINES)[0]

    @cached_property
    def _cell(self) -> np.ndarray:
        return np.ascontiguousarray(self.part["cell"].to_numpy(dtype=np.int64))

    @cached_property
    def _seen(self) -> np.ndarray | None:
        """What the months cost where every week costs the most that was seen; (C, M)."""
        if self.seen is None or not self.discount:
            return None
        days = np.array([pd.Timestamp(month).days_in_month for month in self.horizon.months])
        found: np.ndarray = self.seen[:, None] * days / 7
        return found

    def _summed(self, plan: np.ndarray, share: np.ndarray, lines: Lines) -> tuple[np.ndarray, np.ndarray]:
        of_all, of_seen = lines
        value, slope = self._whole(plan, share, of_all)
        if self._seen is not None:
            inside, steep = self._whole(np.minimum(plan, self._seen), share, of_seen)
            value = value + self.discount * (inside - value)
            slope = slope + self.discount * (np.where(plan < self._seen, steep, 0.0) - slope)
        return value, slope

    def _whole(self, plan: np.ndarray, share: np.ndarray, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        counts = self.worth * share
        value, slope = self._brought(plan, lines, counts)
        of_part = (counts * (value - self.unplanned)).sum(axis=1)
        cells = len(self.cells)
        by_week = np.zeros((cells, slope.shape[1]))
        np.add.at(by_week, self._cell, slope)
        return np.bincount(self._cell, of_part, minlength=cells), by_week @ self.horizon.share.T

    def _brought(
        self, plan: np.ndarray, lines: np.ndarray, counts: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        spend = self.spent + plan @ self.horizon.share
        value, of_span = np.zeros(self.first.shape), np.empty(self.first.shape)
        slope = _NO_SLOPE if counts is None else np.zeros((len(self.part), spend.shape[1]))
        curve = (self.weights, self.kind, self.first, self.second, self.usual, self.coefficient)
        counted = self.worth if counts is None else np.ascontiguousarray(counts)
        for begins, end, weight in self.horizon.spans:
            until = np.ascontiguousarray(spend[:, :end])
            brought(until, begins, self._cell, *curve, lines, of_span, slope, weight * counted)
            value += weight * of_span
        return value, slope


def responses(posterior: pd.DataFrame, spend: pd.DataFrame, over: Horizon, worth: pd.DataFrame) -> Responses:
    """Return what money brings, by the draws of fits.

    `posterior`: rows of bl.mmm_posterior of one method, `geo` being the country; all fits of as many draws. `spend`:
    country x channel x week_start with `value`, money; of weeks that are not there see `spend_by_week`. `worth`:
    country x target with `draws`, (D,) each: what a unit of the target is worth; a target without a row counts for
    nothing and is left out. Raises ValueError where no fit is left, or fits have not as many draws.
    """
    known = posterior.rename(columns={"geo": "country"}).merge(worth[["country", "target"]], on=["country", "target"])
    if known.empty:
        raise ValueError("bl.mmm_posterior has no fit of a country and target that the plan counts. Run fit_mmm")
    counts = known.groupby(["country", "target", "channel"])["draw"].nunique()
    if counts.nunique() > 1:
        raise ValueError(
            f"fits have from {counts.min()} to {counts.max()} draws in bl.mmm_posterior: their draws cannot be paired. "
            "Fit all countries with one mmm.fit.kept_draws"
        )
    known = known.sort_values([*CELL, "target", "draw"], kind="stable")
    draws = int(counts.iloc[0])
    cells = known[CELL].drop_duplicates().reset_index(drop=True)
    part = known[[*CELL, "target"]].drop_duplicates().reset_index(drop=True)
    numbers = {tuple(row): c for c, row in enumerate(cells.itertuples(index=False))}
    part["cell"] = [numbers[key] for key in part[CELL].itertuples(index=False, name=None)]
    first = known.groupby([*CELL, "target"], sort=True).head(1)

    def of(name: str) -> np.ndarray:
        return np.ascontiguousarray(known[name].to_numpy(dtype=float).reshape(len(part), draws))

    values = {(row["country"], row["target"]): row["draws"] for row in worth.to_dict("records")}
    return Responses(
        horizon=over,
        cells=cells,
        part=part,
        weights=_weights(known, len(part), draws, max(int(lags) for lags in known["lags"].unique())),
        kind=np.array([SATURATIONS[name] for name in first["saturation"]], dtype=np.int64),
        usual=np.ascontiguousarray(first["usual_spend"].to_numpy(dtype=float)),
        first=of("saturation_first"),
        second=of("saturation_second"),
        coefficient=of("coefficient"),
        spent=spend_by_week(spend, cells, over),
        worth=np.stack(
            [np.broadcast_to(values[key], draws) for key in zip(part["country"], part["target"], strict=True)]
        ),
        after=current_spend(spend, cells),
    )


def spend_by_week(spend: pd.DataFrame, cells: pd.DataFrame, over: Horizon) -> np.ndarray:
    """Return what cells spend before the plan's first day; (C, W), zero from then on.

    A week after the last that any cell has, and the days of the plan's first week before it begins, are like today:
    the mean of the last weeks (`current_spend`). Other weeks that are not known are like the mean of those that are.
    """
    known = known_spend(spend, cells, over.weeks[: over.before + 1])
    today, last = current_spend(spend, cells), pd.Timestamp(max(spend["week_start"])).date()
    out = np.zeros((len(cells), len(over.weeks)))
    for w, week in enumerate(over.weeks[: over.before + 1]):
        if week > last or w == over.before:
            out[:, w] = today * min((over.months[0] - week).days, 7) / 7
        else:
            out[:, w] = known[:, w]
    return out


def known_spend(spend: pd.DataFrame, cells: pd.DataFrame, weeks: Sequence[date]) -> np.ndarray:
    """Return money by cell and week, (C, T): where a week is not known, the mean of the cell's known ones.

    A cell of whose last weeks nothing is known has ended: unknown weeks of it had none.
    """
    wide = spend.pivot_table(index=CELL, columns="week_start", values="value", aggfunc="sum")
    wide = wide.reindex(index=pd.MultiIndex.from_frame(cells))
    days = pd.to_datetime(pd.Series(wide.columns))
    is_known = wide.notna().to_numpy()
    runs = is_known[:, days > days.max() - CURRENT_WEEKS * WEEK].any(axis=1)
    sums, counts = wide.fillna(0.0).to_numpy(dtype=float).sum(axis=1), is_known.sum(axis=1)
    usual = np.where(runs, sums / np.maximum(counts, 1), 0.0)
    wide.columns = pd.Index(days)
    known = wide.reindex(columns=pd.to_datetime(pd.Series(list(weeks)))).to_numpy(dtype=float)
    found: np.ndarray = np.where(np.isnan(known), usual[:, None], known)
    return found


def current_spend(spend: pd.DataFrame, cells: pd.DataFrame, weeks: int = CURRENT_WEEKS) -> np.ndarray:
    """Return the mean spend of those of the last weeks of the data that are known, money by cell; (C,).

    A week that has no row is one of which nothing is known: none in all of them, and the cell has ended.
    """
    days = pd.to_datetime(spend["week_start"])
    recent = spend[days > days.max() - pd.Timedelta(weeks=weeks)]
    return of_cells(recent.groupby(CELL)["value"].mean(), cells)


def of_cells(values: pd.Series, cells: pd.DataFrame) -> np.ndarray:
    """Return values by country and channel in the order of the cells, 0 where there is none; (C,)."""
    found: np.ndarray = values.reindex(pd.MultiIndex.from_frame(cells)).fillna(0.0).to_numpy(dtype=float)
    return found


def _weights(known: pd.DataFrame, parts: int, draws: int, lags: int) -> np.ndarray:
    """Adstock of all parts and draws; (P, D, lags), zero beyond a fit's own lags."""
    out = np.zeros((parts * draws, lags))
    kinds: Sequence[tuple[str, int]] = list(known[["adstock", "lags"]].drop_duplicates().itertuples(index=False))
    for kind, own in kinds:
        at = ((known["adstock"] == kind) & (known["lags"] == own)).to_numpy()
        first, second = known["adstock_first"].to_numpy()[at], known["adstock_second"].to_numpy()[at]
        out[at, : int(own)] = adstock_weights(kind, first, second, int(own))
    return out.reshape(parts, draws, lags)


def _overlap(week: date, start: date, end: date) -> int:
    """Days that a week and the days from start until before end share."""
    return max(0, (min(week + WEEK, end) - max(week, start)).days)
