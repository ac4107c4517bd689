"""A page in words: which data the media mix model lacks, where, since when, what it costs and who fixes it."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd

from pma.marketing.tables import UNKNOWN

WIDTH = 110
MOST_ITEMS = 12
COUNTRY, REGION = "country", "management_region"
PERIOD = ["check", "since", "until", "measure", "cost", "fix"]

# The most serious first: what is missing, then numbers to check, then what the model cannot know.
MISSING: Mapping[str, str] = {
    "never_data": "no data at all",
    "hole": "{measure:.0f} weeks missing in between, {since} to {until},",
    "after_last_data": "no data since {since}",
    "before_first_data": "no data before {begin}",
}
CHECK_NUMBERS: Mapping[str, str] = {
    "checks_failed": "Checks that ended with an error",
    "unplaced_spend": "Spend without a country",
    "no_exchange_rate": "Spend without an exchange rate",
    "currency_jump": "Exchange rates that jump",
    "missing_days": "Weeks with fewer days than usual",
    "lacks_countries": "Regions whose number leaves out a country",
    "spend_without_impressions": "Money without impressions",
    "impressions_without_spend": "Impressions without money",
    "negative": "Weeks below zero",
    "zero_target": "Weeks in which a target is zero",
    "level_shift": "Sharp lasting changes of level",
    "outlier": "Weeks far from the usual",
    "price_outlier": "Money per impression far from the usual",
    "zero_variance": "The same in every week",
    "same_everywhere": "One series split over countries",
    "against_size": "More spend in smaller countries",
}
HARD_TO_KNOW: Mapping[str, str] = {
    "follows_target": "Spend that follows demand",
    "vif": "Explained by the other variables",
    "near_duplicate": "Nearly the same series",
    "correlation": "Move together",
    "explained_by_time": "Explained by trend and season",
    "few_active_weeks": "Few weeks of spend",
    "small_share": "A tiny share of spend",
    "weeks_per_variable": "Few weeks for the number of variables",
    "negative_baseline": "Spend too large for usual returns",
    "partial_week": "Weeks that are not complete",
}


@dataclass(frozen=True)
class Item:
    """One finding in words: what, what it costs, who fixes it."""

    said: str
    cost: str
    fix: str


@dataclass(frozen=True)
class Page:
    """Title and first lines, and sections of items."""

    title: str
    opening: tuple[str, ...]
    sections: tuple[tuple[str, tuple[Item, ...]], ...]


def readiness_text(findings: pd.DataFrame) -> str:
    """Return the page as text for rows of bl.mmm_readiness: a page for ten countries."""
    page = _page(findings)
    lines = [page.title, "=" * len(page.title), *[_wrapped(line, "") for line in page.opening]]
    for title, items in page.sections:
        lines += ["", title.upper()]
        for item in items:
            lines.append(_wrapped(" ".join([f"- {item.said}", *_costs(item)]), "  "))
    return "\n".join(lines) + "\n"


def readiness_html(findings: pd.DataFrame) -> str:
    """Return the same page as one HTML file that needs no other."""
    page = _page(findings)
    body = [f"<h1>{html.escape(page.title)}</h1>", *[f"<p>{html.escape(line)}</p>" for line in page.opening]]
    for title, items in page.sections:
        rows = [
            f"<li>{html.escape(item.said)} <small>{html.escape(' '.join(_costs(item)))}</small></li>" for item in items
        ]
        body += [f"<h2>{html.escape(title)}</h2>", "<ul>", *rows, "</ul>"]
    style = "body{font:15px/1.45 sans-serif;max-width:60em;margin:2em auto}small{color:#555}"
    head = f'<meta charset="utf-8"><title>{html.escape(page.title)}</title><style>{style}</style>'
    return "\n".join([f'<!doctype html><html lang="en"><head>{head}</head><body>', *body, "</body></html>", ""])


def write_readiness_page(findings: pd.DataFrame, folder: str | Path) -> Path:
    """Write the page as mmm_readiness.html and .txt into the folder of reports; return the first."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    (path / "mmm_readiness.txt").write_text(readiness_text(findings), encoding="utf-8")
    page = path / "mmm_readiness.html"
    page.write_text(readiness_html(findings), encoding="utf-8")
    return page


def _page(findings: pd.DataFrame) -> Page:
    found = findings[findings["severity"] != "ok"]
    countries = findings[(findings["geo_level"] == COUNTRY) & ~findings["geo"].str.startswith("(")]
    names = sorted(countries["geo"].unique())
    out = sorted(countries[countries["severity"] == "fail"]["geo"].unique())
    origin = " and ".join(sorted(findings["data_origin"].unique())) or "nowhere"
    fitted = f"{len(names) - len(out)} of {len(names)} countries can be fitted."
    opening = [f'The data are from "{origin}".', fitted + (f" Not fitted: {', '.join(out)}." if out else "")]
    # Countries speak for their regions, but for what only a region can have.
    here = found[(found["geo_level"] == COUNTRY) | (found["check"] == "lacks_countries")]
    if names == []:
        here = found
    fails, warns = here[here["severity"] == "fail"], here[here["severity"] == "warn"]
    sections = [
        ("Why countries are not fitted", _failures(fails)),
        ("Missing data", _missing(warns, names)),
        ("Numbers to check", _by_check(warns, CHECK_NUMBERS, names)),
        ("What the model cannot tell", _by_check(warns, HARD_TO_KNOW, names)),
    ]
    if here.empty:
        opening.append("Nothing is missing.")
    return Page("What the media mix model lacks", tuple(opening), tuple((t, i) for t, i in sections if i))


def _failures(fails: pd.DataFrame) -> tuple[Item, ...]:
    """One item per reason: its countries, and the variables where it is of some."""
    items = []
    for (_, detail), rows in fails.groupby(["check", "detail"], sort=True):
        variables = sorted(set(rows["variable"]) - {"(all)"})
        of = f" ({', '.join(variables)})" if variables else ""
        items.append(Item(f"{_joined(rows['geo'])}{of}: {detail}.", *_said(rows)))
    return _cut(items, "reasons")


def _missing(warns: pd.DataFrame, names: Sequence[str]) -> tuple[Item, ...]:
    """One item per period: variables with the same gap in the same countries share a sentence."""
    rows = warns[warns["check"].isin(list(MISSING))]
    items: dict[tuple, tuple[list[str], float]] = {}
    together: dict[tuple, list[str]] = {}
    for (variable, *period), group in rows.groupby(["variable", *PERIOD], sort=True, dropna=False):
        together.setdefault((*period, tuple(sorted(group["geo"].unique()))), []).append(str(variable))
    for (check, since, until, measure, cost, fix, geos), variables in together.items():
        begin = until + timedelta(days=7)
        words = MISSING[check].format(since=since, until=until, measure=measure, begin=begin)
        spans = f", {since} to {until}" if check == "never_data" else ""
        said, weeks = items.get((check, tuple(variables), cost, fix), ([], 0.0))
        said.append(f"{words} in {_where(geos, names)}{spans}")
        items[check, tuple(variables), cost, fix] = said, weeks + len(geos) * len(variables) * measure
    order = sorted(items.items(), key=lambda pair: (list(MISSING).index(pair[0][0]), -pair[1][1], pair[0][1]))
    made = [
        Item(f"{', '.join(variables)}: {'; '.join(said)}.", cost or "", fix or "")
        for (_, variables, cost, fix), (said, _) in order
    ]
    return _cut(made, "gaps")


def _by_check(warns: pd.DataFrame, titles: Mapping[str, str], names: Sequence[str]) -> tuple[Item, ...]:
    """One item per check: where, and for which variables."""
    items = []
    for check, title in titles.items():
        rows = warns[warns["check"] == check]
        if not rows.empty:
            # Money without a country has no place but an amount.
            where = rows["detail"] if (rows["geo"] == UNKNOWN).all() else _places(rows, names)
            items.append(Item(f"{title}: {'; '.join(where)}.", *_said(rows)))
    return tuple(items)


def _places(rows: pd.DataFrame, names: Sequence[str]) -> Iterator[str]:
    """`tv in DE, FR`: variables with the same countries together, the widest spread first, six at most."""
    where: dict[tuple[str, ...], list[str]] = {}
    for variable, group in rows.groupby("variable", sort=True):
        where.setdefault(tuple(sorted(group["geo"].unique())), []).append(str(variable))
    order = sorted(where.items(), key=lambda item: (-len(item[0]), item[1]))
    for geos, variables in order[:6]:
        special = [geo for geo in geos if geo.startswith("(")]
        place = _where([geo for geo in geos if geo not in special], names)
        what = ", ".join(name for name in variables if name != "(all)")
        yield " in ".join(part for part in (what, place) if part) or "all countries"
    if len(order) > 6:
        yield f"and {sum(len(variables) for _, variables in order[6:])} more"


def _where(geos: Sequence[str], names: Sequence[str]) -> str:
    if len(names) > 1 and set(geos) == set(names):
        return f"all {len(names)} countries"
    return _joined(geos)


def _joined(geos: Sequence[str] | pd.Series) -> str:
    return ", ".join(sorted(set(geos)))


def _said(rows: pd.DataFrame) -> tuple[str, str]:
    """The cost that most rows have, and who fixes it: several people at most twice."""
    cost = rows["cost"].dropna()
    fixes = list(rows["fix"].dropna().value_counts().index)
    most = str(cost.value_counts().index[0]) if len(cost) else ""
    return most, fixes[0] + (" Others: see bl.mmm_readiness." if len(fixes) > 1 else "") if fixes else ""


def _cut(items: Sequence[Item], what: str) -> tuple[Item, ...]:
    if len(items) <= MOST_ITEMS:
        return tuple(items)
    rest = Item(f"{len(items) - MOST_ITEMS + 1} more {what}: see bl.mmm_readiness.", "", "")
    return (*items[: MOST_ITEMS - 1], rest)


def _costs(item: Item) -> list[str]:
    return [part for part in (item.cost, item.fix) if part]


def _wrapped(line: str, indent: str) -> str:
    return textwrap.fill(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
