"""The weekly plan of campaigns as people read it: by country and channel, folded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

import pandas as pd

from pma.planning.tables import SPENT
from pma.report.layout import cell, row, table
from pma.report.numbers import NOTHING, money
from pma.report.planning_rows import PlanRows, in_floats, records
from pma.report.planning_words import FREE, SHARES, Unit, days_name, why

NEW, ENABLED = "new", "enabled"


@dataclass(frozen=True)
class Week:
    """A week of the plan, within its month."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Its days."""
        return (self.last - self.first).days + 1

    @property
    def name(self) -> str:
        """As the head of a column."""
        return days_name(self.first, self.last)


def weeks_of(rows: PlanRows) -> list[Week]:
    """Return the weeks of the campaigns' plan, the first one first."""
    found = rows.campaigns[["week_start", "week_end"]].drop_duplicates().itertuples(index=False, name=None)
    return [Week(first, last) for first, last in sorted(found)]


def weeks_ahead(rows: PlanRows) -> list[Week]:
    """Return the weeks that are not over: those in which a row holds more than what was spent."""
    ahead = set(rows.campaigns.loc[rows.campaigns["binding_constraint"].ne(SPENT), "week_start"])
    return [week for week in weeks_of(rows) if week.first in ahead]


def campaign_parts(rows: PlanRows, unit: Unit) -> list[str]:
    """Return one folded part per country: channels with their campaigns, money by week, and what holds each.

    Weeks that are over are left out, as long as others are not.
    """
    weeks = weeks_ahead(rows) or weeks_of(rows)
    shown = in_floats(rows.campaigns)
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
    head = ["Channel, campaign", "Now, a week", *[week.name for week in weeks], f"A day, {weeks[0].name}"]
    caption = f"Money by week, {unit.currency}; the daily budget of the first week in the account's own currency."
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
    of_week = own[own["week_start"] == week.first]
    if of_week.empty:
        return NOTHING
    return f"{money(float(of_week['budget_local'].sum()) / week.days, 2)} {of_week['currency'].iloc[0]}"
