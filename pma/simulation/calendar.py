"""Weeks, public holidays and bike events of the simulated marketplace."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Protocol

import holidays
import numpy as np
import pandas as pd

from pma.simulation.settings import SimulationSettings

# Name, country (None: all of Europe looks at it), first day and last day as month and day: about the usual dates.
_YEARLY = (
    ("season_start", None, (3, 15), (4, 10)),
    ("spring_classics", "BE", (3, 28), (4, 14)),
    ("giro_d_italia", "IT", (5, 8), (5, 31)),
    ("tour_de_france", None, (7, 2), (7, 24)),
    ("eurobike", "DE", (6, 24), (6, 28)),
    ("vuelta_a_espana", "ES", (8, 20), (9, 12)),
    ("black_friday", None, (11, 22), (11, 30)),
)


class YearlyEvent(Protocol):
    """A bike event as the rules give it: its name, whom it concerns, and its days in a year (None: not known)."""

    @property
    def name(self) -> str:
        """The name of its variable."""

    def concerns(self, country: str) -> bool:
        """Whether people there care."""

    def in_year(self, year: int) -> Any:
        """Its stretches of days, each with starts_on and ends_on."""


def make_weeks(settings: SimulationSettings) -> pd.DatetimeIndex:
    """Return the Mondays of the weeks of data, the earliest first; the last may be cut by `settings.last_day`."""
    last = settings.last_day - timedelta(days=settings.last_day.weekday())
    return pd.date_range(end=pd.Timestamp(last), periods=settings.weeks, freq="7D", name="week_start")


def usual_events(weeks: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the bike events that touch the weeks: name, country (None: all), starts_on, ends_on."""
    rows = [
        (name, country, date(year, *start), date(year, *end))
        for year in range(weeks[0].year, weeks[-1].year + 2)
        for name, country, start, end in _YEARLY
    ]
    events = pd.DataFrame(rows, columns=["name", "country", "starts_on", "ends_on"])
    ends = pd.to_datetime(events["ends_on"]) >= weeks[0]
    starts = pd.to_datetime(events["starts_on"]) < weeks[-1] + pd.Timedelta(days=7)
    return events[ends & starts].reset_index(drop=True)


def dated(events: Iterable[YearlyEvent], settings: SimulationSettings) -> pd.DataFrame:
    """Return the days of the rules' events in the years of the weeks: name, country (None: all), starts_on, ends_on."""
    weeks = make_weeks(settings)
    rows = []
    for event in events:
        own = [country for country in settings.countries if event.concerns(country)]
        places = [None] if len(own) == len(settings.countries) else own
        stretches = [d for year in range(weeks[0].year, weeks[-1].year + 2) for d in event.in_year(year) or ()]
        rows += [(event.name, country, d.starts_on, d.ends_on) for d in stretches for country in places]
    return pd.DataFrame(rows, columns=["name", "country", "starts_on", "ends_on"])


def holiday_share(country: str, weeks: pd.DatetimeIndex) -> np.ndarray:
    """Return the share of each week's days that are public holidays there; (weeks,). Zero for an unknown country."""
    years = range(weeks[0].year, weeks[-1].year + 2)
    try:
        days = pd.DatetimeIndex(sorted(holidays.country_holidays(country, years=years)))
    except NotImplementedError:
        return np.zeros(len(weeks))
    place = (days - weeks[0]).days // 7
    inside = place[(place >= 0) & (place < len(weeks))]
    return np.bincount(inside, minlength=len(weeks)) / 7.0


def event_share(events: pd.DataFrame, weeks: pd.DatetimeIndex) -> np.ndarray:
    """Return the share of each week's days on which one of the events goes on; (weeks,)."""
    day = weeks.to_numpy()[:, None] + np.arange(7).astype("timedelta64[D]")
    on = np.zeros(day.shape, dtype=bool)
    for start, end in zip(pd.to_datetime(events["starts_on"]), pd.to_datetime(events["ends_on"]), strict=True):
        on |= (day >= start.to_datetime64()) & (day <= end.to_datetime64())
    return on.mean(axis=1)
