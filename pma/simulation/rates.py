"""Exchange rates of the simulated marketplace."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pma.simulation.draws import generator

USUAL_RATES = {
    "EUR": 1.0,
    "CHF": 1.05,
    "DKK": 0.134,
    "PLN": 0.233,
    "SEK": 0.088,
    "NOK": 0.086,
    "GBP": 1.17,
    "CZK": 0.0398,
    "HUF": 0.00255,
    "RON": 0.201,
}
# A rate has six decimals, so that money converts in whole numbers.
RATE_UNIT = 1_000_000


def make_rates(seed: int, currencies: list[str], days: pd.DatetimeIndex) -> pd.DataFrame:
    """Return one row per day and currency: date, currency, rate (EUR for one unit, six decimals)."""
    frames = []
    for currency in sorted({"EUR", *currencies}):
        steps = generator(seed, "rate", currency).normal(0, 0.002, len(days))
        walk = np.zeros(len(days)) if currency == "EUR" else _reverting(steps)
        rate = np.round(USUAL_RATES[currency] * np.exp(walk), 6)
        frames.append(pd.DataFrame({"date": days, "currency": currency, "rate": rate}))
    return pd.concat(frames, ignore_index=True)


def _reverting(steps: np.ndarray) -> np.ndarray:
    """A walk that comes back: 2 % of its distance a day."""
    walk = np.empty(len(steps))
    place = 0.0
    for t, step in enumerate(steps):
        place = 0.98 * place + step
        walk[t] = place
    return walk


def to_euro(local: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Convert whole millionths of a currency to those of EUR, halves away from zero; `rate` in millionths."""
    return np.sign(local) * ((np.abs(local) * rate + RATE_UNIT // 2) // RATE_UNIT)
