"""Folds of a cross-validation over time: the model learns up to a cut and forecasts the weeks after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from pma.mmm.validation_settings import ValidationSettings

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Fold:
    """Weeks before `cutoff` are learned from, those from it to before `ends` forecast; all Mondays.

    scaled_until: the first fold's cutoff; weeks before it set the scales of all folds. number: from 1, in time.
    """

    number: int
    scaled_until: date
    cutoff: date
    ends: date


def make_folds(known: pd.Series, settings: ValidationSettings) -> tuple[Fold, ...]:
    """Return the folds of a geo and target; none where its weeks are too few for one.

    `known`: what is known of the target, by Monday in order (`known_target`). The last fold ends with its last week.
    """
    if known.empty:
        return ()
    first, end = known.index[0], known.index[-1] + WEEK
    cuts = [
        end - WEEK * (settings.horizon_weeks + back * settings.step_weeks) for back in reversed(range(settings.folds))
    ]
    cuts = [cut for cut in cuts if cut >= first + WEEK * settings.first_window_weeks]
    return tuple(
        Fold(number, cuts[0], cut, cut + WEEK * settings.horizon_weeks) for number, cut in enumerate(cuts, start=1)
    )


def known_target(rows: pd.DataFrame, target: str) -> pd.Series:
    """Return the target of whole weeks in which it is known, by Monday in order, up to the last week of known spend.

    `rows`: of bl.mmm_input, of one geo. A model cannot forecast weeks of whose spend nothing is known.
    """
    spent = rows[(rows["role"] == "paid") & rows["value"].notna()]["week_start"]
    of_target = rows[(rows["variable"] == target) & (rows["role"] == "target") & rows["value"].notna()]
    if "is_complete_week" in rows:
        of_target = of_target[of_target["is_complete_week"].astype(bool)]
    of_target = of_target.iloc[:0] if spent.empty else of_target[of_target["week_start"] <= spent.max()]
    # A week that is there twice is said by the model, which refuses it.
    return of_target.drop_duplicates("week_start").set_index("week_start")["value"].astype(float).sort_index()
