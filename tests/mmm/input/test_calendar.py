from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from pma.mmm.input.bike_events import BikeEvents, read_bike_events
from pma.mmm.input.calendar import calendar_weeks, mondays, public_holidays, records
from pma.mmm.settings import PanelSettings
from pma.tables import TableError

RULES = Path(__file__).parents[3] / "conf" / "rules"
WINDOW = PanelSettings(event_weeks_before=1, event_weeks_after=1)
BARE = PanelSettings(event_weeks_before=0, event_weeks_after=0)
NONE = pd.DataFrame({"country": [], "date": []})


def events(**event):
    return BikeEvents(version=1, events=[{"name": "race", "kind": "race", **event}])


def race(weeks, rules, settings=BARE, country="DE"):
    """Value or gap of the event in each week."""
    made = calendar_weeks([country], weeks, NONE, rules, settings)
    return [gap or round(7 * value, 9) for _, _, name, value, gap in records(made) if name == "race"]


def test_weeks_are_the_mondays_between_two_days():
    assert mondays(date(2025, 1, 5), date(2025, 1, 13)) == [date(2024, 12, 30), date(2025, 1, 6), date(2025, 1, 13)]


def test_public_holidays_are_counted_by_country_and_week():
    found = public_holidays(["DE", "XX", "AT"], [2025])
    weeks = [date(2025, 12, 22), date(2025, 9, 29), date(2025, 8, 11), date(2025, 2, 3)]
    made = calendar_weeks(["AT", "DE", "XX"], weeks, found, BikeEvents(version=1), BARE)
    of = {(country, week): value for country, week, _, value, gap in records(made) if gap is None}
    # Christmas, German unity, Assumption (Friday, in Austria alone), nothing.
    assert [of["DE", week] for week in weeks] == [2.0, 1.0, 0.0, 0.0]
    assert [of["AT", week] for week in weeks] == [2.0, 0.0, 1.0, 0.0]


def test_a_country_that_the_holidays_do_not_know_is_missing_and_not_without_holidays():
    found = public_holidays(["DE", "XX"], [2025])
    assert set(found["country"]) == {"DE"}
    made = calendar_weeks(["XX"], [date(2025, 12, 22)], found, BikeEvents(version=1), BARE)
    assert records(made) == [("XX", date(2025, 12, 22), "public_holidays", None, "never")]


def test_an_event_counts_by_its_days_with_a_window_before_and_after():
    # Saturday 5 July to Sunday 27 July.
    rules = events(dates=[{"starts_on": "2025-07-05", "ends_on": "2025-07-27"}])
    weeks = mondays(date(2025, 6, 16), date(2025, 8, 4))
    assert race(weeks, rules) == [0, 0, 2, 7, 7, 7, 0, 0]
    assert race(weeks, rules, WINDOW) == [0, 2, 7, 7, 7, 7, 7, 0]


def test_an_event_of_other_countries_is_zero():
    rules = events(dates=[{"starts_on": "2025-07-05", "ends_on": "2025-07-27"}], countries=["FR"])
    assert race([date(2025, 7, 7)], rules) == [0]
    assert race([date(2025, 7, 7)], rules, country="FR") == [7]


def test_years_that_the_rules_do_not_know_are_missing():
    rules = events(
        dates=[{"starts_on": f"{year}-07-05", "ends_on": f"{year}-07-06"} for year in (2022, 2024, 2026)],
        not_held=[2025],
    )
    of = {year: race([date(year, 7, 1)], rules)[0] for year in range(2021, 2028)}
    assert of[2021] == "before_first_data"
    assert of[2023] == "hole"
    assert of[2025] == 0
    assert of[2027] == "after_last_data"


def test_rules_of_every_year():
    spring = events(fixed={"starts_on": "03-01", "ends_on": "03-31"})
    assert race([date(2031, 2, 24), date(2031, 3, 3), date(2031, 3, 31)], spring) == [2, 7, 1]
    winter = events(fixed={"starts_on": "12-30", "ends_on": "01-02"})
    assert race([date(2025, 12, 29), date(2025, 1, 6)], winter) == [5 - 1, 0]
    # Thanksgiving 2025 is 27 November: Monday before to Monday after.
    friday = events(nth_weekday={"month": 11, "weekday": "thursday", "nth": 4, "days_before": 3, "days_after": 4})
    assert race([date(2025, 11, 17), date(2025, 11, 24), date(2025, 12, 1)], friday) == [0, 7, 1]


def test_the_rules_of_the_house_know_2022_to_2027_for_every_event():
    rules = read_bike_events(RULES)
    assert {"tour_de_france", "giro_d_italia", "vuelta_a_espana", "eurobike", "season_start", "black_friday"} <= {
        event.name for event in rules.events
    }
    for event in rules.events:
        for year in range(2022, 2028):
            [held] = event.in_year(year)
            assert held.starts_on.year == year and (held.ends_on - held.starts_on).days < 60, (event.name, year)
    tour = next(event for event in rules.events if event.name == "tour_de_france")
    assert [(d.starts_on, d.ends_on) for d in tour.in_year(2024)] == [(date(2024, 6, 29), date(2024, 7, 21))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 1\nevents: [{name: a, kind: race}]", "give one of dates, fixed and nth_weekday"),
        (
            "version: 1\nevents: [{name: a, kind: race, dates: [{starts_on: 2025-02-02, ends_on: 2025-02-01}]}]",
            "is before starts_on",
        ),
        ("events: [", "is not a list of events"),
    ],
)
def test_rules_that_cannot_be_are_refused_with_the_file(tmp_path, text, said):
    (tmp_path / "bike_events.yml").write_text(text)
    with pytest.raises(TableError, match=said) as refused:
        read_bike_events(tmp_path)
    assert "bike_events.yml" in str(refused.value) and "Fix: " in str(refused.value)


def test_no_rules_are_refused(tmp_path):
    with pytest.raises(TableError, match=r"no .*bike_events.yml, the bike events. Fix: set `rules`"):
        read_bike_events(tmp_path)
