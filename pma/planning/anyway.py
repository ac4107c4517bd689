"""What comes in the plan's months without its money, by draw, and how far such a forecast was off in the past."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from pma.media.kernels import SATURATIONS
from pma.media.transforms import saturate
from pma.planning.metrics import counted_worth, target_of
from pma.planning.response import CELL, CURRENT_WEEKS, WEEK, Horizon, Responses, known_spend

# The level of late is the mean of so many weeks: a quarter.
LEVEL_WEEKS = 13
YEAR = 52
# Fewer past forecasts say nothing of how far one is off.
LEAST_ORIGINS = 8


@dataclass(frozen=True)
class Anyway:
    """What comes of one metric without the plan's money; S countries, D draws, O past forecasts, M months.

    comes: as forecast, with what earlier money still brings in them, (S, D, M). misses: what past forecasts were off
    by, at the size of the plan's months, (S, D, O, M): all that no model explains, level, season and chance, as often
    together in countries and months as it was. rule: how it is forecast, in words.
    """

    countries: tuple[str, ...]
    comes: np.ndarray
    misses: np.ndarray
    rule: str

    def reached(self, brings: np.ndarray, country: str | None = None, month: int | None = None) -> np.ndarray:
        """Return what is counted where money adds so much by draw, (D,): equally likely outcomes, (D, O), 0 or more.

        `brings`: within the same days, see `Responses.within`. `country`, `month`: in it alone; None: in all.
        """
        at = [s for s, name in enumerate(self.countries) if country in (None, name)]
        months = slice(None) if month is None else slice(month, month + 1)
        comes = self.comes[at][..., months].sum(axis=(0, 2))
        found: np.ndarray = (comes + brings)[:, None] + self.misses[at][..., months].sum(axis=(0, 3))
        return np.maximum(found, 0.0)

    def only(self, countries: Container[str]) -> Anyway:
        """Return the same of some countries alone."""
        at = [s for s, name in enumerate(self.countries) if name in countries]
        return replace(
            self, countries=tuple(self.countries[s] for s in at), comes=self.comes[at], misses=self.misses[at]
        )


def with_probability(outcomes: np.ndarray, probability: float) -> float:
    """Return the most that is reached with a probability: that share of outcomes, of any shape, is no lower."""
    ordered = np.sort(outcomes, axis=None)
    return float(ordered[min(int((1 - probability) * len(ordered) + 1e-9), len(ordered) - 1)])


def anyway(
    responses: Responses, weeks: pd.DataFrame, spend: pd.DataFrame, worth: Mapping[str, np.ndarray]
) -> dict[str, Anyway]:
    """Return what comes anyway of each metric, as months count it, in the countries that have a fit of its target.

    `weeks`: rows of bl.mmm_fit_weeks of one method: country x target x week_start with `actual`, `expected`; `spend`:
    country x channel x week_start with `value`; `worth`: by metric, what a unit of a part's target is worth, (P, D).

    What came without media in a week of the past is what was counted in it less what media brought in it, by the draw:
    by fits of the metric's own target, also of money of the weeks before. A draw in which media bring much has little
    that comes without them, so that a plan like today reaches what there is now, whichever draw is right. To the
    forecast of it comes what earlier money still brings in the plan's months. So all of it, with what the plan's money
    adds within the months, is what their books will say. What the money brings later, sales of its uploads among it,
    is not in it: that is counted when it comes. The plan's own objective has it.

    Raises ValueError where the past is too short to know how far forecasts are off.
    """
    countries = tuple(sorted(set(responses.cells["country"])))
    known = _known_weeks(weeks, countries)
    counts = {metric: counted_worth(responses, metric, of_part) for metric, of_part in worth.items()}
    brought = past_worth(responses, spend, known, countries, counts)
    still = [responses.within(month).unplanned for month in range(len(responses.horizon.months))]
    made = {}
    for metric, of_part in counts.items():
        has_fit = set(responses.part.loc[responses.part["target"].eq(target_of(metric)), "country"])
        if not has_fit:
            continue
        counted, expected = _counted(responses, weeks, known, countries, of_part, metric)
        without = forecast(counted, expected, brought[metric], known, responses.horizon, countries)
        carried = np.stack([_by_country(responses, of_part * brings, countries) for brings in still], axis=-1)
        made[metric] = replace(without, comes=without.comes + carried).only(has_fit)
    return made


def _by_country(responses: Responses, values: np.ndarray, countries: tuple[str, ...]) -> np.ndarray:
    """Sums of parts, (P, D), by country; (S, D)."""
    found = np.zeros((len(countries), values.shape[1]))
    np.add.at(found, [countries.index(name) for name in responses.part["country"]], values)
    return found


def forecast(
    counted: np.ndarray,
    expected: np.ndarray,
    brought: np.ndarray,
    weeks: list[date],
    over: Horizon,
    countries: tuple[str, ...],
) -> Anyway:
    """Return the forecast of what comes without media, from plain arrays; T weeks without gaps.

    counted, expected: of the metric, as it was and as the fit has it, (S, T); brought: by money, by draw, (S, D, T). A
    week is like the same week a year ago as the fit has it, without that week's chance, shifted by how the last quarter
    differs from the same quarter a year ago: trend and what is new since. Where the past is too short for it, like the
    mean of the last quarter. The same rule at every earlier week gives what it is off by, as a share of what the fit
    expected of that month (of a year before); that share holds for the plan's months too.
    """
    came, usual = counted[:, None] - brought, expected[:, None] - brought
    ahead = [round((week - weeks[-1]) / WEEK) for week in over.weeks]
    share = np.zeros((len(over.months), max(ahead)))
    for w, h in enumerate(ahead):
        if h >= 1:
            share[:, h - 1] = over.inside[:, w]
    share = share[:, : int(np.flatnonzero(share.any(axis=0))[-1]) + 1]
    far, last = share.shape[1], len(weeks) - 1
    back = YEAR * -(-far // YEAR)
    level = min(LEVEL_WEEKS, max(len(weeks) - far - LEAST_ORIGINS + 1, 1))
    years = np.arange(back + LEVEL_WEEKS - 1, last - far + 1)
    late = np.arange(level - 1, last - far + 1)
    if len(years) >= LEAST_ORIGINS:
        origins, level = years, LEVEL_WEEKS
        rule = "the same weeks a year ago, shifted by the change of the last quarter from the one a year before"
    elif len(late) >= LEAST_ORIGINS:
        origins, back = late, 0
        rule = f"the mean of the last {level} weeks, for want of a year's past"
    else:
        raise ValueError(
            f"bl.mmm_fit_weeks has {len(weeks)} weeks that all countries share: too few to forecast months that end "
            f"{far} weeks later. Take the countries with the shortest past out, or plan fewer months"
        )
    everywhere = np.append(origins, last)
    ahead_of = _ahead(came, share, origins)
    guess = _guess(came, usual, share, everywhere, level, back)
    size = _ahead(expected[:, None], share, everywhere - back if back else origins)
    if not back:
        size = np.concatenate([size, size.mean(axis=2, keepdims=True)], axis=2)
    size = np.maximum(size, 1e-12 + 1e-3 * size.max(initial=0.0))
    misses = (ahead_of - guess[:, :, :-1]) / size[:, :, :-1] * size[:, :, -1:]
    return Anyway(countries, guess[:, :, -1], misses, rule)


def _guess(
    came: np.ndarray, usual: np.ndarray, share: np.ndarray, origins: np.ndarray, level: int, back: int
) -> np.ndarray:
    """What the rule says at weeks of the past; (S, D, O, M). `back`: weeks of whole years, 0: like the last weeks."""
    late = _level(came, level)[..., origins][..., None] * share.sum(axis=1)
    if not back:
        return late
    before = _level(usual, level)[..., origins - back][..., None] * share.sum(axis=1)
    found: np.ndarray = _ahead(usual, share, origins - back) + late - before
    return found


def _ahead(values: np.ndarray, share: np.ndarray, origins: np.ndarray) -> np.ndarray:
    """Sums over the months that lie ahead of weeks of the past; (S, D, T) and (M, H) to (S, D, O, M)."""
    windows = np.lib.stride_tricks.sliding_window_view(values, share.shape[1], axis=-1)
    found: np.ndarray = windows[..., origins + 1, :] @ share.T
    return found


def _level(values: np.ndarray, weeks: int) -> np.ndarray:
    """Means of the weeks up to each; the first ones of as many as there are; (S, D, T)."""
    sums = np.cumsum(np.concatenate([np.zeros((*values.shape[:2], 1)), values], axis=-1), axis=-1)
    ends = np.arange(1, values.shape[-1] + 1)
    begins = np.maximum(ends - weeks, 0)
    found: np.ndarray = (sums[..., ends] - sums[..., begins]) / (ends - begins)
    return found


def past_worth(
    responses: Responses,
    spend: pd.DataFrame,
    weeks: list[date],
    countries: tuple[str, ...],
    worth: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return what past money brought by week, draw and country, by metric; (S, D, T) each.

    Weeks whose spend is not known are like the mean of a cell's known ones, as are those before the first. A cell of
    whose last weeks nothing is known has no money in the plan's eyes: what it brings is left to what comes anyway.
    """
    draws, lags = responses.weights.shape[1:]
    past = _past_spend(responses, spend, [*(weeks[0] - WEEK * (lags - n) for n in range(lags)), *weeks])
    number = {name: s for s, name in enumerate(countries)}
    names = {code: name for name, code in SATURATIONS.items()}
    found = {metric: np.zeros((len(countries), draws, len(weeks))) for metric in worth}
    for p, (cell, country) in enumerate(zip(responses.part["cell"], responses.part["country"], strict=True)):
        scaled = past[cell] / responses.usual[p]
        lagged = np.lib.stride_tricks.sliding_window_view(scaled, lags)[1:, ::-1]
        level = responses.weights[p] @ lagged.T
        first, second = responses.first[p][:, None], responses.second[p][:, None]
        curve = saturate(names[int(responses.kind[p])], level[..., None], first, second)[..., 0]
        brought = responses.coefficient[p][:, None] * curve
        for metric, of_part in worth.items():
            found[metric][number[country]] += of_part[p][:, None] * brought
    return found


def _past_spend(responses: Responses, spend: pd.DataFrame, weeks: list[date]) -> np.ndarray:
    """Money by cell and week; (C, T)."""
    found = known_spend(spend, responses.cells, weeks)
    is_today = spend["week_start"].map(pd.Timestamp) > pd.Timestamp(weeks[-1]) - CURRENT_WEEKS * WEEK
    runs = pd.MultiIndex.from_frame(responses.cells).isin(pd.MultiIndex.from_frame(spend.loc[is_today, CELL]))
    found[~runs] = 0.0
    return found


def _known_weeks(weeks: pd.DataFrame, countries: tuple[str, ...]) -> list[date]:
    """The weeks, without gaps, that all countries and targets share."""
    of_plan = weeks if weeks.empty else weeks[weeks["country"].isin(countries)]
    if of_plan.empty:
        raise ValueError("bl.mmm_fit_weeks has no week of a country of the plan. Run fit_mmm")
    span = of_plan.groupby(["country", "target"])["week_start"].agg(["min", "max"])
    first, last = (pd.Timestamp(end).date() for end in (span["min"].max(), span["max"].min()))
    return [first + WEEK * n for n in range(max((last - first).days // 7 + 1, 0))]


def _counted(
    responses: Responses,
    weeks: pd.DataFrame,
    known: list[date],
    countries: tuple[str, ...],
    worth: np.ndarray,
    metric: str,
) -> tuple[np.ndarray, np.ndarray]:
    """The metric of the past as it was and as the fit has it; (S, T) each.

    Orders are value by the worth of value in orders. A week of which nothing is known is as the fit has it.
    """
    target = target_of(metric)
    of_target = (responses.part["target"] == target).to_numpy()
    unit = pd.Series(worth[of_target].mean(axis=1), index=responses.part.loc[of_target, "country"])
    unit = unit.groupby(level=0).first().reindex(countries).fillna(0.0)
    mine = weeks[weeks["target"] == target].assign(week_start=lambda rows: pd.to_datetime(rows["week_start"]))
    index = pd.MultiIndex.from_product([countries, pd.to_datetime(known)])
    tall = mine.set_index(["country", "week_start"])[["actual", "expected"]].reindex(index)
    shape = (len(countries), len(known))
    expected = tall["expected"].fillna(0.0).to_numpy(dtype=float).reshape(shape)
    actual = tall["actual"].to_numpy(dtype=float).reshape(shape)
    counted = np.where(np.isnan(actual), expected, actual)
    return counted * unit.to_numpy()[:, None], expected * unit.to_numpy()[:, None]
