"""The sentences of the weekly page: what it is made from, how credit is given, what moved."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from pma.marketing.tables import SHEET, UNATTRIBUTED
from pma.report.measures import compared, groups, unattributed_share
from pma.report.numbers import count, money, percent


@dataclass(frozen=True)
class Facts:
    """What the settings say and the rows do not: currency, zone of the conversions' days, window of attribution."""

    currency: str
    timezone: str
    window_days: float


# The three models that the page shows beside each other, and two sentences on each.
MODEL_NAMES = {"first_click": "First click", "last_click": "Last click", "u_shape": "U-shape"}


def model_sentences(facts: Facts) -> list[str]:
    """Return how each model gives its credit, and what it is good for."""
    window = f"{facts.window_days:g} days"
    return [
        f"First click: the whole conversion goes to the first session of the {window} before it. "
        "It shows what brings people in, and is blind to what makes them decide.",
        f"Last click: the whole conversion goes to the last session of the {window} before it. "
        "It shows what closes, and is blind to what began the journey.",
        "U-shape: 40 % to the first session, 40 % to the last, 20 % shared by those between; two sessions share it by "
        "halves, one has it all. It is the model of every number here that names none.",
    ]


def week_name(week_start: date) -> str:
    """Return 'week 45 of 2026 (2 November to 8 November 2026)'."""
    year, week, _ = week_start.isocalendar()
    end = week_start + timedelta(days=6)
    begun = f"{week_start.day} {week_start:%B}" + (f" {week_start.year}" if week_start.year != end.year else "")
    return f"week {week} of {year} ({begun} to {end.day} {end:%B} {end.year})"


def origin_sentence(origins: list[str]) -> str:
    """Say what the page is made from, and that no company is meant where it is simulated."""
    named = " and ".join(f'"{origin}"' for origin in origins)
    simulated = any("simulat" in origin.lower() for origin in origins)
    warning = " It is a simulation: no number on it is a real company's." if simulated else ""
    return f"This page is made from {named}.{warning}"


def movements(rows: pd.DataFrame) -> list[str]:
    """Return one sentence for each of uploads, order value and spend: where it rose and fell most against last week."""
    told = {"uploads": ("Uploads", count), "gmv": ("Order value", money), "spend": ("Spend", money)}
    sentences = [_moved(rows, name, title, shown) for name, (title, shown) in told.items()]
    return [sentence for sentence in sentences if sentence]


def _moved(rows: pd.DataFrame, name: str, title: str, shown: Callable[[float], str]) -> str:
    parts = []
    for by in ("country", "channel"):
        moved = {}
        for group, part in groups(rows, by):
            both = compared(part)
            difference = getattr(both.now, name) - getattr(both.week, name)
            if group != UNATTRIBUTED and not math.isnan(difference):
                moved[group] = difference
        found = []
        most = max(moved, key=lambda group: (moved[group], group), default=None)
        least = min(moved, key=lambda group: (moved[group], group), default=None)
        if most is not None and moved[most] > 0:
            found.append(f"most up in {most} (+{shown(moved[most])})")
        if least is not None and moved[least] < 0:
            found.append(f"most down in {least} ({shown(moved[least])})")
        if found:
            parts.append(f"by {by} {', '.join(found)}")
    return f"{title} against last week: {'; '.join(parts)}." if parts else ""


def without_sheets(rows: pd.DataFrame) -> list[str]:
    """Return the channels whose hand-kept sheets have money of the week before and none of this one, by name."""
    by_hand = rows[rows["ad_platform"] == SHEET]
    spent = {
        name: set(by_hand.loc[by_hand[name].notna() & (by_hand[name] != 0), "channel"])
        for name in ("spend", "spend_last_week")
    }
    return sorted(spent["spend_last_week"] - spent["spend"])


def notes(rows: pd.DataFrame, left_out: Mapping[int, str], facts: Facts) -> list[str]:
    """Return what a reader has to know before he compares these numbers with others.

    `left_out` are the incomplete weeks after this one, with what each waits for.
    """
    zones = sorted({zone for text in rows["account_timezones"].dropna() for zone in text.split(", ")})
    without_rate = int(rows["spend_rows_without_rate"].fillna(0).sum())
    weeks = "; ".join(f"week {week % 100} of {week // 100} waits for {late}" for week, late in left_out.items())
    idle = [
        f"Hand-kept sheets have no money of this week for {channel}: none was spent, or it is not entered."
        for channel in without_sheets(rows)
    ]

    def share(credit: str) -> str:
        return percent(unattributed_share(rows, credit))

    return [
        f"Money is in {facts.currency}, converted at each day's rate."
        + (f" {without_rate} daily rows of spend had no rate and are in no sum." if without_rate else ""),
        f"A day of spend is a day of its account: {', '.join(zones) or 'the accounts name no time zone'}. "
        f"A day of uploads and orders is one of {facts.timezone}.",
        "An order counts where the buyer is, an upload where the bike is.",
        "Conversions that the ad platforms claim for themselves are not in these numbers: the claims overlap, so they "
        "are never summed with attributed ones.",
        f"No session was found for {share('sales_ads')} of uploads, {share('orders')} of orders and {share('gmv')} of "
        f"order value: they stay {UNATTRIBUTED}, a row of their own, and are in the totals.",
        "Totals, regions and countries divide all spend by all uploads, orders or new customers; channels and "
        "campaigns divide theirs by what is credited to them.",
        "ROAS is order value per unit of spend, CAC spend per first order of a buyer.",
        f"Incomplete weeks are left out: {weeks}." if weeks else "Incomplete weeks are left out; there is none now.",
        *idle,
        "The same numbers in SQL: bl.growth_overview, bl.growth_by_channel, bl.growth_by_campaign, and for all models "
        "bl.attribution_models.",
    ]
