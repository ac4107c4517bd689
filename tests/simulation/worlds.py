"""A marketplace of two countries and ten weeks, written by hand."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from pma.simulation.settings import SimulationSettings

WEEKS = pd.date_range("2026-08-24", periods=10, freq="7D")
CHANNELS = {
    "google_search_brand": "gads_search_brand",
    "google_pmax": "gads_pmax",
    "youtube_flobikes": "YT_Flobikes",
    "meta_prospecting": "fb_prosp",
    "tiktok": "tt_reach",
    "affiliate": "aff_network",
    "tv": "tv",
}
# Of the uploads, and of the demand, of a week: component, kind, whether it is split by campaign, share.
COMPONENTS = [
    *[(channel, "paid", 0.08) for channel in CHANNELS],
    ("newsletter", "organic", 0.05),
    ("seo", "organic", 0.05),
    ("baseline", "baseline", 0.4),
    ("seasonality", "seasonality", -0.06),
    ("tv x google_search_brand", "interaction", 0.04),
]


@dataclass(frozen=True)
class World:
    """The parts of a marketplace that its individuals are drawn from."""

    settings: SimulationSettings
    weeks: pd.DatetimeIndex
    campaigns: pd.DataFrame
    spend: pd.DataFrame
    upload_contributions: pd.DataFrame
    demand: pd.DataFrame
    flows: pd.DataFrame


def make_world(uploads, demand, **settings):
    """Return a world with so many uploads a week in each country, and this demand in each of the ten weeks."""
    settings = SimulationSettings(
        regions={"DACH": ("DE", "AT")}, last_day=date(2026, 11, 1), weeks=len(WEEKS), **settings
    )
    campaigns = pd.DataFrame(
        [
            (f"{country}{number}", channel, country, f"{country}_{token}_supply_0{part}")
            for country in settings.countries
            for number, (channel, token, part) in enumerate((c, t, p) for c, t in CHANNELS.items() for p in (1, 2))
        ],
        columns=["campaign_id", "channel", "country", "campaign_name"],
    )
    days = pd.DataFrame({"date": pd.date_range(WEEKS[0], periods=7 * len(WEEKS))})
    spend = campaigns[["campaign_id", "country"]].merge(days, how="cross")
    spend["clicks"] = 5 + spend["campaign_id"].str[2:].astype(int)
    weekly = {"upload": [uploads] * len(WEEKS), "demand": demand}
    frames = {name: _contributions(settings.countries, campaigns, values) for name, values in weekly.items()}
    flows = pd.DataFrame(
        [
            ("DE", "DE", 0.25, 800.0, 0.6, 8.0, 0.9),
            ("DE", "AT", 0.1, 1200.0, 0.5, 15.0, 0.7),
            ("AT", "DE", 0.15, 900.0, 0.4, 12.0, 0.8),
            ("AT", "AT", 0.2, 700.0, 0.6, 6.0, 1.0),
        ],
        columns=[
            *("origin_country", "destination_country", "share", "mean_price", "price_sigma"),
            *("median_lag_days", "lag_sigma"),
        ],
    )
    return World(settings, WEEKS, campaigns, spend, frames["upload"], frames["demand"], flows)


def _contributions(countries, campaigns, values):
    total = sum(share for _, _, share in COMPONENTS)
    rows = []
    for country in countries:
        for week, value in zip(WEEKS, values, strict=True):
            for component, kind, share in COMPONENTS:
                own = campaigns[(campaigns["channel"] == component) & (campaigns["country"] == country)]["campaign_id"]
                ids = list(own) or [None]
                rows += [(country, week, component, kind, id_, value * share / total / len(ids)) for id_ in ids]
    return pd.DataFrame(rows, columns=["country", "week_start", "component", "kind", "campaign_id", "value"])
