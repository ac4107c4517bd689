"""Geo-lift tests as the likelihood takes them: what was spent, what would have been, and which tests cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pma.mmm.design import Design

DAYS = 7
# A test that leaves less than this of a channel's spend cut it to nothing: what was left says nothing of the weeks.
NOTHING = 0.1
# Spend of the data that is farther from the test's, as a share of the larger of both, is in another unit.
OTHER_SPEND = 0.35
# Usual spend that is so many times that of the weeks around, or so small a part of it, is in another unit.
OTHER_UNIT = 5.0
# Weeks before a test that say what is usual.
BEFORE_WEEKS = 13
# A lift that is so many standard errors from nothing is told from it.
CLEAR = 2.0
NUMBERS = ("spend", "spend_change", "lift", "standard_error")
MEND = "Correct il.lift_tests (feeds.lift_tests)"


@dataclass(frozen=True)
class LiftTest:
    """One row of il.lift_tests of a geo and target; see its columns. A test's days are whole, both ends among them."""

    test_id: str
    channel: str
    starts_on: date
    ends_on: date
    spend: float
    spend_change: float
    lift: float
    standard_error: float

    @property
    def kept(self) -> float:
        """Usual spend over spend of the test: what the change multiplied spend by, the other way round."""
        return self.spend / (self.spend + self.spend_change)


@dataclass(frozen=True)
class Lifts:
    """The tests of one design; N tests, S series, T weeks.

    tests: those that are used; left_out: the others, each with the reason. channel: place of the tested one, (N,).
    Each test has two or three series of spend, in usual spend: as it was, and without the change. of_test: whose, (S,);
    spend, (S, T); counts, (S, T): how often the media of a week count in the expected lift: 1 as it was, -1 without the
    change.
    """

    tests: tuple[LiftTest, ...]
    left_out: tuple[tuple[LiftTest, str], ...]
    channel: np.ndarray
    of_test: np.ndarray
    spend: np.ndarray
    counts: np.ndarray


def no_lifts(weeks: int) -> Lifts:
    """Return the lifts of a design without tests."""
    nothing, none = np.zeros((0, weeks)), np.zeros(0, dtype=np.int64)
    return Lifts((), (), none, none, nothing, nothing)


def tests_of(tests: pd.DataFrame | None, geo_level: str, geo: str, target: str) -> pd.DataFrame:
    """Return the rows of il.lift_tests of a country and target, by test; none for a region, nor without a table."""
    columns = ["test_id", "channel", "starts_on", "ends_on", *NUMBERS]
    if tests is None or geo_level != "country":
        return pd.DataFrame(columns=columns)
    mine = tests[(tests["country"] == geo) & (tests["target"] == target)]
    return mine[columns].sort_values(["test_id", "starts_on"], ignore_index=True)


def with_tests(design: Design, tests: pd.DataFrame | None) -> Design:
    """Return the design with the tests of its geo and target, and a note for each that cannot be used.

    `tests`: rows of il.lift_tests, of any country and target. A test of a country says nothing of its region: what the
    change of one country's spend did is not what that of all would do.
    """
    notes = []
    if tests is not None and design.geo_level != "country" and (tests["target"] == design.target).any():
        notes.append(
            "lift tests are of countries: none is used for a region. To use them, fit its countries "
            "(mmm.fit.geo_levels: country)"
        )
    used, left_out = [], []
    for row in tests_of(tests, design.geo_level, design.geo, design.target).to_dict("records"):
        test = _read(row)
        reason = next(faults(design, test), None)
        if reason is None:
            used.append(test)
        else:
            left_out.append((test, reason))
            notes.append(f"lift test {test.test_id} is left out: {reason}")
    parts = [_series(design, test) for test in used]
    nothing = np.zeros((0, len(design.weeks)))
    lifts = Lifts(
        tests=tuple(used),
        left_out=tuple(left_out),
        channel=np.array([design.channels.index(test.channel) for test in used], dtype=np.int64),
        of_test=np.array([n for n, (spend, _) in enumerate(parts) for _ in spend], dtype=np.int64),
        spend=np.concatenate([nothing, *(spend for spend, _ in parts)]),
        counts=np.concatenate([nothing, *(counts for _, counts in parts)]),
    )
    return replace(design, lifts=lifts, notes=(*design.notes, *notes))


def clearly_tested(design: Design) -> set[str]:
    """Return the channels of the tests whose lift can be told from nothing."""
    tests = design.lifts.tests
    return {test.channel for test in tests if abs(test.lift) >= CLEAR * test.standard_error}


def without_changes(design: Design, channel: int) -> np.ndarray:
    """Return the spend of a channel as it was planned, without the changes of its tests, in usual spend; (T,)."""
    planned = design.spend[:, channel].copy()
    lifts = design.lifts
    for n in np.flatnonzero(lifts.channel == channel):
        # The second series of a test is that without its change.
        without = lifts.spend[np.flatnonzero(lifts.of_test == n)[1]]
        planned = np.where(without != design.spend[:, channel], without, planned)
    return planned


def measured(design: Design) -> tuple[np.ndarray, np.ndarray]:
    """Return lift and standard error of the tests in usual weeks of the target; (N,) each."""
    tests = design.lifts.tests
    lift, error = [test.lift for test in tests], [test.standard_error for test in tests]
    return np.array(lift, dtype=float) / design.scale, np.array(error, dtype=float) / design.scale


def compact(design: Design, lags: int) -> dict[str, np.ndarray]:
    """Return what `pma.mmm.lift_density.lift_likelihood` takes of a `pma.mmm.density.Data`, by name.

    Of each series the weeks of the test and the lags before them, the last week at the end; nothing before the data.
    """
    lifts = design.lifts
    counted = [np.flatnonzero(counts) for counts in lifts.counts]
    length = max((int(at[-1] - at[0]) + lags for at in counted), default=0)
    shape = (len(counted), length)
    spend, unknown, counts = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    week = np.zeros(len(counted), dtype=np.int64)
    channel = lifts.channel[lifts.of_test]
    for s, at in enumerate(counted):
        last = int(at[-1]) + 1
        first = max(last - length, 0)
        place = slice(length - (last - first), length)
        week[s] = last - length
        spend[s, place] = lifts.spend[s, first:last]
        unknown[s, place] = design.unknown[first:last, channel[s]]
        counts[s, place] = lifts.counts[s, first:last]
    lift, error = measured(design)
    return {
        "lift": lift,
        "lift_error": error,
        "lift_of": lifts.of_test,
        "lift_channel": np.ascontiguousarray(channel),
        "lift_spend": spend,
        "lift_unknown": unknown,
        "lift_counts": counts,
        "lift_week": week,
    }


def covered(weeks: pd.DatetimeIndex, test: LiftTest) -> np.ndarray:
    """Return the share of each week's days that are days of the test; (T,)."""
    first = (pd.Timestamp(test.starts_on) - weeks).days.to_numpy()
    after = (pd.Timestamp(test.ends_on) - weeks).days.to_numpy() + 1
    return (np.clip(after, 0, DAYS) - np.clip(first, 0, DAYS)) / DAYS


def faults(design: Design, test: LiftTest) -> Iterator[str]:
    """Yield why a test cannot be used, with the fix, in words."""
    if test.channel not in design.channels:
        there = ", ".join(design.channels)
        yield f"{test.channel} is not among the paid channels that spend here ({there}). {MEND}"
        return
    if not all(np.isfinite(getattr(test, name)) for name in NUMBERS):
        yield f"one of its numbers is missing or infinite. {MEND}"
        return
    if test.standard_error <= 0:
        yield (
            "it has no positive standard error, and a measurement without error is none. Take the width of its 95 % "
            "interval over 3.92"
        )
    if test.spend < 0 or test.spend + test.spend_change < 0:
        yield f"it would have spent less than nothing. {MEND}"
        return
    if abs(test.spend_change) <= 1e-6 * max(test.spend, 1e-300):
        yield "it did not change spend: there is nothing that it could have measured. Give the change of spend"
        return
    first, last = design.weeks[0].date(), (design.weeks[-1] + pd.Timedelta(days=DAYS - 1)).date()
    if not first <= test.starts_on <= test.ends_on <= last:
        yield (
            f"it ran from {test.starts_on} to {test.ends_on}, the data from {first} to {last}. Correct its days, or "
            "load spend of its weeks"
        )
        return
    yield from _unlike_data(design, test)


def _unlike_data(design: Design, test: LiftTest) -> Iterator[str]:
    """Yield how a test's spend and lift are not those of the data."""
    share, c = covered(design.weeks, test), design.channels.index(test.channel)
    money = design.money[:, c]
    during = share > 0
    if np.isnan(money[during]).any():
        yield f"spend of {test.channel} is unknown in its weeks. Load it, or leave the test out for good"
        return
    spent, said = float((money * _of_test(share, test))[during].sum()), test.spend + test.spend_change
    if abs(spent - said) > OTHER_SPEND * max(spent, said, test.spend):
        yield (
            f"it says that {test.channel} spent {said:,.6g} in it, the data say {spent:,.6g}. Give spend and "
            "spend_change of the whole test in the reporting currency (not micros, not the account's currency)"
        )
    earlier = money[: int(np.flatnonzero(during)[0])]
    earlier = earlier[earlier > 0][-BEFORE_WEEKS:]
    usual = float(np.median(earlier) if len(earlier) else design.spend_scale[c]) * share.sum()
    if test.spend > 0 and not usual / OTHER_UNIT <= test.spend <= usual * OTHER_UNIT:
        yield (
            f"it says that {test.channel} would have spent {test.spend:,.6g} in it, and before it the same time cost "
            f"{usual:,.6g}. Give spend of the whole test in the reporting currency (not micros, not another currency)"
        )
    value = np.where(np.isnan(design.value), design.scale, design.value)
    whole = float(value @ share)
    if abs(test.lift) > whole:
        yield (
            f"its lift of {test.lift:,.6g} is more than all of {design.target} in its weeks ({whole:,.6g}). Give the "
            f"lift of the whole test in the unit of {design.target}"
        )


def _of_test(share: np.ndarray, test: LiftTest) -> np.ndarray:
    """The part of each week's spend that fell on days of the test: a day of it spent by the change more or less."""
    if test.spend == 0:
        return (share > 0).astype(float)
    changed = share * (test.spend + test.spend_change)
    whole = changed + (1 - share) * test.spend
    return np.divide(changed, whole, out=np.ones_like(share), where=whole > 0) * (share > 0)


def _series(design: Design, test: LiftTest) -> tuple[np.ndarray, np.ndarray]:
    """Spend with and without the change of a test, and how often each week counts; (series, T) both.

    Without the change, spend is scaled back to what it would have been; where it was cut to nothing, the usual spend is
    spread evenly. A test that ends inside a week: what its own days did counts, and of what is left of the days before
    it the covered share, which takes a third series, in which that week alone is without the change.
    """
    share, c = covered(design.weeks, test), design.channels.index(test.channel)
    spend = design.spend[:, c]
    if test.spend + test.spend_change < NOTHING * test.spend:
        usual = spend - test.spend_change / design.spend_scale[c] * share / share.sum()
    else:
        usual = spend * test.kept / (test.kept + share * (1 - test.kept)) if test.kept > 0 else spend * (share <= 0)
    last = int(np.flatnonzero(share)[-1])
    without = np.where(share > 0, usual, spend)
    counts = (share > 0).astype(float)
    # A test that starts inside a week did nothing before: all of that week's difference is its own.
    rest = 1.0 - (pd.Timestamp(test.ends_on) - design.weeks[last]).days / DAYS - 1 / DAYS
    if rest <= 1e-9:
        return np.stack([spend, without]), np.stack([counts, -counts])
    only_last = spend.copy()
    only_last[last] = without[last]
    at_last = np.zeros_like(counts)
    at_last[last] = 1.0
    return np.stack([spend, without, only_last]), np.stack([counts, -counts + rest * at_last, -rest * at_last])


def _read(row: dict[Any, Any]) -> LiftTest:
    starts_on, ends_on = (pd.Timestamp(row[name]).date() for name in ("starts_on", "ends_on"))
    numbers = {name: float(row[name]) if row[name] is not None else np.nan for name in NUMBERS}
    return LiftTest(str(row["test_id"]), str(row["channel"]), starts_on=starts_on, ends_on=ends_on, **numbers)
