from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest

from pma.simulation.calendar import dated, event_share, holiday_share, make_weeks, usual_events
from pma.simulation.settings import SimulationSettings
from tests.simulation.marketplaces import small

SETTINGS = SimulationSettings(regions={"X": ("DE", "BE")}, weeks=8, last_day=date(2026, 5, 31))


@dataclass(frozen=True)
class Days:
    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class Event:
    name: str
    countries: tuple[str, ...]

    def concerns(self, country):
        return country in self.countries

    def in_year(self, year):
        return (Days(date(2026, 4, 30), date(2026, 5, 5)),) if year == 2026 else None


def test_weeks_are_the_mondays_up_to_the_last_day():
    weeks = make_weeks(SETTINGS)
    assert (weeks[0], weeks[-1], len(weeks)) == (pd.Timestamp("2026-04-06"), pd.Timestamp("2026-05-25"), 8)
    assert (weeks.weekday == 0).all()


def test_a_week_with_a_public_holiday_has_one_seventh_of_it_and_an_unknown_country_has_none():
    weeks = make_weeks(SETTINGS)
    # In Germany: Easter Monday, 1 May, Ascension Day and Whit Monday.
    expected = np.array([1, 0, 0, 1, 0, 1, 0, 1]) / 7
    assert holiday_share("DE", weeks).tolist() == expected.tolist()
    assert not holiday_share("QQ", weeks).any()


def test_an_event_counts_with_the_days_that_it_has_in_a_week():
    weeks = make_weeks(SETTINGS)
    events = pd.DataFrame({"starts_on": [date(2026, 4, 30), date(2026, 5, 4)], "ends_on": [date(2026, 5, 5)] * 2})
    assert event_share(events, weeks).tolist() == pytest.approx([0, 0, 0, 4 / 7, 2 / 7, 0, 0, 0])


def test_the_events_of_the_rules_are_those_of_all_countries_or_of_each_that_they_concern():
    events = [Event("fair", ("DE", "FR")), Event("race", ("DE", "BE")), Event("rain", ("SE",))]
    days = (date(2026, 4, 30), date(2026, 5, 5))
    assert dated(events, SETTINGS).to_numpy().tolist() == [["fair", "DE", *days], ["race", None, *days]]


def test_the_usual_events_touch_the_weeks():
    weeks = make_weeks(SETTINGS)
    names = usual_events(weeks)["name"].tolist()
    assert names == ["season_start", "spring_classics", "giro_d_italia"]


def test_an_event_moves_its_own_country_more_than_another():
    demand = small().demand[small().demand["component"] == "eurobike"]
    moved = demand.groupby("country")["value"].max()
    assert moved["DE"] == moved.max() and (moved > 0).all()
