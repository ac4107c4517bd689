"""The paid channels of the simulated marketplace: where they are bought, what they cost, what they do on average."""

from __future__ import annotations

from dataclasses import dataclass

UPLOADS, DEMAND = "uploads", "demand"
TARGETS = (UPLOADS, DEMAND)
# How much of a campaign's effect goes to uploads and to demand, by its goal.
GOAL_EFFECTS = {"supply": (1.0, 0.15), "demand": (0.15, 1.0), "brand": (0.6, 0.6)}
SYNERGY = ("tv", "google_search_brand")
INTERACTION = " x ".join(SYNERGY)


@dataclass(frozen=True)
class Channel:
    """One paid channel: `share` of a country's budget, `effect` per money relative to others, adstock and prices.

    `carry_over` is the weekly share that is kept, `slope` Hill's exponent, `cpc` and `cpm` money per click and per
    thousand impressions in the reporting currency; `sheet` is the name of the hand-kept sheet, if it has one.
    """

    name: str
    platform: str
    token: str
    goals: tuple[str, ...]
    bidding: tuple[str, ...]
    share: float
    effect: float
    carry_over: float
    slope: float
    cpc: float
    cpm: float
    kind: str
    sheet: str | None = None

    @property
    def is_weekly(self) -> bool:
        """True: known by the week alone, the week's money stands on its Monday."""
        return self.sheet in ("tv", "youtube")


_SEARCH = ("TARGET_CPA", "MAXIMIZE_CONVERSIONS", "MANUAL_CPC")
_GENERATED = ("MAXIMIZE_CONVERSIONS", "TARGET_CPA", "TARGET_ROAS")
_META = ("LOWEST_COST_WITHOUT_CAP", "COST_CAP")
_MIXED = ("supply", "demand", "demand", "supply")

CHANNELS = (
    Channel(
        "google_search_brand",
        "google",
        "gads_search_brand",
        ("brand", "supply", "demand"),
        ("TARGET_IMPRESSION_SHARE", *_SEARCH),
        *(0.08, 1.5, 0.10, 1.0, 0.45, 40.0),
        "SEARCH",
    ),
    Channel(
        "google_search_generic",
        "google",
        "gads_search_generic",
        _MIXED,
        _SEARCH,
        0.16,
        1.2,
        0.12,
        1.1,
        0.9,
        25,
        "SEARCH",
    ),
    Channel(
        "google_pmax",
        "google",
        "gads_pmax",
        _MIXED,
        ("MAXIMIZE_CONVERSION_VALUE", "TARGET_ROAS"),
        *(0.14, 1.1, 0.20, 1.2, 0.6, 9.0),
        "PERFORMANCE_MAX",
    ),
    Channel(
        "google_demand_gen_brand",
        "google",
        "google_ads_DG_brand",
        ("brand",),
        _GENERATED,
        *(0.05, 0.7, 0.40, 1.4, 0.7, 6.0),
        "DEMAND_GEN",
    ),
    Channel(
        "google_demand_gen_supply",
        "google",
        "google_ads_DG_supply",
        ("supply",),
        _GENERATED,
        *(0.06, 1.0, 0.35, 1.3, 0.7, 6.0),
        "DEMAND_GEN",
    ),
    Channel(
        "google_demand_gen_demand",
        "google",
        "google_ads_DG_demand",
        ("demand",),
        _GENERATED,
        *(0.06, 0.9, 0.35, 1.3, 0.7, 6.0),
        "DEMAND_GEN",
    ),
    Channel(
        "youtube_flobikes",
        "sheet",
        "YT_Flobikes",
        ("brand", "demand"),
        ("TARGET_CPV",),
        *(0.05, 0.8, 0.50, 1.5, 1.8, 11.0),
        "VIDEO",
        "youtube",
    ),
    Channel("tv", "sheet", "tv", ("brand",), ("",), 0.15, 0.8, 0.65, 1.8, 0.0, 0.0, "TV", "tv"),
    Channel("meta_prospecting", "meta", "fb_prosp", _MIXED, _META, 0.12, 1.0, 0.30, 1.3, 0.8, 7.0, "OUTCOME_SALES"),
    Channel(
        "meta_retargeting",
        "meta",
        "fb_retarg",
        ("demand", "demand", "supply"),
        _META,
        *(0.05, 1.1, 0.15, 1.1, 0.6, 9.0),
        "OUTCOME_SALES",
    ),
    Channel(
        "tiktok",
        "tiktok",
        "tt_reach",
        ("brand", "supply", "demand"),
        ("BID_TYPE_NO_BID", "BID_TYPE_CUSTOM"),
        *(0.05, 0.7, 0.35, 1.5, 0.5, 4.0),
        "REACH",
    ),
    Channel(
        "affiliate",
        "sheet",
        "aff_network",
        ("demand", "supply"),
        ("COST_PER_ORDER",),
        *(0.04, 1.2, 0.05, 1.0, 0.7, 20.0),
        "AFFILIATE",
        "affiliate",
    ),
)
CHANNEL_NAMES = tuple(channel.name for channel in CHANNELS)
DEMAND_GEN = tuple(name for name in CHANNEL_NAMES if "demand_gen" in name)
