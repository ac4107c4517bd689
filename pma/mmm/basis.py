"""Columns that follow the calendar alone: season and trend. Rows are weeks (Mondays)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pma.mmm.spec import OverTimeSpec, TrendSpec

DAYS_OF_YEAR, DAYS_OF_MONTH = 365.25, 30.4375
WEEKS_OF_YEAR = DAYS_OF_YEAR / 7


def season(weeks: pd.DatetimeIndex, yearly: int, monthly: int) -> dict[str, np.ndarray]:
    """Return sine and cosine of 1, 2, ... waves in a year and in a month, by name; (weeks,) each.

    Taken at the middle of the week: Thursday.
    """
    middle = weeks + pd.Timedelta(days=3)
    parts = {}
    for name, order, period, day in (
        ("yearly", yearly, DAYS_OF_YEAR, middle.dayofyear.to_numpy() - 1.0),
        ("monthly", monthly, DAYS_OF_MONTH, middle.day.to_numpy() - 1.0),
    ):
        for wave in range(1, order + 1):
            angle = 2 * np.pi * wave * day / period
            parts[f"{name}_sin_{wave}"], parts[f"{name}_cos_{wave}"] = np.sin(angle), np.cos(angle)
    return parts


def trend_lines(weeks: int, trend: TrendSpec) -> dict[str, np.ndarray]:
    """Return the straight parts of the trend, in years; (weeks,) each. A bend adds to the slope from its week on."""
    if trend.kind == "none":
        return {}
    years = np.arange(weeks) / WEEKS_OF_YEAR
    lines = {"trend": years - years.mean()}
    if trend.kind == "piecewise":
        # A bend in the last weeks would be a guess from them alone.
        for bend in range(trend.bend_weeks, weeks - trend.bend_weeks // 2, trend.bend_weeks):
            lines[f"bend_{bend}"] = np.maximum(years - bend / WEEKS_OF_YEAR, 0.0)
    return lines


def trend_waves(weeks: int, trend: TrendSpec) -> np.ndarray:
    """Return the basis of the trend over the weeks; (weeks, waves), none unless it is a Gaussian process."""
    return waves_of(weeks, trend.length_weeks, trend.waves if trend.kind == "gp" else 0)


def media_waves(explained: np.ndarray, over_time: OverTimeSpec) -> np.ndarray:
    """Return the basis of the logarithm of how strongly media work; (weeks, waves), none unless that moves.

    Less its mean over explained weeks: what media bring in the mean is the channels' own effects.
    """
    basis = waves_of(len(explained), over_time.length_weeks, over_time.waves if over_time.is_on else 0)
    return basis - explained @ basis / explained.sum()


def waves_of(weeks: int, length: float, count: int) -> np.ndarray:
    """Return the basis of a Gaussian process over the weeks; (weeks, count), or fewer where there are fewer weeks.

    The leading eigenvectors of the covariance e^(-|s - t| / length) (a demand that forgets at a constant rate, AR(1)),
    times the roots of their eigenvalues: with standard normal factors it is that process, variance 1, less its
    fastest movement (Karhunen-Loeve). Exact over the weeks given; so weeks to come are among them.
    """
    if not count:
        return np.zeros((weeks, 0))
    week = np.arange(weeks)
    covariance = np.exp(-np.abs(week[:, None] - week[None, :]) / length)
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1][: min(count, weeks)]
    vectors = vectors[:, order]
    # The sign of an eigenvector is free, and differs between machines: its largest entry is positive.
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])
    return vectors * np.sqrt(values[order])
