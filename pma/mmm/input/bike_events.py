"""The bike events of conf/rules/bike_events.yml, and the days of each in a year."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from pma.mmm.input.tables import MMM_INPUT
from pma.section import Section
from pma.tables import TableError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Dates(Section):
    """First and last day of one time that the event was held."""

    starts_on: date
    ends_on: date
    approximate: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Dates:
        if self.ends_on < self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} is before starts_on {self.starts_on}")
        return self


class FixedDays(Section):
    """The same days every year, as MM-DD; an end before the start is in the next year."""

    starts_on: str = Field(pattern=r"^\d\d-\d\d$")
    ends_on: str = Field(pattern=r"^\d\d-\d\d$")
    approximate: bool = False

    def in_year(self, year: int) -> Dates:
        """The days of a year, by the year of the start."""
        start = date.fromisoformat(f"{year}-{self.starts_on}")
        end = date.fromisoformat(f"{year if self.ends_on >= self.starts_on else year + 1}-{self.ends_on}")
        return Dates(starts_on=start, ends_on=end, approximate=self.approximate)


class NthWeekday(Section):
    """The nth such day of a month, and so many days before and after it."""

    month: int = Field(ge=1, le=12)
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    nth: int = Field(ge=1, le=4)
    days_before: int = Field(0, ge=0, le=60)
    days_after: int = Field(0, ge=0, le=60)

    def in_year(self, year: int) -> Dates:
        """The days of a year."""
        first = date(year, self.month, 1)
        day = first + timedelta(days=(WEEKDAYS.index(self.weekday) - first.weekday()) % 7 + 7 * (self.nth - 1))
        return Dates(starts_on=day - timedelta(days=self.days_before), ends_on=day + timedelta(days=self.days_after))


class BikeEvent(Section):
    """One event: its countries, and either its dates or the rule that gives them."""

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    kind: Literal["race", "trade_fair", "season", "sale"]
    countries: Literal["all"] | tuple[str, ...] = "all"
    dates: tuple[Dates, ...] = ()
    not_held: tuple[int, ...] = ()
    fixed: FixedDays | None = None
    nth_weekday: NthWeekday | None = None

    @model_validator(mode="after")
    def _one_source(self) -> BikeEvent:
        if sum([bool(self.dates), self.fixed is not None, self.nth_weekday is not None]) != 1:
            raise ValueError(f"{self.name}: give one of dates, fixed and nth_weekday")
        return self

    def concerns(self, country: str) -> bool:
        """Say whether the event is one of this country."""
        return self.countries == "all" or country in self.countries

    def in_year(self, year: int) -> tuple[Dates, ...] | None:
        """The days of the event that begin in a year; None where the rules do not know that year."""
        rule = self.fixed or self.nth_weekday
        if rule is not None:
            return (rule.in_year(year),)
        found = tuple(dates for dates in self.dates if dates.starts_on.year == year)
        return found if found or year in self.not_held else None

    def known_years(self) -> tuple[int, int] | None:
        """First and last year that the rules know; None: every year."""
        if not self.dates:
            return None
        years = [*(dates.starts_on.year for dates in self.dates), *self.not_held]
        return min(years), max(years)


class BikeEvents(Section):
    """All events."""

    version: int
    events: tuple[BikeEvent, ...] = ()

    @model_validator(mode="after")
    def _names_once(self) -> BikeEvents:
        names = [event.name for event in self.events]
        if len(set(names)) < len(names):
            raise ValueError("an event stands there twice")
        return self


def read_bike_events(rules: str | Path) -> BikeEvents:
    """Read `bike_events.yml` in the folder of rules. Raises TableError with the file and the fault."""
    path = Path(rules) / "bike_events.yml"
    if not path.exists():
        raise TableError(f"{MMM_INPUT.name}: no {path}, the bike events. Fix: set `rules` in the settings")
    try:
        return BikeEvents.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as fault:
        raise TableError(
            f"{MMM_INPUT.name}: {path} is not a list of events. Fix: give version and events (name, kind, countries, "
            f"and one of dates, fixed, nth_weekday): {fault}"
        ) from fault
