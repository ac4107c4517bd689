"""What was meant to be spent: weekly budgets that follow demand, flights of television, channels that start or stop."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pma.simulation.channels import CHANNEL_NAMES, CHANNELS
from pma.simulation.context import wander
from pma.simulation.draws import generator, ranked
from pma.simulation.settings import SimulationSettings

# Budgets as a share of what is sold, and how far they move from week to week (deviation of the logarithm).
BUDGET_SHARE = 0.15
MOVEMENT = 0.35
USUAL_PRICE = 1100.0


def running(settings: SimulationSettings) -> np.ndarray:
    """Return in which weeks each channel runs; booleans of (countries, channels, weeks).

    Television never runs in two countries (where others are left), TikTok starts late in half of them, YouTube in one,
    and affiliates stop in one. Who it is is decided over all countries; when, for each alone.
    """
    n = settings.weeks
    on = np.ones((len(settings.countries), len(CHANNELS), n), dtype=bool)
    without_tv = min(2, len(settings.countries) - 1)
    groups = {
        "tv": (without_tv, 1.0, 1.0),
        "tiktok": ((len(settings.countries) + 1) // 2, 0.2, 0.5),
        "youtube_flobikes": (1, 0.3, 0.4),
    }
    for name, (count, earliest, latest) in groups.items():
        for country in ranked(settings.seed, name, settings.countries)[:count]:
            share = generator(settings.seed, "start", country, name).uniform(earliest, latest)
            on[settings.countries.index(country), CHANNEL_NAMES.index(name), : round(share * n)] = False
    stopped = ranked(settings.seed, "affiliate", settings.countries)[0]
    share = generator(settings.seed, "stop", stopped, "affiliate").uniform(0.6, 0.8)
    on[settings.countries.index(stopped), CHANNEL_NAMES.index("affiliate"), round(share * n) :] = False
    return on


def flights(settings: SimulationSettings, country: str) -> np.ndarray:
    """Return in which weeks television is on the air there: bursts of four to six weeks, pauses of four to eight."""
    rng = generator(settings.seed, "flights", country)
    on = np.zeros(settings.weeks, dtype=bool)
    start = int(rng.integers(0, 5))
    while start < settings.weeks:
        length = int(rng.integers(4, 7))
        on[start : start + length] = True
        start += length + int(rng.integers(4, 9))
    return on


def usual_budget(settings: SimulationSettings, countries: pd.DataFrame) -> np.ndarray:
    """Return the usual weekly spend of a channel while it runs, reporting currency; (countries, channels)."""
    sold = countries["size"].to_numpy() * settings.uploads_per_week * settings.sales_rate * USUAL_PRICE
    luck = [
        [np.exp(generator(settings.seed, "budget", i, c).normal(0, 0.25)) for c in CHANNEL_NAMES]
        for i in settings.countries
    ]
    return BUDGET_SHARE * sold[:, None] * np.array([c.share for c in CHANNELS]) * np.array(luck)


def plan_budgets(settings: SimulationSettings, usual: np.ndarray, comes_anyway: np.ndarray) -> np.ndarray:
    """Return planned spend, reporting currency; (countries, channels, weeks).

    `comes_anyway`, (countries, weeks), is demand without paid media: of the movement of a budget's logarithm the share
    `settings.confounding` follows it, the rest is the planners' own.
    """
    spread = comes_anyway.std(axis=1, keepdims=True)
    followed = (comes_anyway - comes_anyway.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-12)
    own = np.sqrt(1 - settings.confounding**2)
    planned = np.empty((*usual.shape, settings.weeks))
    for i, country in enumerate(settings.countries):
        for c, channel in enumerate(CHANNEL_NAMES):
            whim = wander(generator(settings.seed, "planning", country, channel), settings.weeks, 0.6)
            planned[i, c] = usual[i, c] * np.exp(MOVEMENT * (settings.confounding * followed[i] + own * whim))
        # What television has for a year goes into its flights.
        planned[i, CHANNEL_NAMES.index("tv")] *= 2.0 * flights(settings, country)
    return planned * running(settings)
