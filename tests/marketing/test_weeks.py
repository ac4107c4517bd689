from datetime import date, timedelta

from pyspark.sql import functions as F

from pma.marketing.weeks import local_day, monday, same_week, yearweek


def partner(day, years):
    """The Monday of the same ISO week in another year, by Python's calendar."""
    year, week, _ = day.isocalendar()
    try:
        return date.fromisocalendar(year + years, week, 1)
    except ValueError:
        return None


def test_weeks_of_forty_years_are_those_of_pythons_calendar(spark):
    days = [date(2000, 1, 1) + timedelta(days=n) for n in range(40 * 365)]
    start = monday(F.col("day"))
    asked = spark.createDataFrame([(day,) for day in days], "day date")
    found = asked.select("day", start, yearweek(start), same_week(start, 1), same_week(start, -1)).collect()
    expected = []
    for day in days:
        year, week, _ = day.isocalendar()
        start = date.fromisocalendar(year, week, 1)
        expected.append((day, start, year * 100 + week, partner(day, 1), partner(day, -1)))
    assert sorted(map(tuple, found)) == expected


def test_a_day_is_that_of_the_time_zone(spark):
    rows = spark.sql("SELECT timestamp'2026-11-01 22:59:59' AS at UNION ALL SELECT timestamp'2026-11-01 23:00:00'")
    found = {str(row[0])[-8:]: row[1] for row in rows.select("at", local_day(F.col("at"), "Europe/Berlin")).collect()}
    assert found == {"22:59:59": date(2026, 11, 1), "23:00:00": date(2026, 11, 2)}
