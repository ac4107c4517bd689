"""Weeks of months: whole ones, those that are cut, and the days that are left."""

from datetime import date, timedelta

import numpy as np
import pytest

from pma.planning.response import horizon
from pma.planning.weeks import month_weeks, week_shares

# December 2026 begins on a Tuesday and ends on a Thursday.
DECEMBER, JANUARY = date(2026, 12, 1), date(2027, 1, 1)


def test_a_month_begins_and_ends_inside_a_week():
    rows = month_weeks([DECEMBER], date(2026, 11, 30))
    assert list(rows[["week_start", "week_end", "days"]].itertuples(index=False, name=None)) == [
        (date(2026, 12, 1), date(2026, 12, 6), 6),
        (date(2026, 12, 7), date(2026, 12, 13), 7),
        (date(2026, 12, 14), date(2026, 12, 20), 7),
        (date(2026, 12, 21), date(2026, 12, 27), 7),
        (date(2026, 12, 28), date(2026, 12, 31), 4),
    ]
    assert (rows["days_left"] == rows["days"]).all()


def test_a_week_that_two_months_share_has_a_row_in_each():
    rows = month_weeks([JANUARY, DECEMBER], DECEMBER)
    cut = rows[(rows["week_start"] >= date(2026, 12, 28)) & (rows["week_start"] <= JANUARY)]
    assert cut[["month", "days"]].to_numpy().tolist() == [[DECEMBER, 4], [JANUARY, 3]]
    assert rows["days"].sum() == 62 and not rows.duplicated("week_start").any()


@pytest.mark.parametrize(("day", "left"), [(10, [0, 4, 7, 7, 4]), (31, [0, 0, 0, 0, 1]), (1, [6, 7, 7, 7, 4])])
def test_days_before_a_date_are_over(day, left):
    assert month_weeks([DECEMBER], date(2026, 12, day))["days_left"].tolist() == left


def test_when_the_month_is_over_nothing_is_left():
    assert month_weeks([DECEMBER], JANUARY + timedelta(days=3))["days_left"].sum() == 0


def test_every_week_lies_in_one_of_the_horizons_weeks():
    over = horizon(DECEMBER, 2, 3)
    weeks = month_weeks(over.months, DECEMBER)
    share = week_shares(weeks, over.weeks)
    assert (share.sum(axis=1) == 1).all()
    by_month = np.array(
        [(share * weeks["days"].to_numpy()[:, None])[weeks["month"] == m].sum(axis=0) for m in over.months]
    )
    np.testing.assert_allclose(by_month / by_month.sum(axis=1, keepdims=True), over.share)
