"""The weekly plan of campaigns as people read it: by country and channel, folded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from html import escape
from typing import Any

import pandas as pd

from pma.planning.tables import UNPLACED
from pma.report.layout import cell, row, table
from pma.report.numbers import NOTHING, money
from pma.report.planning_rows import PlanRows, in_floats, records
from pma.report.planning_words import FREE, SHARES, Unit, days_name, why

NEW, ENABLED, UNKNOWN = "new", "enabled", "unknown"
# Money of a campaign and week in the currency of its account, exact to the cent.
LOCAL = ["budget_local", "spent_local"]
# Currencies without cents (ISO 4217), and the forint, whose cents no platform takes.
WHOLE = {
    *("BIF", "CLP", "DJF", "GNF", "HUF", "ISK", "JPY", "KMF", "KRW"),
    *("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
}


@dataclass(frozen=True)
class Week:
    """A week of the plan, within its month; left: how many of its days are not over."""

    first: date
    last: date
    left: int

    @property
    def days(self) -> int:
        """Its days."""
        return (self.last - self.first).days + 1

    @property
    def name(self) -> str:
        """As the head of a column."""
        return days_name(self.first, self.last)

    @property
    def rest(self) -> str:
        """The same of the days that are left: those that a daily budget is for."""
        return days_name(self.last - timedelta(days=self.left - 1), self.last) if self.left else self.name


def weeks_of(rows: PlanRows) -> list[Week]:
    """Return the weeks of the campaigns' plan, the first one first."""
    found = rows.campaigns[["week_start", "week_end", "days_left"]].drop_duplicates()
    return [Week(first, last, int(left)) for first, last, left in sorted(found.itertuples(index=False, name=None))]


def weeks_ahead(rows: PlanRows) -> list[Week]:
    """Return the weeks that are not over, the one in progress first."""
    return [week for week in weeks_of(rows) if week.left > 0]


def a_day(local: Mapping[Any, Any], week: Week, currency: str) -> Decimal:
    """Return a campaign's daily budget for what is left of a week; `local`: its budget_local and spent_local."""
    left: Decimal = local["budget_local"] - local["spent_local"]
    return daily(left, week.left, currency)


def daily(amount: Decimal, days: int, currency: str) -> Decimal:
    """Return a daily budget of which so many days cost no more than the amount, in whole cents of the currency."""
    return (amount / days).quantize(Decimal(1) if currency in WHOLE else Decimal("0.01"), ROUND_DOWN)


def campaign_parts(rows: PlanRows, unit: Unit) -> list[str]:
    """Return one folded part per country: channels with their campaigns, money by week, and what holds each.

    Weeks that are over are left out, as long as others are not.
    """
    weeks = weeks_ahead(rows) or weeks_of(rows)
    shown = in_floats(rows.campaigns).assign(**{name: rows.campaigns[name] for name in LOCAL})
    order = rows.budget.groupby("country")["planned_spend"].sum().sort_values(ascending=False, kind="stable").index
    named = [*order, *sorted(set(shown["country"]) - set(order))]
    return [_country(rows, str(country), shown[shown["country"] == country], weeks, unit) for country in named]


def _country(rows: PlanRows, country: str, own: pd.DataFrame, weeks: Sequence[Week], unit: Unit) -> str:
    budget = rows.budget[rows.budget["country"] == country].groupby("channel")["planned_spend"].sum()
    # Of a month that has begun there may be weeks beside those of the plan's months.
    spent = own[own["month"].isin(rows.months)].groupby("channel")["budget"].sum()
    left = {str(name): float(planned) - float(spent.get(name, 0.0)) for name, planned in budget.items()}
    paid = own.loc[own["budget"] > 0, "campaign_id"].nunique()
    told = f"{money(float(own['budget'].sum()))} {unit.currency} in {paid} campaigns"
    new = own.loc[own["campaign_status"] == NEW, "campaign_id"].nunique()
    spans = [told, *([f"{new} new"] if new else [])]
    rest = ", ".join(f"{name} {money(value)}" for name, value in left.items() if abs(value) >= 0.5)
    notes = f"<p>Money of the month that no campaign here has, {unit.currency}: {escape(rest)}.</p>" if rest else ""
    idle = own.groupby("campaign_id")[["budget", "current_budget"]].sum().max(axis=1)
    kept = own[own["campaign_id"].isin(idle[idle > 0].index)]
    gone = int((idle <= 0).sum())
    notes += (
        f'<p class="soft">{gone} campaigns that cost nothing today get nothing, and are left out.</p>' if gone else ""
    )
    body = _table(kept, weeks, unit) if len(kept) else ""
    said = " ".join(f"<span>{escape(text)}</span>" for text in spans)
    return f'<details class="geo"><summary><b>{escape(country)}</b> {said}</summary>\n{notes}{body}\n</details>'


def _table(own: pd.DataFrame, weeks: Sequence[Week], unit: Unit) -> str:
    lines = []
    by_channel = own.groupby("channel")["budget"].sum().sort_values(ascending=False, kind="stable")
    for channel in by_channel.index:
        of_channel = own[own["channel"] == channel]
        lines.append(row(str(channel), [*_money(of_channel, weeks), "<td></td>"], "group"))
        totals = of_channel.groupby("campaign_id")["budget"].sum().sort_values(ascending=False, kind="stable")
        lines += [_campaign(of_channel[of_channel["campaign_id"] == name], weeks, unit) for name in totals.index]
    head = ["Channel, campaign", "Now, a week", *[week.name for week in weeks], f"A day, {weeks[0].rest}"]
    caption = (
        f"Money by week, {unit.currency}, what is spent of a week in it; the daily budget is what is left of the first "
        "week over its days left, in the account's own currency."
    )
    return table(caption, head, lines)


def _campaign(own: pd.DataFrame, weeks: Sequence[Week], unit: Unit) -> str:
    first = records(own)[0]
    said = [first[name] for name in ("ad_platform", "campaign_goal", "bidding_type", "campaign_status")]
    reasons = [text for text in dict.fromkeys(why(one) for one in records(own)) if text not in (FREE, SHARES)]
    facts = [str(one) for one in said if isinstance(one, str) and one and one != ENABLED]
    below = " · ".join([*facts, *(f"held by: {reason}" for reason in reasons)])
    name = first["campaign_name"] if isinstance(first["campaign_name"], str) else str(first["campaign_id"])
    cells = [*_money(own, weeks), cell(_daily(own, weeks[0]))]
    return row(name, cells, "within", below)


def _money(own: pd.DataFrame, weeks: Sequence[Week]) -> list[str]:
    """Today's money of a week, then the plan's by week."""
    by_week = own.groupby("week_start")[["current_budget", "budget"]].sum().to_dict("index")
    first = by_week.get(weeks[0].first)
    today = first["current_budget"] * 7 / weeks[0].days if first else math.nan
    cells = [money(today)]
    cells += [money(by_week[week.first]["budget"]) if week.first in by_week else NOTHING for week in weeks]
    return [cell(text) for text in cells]


def _daily(own: pd.DataFrame, week: Week) -> str:
    of_week = own[(own["week_start"] == week.first) & (own["campaign_id"] != UNPLACED)]
    if of_week.empty or not week.left:
        return NOTHING
    currency = str(of_week["currency"].iloc[0])
    return f"{a_day(of_week[LOCAL].sum().to_dict(), week, currency):,} {currency}"
