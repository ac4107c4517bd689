"""The weeks of a plan's months: Monday to Sunday, cut where a month begins or ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

DAY = timedelta(days=1)


def month_weeks(months: Sequence[date], as_of: date) -> pd.DataFrame:
    """Return the weeks of months, one row per week and month, in order of days.

    Columns: month, week_start (Monday, or the first of the month), week_end (Sunday, or its last), days, days_left
    (those from `as_of` on: all days before it are spent and over).
    """
    rows = []
    for month in sorted(months):
        day, end = month, (pd.Timestamp(month) + pd.offsets.MonthEnd(1)).date()
        while day <= end:
            last = min(day + timedelta(days=6 - day.weekday()), end)
            left = (last - max(day, as_of)).days + 1
            rows.append((month, day, last, (last - day).days + 1, max(left, 0)))
            day = last + DAY
    return pd.DataFrame(rows, columns=["month", "week_start", "week_end", "days", "days_left"])


def week_shares(weeks: pd.DataFrame, mondays: Sequence[date]) -> np.ndarray:
    """Return which of the weeks that begin on `mondays` each row of `month_weeks` lies in; (rows, weeks) of 0 and 1."""
    place = {monday: w for w, monday in enumerate(mondays)}
    found = np.zeros((len(weeks), len(mondays)))
    for row, start in enumerate(weeks["week_start"]):
        found[row, place[start - timedelta(days=start.weekday())]] = 1.0
    return found
