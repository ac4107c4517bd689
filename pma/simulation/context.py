"""What goes on beside paid media: newsletter, search ranking, social posts, prices and the weather."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pma.simulation.countries import facts_of
from pma.simulation.draws import generator
from pma.simulation.settings import SimulationSettings

ORGANIC = {"newsletter": "newsletter_sends", "seo": "seo_visibility", "social_posts": "social_posts"}
CONTEXT = ("price_index", "temperature")


def make_context(settings: SimulationSettings, weeks: pd.DatetimeIndex) -> dict[str, pd.DataFrame]:
    """Return per country a frame of weeks x variables: three organic inputs, price_index (100: usual), temperature."""
    return {country: _of_country(country, settings, weeks) for country in settings.countries}


def normal_temperature(country: str, seed: int, weeks: pd.DatetimeIndex) -> np.ndarray:
    """Return the usual temperature of each week in degrees Celsius, warmest in the last week of July; (weeks,)."""
    facts = facts_of(country, seed)
    return facts.temperature - facts.swing * np.cos(2 * np.pi * (weeks.dayofyear.to_numpy() - 25) / 365.25)


def wander(rng: np.random.Generator, size: int, keep: float) -> np.ndarray:
    """Return a series of variance 1 that keeps a share of itself from week to week: AR(1), from its long run."""
    steps = rng.standard_normal(size)
    out = np.empty(size)
    out[0] = steps[0]
    for t in range(1, size):
        out[t] = keep * out[t - 1] + np.sqrt(1 - keep**2) * steps[t]
    return out


def _of_country(country: str, settings: SimulationSettings, weeks: pd.DatetimeIndex) -> pd.DataFrame:
    n = len(weeks)
    size = facts_of(country, settings.seed).size
    rng = {name: generator(settings.seed, name, country) for name in (*ORGANIC, *CONTEXT)}
    subscribers = 9000.0 * size * (1 + 0.15 * np.arange(n) / 52)
    mailings = rng["newsletter"].choice([0.0, 1.0, 1.0, 2.0, 3.0], n)
    ranking = 100 * np.exp(0.12 * wander(rng["seo"], n, 0.95))
    prices = 100 * np.exp(0.03 * wander(rng["price_index"], n, 0.92))
    weather = normal_temperature(country, settings.seed, weeks) + 2.5 * wander(rng["temperature"], n, 0.35)
    columns = {
        "newsletter_sends": np.round(subscribers * mailings),
        "seo_visibility": np.round(ranking, 2),
        "social_posts": rng["social_posts"].poisson(5 + 2 * np.sqrt(size), n).astype(float),
        "price_index": np.round(prices, 2),
        "temperature": np.round(weather, 1),
    }
    return pd.DataFrame(columns, index=weeks)


def long_context(context: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row per week, country and variable: date (the Monday), country, variable, value."""
    frames = [
        frame.rename_axis("date").reset_index().melt("date", var_name="variable").assign(country=country)
        for country, frame in context.items()
    ]
    long = pd.concat(frames, ignore_index=True)[["date", "country", "variable", "value"]]
    return long.sort_values(["date", "country", "variable"], ignore_index=True)
