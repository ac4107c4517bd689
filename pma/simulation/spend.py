"""Daily spend of every campaign, in the whole cents or micros that the platforms will export."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pma.simulation.channels import CHANNEL_NAMES, CHANNELS, Channel
from pma.simulation.context import wander
from pma.simulation.draws import generator
from pma.simulation.rates import RATE_UNIT, to_euro
from pma.simulation.settings import SimulationSettings

MICROS = 1_000_000
CENT = MICROS // 100
# What is spent on the days of a week, Monday first.
_WEEK = np.array([1.02, 0.98, 0.97, 0.99, 0.98, 1.0, 1.06])


@dataclass(frozen=True)
class Calendar:
    """The weeks (Mondays) and the days of data; the last week may have fewer than seven."""

    weeks: pd.DatetimeIndex
    days: pd.DatetimeIndex

    @property
    def week_of(self) -> np.ndarray:
        """The place of each day's week; (days,)."""
        return (self.days - self.weeks[0]).days.to_numpy() // 7


def make_spend(
    settings: SimulationSettings, campaigns: pd.DataFrame, budgets: np.ndarray, rates: pd.DataFrame, calendar: Calendar
) -> pd.DataFrame:
    """Return one row per day (Monday for weekly sheets) and row of `campaigns` that runs.

    Columns: date, campaign_id, country, channel, place (row of `campaigns`), spend and spend_local (money),
    spend_micros and local_micros (the same in whole millionths), impressions, clicks. `budgets`, (countries, channels,
    weeks), is in EUR. Google's money is in micros, all other in cents.
    """
    by_currency = rates.pivot(index="date", columns="currency", values="rate").loc[calendar.days]
    rate_of = {str(c): np.rint(by_currency[c].to_numpy() * RATE_UNIT).astype(np.int64) for c in by_currency}
    frames = []
    for (country, name), rows in campaigns.groupby(["country", "channel"], sort=False):
        channel = CHANNELS[CHANNEL_NAMES.index(str(name))]
        weekly = budgets[settings.countries.index(str(country)), CHANNEL_NAMES.index(str(name))]
        frames.append(_of_channel(settings.seed, channel, rows, weekly, rate_of, calendar))
    spend = pd.concat(frames, ignore_index=True)
    spend["spend"] = spend["spend_micros"] / MICROS
    spend["spend_local"] = spend["local_micros"] / MICROS
    return spend


def weekly_micros(spend: pd.DataFrame, campaigns: int, calendar: Calendar) -> np.ndarray:
    """Return spend of each row of `campaigns` by week in millionths of EUR, whole numbers; (campaigns, weeks)."""
    weeks = len(calendar.weeks)
    week = (spend["date"] - calendar.weeks[0]).dt.days.to_numpy() // 7
    flat = spend["place"].to_numpy() * weeks + week
    # Sums of whole numbers below 2^53 are exact, whatever their order.
    micros = np.bincount(flat, weights=spend["spend_micros"].to_numpy(), minlength=campaigns * weeks)
    return micros.reshape(campaigns, weeks)


def sum_by_channel(of_campaigns: np.ndarray, campaigns: pd.DataFrame, countries: tuple[str, ...]) -> np.ndarray:
    """Sum rows of (campaigns, weeks) to (countries, channels, weeks)."""
    country = campaigns["country"].map({name: i for i, name in enumerate(countries)}).to_numpy()
    channel = campaigns["channel"].map({name: c for c, name in enumerate(CHANNEL_NAMES)}).to_numpy()
    out = np.zeros((len(countries), len(CHANNEL_NAMES), of_campaigns.shape[1]))
    np.add.at(out, (country, channel), of_campaigns)
    return out


def _of_channel(
    seed: int,
    channel: Channel,
    rows: pd.DataFrame,
    weekly: np.ndarray,
    rate_of: dict[str, np.ndarray],
    calendar: Calendar,
) -> pd.DataFrame:
    rng = generator(seed, "days", rows["country"].iloc[0], channel.name)
    alive, euros = _split(rng, channel, rows, weekly, calendar)
    currency = str(rows["currency"].iloc[0])
    rate = rate_of[currency]
    unit = 1 if channel.platform == "google" else CENT
    local = (np.rint(euros * MICROS / rate * RATE_UNIT / unit) * unit).astype(np.int64)
    if channel.name in ("google_search_generic", "meta_prospecting"):
        _credit(rng, local, alive)
    micros = to_euro(local, rate[None, :])
    impressions, clicks = _seen(rng, channel, np.maximum(micros, 0) / MICROS)
    k, day = np.nonzero(alive)
    return pd.DataFrame(
        {
            "date": calendar.days[day],
            "campaign_id": rows["campaign_id"].to_numpy()[k],
            "country": rows["country"].iloc[0],
            "channel": channel.name,
            "place": rows.index.to_numpy()[k],
            "spend_micros": micros[k, day],
            "local_micros": local[k, day],
            "impressions": impressions[k, day],
            "clicks": clicks[k, day],
        }
    )


def _split(
    rng: np.random.Generator, channel: Channel, rows: pd.DataFrame, weekly: np.ndarray, calendar: Calendar
) -> tuple[np.ndarray, np.ndarray]:
    """Return on which days a campaign has a row, and its money in EUR; both (campaigns, days)."""
    days, week_of = calendar.days, calendar.week_of
    n_days = len(calendar.weeks) * 7
    weekday = np.arange(n_days) % 7
    starts = ((rows["starts_on"] - days[0]).dt.days).to_numpy()[:, None]
    ends = ((rows["ends_on"] - days[0]).dt.days).fillna(n_days).to_numpy()[:, None]
    day = np.arange(n_days)[None, :]
    alive = (day >= starts) & (day <= ends)
    if channel.is_weekly:
        # A week's money stands on its Monday; a campaign of the sheet lives for whole weeks.
        alive &= weekday[None, :] == 0
    drift = np.exp(0.2 * np.stack([wander(rng, len(weekly), 0.9) for _ in range(len(rows))]))
    weight = rows["budget_share"].to_numpy()[:, None] * np.repeat(drift, 7, axis=1) * np.tile(_WEEK, len(weekly))
    weight *= np.exp(rng.normal(0, 0.12, weight.shape)) * alive
    total = weight.reshape(len(rows), len(weekly), 7).sum(axis=(0, 2))
    per_weight = np.where(total > 0, weekly / np.maximum(total, 1e-300), 0.0)
    euros = (weight * np.repeat(per_weight, 7))[:, : len(days)]
    if channel.is_weekly:
        # Of a week that is cut the sheet has what was spent in it.
        euros = euros * np.minimum(np.bincount(week_of, minlength=len(weekly)), 7)[week_of] / 7
    return alive[:, : len(days)], euros


def _credit(rng: np.random.Generator, local: np.ndarray, alive: np.ndarray) -> None:
    """The platform gives money back: on one day of the first campaign spend is negative."""
    day = int(rng.uniform(0.3, 0.6) * local.shape[1])
    usual = int(local[0].sum() // max(alive[0].sum(), 1))
    local[0, day] = -(usual * 2 // 5) // CENT * CENT


def _seen(rng: np.random.Generator, channel: Channel, euros: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Impressions and clicks that the money bought; both whole numbers, (campaigns, days)."""
    if channel.cpm == 0:
        nothing = np.zeros(euros.shape, dtype=np.int64)
        return nothing, nothing
    price = np.exp(rng.normal(0, 0.15, (euros.shape[0], 1)))
    clicks = rng.poisson(euros / (channel.cpc * price))
    seen = euros * 1000 / (channel.cpm * price) * np.exp(rng.normal(0, 0.1, euros.shape))
    return np.maximum(np.rint(seen).astype(np.int64), clicks), clicks
