"""What would be uploaded and bought without paid media: baseline, trend, season, holidays, events, context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pma.simulation.calendar import event_share, holiday_share
from pma.simulation.channels import UPLOADS
from pma.simulation.context import ORGANIC, normal_temperature, wander
from pma.simulation.draws import generator
from pma.simulation.settings import SimulationSettings

KINDS = {
    "baseline": "baseline",
    "trend": "trend",
    "seasonality": "seasonality",
    "public_holidays": "event",
    "temperature": "context",
    "price_index": "context",
    **dict.fromkeys(ORGANIC, "organic"),
}
_ORGANIC_SHARES = {"newsletter": 0.06, "seo": 0.11, "social_posts": 0.03}


@dataclass(frozen=True)
class Surroundings:
    """What the people of one country see besides media: weeks, its context (weeks x variables) and bike events."""

    country: str
    weeks: pd.DatetimeIndex
    context: pd.DataFrame
    events: pd.DataFrame


def unpaid(around: Surroundings, target: str, settings: SimulationSettings) -> dict[str, np.ndarray]:
    """Return the components that no paid media make: name to values of (weeks,), which together are about 1.

    Component names are the keys of KINDS, and for the rest the names of bike events (kind `event`).
    """
    rng = generator(settings.seed, "unpaid", around.country, target)
    n = len(around.weeks)
    is_upload = target == UPLOADS
    # Both targets of a country swell together, and nobody measures that swell.
    swell = wander(generator(settings.seed, "swell", around.country), n, 0.9)
    year = 2 * np.pi * (around.weeks.dayofyear.to_numpy() - 1) / 365.25
    height, peak = (0.22, 130.0) if is_upload else (0.20, 150.0)
    height, peak = height * np.exp(rng.normal(0, 0.15)), peak + rng.normal(0, 8)
    second = 0.05 * rng.normal()
    season = height * np.cos(year - 2 * np.pi * peak / 365.25) + second * np.cos(2 * year)
    growth = rng.normal(0.05, 0.03)
    context = around.context
    warmth = context["temperature"].to_numpy() - normal_temperature(around.country, settings.seed, around.weeks)
    dearness = context["price_index"].to_numpy() / 100 - 1
    parts = {
        "baseline": 0.8 + 0.06 * swell,
        "trend": growth * np.arange(n) / 52,
        "seasonality": season,
        "public_holidays": -rng.uniform(0.15, 0.35) * holiday_share(around.country, around.weeks),
        "temperature": rng.uniform(0.008, 0.016) * warmth,
        "price_index": (rng.uniform(0.1, 0.3) if is_upload else -rng.uniform(0.5, 0.9)) * dearness,
    }
    for name, variable in ORGANIC.items():
        seen = context[variable].to_numpy()
        parts[name] = _ORGANIC_SHARES[name] * np.exp(rng.normal(0, 0.2)) * seen / max(seen.mean(), 1e-9)
    return {**parts, **_events(around, target, settings.seed)}


def _events(around: Surroundings, target: str, seed: int) -> dict[str, np.ndarray]:
    """An event moves its own country most, and others a little; demand more than uploads."""
    parts = {}
    for name, dates in around.events.groupby("name", sort=True):
        rng = generator(seed, "event", str(name), around.country, target)
        strength = rng.uniform(0.05, 0.16) * (0.6 if target == UPLOADS else 1.0)
        own = dates["country"].isna() | (dates["country"] == around.country)
        here, abroad = event_share(dates[own], around.weeks), event_share(dates[~own], around.weeks)
        parts[str(name)] = strength * np.maximum(here, 0.25 * abroad)
    return parts
