"""The forecast that needs no model: the same week of last year. What a model must beat."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

YEAR = 52
# With fewer past errors of a rule its interval is a guess.
LEAST_ERRORS = 8


def seasonal_naive(known: pd.Series, weeks: list[date], cutoff: date) -> tuple[np.ndarray, np.ndarray]:
    """Return the forecast of weeks, (T,), and draws around it, (D, T), from what is known before `cutoff`.

    Forecast: the value 52 weeks before, else the last one. Draws: it, plus the errors (less their mean) that the same
    rule made so far, at levels 1 / (D + 1), 2 / (D + 1), ...; D = 99. Hyndman & Athanasopoulos (2021), Forecasting:
    Principles and Practice, 5.2 and 5.5. `known`: values by Monday in order. Raises ValueError where none is before.
    """
    past = known[known.index < cutoff]
    if past.empty:
        raise ValueError(f"nothing is known before {cutoff}")
    levels = np.arange(1, 100) / 100
    forecast, draws = [], []
    for week in weeks:
        same = week - timedelta(weeks=YEAR)
        errors = _errors(past, YEAR)
        source = same if same in past.index and len(errors) >= LEAST_ERRORS else past.index[-1]
        if source != same:
            errors = _errors(past, (week - source).days // 7)
        spread = np.quantile(errors - errors.mean(), levels) if len(errors) else np.zeros(len(levels))
        forecast.append(past[source])
        draws.append(past[source] + spread)
    return np.array(forecast), np.array(draws).T


def _errors(past: pd.Series, lag: int) -> np.ndarray:
    """Values less those so many weeks before, where both are known."""
    before = pd.Series(past.to_numpy(), index=[week + timedelta(weeks=lag) for week in past.index])
    return (past - before.reindex(past.index)).dropna().to_numpy()
