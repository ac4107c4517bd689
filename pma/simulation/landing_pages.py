"""Landing pages of the simulated marketplace: how each channel tags its links, and how real life spoils the tags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pyspark.sql import Column
from pyspark.sql import functions as F

SITE = "https://www.velomarket.example"
# Of untagged landings without a referrer, as a share of the faults of tagged ones: a shared link with an old click id.
STALE = 0.2
PAGES = ("", "bikes", "bikes/road", "bikes/gravel", "bikes/mtb", "bikes/e-bikes", "sell", "search?q=rennrad&size=56")


@dataclass(frozen=True)
class Link:
    """What a channel's link says: tags (None: it has not this one), parameter of the click id, and the referrer."""

    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    campaign_id: str | None = None
    click: str | None = None
    referrer: str | None = None
    alias: str | None = None


# Links of each channel with the share of its visits. `*`: the name or the id of the campaign.
_GOOGLE = Link("google", "cpc", "*", "*", "gclid", "https://www.google.com/")
_FACEBOOK = Link("facebook", "paid_social", "*", "*", "fbclid", "https://l.facebook.com/", alias="fb")
_INSTAGRAM = Link("instagram", "paid_social", "*", "*", "fbclid", "https://l.instagram.com/", alias="ig")
PAID = {
    **{
        f"google_{part}": ((_GOOGLE, 1.0),)
        for part in (
            *("search_brand", "search_generic", "pmax"),
            *("demand_gen_brand", "demand_gen_supply", "demand_gen_demand"),
        )
    },
    "youtube_flobikes": ((Link("youtube", "cpv", "*", "*", "gclid", "https://www.youtube.com/", alias="yt-ads"), 1.0),),
    "meta_prospecting": ((_FACEBOOK, 0.6), (_INSTAGRAM, 0.4)),
    "meta_retargeting": ((_FACEBOOK, 0.7), (_INSTAGRAM, 0.3)),
    "tiktok": ((Link("tiktok", "paid_social", None, "*", "ttclid", "https://www.tiktok.com/"), 1.0),),
    "affiliate": (
        (Link("bikedeals", "affiliate", "*", referrer="https://www.bikedeals.example/"), 0.5),
        (Link("radpreise", "affiliate", "*", referrer="https://www.radpreise.example/"), 0.3),
        (Link("velocompare", "affiliate", "*"), 0.2),
    ),
}
FREE = {
    "newsletter": (
        (Link("newsletter", "email", "weekly_news"), 0.7),
        (Link("newsletter", "email", "price_alert", referrer="https://mail.google.com/"), 0.3),
    ),
    "seo": (
        (Link(referrer="https://www.google.com/"), 0.8),
        (Link(referrer="https://www.bing.com/"), 0.12),
        (Link(referrer="https://duckduckgo.com/"), 0.08),
    ),
    "social_posts": (
        (Link("instagram", "social", "bike_of_the_week", referrer="https://l.instagram.com/", alias="ig"), 1.0),
    ),
    "referral": (
        (Link(referrer="https://www.rad-forum.example/thread/481"), 0.6),
        (Link(referrer="https://blog.bergauf.example/"), 0.4),
    ),
    "direct": ((Link(), 1.0),),
}


def query(link: Link, and_: str = "&") -> str | None:
    """Return the query of a link, up to the value of its click id; None: it is not tagged."""
    tags = {
        "utm_source": link.source,
        "utm_medium": link.medium,
        "utm_campaign": link.campaign,
        "utm_id": link.campaign_id,
        link.click: "" if link.click else None,
    }
    return and_.join(f"{name}={value}" for name, value in tags.items() if value is not None) or None


def _spaced(link: Link, space: str) -> str | None:
    """Put an encoded space where a person typed one too many: behind the campaign's name, or else the medium."""
    if link.campaign:
        return query(replace(link, campaign=f"{link.campaign}{space}"))
    return query(replace(link, medium=f"{link.medium}{space}"))


def _before_click(link: Link, more: str) -> str | None:
    """Put more parameters before the click id, whose value comes last."""
    tags = query(replace(link, click=None))
    return f"{tags}&{more}" + (f"&{link.click}=" if link.click else "")


def _upper(link: Link) -> str | None:
    return query(replace(link, source=str(link.source).upper(), medium=str(link.medium).upper()))


FAULTS: dict[str, Callable[[Link], str | None]] = {
    "plus": lambda link: _spaced(link, "+"),
    "escaped_space": lambda link: _spaced(link, "%20"),
    "twice_escaped_space": lambda link: _spaced(link, "%2520"),
    "upper_case": _upper,
    "duplicated_parameter": lambda link: _before_click(link, f"utm_source={link.source}"),
    "escaped_ampersand": lambda link: f"x&amp;{query(link, '&amp;')}",
    "alias_source": lambda link: query(replace(link, source=link.alias)) if link.alias else None,
    "missing_id": lambda link: query(replace(link, campaign_id=None)) if link.campaign_id else None,
    "empty_parameters": lambda link: (
        _before_click(replace(link, campaign_id=None), "utm_id=&utm_content=&utm_term=") if link.source else None
    ),
    "malformed_escape": lambda link: _before_click(link, "utm_content=50%_off%zz"),
}


def faulty(link: Link) -> list[str]:
    """Return every spoiled query that a link of this kind may have; of a direct visit that with a stale click id."""
    if link.source is None:
        return ["gclid="] if link.referrer is None else []
    return [spoiled for spoil in FAULTS.values() if (spoiled := spoil(link)) is not None]


def landing_url(country: Column, page: Column, query: Column, click_value: Column) -> Column:
    """Put a first page's address together; a query that ends in a click id's parameter gets its value.

    A page that has parameters of its own keeps them before the tags.
    """
    path = F.concat(F.lit(f"{SITE}/"), F.lower(country), F.lit("/"), page)
    mark = F.when(page.contains("?"), F.lit("&")).otherwise(F.lit("?"))
    clicked = F.when(query.endswith("clid="), F.concat(query, click_value)).otherwise(query)
    return F.when(query.isNull(), path).otherwise(F.concat(path, mark, clicked))


def spoiled(utm_noise: float, is_tagged: Column, drawn: Column) -> Column:
    """Say by an even draw whether a landing is spoiled: this share of tagged ones, fewer of the direct ones."""
    return drawn < F.when(is_tagged, F.lit(utm_noise)).otherwise(F.lit(utm_noise * STALE))
