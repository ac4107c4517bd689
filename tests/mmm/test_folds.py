"""Where a cross-validation cuts: the last fold ends with what is known, and none learns from too little."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pma.mmm.folds import Fold, known_target, make_folds
from pma.mmm.validation_settings import ValidationSettings
from tests.mmm.media_world import media_world

START = date(2023, 1, 2)


def monday(week):
    return START + timedelta(weeks=week)


def known(weeks):
    return pd.Series(1.0, index=[monday(week) for week in range(weeks)])


def test_folds_follow_each_other_and_the_last_ends_with_the_last_week():
    settings = ValidationSettings(folds=3, horizon_weeks=8, step_weeks=4, first_window_weeks=52)
    assert make_folds(known(100), settings) == (
        Fold(1, monday(84), monday(84), monday(92)),
        Fold(2, monday(84), monday(88), monday(96)),
        Fold(3, monday(84), monday(92), monday(100)),
    )


@given(st.integers(0, 200), st.integers(1, 10), st.integers(1, 20), st.integers(1, 20), st.integers(1, 120))
def test_every_fold_has_its_window_and_its_horizon(weeks, folds, horizon, step, window):
    settings = ValidationSettings(folds=folds, horizon_weeks=horizon, step_weeks=step, first_window_weeks=window)
    found = make_folds(known(weeks), settings)
    assert len(found) == min(folds, max(0, (weeks - window - horizon) // step + 1))
    for fold in found:
        assert fold.cutoff >= monday(window) and fold.ends <= monday(weeks)
        assert fold.ends - fold.cutoff == timedelta(weeks=horizon)
        assert fold.scaled_until == found[0].cutoff


def test_what_is_known_ends_with_the_last_whole_week_of_known_spend():
    rows = media_world(weeks=30, channels=2).rows.reset_index(drop=True)
    week = rows.groupby("variable").cumcount()
    rows["value"] = rows["value"].mask((rows["variable"] == "uploads") & week.isin([3, 29]))
    rows["is_complete_week"] = week != 28
    rows["value"] = rows["value"].mask((rows["role"] == "paid") & (week >= 27))
    assert list(known_target(rows, "uploads").index) == [monday(w) for w in range(27) if w != 3]
    assert known_target(rows, "gmv").empty
    assert known_target(rows.assign(value=rows["value"].mask(rows["role"] == "paid", np.nan)), "uploads").empty
