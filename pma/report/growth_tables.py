"""The tables of the weekly page: regions and countries, channels by three models, campaigns at both ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from pma.marketing.tables import NO_CAMPAIGN
from pma.report.growth_words import MODEL_NAMES
from pma.report.layout import card, cell, row, table
from pma.report.measures import Compared, compared, groups, measures, unattributed_share
from pma.report.numbers import cost, count, money, percent
from pma.report.settings import ReportSettings


@dataclass(frozen=True)
class Shown:
    """A measure as the page shows it; `better` is 1 where more is good, -1 where less is, 0 where it depends."""

    measure: str
    title: str
    text: Callable[[float], str]
    better: int


SHOWN = (
    Shown("spend", "Spend", money, 0),
    Shown("uploads", "Uploads", count, 1),
    Shown("orders", "Orders", count, 1),
    Shown("gmv", "Order value", money, 1),
    Shown("cost_per_upload", "Spend per upload", cost, -1),
    Shown("cost_per_order", "Spend per order", cost, -1),
    Shown("roas", "ROAS", cost, 1),
    Shown("cac", "CAC", cost, -1),
)
OF = {shown.measure: shown for shown in SHOWN}
SUPPLY, DEMAND = ("uploads", "cost_per_upload"), ("orders", "gmv", "cost_per_order", "roas", "cac")


def headline(rows: pd.DataFrame) -> str:
    """Return the headline numbers with their changes, and the share that no session has."""
    total = compared(rows)
    cards = [card(s.title, s.text(getattr(total.now, s.measure)), total.changes(s.measure), s.better) for s in SHOWN]
    share = percent(unattributed_share(rows, "orders"))
    return f'<div class="cards">{"".join(cards)}{card("Unattributed", share, note="of orders")}</div>'


def by_place(rows: pd.DataFrame) -> str:
    """Return every region with its countries, and all of them together."""
    lines = [row("All regions", _cells(compared(rows), SHOWN), "group")]
    for region, of_region in groups(rows, "management_region"):
        lines.append(row(region, _cells(compared(of_region), SHOWN), "group"))
        countries = list(groups(of_region, "country"))
        if [name for name, _ in countries] != [region]:
            lines += [row(name, _cells(compared(part), SHOWN), "within") for name, part in countries]
    caption = "Below each number: its change against last week (wk) and against the same week a year before (yr)."
    return table(caption, ["Region, country", *[shown.title for shown in SHOWN]], lines)


def by_channel(rows: pd.DataFrame, names: Sequence[str], caption: str) -> str:
    """Return every channel with the measures of `names` by three models beside each other; changes are of U-shape."""
    lines = []
    for channel, part in [*groups(rows, "channel"), ("All channels", rows)]:
        of_model = {model: measures(part, model) for model in MODEL_NAMES}
        both = compared(part)
        cells = _cells(both, [OF["spend"]])
        for shown in (OF[name] for name in names):
            for model in MODEL_NAMES:
                changes = both.changes(shown.measure) if model == "u_shape" else None
                cells.append(cell(shown.text(getattr(of_model[model], shown.measure)), changes, shown.better))
        lines.append(row(channel, cells, "group" if part is rows else ""))
    over = [("", 2), *[(OF[name].title, len(MODEL_NAMES)) for name in names]]
    head = ["Channel", "Spend", *[model for _ in names for model in MODEL_NAMES.values()]]
    return table(caption, head, lines, over)


def campaigns(rows: pd.DataFrame, supply: bool, settings: ReportSettings) -> str:
    """Return the best and the worst campaigns: for supply by spend per upload, all others by order value per spend."""
    ranked = _ranked(rows, supply, settings.ranked_share)
    best = ranked[: settings.ranked_campaigns]
    worst = ranked[len(best) :][-settings.ranked_campaigns :]
    shown = [OF[name] for name in ("spend", *(SUPPLY if supply else DEMAND))]
    lines = []
    for title, part in (("Best", best), ("Worst", worst)):
        lines += [row(title, ["<td></td>"] * len(shown), "group")] if part else []
        lines += [row(name, _cells(both, shown), "within", facts) for name, facts, both in part]
    least = percent(settings.ranked_share)
    caption = f"Campaigns with at least {least} of the week's spend, all their countries together, credit by U-shape."
    empty = "<p>No campaign spent enough to be ranked.</p>"
    return table(caption, ["Campaign", *[s.title for s in shown]], lines) if lines else empty


def _cells(both: Compared, shown: Sequence[Shown]) -> list[str]:
    return [cell(s.text(getattr(both.now, s.measure)), both.changes(s.measure), s.better) for s in shown]


def _ranked(rows: pd.DataFrame, supply: bool, least_share: float) -> list[tuple[str, str, Compared]]:
    """Return name, facts and measures of each campaign of the kind, the best first; nothing credited is the worst."""
    of_kind = (rows["campaign_goal"] == "supply") == supply
    known = rows[of_kind & (rows["campaign_id"] != NO_CAMPAIGN)]
    least = max(least_share * measures(rows).spend, 1e-9) if len(rows) else math.inf
    found = []
    for (platform, campaign_id), part in known.groupby(["ad_platform", "campaign_id"], sort=True):
        both = compared(part)
        if both.now.spend >= least:
            worth = -_or_worst(both.now.cost_per_upload) if supply else both.now.roas
            found.append(
                ((-worth, both.now.spend, str(platform), str(campaign_id)), _said(part, str(campaign_id)), both)
            )
    return [(*said, both) for _, said, both in sorted(found, key=lambda one: one[0])]


def _or_worst(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _said(part: pd.DataFrame, campaign_id: str) -> tuple[str, str]:
    """Return a campaign's name, and its platform, channel, countries, goal, bidding and status in one line."""
    first = part.iloc[0]
    known = [first[name] for name in ("ad_platform", "channel")]
    known.append(", ".join(sorted(set(part.loc[part["spend"] != 0, "country"]))))
    known += [first[name] for name in ("campaign_goal", "bidding_type", "campaign_status")]
    name = first["campaign_name"]
    return (name if isinstance(name, str) else campaign_id), " · ".join(v for v in known if isinstance(v, str) and v)
