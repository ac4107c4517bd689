"""A weekly series beside another: whether it varies, and whether it follows the other by more than chance."""

from __future__ import annotations

import numpy as np
import pandas as pd

# A constant times a unit is not always one double: what varies by less than this share does not vary.
SAME = 1e-9
# In less than a year no season is seen.
A_YEAR = 52
# Half a year: what two series share beyond it is the season, which comes back.
LONGEST_MEMORY = 26
# Standard errors from which a correlation is not by chance.
BEYOND_CHANCE = 2.0
# Budgets are set by the results of about so many weeks.
EARLIER_WEEKS = 4


def varies(values: np.ndarray) -> bool:
    """Say whether a series is not constant, in whatever unit."""
    return len(values) > 1 and float(np.ptp(values)) > SAME * float(np.abs(values).max())


def followed(spend: pd.Series, target: pd.Series) -> dict[str, float]:
    """Return the correlations of spend with the target of the same week and of the four before; 0 where it is chance.

    Of the logarithms, as budgets move by shares.
    """
    spent, demand = logarithm(spend), logarithm(target)
    earlier = demand.rolling(EARLIER_WEEKS, min_periods=EARLIER_WEEKS).mean().shift(1)
    found = {}
    for weeks, series in (("the same week", demand), ("the four weeks before", earlier)):
        value, errors = in_standard_errors(spent, series)
        found[weeks] = value if errors >= BEYOND_CHANCE else 0.0
    return found


def in_standard_errors(left: pd.Series, right: pd.Series) -> tuple[float, float]:
    """Return the correlation of two weekly series, and how many standard errors it is above zero.

    Series that remember, as season and budgets do, agree by chance more often than independent weeks would: the number
    of weeks is divided by 1 + 2 sum over lags of the product of both autocorrelations (Bartlett 1935), and Fisher's
    transform makes the correlation normal. Zeros where fewer than 52 weeks are known of both, or one is constant.
    """
    known = (left.notna() & right.notna()).to_numpy()
    n = int(known.sum())
    if n < A_YEAR or not varies(left.to_numpy()[known]) or not varies(right.to_numpy()[known]):
        return 0.0, 0.0
    first, second = (_scaled(series.to_numpy(dtype=float), known) for series in (left, right))
    lags = np.arange(1, min(LONGEST_MEMORY, n // 4) + 1)
    shared = (_memory(first, known, lags) * _memory(second, known, lags) * (1 - lags / n)).sum()
    independent = n / max(1 + 2 * float(shared), 1.0)
    value = float(first @ second) / n
    transformed = float(np.arctanh(np.clip(value, -0.999, 0.999)))
    return value, transformed * float(np.sqrt(max(independent - 3, 1.0)))


def logarithm(values: pd.Series) -> pd.Series:
    """Return logarithms, without weeks with nothing or with money back: whether a channel runs is decided apart."""
    return np.log(values.where(values > 0))


def _scaled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1 over the known weeks, 0 in all others."""
    of_known = values[known]
    return np.where(known, (values - of_known.mean()) / of_known.std(), 0.0)


def _memory(scaled: np.ndarray, known: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Autocorrelations at these lags, each over the pairs of weeks that are known; 0 where there are none."""
    sums = np.array([scaled[lag:] @ scaled[:-lag] for lag in lags])
    counts = np.array([(known[lag:] & known[:-lag]).sum() for lag in lags])
    return np.clip(np.divide(sums, counts, out=np.zeros(len(lags)), where=counts > 0), -1.0, 1.0)
