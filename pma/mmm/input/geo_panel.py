"""One geo's input as the checks read it: weeks x variables, and what is said of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from pma.mmm.input.variables import TARGETS, VariableRules
from pma.mmm.series import varies
from pma.mmm.settings import ReadinessSettings

ALL = "(all)"


@dataclass(frozen=True)
class Finding:
    """What one check says of one variable; see the columns of bl.mmm_readiness."""

    check: str
    variable: str
    severity: str
    detail: str
    cost: str | None = None
    fix: str | None = None
    since: date | None = None
    until: date | None = None
    measure: float | None = None


@dataclass(frozen=True)
class Judge:
    """What all geos are judged by: settings, rules, exchange rates (date, currency, rate), regions."""

    settings: ReadinessSettings
    rules: VariableRules
    rates: pd.DataFrame
    regions: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class GeoPanel:
    """One geo.

    `every`: all weeks x variables, and `gaps`, why a value of it is null. `values`, `impressions`: the complete weeks
    alone (NaN: not known). `roles`: of each variable. `cut_weeks`: weeks in which the data begin or end. `feeds`: per
    feed, currency and week the days delivered, rows without a rate and money; `judge`: what it is judged by.
    """

    level: str
    geo: str
    every: pd.DataFrame
    gaps: pd.DataFrame
    values: pd.DataFrame
    impressions: pd.DataFrame
    roles: dict[str, str]
    cut_weeks: tuple[date, ...]
    feeds: pd.DataFrame
    judge: Judge

    @property
    def settings(self) -> ReadinessSettings:
        """Thresholds."""
        return self.judge.settings

    def named(self, *roles: str) -> list[str]:
        """Variables of these roles, by name."""
        return [name for name in sorted(self.roles) if self.roles[name] in roles]

    def series(self, name: str) -> pd.Series:
        """The known values of a variable in complete weeks, by week."""
        return self.values[name].dropna()

    def varying(self, *roles: str) -> list[str]:
        """Variables of these roles that are not the same in every known week."""
        return [name for name in self.named(*roles) if varies(self.series(name).to_numpy())]

    def usable_weeks(self) -> int:
        """Complete weeks in which both targets are known."""
        targets = [name for name in TARGETS if name in self.values]
        return int(self.values[targets].notna().all(axis=1).sum()) if len(targets) == len(TARGETS) else 0


def geo_panel(rows: pd.DataFrame, judge: Judge) -> GeoPanel:
    """Return one geo's panel from its long rows: those of bl.mmm_input, and of its feeds (role `feed`)."""
    inputs, feeds = rows[rows["role"] != "feed"], rows[rows["role"] == "feed"]
    wide = {
        name: inputs.pivot(index="week_start", columns="variable", values=name)
        for name in ("value", "gap", "impressions", "is_complete_week")
    }
    complete = wide["is_complete_week"].astype("boolean").fillna(True).astype(bool)
    values = wide["value"].astype(float)
    roles = dict(zip(inputs["variable"], inputs["role"], strict=True))
    targets = [name for name, role in roles.items() if role == "target"]
    cut = ~complete[targets].all(axis=1) if targets else ~complete.all(axis=1)
    return GeoPanel(
        level=str(rows["geo_level"].iloc[0]),
        geo=str(rows["geo"].iloc[0]),
        every=values,
        gaps=wide["gap"],
        values=values.where(complete)[~cut],
        impressions=wide["impressions"].astype(float)[~cut],
        roles=roles,
        cut_weeks=tuple(values.index[cut]),
        feeds=feeds,
        judge=judge,
    )


def listed(names: Sequence[object], most: int = 6) -> str:
    """Names in one phrase, cut after `most`."""
    said = [str(name) for name in names]
    return ", ".join(said[:most]) + (f" and {len(said) - most} more" if len(said) > most else "")


def weeks_of(count: int) -> str:
    """So many weeks, in words."""
    return f"{count} week" if count == 1 else f"{count} weeks"


def periods(weeks: Sequence[date]) -> list[tuple[date, date]]:
    """Stretches of weeks that follow one another, as (first Monday, last Monday)."""
    runs: list[tuple[date, date]] = []
    for week in sorted(weeks):
        if runs and (week - runs[-1][1]).days == 7:
            runs[-1] = (runs[-1][0], week)
        else:
            runs.append((week, week))
    return runs


def spoken(runs: Sequence[tuple[date, date]]) -> str:
    """Stretches of weeks in words."""
    return listed([f"{first}" if first == last else f"{first} to {last}" for first, last in runs], 4)
