"""Countries of the simulated marketplace, and which country's uploads sell where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pma.simulation.draws import generator
from pma.simulation.settings import SimulationSettings


@dataclass(frozen=True)
class Facts:
    """What is known of a country: its size (1 is middling), currency, time zone, mean temperature and its swing."""

    size: float
    currency: str = "EUR"
    timezone: str = "UTC"
    temperature: float = 10.0
    swing: float = 9.0
    neighbours: tuple[str, ...] = ()


FACTS = {
    "DE": Facts(2.2, "EUR", "Europe/Berlin", 10.0, 9.5, ("AT", "CH", "NL", "BE", "FR", "DK", "PL")),
    "AT": Facts(0.6, "EUR", "Europe/Vienna", 10.0, 10.5, ("DE", "CH", "IT")),
    "CH": Facts(0.7, "CHF", "Europe/Zurich", 9.5, 9.5, ("DE", "AT", "FR", "IT")),
    "NL": Facts(1.1, "EUR", "Europe/Amsterdam", 10.8, 7.5, ("DE", "BE")),
    "BE": Facts(0.7, "EUR", "Europe/Brussels", 10.8, 7.8, ("NL", "DE", "FR")),
    "FR": Facts(1.6, "EUR", "Europe/Paris", 12.5, 8.0, ("BE", "DE", "CH", "IT", "ES")),
    "IT": Facts(1.3, "EUR", "Europe/Rome", 15.0, 9.0, ("AT", "CH", "FR")),
    "ES": Facts(1.0, "EUR", "Europe/Madrid", 16.0, 8.5, ("FR",)),
    "DK": Facts(0.5, "DKK", "Europe/Copenhagen", 9.0, 8.5, ("DE",)),
    "PL": Facts(0.8, "PLN", "Europe/Warsaw", 9.0, 11.0, ("DE", "CZ", "SK", "LT")),
    "SE": Facts(0.7, "SEK", "Europe/Stockholm", 7.5, 10.0, ("DK", "NO", "FI")),
    "NO": Facts(0.6, "NOK", "Europe/Oslo", 6.5, 10.0, ("SE", "DK")),
    "FI": Facts(0.5, "EUR", "Europe/Helsinki", 5.5, 11.5, ("SE", "EE")),
    "GB": Facts(1.8, "GBP", "Europe/London", 10.5, 6.5, ("IE", "FR", "NL")),
    "IE": Facts(0.5, "EUR", "Europe/Dublin", 10.0, 5.0, ("GB",)),
    "PT": Facts(0.6, "EUR", "Europe/Lisbon", 17.0, 6.0, ("ES",)),
    "LU": Facts(0.2, "EUR", "Europe/Luxembourg", 10.0, 8.5, ("BE", "DE", "FR")),
    "CZ": Facts(0.7, "CZK", "Europe/Prague", 9.0, 10.5, ("DE", "AT", "PL", "SK")),
    "SK": Facts(0.4, "EUR", "Europe/Bratislava", 10.0, 11.0, ("CZ", "AT", "HU", "PL")),
    "HU": Facts(0.5, "HUF", "Europe/Budapest", 11.5, 11.5, ("AT", "SK", "RO")),
    "SI": Facts(0.3, "EUR", "Europe/Ljubljana", 11.0, 10.5, ("AT", "IT", "HR")),
    "HR": Facts(0.3, "EUR", "Europe/Zagreb", 12.0, 10.5, ("SI", "HU")),
    "RO": Facts(0.6, "RON", "Europe/Bucharest", 11.5, 12.0, ("HU",)),
    "GR": Facts(0.5, "EUR", "Europe/Athens", 18.0, 9.0, ("IT",)),
    "EE": Facts(0.2, "EUR", "Europe/Tallinn", 6.5, 11.0, ("FI", "LV")),
    "LV": Facts(0.2, "EUR", "Europe/Riga", 7.0, 11.0, ("EE", "LT")),
    "LT": Facts(0.3, "EUR", "Europe/Vilnius", 7.5, 11.5, ("LV", "PL")),
}


def facts_of(country: str, seed: int) -> Facts:
    """Return what is known of a country; one that is not listed gets a size by lot and the reporting currency."""
    if country in FACTS:
        return FACTS[country]
    return Facts(float(np.exp(generator(seed, "size", country).normal(-0.2, 0.5))))


def make_countries(settings: SimulationSettings) -> pd.DataFrame:
    """Return one row per country: country, management_region, currency, size, timezone."""
    rows = []
    for region, members in settings.regions.items():
        for country in members:
            facts = facts_of(country, settings.seed)
            rows.append((country, region, facts.currency, facts.size, facts.timezone))
    return pd.DataFrame(rows, columns=["country", "management_region", "currency", "size", "timezone"])


def make_flows(settings: SimulationSettings, countries: pd.DataFrame) -> pd.DataFrame:
    """Return one row per origin and destination: share, mean_price, price_sigma, median_lag_days, lag_sigma.

    `share` of the origin's uploads sell there, in the end, where the demand multiplier is 1: over the destinations it
    adds up to `settings.sales_rate`. Prices and lags are log-normal: mean_price is the mean in the reporting currency,
    median_lag_days the median of the days from upload to order, the sigmas those of their logarithms.
    """
    rows: list[tuple[object, ...]] = []
    places = countries.to_dict("records")
    for origin in places:
        own = origin["country"]
        near = facts_of(own, settings.seed).neighbours
        own_price = 1100.0 * np.exp(generator(settings.seed, "price", own).normal(0.0, 0.12))
        pulls, drawn = [], []
        for place in places:
            other = place["country"]
            rng = generator(settings.seed, "flow", own, other)
            is_home = own == other
            is_near = other in near or place["management_region"] == origin["management_region"]
            pull = 3.0 if is_home else (0.25 if is_near else 0.06) * place["size"]
            pulls.append(pull * np.exp(rng.normal(0.0, 0.25)))
            price = own_price * (1.0 if is_home else 1.15) * np.exp(rng.normal(0.0, 0.05))
            lag = (9.0 if is_home else 14.0) * np.exp(rng.normal(0.0, 0.15))
            drawn.append((price, 0.6, lag, float(rng.uniform(0.6, 0.9))))
        shares = settings.sales_rate * np.array(pulls) / sum(pulls)
        rows += [(own, p["country"], share, *row) for p, share, row in zip(places, shares, drawn, strict=True)]
    columns = ["origin_country", "destination_country", "share", "mean_price"]
    return pd.DataFrame(rows, columns=[*columns, "price_sigma", "median_lag_days", "lag_sigma"])
