"""The calendar of the weekly input: public holidays and bike events, by country and week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from pma.mmm.input.bike_events import BikeEvent, BikeEvents
from pma.mmm.input.panel import Extent
from pma.mmm.input.variables import HOLIDAYS
from pma.mmm.settings import PanelSettings

# One row per country, week and variable of the calendar; Spark's types.
CALENDAR = "country string, week_start date, variable string, value double, gap string"


def monday(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def mondays(first: date, last: date) -> list[date]:
    """The Mondays of all weeks from the week of `first` to the week of `last`."""
    start = monday(first)
    return [start + timedelta(days=7 * week) for week in range((monday(last) - start).days // 7 + 1)]


def public_holidays(countries: Iterable[str], years: Iterable[int]) -> pd.DataFrame:
    """Return public holidays of whole countries, by the package `holidays`: one row per country and date.

    Columns country, date, name. A country that the package does not know has no row.
    """
    import holidays

    spanned = sorted(set(years))
    rows = []
    for country in sorted(set(countries)):
        try:
            found = holidays.country_holidays(country, years=spanned)
        except NotImplementedError:
            continue
        rows += [(country, day, name) for day, name in sorted(found.items())]
    return pd.DataFrame(rows, columns=["country", "date", "name"])


def spanned_calendar(spark: SparkSession, span: Extent, events: BikeEvents, settings: PanelSettings) -> DataFrame:
    """Return the calendar of the countries and days that the input spans: the rows of `calendar_weeks`."""
    holidays = public_holidays(span.countries, range(span.first_day.year, span.last_day.year + 2))
    weeks = mondays(span.first_day, span.last_day)
    return spark.createDataFrame(records(calendar_weeks(span.countries, weeks, holidays, events, settings)), CALENDAR)


def calendar_weeks(
    countries: Sequence[str], weeks: Sequence[date], holidays: pd.DataFrame, events: BikeEvents, settings: PanelSettings
) -> pd.DataFrame:
    """Return the calendar's variables: one row per country, week and variable, with the columns of `CALENDAR`.

    `public_holidays`: days off in the week, and days of the window around them (`holiday_days_before`, `_after`); a
    country that `holidays` (country, date) has no row of is not known and gets null with gap `never`, not zero. One
    variable per bike event: the share of the week's days that lie in the event or in its window of
    `event_weeks_before` and `event_weeks_after`; 0 in a country that it does not concern; null where the rules do not
    know a year that the week needs. `weeks` are Mondays.
    """
    known = set(holidays["country"])
    around = range(-settings.holiday_days_before, settings.holiday_days_after + 1)
    named = zip(holidays["country"], holidays["date"], strict=True)
    once = sorted({(country, day + timedelta(days=away)) for country, day in named for away in around})
    days = Counter((country, monday(day)) for country, day in once)
    shares = {event.name: [_share(event, week, settings) for week in weeks] for event in events.events}
    rows: list[tuple[str, date, str, float | None, str | None]] = []
    for country in countries:
        for place, week in enumerate(weeks):
            off = float(days[country, week]) if country in known else None
            rows.append((country, week, HOLIDAYS, off, None if country in known else "never"))
            for event in events.events:
                value, gap = shares[event.name][place] if event.concerns(country) else (0.0, None)
                rows.append((country, week, event.name, value, gap))
    frame = pd.DataFrame(rows, columns=["country", "week_start", "variable", "value", "gap"])
    return frame.astype({"value": float})


def records(frame: pd.DataFrame) -> list[tuple]:
    """Rows for Spark, in which NaN is null."""
    return list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))


def _share(event: BikeEvent, week: date, settings: PanelSettings) -> tuple[float | None, str | None]:
    """The share of a week's days in the event's window, or why it is not known."""
    before, after = timedelta(weeks=settings.event_weeks_before), timedelta(weeks=settings.event_weeks_after)
    days = [week + timedelta(days=n) for n in range(7)]
    covered: set[date] = set()
    # A window reaches into a week from events that begin in the years around it, as far as these are known.
    for year in range(days[0].year - 1, days[-1].year + 2):
        held = event.in_year(year)
        if held is None and year in (days[0].year, days[-1].year):
            return None, _why_unknown(event, year)
        for dates in held or ():
            covered |= {day for day in days if dates.starts_on - before <= day <= dates.ends_on + after}
    return len(covered) / 7, None


def _why_unknown(event: BikeEvent, year: int) -> str:
    known = event.known_years()
    if known and year < known[0]:
        return "before_first_data"
    return "after_last_data" if known and year > known[1] else "hole"
