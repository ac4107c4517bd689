"""One geo's data as the model takes them: scaled, with what is not known marked and never filled with zeros."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pma.mmm.basis import media_waves, trend_waves
from pma.mmm.confounding import with_demand
from pma.mmm.lift_tests import Lifts, no_lifts, with_tests
from pma.mmm.linear import left_over, linear_columns
from pma.mmm.series import varies
from pma.mmm.spec import FitSettings, MediaSpec, ModelSpec

WEEK = pd.Timedelta(days=7)


class NotFitError(ValueError):
    """The data of a geo cannot carry a model; the message says what to do."""


@dataclass(frozen=True)
class Design:
    """One geo and target, ready for the sampler; T weeks, C channels, K linear columns, W waves.

    weeks: Mondays without a gap. value: the target as given, NaN unknown; (T,). scale: its usual week; y: the target
    over it, 0 where unknown. explained: 1 where the week enters the likelihood. channels, media: names and specs.
    money: spend as given, below 0 as 0, NaN unknown; spend_scale, (C,): the channel's usual spend; spend, unknown,
    known: see `pma.mmm.density.Data`, but (T, C). effect_scale, (C,): factor of the prior of the mean contribution.
    names, kinds: of the linear columns; columns, (T, K), times their prior scale; rotation, (K, K): principal axes;
    means, (K,): what was taken off `columns`; none, (K,): the value of a column that counts as no contribution (no
    event, no newsletter; else the mean). basis: of the trend, (T, W). drift: basis of the logarithm of how strongly all
    media work, (T, V), no columns where that does not move. lifts: tests of its geo and target. notes: what was done to
    the data, in words.
    """

    geo_level: str
    geo: str
    target: str
    weeks: pd.DatetimeIndex
    value: np.ndarray
    scale: float
    y: np.ndarray
    explained: np.ndarray
    channels: tuple[str, ...]
    media: tuple[MediaSpec, ...]
    money: np.ndarray
    spend_scale: np.ndarray
    spend: np.ndarray
    unknown: np.ndarray
    known: np.ndarray
    effect_scale: np.ndarray
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    columns: np.ndarray
    means: np.ndarray
    none: np.ndarray
    rotation: np.ndarray
    basis: np.ndarray
    drift: np.ndarray
    lifts: Lifts
    notes: tuple[str, ...] = field(default=())

    @property
    def has_gap(self) -> np.ndarray:
        """Channels with weeks of unknown spend; booleans of (C,)."""
        return self.unknown.any(axis=0)


def make_design(
    rows: pd.DataFrame,
    target: str,
    spec: ModelSpec,
    settings: FitSettings,
    hidden: pd.Index | None = None,
    tests: pd.DataFrame | None = None,
    scaled_on: pd.Index | None = None,
) -> Design:
    """Return the design of one geo from its rows of bl.mmm_input (geo_level, geo, week_start, variable, role, value).

    Weeks that have no row, and values that are null, are unknown. A target of an unknown, hidden or incomplete week is
    not explained; it is predicted all the same. Unknown spend is a level of the channel's own, times its usual spend
    (before the first and after the last known week) or the line between its neighbours (inside), estimated along.
    `hidden`: weeks whose target the model must not see (validation). `tests`: rows of il.lift_tests; those of the geo
    and target that can be used are in the design, a note says why others cannot. `scaled_on`: weeks that set all scales
    and centres, and so what the priors mean: equal for all folds of a validation; what they do not have is scaled on
    all that are explained, as everything is without it. Raises NotFitError.
    """
    notes: list[str] = []
    wide, roles = _wide(rows, target, notes)
    if spec.leave_out:
        wide = wide.drop(columns=[name for name in spec.leave_out if name in wide])
    weeks = pd.DatetimeIndex(wide.index)
    value = wide[target].to_numpy(dtype=float)
    explained = _explained(rows, wide[target], spec, hidden)
    _check_target(value[explained > 0], target, settings)
    window = _window(weeks, explained, scaled_on)
    scale = float(np.median(value[window]))
    if scale <= 0:
        raise NotFitError(f"the usual week of {target} is {scale:g}: a model needs a positive one. Check its feed")
    geo_level, geo = str(rows["geo_level"].iloc[0]), str(rows["geo"].iloc[0])
    channels = [name for name in map(str, wide) if roles[name] == "paid" and _spends(wide[name], explained, notes)]
    _check_named(spec, geo, roles)
    if not channels:
        raise NotFitError("no paid channel has any spend: there is no media effect to measure. Check bl.mmm_readiness")
    of_spend = window if scaled_on is not None else np.ones_like(window)
    money, spend_scale, spend, unknown, known = _media(wide[channels], explained, of_spend, notes)
    media = tuple(spec.media_of(geo, name) for name in channels)
    linear = linear_columns(wide, roles, spec, explained, window, notes)
    design = Design(
        geo_level=geo_level,
        geo=geo,
        target=target,
        weeks=weeks,
        value=value,
        scale=scale,
        y=np.where(explained > 0, np.nan_to_num(value), 0.0) / scale,
        explained=explained,
        channels=tuple(channels),
        media=media,
        money=money,
        spend_scale=spend_scale,
        spend=spend,
        unknown=unknown,
        known=known,
        effect_scale=_effect_scale(media, _mean_spend(money, known, window), scale),
        **linear,
        basis=left_over(trend_waves(len(weeks), spec.trend), linear, explained),
        drift=media_waves(explained, spec.over_time),
        lifts=no_lifts(len(weeks)),
        notes=tuple(notes),
    )
    return with_demand(with_tests(design, tests), settings.follows_target, spec.context_sigma)


def _wide(rows: pd.DataFrame, target: str, notes: list[str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Weeks x variables on a grid of Mondays, and the role of each variable; other targets are left out."""
    used = rows[(rows["role"] != "target") | (rows["variable"] == target)]
    if not (used["variable"] == target).any():
        raise NotFitError(f"no rows of {target}. Run jobs/mmm_input.py, or change mmm.fit.targets")
    twice = used.duplicated(["week_start", "variable"], keep=False)
    if twice.any():
        first = used[twice].iloc[0]
        raise NotFitError(
            f"{first['variable']} has more than one row in the week of {first['week_start']}. One row per week and "
            "variable: add them up"
        )
    starts = pd.to_datetime(used["week_start"])
    if (starts.dt.weekday != 0).any():
        day = starts[starts.dt.weekday != 0].iloc[0].date()
        raise NotFitError(f"{day} is no Monday: the model takes weeks, not days. Add days up to weeks")
    values = used["value"].astype(float)
    if np.isinf(values).any():
        name = used["variable"][np.isinf(values)].iloc[0]
        raise NotFitError(f"{name} is infinite in a week. Mend its feed; null stands for unknown")
    if "is_complete_week" in used:
        # A feed that ends inside a week has a part of its spend: not known, like a week that it does not have.
        cut = (used["role"] == "paid") & ~used["is_complete_week"].astype(bool) & values.notna()
        values = values.mask(cut)
        for name, weeks in used[cut].groupby("variable").size().items():
            notes.append(f"{name} has {weeks} weeks that its feed holds a part of: taken as unknown")
    frame = used.assign(week_start=starts, value=values)
    wide = frame.pivot(index="week_start", columns="variable", values="value")
    wide.columns = wide.columns.astype(str)
    grid = pd.date_range(wide.index.min(), wide.index.max(), freq=WEEK)
    if len(grid) > len(wide):
        notes.append(f"{len(grid) - len(wide)} weeks have no rows: they are modelled as unknown")
    _check_currency(frame)
    roles = dict(zip(frame["variable"], frame["role"], strict=True))
    return _without_end(wide.reindex(grid), roles), roles


def _check_currency(rows: pd.DataFrame) -> None:
    """Money of two currencies cannot be compared: refused, where the rows say their unit."""
    if "unit" not in rows:
        return
    paid = rows[(rows["role"] == "paid") & rows["value"].notna()]
    by_unit = paid.groupby("unit")["variable"].first()
    if len(by_unit) > 1:
        said = ", ".join(f"{name} in {unit}" for unit, name in by_unit.items())
        raise NotFitError(f"spend is in {len(by_unit)} currencies ({said}). Convert it to one in bl.mmm_input")


def _without_end(wide: pd.DataFrame, roles: dict[str, str]) -> pd.DataFrame:
    """Cut the last weeks off in which no channel's spend is known yet: they would only add parameters.

    The input ends with a week that has begun; of spend and target alike it has a part or nothing.
    """
    paid = [name for name in map(str, wide) if roles[name] == "paid"]
    known = wide[paid].notna().any(axis=1).to_numpy()
    return wide.iloc[: int(np.flatnonzero(known)[-1]) + 1] if known.any() else wide


def _explained(rows: pd.DataFrame, target: pd.Series, spec: ModelSpec, hidden: pd.Index | None) -> np.ndarray:
    keep = target.notna().to_numpy().copy()
    if "is_complete_week" in rows:
        of_target = rows[rows["variable"] == target.name]
        cut = pd.to_datetime(of_target["week_start"][~of_target["is_complete_week"].astype(bool)])
        keep &= ~target.index.isin(cut)
    if hidden is not None:
        keep &= ~target.index.isin(pd.to_datetime(hidden))
    first = np.flatnonzero(keep)[:1]
    if spec.burn_in_weeks and len(first):
        keep[: first[0] + spec.burn_in_weeks] = False
    return keep.astype(float)


def _check_target(seen: np.ndarray, target: str, settings: FitSettings) -> None:
    if len(seen) < settings.min_weeks:
        raise NotFitError(
            f"{target} is known in {len(seen)} weeks; a model needs {settings.min_weeks} (mmm.fit.min_weeks). "
            "Wait for more weeks, or model its management region"
        )
    if not varies(seen):
        raise NotFitError(f"{target} is {seen[0]:g} in every week: there is nothing to explain. Check its feed")


def _window(weeks: pd.DatetimeIndex, explained: np.ndarray, scaled_on: pd.Index | None) -> np.ndarray:
    """Weeks that set the scales; booleans of (T,). Explained all, and all of them where none is among `scaled_on`."""
    seen = explained > 0
    inside = seen if scaled_on is None else seen & weeks.isin(pd.to_datetime(scaled_on))
    return inside if inside.any() else seen


def _spends(spend: pd.Series, explained: np.ndarray, notes: list[str]) -> bool:
    if (spend[explained > 0] > 0).any():
        return True
    notes.append(f"{spend.name} has no spend in any week that is explained: it is not in the model")
    return False


def _check_named(spec: ModelSpec, geo: str, roles: dict[str, str]) -> None:
    asked = {*spec.channels, *spec.geos.get(geo, {})}
    unknown = sorted(name for name in asked if roles.get(name) != "paid")
    if unknown:
        there = ", ".join(sorted(name for name, role in roles.items() if role == "paid"))
        raise NotFitError(f"mmm.model names {', '.join(unknown)}, which the data do not have as paid; there: {there}")


def _media(wide: pd.DataFrame, explained: np.ndarray, window: np.ndarray, notes: list[str]) -> tuple[np.ndarray, ...]:
    money = wide.to_numpy(dtype=float)
    negative = money < 0
    for c in np.flatnonzero(negative.any(axis=0)):
        notes.append(f"{wide.columns[c]} has {int(negative[:, c].sum())} weeks below zero (credits): taken as zero")
    money = np.where(negative, 0.0, money)
    # The median of weeks with spend: one outlier moves neither the scale nor, through it, the priors.
    spent = np.where(money > 0, money, np.nan)
    usual = np.nanmedian(np.where(_or_all(window, money > 0), spent, np.nan), axis=0)
    scaled = money / usual
    lost = np.isnan(scaled)
    unknown = np.zeros_like(scaled)
    week = np.arange(len(scaled))
    for c in np.flatnonzero(lost.any(axis=0)):
        have = np.flatnonzero(~lost[:, c])
        inside = lost[:, c] & (week > have[0]) & (week < have[-1])
        unknown[lost[:, c], c] = 1.0
        unknown[inside, c] = np.interp(week[inside], have, scaled[have, c])
        said = int(lost[:, c].sum())
        notes.append(f"{wide.columns[c]} is unknown in {said} weeks: its level there is estimated, not taken as zero")
    known = ~lost * explained[:, None]
    return money, usual, np.nan_to_num(scaled), unknown, known / known.sum(axis=0)


def _or_all(window: np.ndarray, has: np.ndarray) -> np.ndarray:
    """The window, (T,), of each column, or all weeks for a column that `has`, (T, C), nothing in it; (T, C)."""
    inside = np.repeat(window[:, None], has.shape[1], axis=1)
    return np.where((inside & has).any(axis=0), inside, True)


def _mean_spend(money: np.ndarray, known: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Money a week in the window, or in all weeks of known spend where a channel spends nothing in it; (C,)."""
    spent = np.nan_to_num(money)
    weights = known * _or_all(window, known * spent > 0)
    return (weights * spent).sum(axis=0) / weights.sum(axis=0)


def _effect_scale(media: tuple[MediaSpec, ...], mean_spend: np.ndarray, scale: float) -> np.ndarray:
    """What turns the prior of an effect into one of the mean contribution, in usual weeks of the target."""
    share = mean_spend / mean_spend.sum()
    by = {"share": share, "roas": mean_spend / scale, "coefficient": np.ones_like(share)}
    return np.array([by[one.effect.given_as][c] for c, one in enumerate(media)])
