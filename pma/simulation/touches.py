"""Touches: every link that may bring a visit, how often each does in a country and week, and which cause speaks by it.

Small frames of pandas, which Spark's individuals draw from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pma.simulation.landing_pages import FREE, PAID, faulty, query

if TYPE_CHECKING:
    from pma.simulation.marketplace import Marketplace

# Who draws: any visitor, by the country's mix; an upload or an order, by what caused it.
VISIT, UPLOAD, ORDER = 0, 1, 2
# Of all visits, by channels that nobody pays for; the rest is paid for, by clicks.
FREE_VISITS = {"direct": 0.22, "seo": 0.2, "newsletter": 0.06, "social_posts": 0.03, "referral": 0.05}
# What nobody paid for (baseline, season, trend, events, weather) comes to the site so.
UNPAID = {"direct": 0.45, "seo": 0.35, "referral": 0.1, "newsletter": 0.1}
# Who saw a spot on TV searches for the name, or types it in.
AFTER_TV = {"google_search_brand": 0.5, "direct": 0.3, "seo": 0.2}
TOUCHES = "touch int, channel string, campaign_id string, referrer string, query string, spoiled array<string>"
RANGES = "draw bigint, low double, high double, touch int"


def touches(marketplace: Marketplace) -> pd.DataFrame:
    """List every link of the marketplace's campaigns and of the channels that are free.

    One row per link: touch (its number), channel, campaign_id, referrer, query (null: no tags), spoiled (queries it
    may have instead), share (of the visits by its campaign, or channel).
    """
    rows: list[tuple[object, ...]] = []
    # A campaign that runs in several countries has the same link everywhere.
    campaigns = marketplace.campaigns.sort_values(["campaign_id", "country"]).drop_duplicates("campaign_id")
    named = zip(campaigns["channel"], campaigns["campaign_id"], campaigns["campaign_name"], strict=True)
    for channel, campaign_id, name in named:
        for link, share in PAID.get(str(channel), ()):
            own = replace(link, campaign=link.campaign and str(name), campaign_id=link.campaign_id and str(campaign_id))
            rows.append((channel, campaign_id, own.referrer, query(own), faulty(own), share))
    for channel, links in FREE.items():
        rows += [(channel, None, link.referrer, query(link), faulty(link), share) for link, share in links]
    frame = pd.DataFrame(rows, columns=["channel", "campaign_id", "referrer", "query", "spoiled", "share"])
    return frame.assign(touch=np.arange(len(frame), dtype="int32"))


def draw_number(marketplace: Marketplace, who: int, country: pd.Series, week: pd.Series) -> pd.Series:
    """Number what is drawn from: (who, country, week) as one whole number; see also `pma.simulation.paths`."""
    countries = list(marketplace.settings.countries)
    place = country.map({name: number for number, name in enumerate(countries)})
    return ((who * len(countries) + place) * len(marketplace.weeks) + week).astype("int64")


def touch_ranges(marketplace: Marketplace) -> pd.DataFrame:
    """Lay the touches of each draw side by side over [0, 1), as wide as they are frequent.

    One row per draw (see `draw_number`) and touch: draw, low, high, touch. Every country and week has a mix of visits.
    """
    known = touches(marketplace)
    clicks = weekly_clicks(marketplace)
    shares = [
        _numbered(marketplace, VISIT, visits(marketplace, known, clicks)),
        _numbered(marketplace, UPLOAD, causes(marketplace.upload_contributions, marketplace, known, clicks)),
        _numbered(marketplace, ORDER, causes(marketplace.demand, marketplace, known, clicks)),
    ]
    weights = pd.concat(shares).groupby(["draw", "touch"], sort=True)["weight"].sum().reset_index()
    weights = weights[weights["weight"] > 0]
    by_draw = weights.groupby("draw")["weight"]
    high = by_draw.cumsum() / by_draw.transform("sum")
    low = high.groupby(weights["draw"]).shift(fill_value=0.0)
    # The last range ends beyond 1, so that rounding leaves no gap.
    last = ~weights["draw"].duplicated(keep="last")
    return weights.assign(low=low, high=high.where(~last, 2.0))[["draw", "low", "high", "touch"]].reset_index(drop=True)


def weekly_clicks(marketplace: Marketplace) -> pd.DataFrame:
    """Add the clicks up. One row per country, week (number from 0 on) and campaign with clicks: channel, clicks."""
    clicks = marketplace.spend[["date", "campaign_id", "country", "clicks"]].fillna({"clicks": 0})
    clicks = clicks.assign(week=_week(marketplace, clicks["date"]))
    clicks = clicks.groupby(["country", "campaign_id", "week"], as_index=False).agg({"clicks": "sum"})
    # A campaign may run in several countries.
    channel = marketplace.campaigns.drop_duplicates("campaign_id").set_index("campaign_id")["channel"]
    clicks = clicks.assign(channel=clicks["campaign_id"].map(channel))
    return clicks[(clicks["clicks"] > 0) & clicks["channel"].isin(list(PAID))]


def visits(marketplace: Marketplace, known: pd.DataFrame, clicks: pd.DataFrame) -> pd.DataFrame:
    """Mix the visits of each country and week: fixed shares of the free channels, and the paid by their clicks.

    One row per country, week and touch: weight.
    """
    share = clicks["clicks"] / clicks.groupby(["country", "week"])["clicks"].transform("sum")
    paid = clicks.assign(weight=share * (1 - sum(FREE_VISITS.values())))
    paid = paid[["country", "week", "campaign_id", "weight"]].merge(known, on="campaign_id", how="inner")
    everywhere = pd.MultiIndex.from_product(
        [marketplace.settings.countries, range(len(marketplace.weeks))], names=["country", "week"]
    )
    free = _by_channel(everywhere.to_frame(index=False).assign(weight=1.0), FREE_VISITS, known)
    return pd.concat([_shared(paid), free], ignore_index=True)


def causes(
    contributions: pd.DataFrame, marketplace: Marketplace, known: pd.DataFrame, clicks: pd.DataFrame
) -> pd.DataFrame:
    """Say by which touches the causes of a country's week speak: campaigns and organic channels by their own.

    `contributions`: country, week_start, component, kind, campaign_id, value; only what adds counts. TV, and what comes
    of it together with search, speaks by brand search, direct visits or free search; everything else as in UNPAID.
    One row per country, week and touch: weight.
    """
    added = contributions[contributions["value"] > 0]
    added = added.assign(week=_week(marketplace, added["week_start"]), weight=added["value"])
    added = added[["country", "week", "component", "kind", "campaign_id", "weight"]]
    has_link = added["campaign_id"].isin(known["campaign_id"].dropna())
    is_free = (added["kind"] == "organic") & added["component"].isin(list(FREE))
    is_tv = ~has_link & ((added["component"] == "tv") | (added["kind"] == "interaction"))
    paid = added[has_link].merge(known, on="campaign_id", how="inner")
    free = added[is_free].merge(
        known[known["campaign_id"].isna()], left_on="component", right_on="channel", how="inner"
    )
    tv = added[is_tv].groupby(["country", "week"], as_index=False).agg({"weight": "sum"})
    rest = added[~has_link & ~is_free & ~is_tv].groupby(["country", "week"], as_index=False).agg({"weight": "sum"})
    parts = [_shared(paid), _shared(free), _by_channel(rest, UNPAID, known), _after_tv(tv, known, clicks)]
    return pd.concat(parts, ignore_index=True)


def _after_tv(tv: pd.DataFrame, known: pd.DataFrame, clicks: pd.DataFrame) -> pd.DataFrame:
    """Spread TV over brand search, by the clicks of its campaigns in that week, direct visits and free search."""
    searched = clicks[clicks["channel"] == "google_search_brand"]
    share = searched["clicks"] / searched.groupby(["country", "week"])["clicks"].transform("sum")
    found = tv.merge(searched.assign(part=share), on=["country", "week"], how="left")
    # Where no campaign waits for the search, free search and direct visits take all.
    found = found[found["campaign_id"].notna()]
    found = found.assign(weight=found["weight"] * found["part"] * AFTER_TV["google_search_brand"])
    paid = found[["country", "week", "campaign_id", "weight"]].merge(known, on="campaign_id", how="inner")
    free = {channel: share for channel, share in AFTER_TV.items() if channel in FREE}
    with_search = tv.merge(
        searched[["country", "week"]].drop_duplicates(), on=["country", "week"], how="left", indicator=True
    )
    alone = with_search["_merge"] == "left_only"
    whole = with_search["weight"].where(~alone, with_search["weight"] / sum(free.values()))
    return pd.concat([_shared(paid), _by_channel(tv.assign(weight=whole.to_numpy()), free, known)], ignore_index=True)


def _by_channel(weights: pd.DataFrame, shares: dict[str, float], known: pd.DataFrame) -> pd.DataFrame:
    """Spread the weight of each country and week over channels that are free."""
    links = known[known["channel"].isin(list(shares)) & known["campaign_id"].isna()]
    links = links.assign(share=links["share"] * links["channel"].map(shares))
    return _shared(weights.merge(links[["touch", "share"]], how="cross"))


def _shared(weights: pd.DataFrame) -> pd.DataFrame:
    """Give each link its share of the weight."""
    return weights.assign(weight=weights["weight"] * weights["share"])[["country", "week", "touch", "weight"]]


def _numbered(marketplace: Marketplace, who: int, weights: pd.DataFrame) -> pd.DataFrame:
    number = draw_number(marketplace, who, weights["country"], weights["week"])
    return weights.assign(draw=number)[["draw", "touch", "weight"]]


def _week(marketplace: Marketplace, dates: pd.Series) -> pd.Series:
    return (pd.to_datetime(dates) - pd.Timestamp(marketplace.weeks[0])).dt.days // 7
