"""Campaigns: their names, goals, lives and shares of a channel's budget."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from pma.simulation.channels import CHANNELS, GOAL_EFFECTS, Channel
from pma.simulation.draws import generator, number_of
from pma.simulation.settings import SimulationSettings

ID_DIGITS = {"google": 11, "meta": 18, "tiktok": 16}
ACCOUNT_DIGITS = {"google": 10, "meta": 15, "tiktok": 18}
COMPANY = "VeloMarket"
COLUMNS = [
    *("campaign_id", "ad_platform", "account_id", "account_name", "account_timezone", "currency", "channel"),
    *("country", "campaign_name", "goal", "bidding_type", "status", "starts_on", "ends_on"),
    *("earlier_name", "renamed_on", "efficiency", "budget_share"),
]


def make_campaigns(
    settings: SimulationSettings, countries: pd.DataFrame, weeks: pd.DatetimeIndex, running: np.ndarray
) -> pd.DataFrame:
    """Return one row per campaign and country: COLUMNS, in the order of countries and channels.

    One campaign of meta_prospecting runs in two countries of one account, where there are two: it has two rows of one
    campaign_id. `ends_on` is null while it runs; `earlier_name` is what it was called before `renamed_on`, else null.
    `running` is (countries, channels, weeks): a channel that never runs in a country has no campaigns there.
    """
    rows: list[tuple[object, ...]] = []
    timezones = _timezones(countries)
    for i, country in enumerate(countries.to_dict("records")):
        for c, channel in enumerate(CHANNELS):
            if running[i, c].any():
                open_weeks = weeks[running[i, c]]
                account = _account(channel, country, timezones, settings.seed)
                rows += _of_channel(channel, country["country"], account, open_weeks, settings, weeks[-1])
    campaigns = pd.DataFrame(rows, columns=COLUMNS)
    for name in ("starts_on", "ends_on", "renamed_on"):
        campaigns[name] = pd.to_datetime(campaigns[name])
    return _shared(campaigns)


def goal_mix(campaigns: pd.DataFrame, settings: SimulationSettings) -> np.ndarray:
    """Return the share of each goal in a channel's budget; (countries, channels, goals of GOAL_EFFECTS)."""
    mix = np.zeros((len(settings.countries), len(CHANNELS), len(GOAL_EFFECTS)))
    channel = [c.name for c in CHANNELS]
    sums = campaigns.groupby(["country", "channel", "goal"])["budget_share"].sum()
    for row in sums.reset_index().to_dict("records"):
        goal = list(GOAL_EFFECTS).index(row["goal"])
        mix[settings.countries.index(row["country"]), channel.index(row["channel"]), goal] = row["budget_share"]
    return mix / np.maximum(mix.sum(axis=2, keepdims=True), 1e-12)


def _timezones(countries: pd.DataFrame) -> dict[tuple[str, str], str]:
    """The zone of a region's account in one currency is that of its first country."""
    first = countries.groupby(["management_region", "currency"])["timezone"].first()
    return {(of["management_region"], of["currency"]): of["timezone"] for of in first.reset_index().to_dict("records")}


def _account(
    channel: Channel, country: dict[Hashable, Any], timezones: dict[tuple[str, str], str], seed: int
) -> tuple[str, str, str, str]:
    """Return account_id, account_name, account_timezone and currency."""
    if channel.sheet is not None:
        return channel.sheet, f"sheet {channel.sheet}", country["timezone"], "EUR"
    currency, region = country["currency"], country["management_region"]
    if channel.platform == "tiktok":
        name, zone = f"{COMPANY} {country['country']}", "UTC"
    else:
        name = f"{COMPANY} {region}" + ("" if currency == "EUR" else f" {currency}")
        zone = timezones[region, currency]
    return number_of(ACCOUNT_DIGITS[channel.platform], str(seed), channel.platform, name), name, zone, currency


def _of_channel(
    channel: Channel,
    country: str,
    account: tuple[str, str, str, str],
    weeks: pd.DatetimeIndex,
    settings: SimulationSettings,
    last_week: pd.Timestamp,
) -> list[tuple[object, ...]]:
    rng = generator(settings.seed, "campaigns", country, channel.name)
    count = 1 if channel.name == "tv" else int(rng.integers(3, 7))
    shares = rng.dirichlet(np.full(count, 4.0))
    efficiency = np.exp(rng.normal(0, 0.4, count))
    rows: list[tuple[object, ...]] = []
    for k in range(count):
        goal = channel.goals[k % len(channel.goals)]
        stem = f"{country}_{channel.token}_{goal}"
        name = f"{stem}_{k + 1:02d}"
        starts_on, ends_on = _life(k, rng, weeks)
        if ends_on is None and weeks[-1] < last_week:
            ends_on = weeks[-1] + timedelta(days=6)
        # The second campaign is always one that somebody deleted: its spend must stay.
        # Of the exports only TikTok's tell that a campaign ended by its date.
        stopped = ["paused"] if channel.platform in ("google", "meta") else ["paused", "ended"]
        over = "deleted" if k == 1 else str(rng.choice(stopped))
        status = "enabled" if ends_on is None else over
        renamed_on = weeks[len(weeks) // 2] + timedelta(days=int(rng.integers(0, 7)))
        is_renamed = k == 2 and channel.name in ("google_pmax", "meta_prospecting", "tiktok")
        number = number_of(ID_DIGITS.get(channel.platform, 11), str(settings.seed), country, channel.name, str(k))
        rows.append(
            (
                name if channel.sheet in ("tv", "affiliate") else number,
                channel.platform,
                *account,
                channel.name,
                country,
                name,
                goal,
                str(rng.choice(channel.bidding)) or None,
                status,
                starts_on,
                ends_on,
                f"{stem}_{k + 51:02d}" if is_renamed else None,
                renamed_on if is_renamed else None,
                efficiency[k],
                shares[k],
            )
        )
    return rows


def _life(k: int, rng: np.random.Generator, weeks: pd.DatetimeIndex) -> tuple[pd.Timestamp, pd.Timestamp | None]:
    """First and last day (None: open): the first campaign runs on, the second ends early, of the others some do."""
    starts_late, ends_early = rng.random() < 0.35, rng.random() < 0.35
    start = int(rng.uniform(0.1, 0.5) * len(weeks)) if starts_late and k > 1 else 0
    end = weeks[0] + timedelta(days=int(rng.uniform(0.55, 0.95) * 7 * len(weeks)))
    return weeks[start], end if k == 1 or (ends_early and k > 1) else None


def _shared(campaigns: pd.DataFrame) -> pd.DataFrame:
    """Let one campaign of meta_prospecting run in a second country of its account."""
    meta = campaigns[(campaigns["channel"] == "meta_prospecting") & campaigns["earlier_name"].isna()]
    for _, of_account in meta.groupby("account_id", sort=False):
        last = of_account.groupby("country", sort=False).tail(1)
        if len(last) > 1:
            own, other = last.index[:2]
            same = ["campaign_id", "campaign_name", "goal", "bidding_type", "status"]
            campaigns.loc[other, same] = campaigns.loc[own, same].to_numpy()
            break
    return campaigns
