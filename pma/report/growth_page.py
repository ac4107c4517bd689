"""The page that growth managers open on Monday: the last complete week, from rows of bl.report_weekly_growth_update."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pandas as pd

from pma.report.growth_tables import DEMAND, SHOWN, SUPPLY, by_channel, by_place, campaigns, headline
from pma.report.growth_words import Facts, model_sentences, movements, notes, origin_sentence, week_name
from pma.report.layout import items, page, picture, section
from pma.report.measures import Compared, compared, groups, unattributed_share
from pma.report.numbers import NOTHING, count, money, percent, signed_percent
from pma.report.pictures import trend_pictures
from pma.report.settings import ReportSettings

FILE = "weekly_growth_update.html"
TITLE = "Weekly Growth Update"


def write_growth_page(week: pd.DataFrame, trend: pd.DataFrame, facts: Facts, settings: ReportSettings) -> Path:
    """Write the page into the folder of the settings, and return its path."""
    path = Path(settings.path) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(growth_page(week, trend, facts, settings), encoding="utf-8")
    return path


def growth_page(week: pd.DataFrame, trend: pd.DataFrame, facts: Facts, settings: ReportSettings) -> str:
    """Return one HTML document that needs nothing else; equal rows give equal bytes.

    `week` has the rows of the last complete week, with the columns of bl.report_weekly_growth_update. `trend` has one
    row per week x region x channel, see `trend_pictures`, and data_origin; its incomplete weeks are named, not shown.
    """
    origin = f'<p class="origin"><b>{escape(origin_sentence(_origins(week, trend)))}</b></p>'
    if week.empty:
        return page(TITLE, f"<h1>{TITLE}</h1>", origin, "<p>No week of the data is complete yet.</p>")
    named = week_name(week["week_start"].iloc[0])
    moved = movements(week)
    return page(
        f"{TITLE}, {named}",
        f"<h1>{TITLE}</h1>",
        f"<p>{escape(named[0].upper() + named[1:])}, in {escape(facts.currency)}. "
        "Changes are against last week (wk) and the same week a year before (yr).</p>",
        origin,
        section("The week", headline(week), items(moved) if moved else ""),
        section("Regions and countries", by_place(week)),
        section(
            "Channels by three attribution models",
            items(model_sentences(facts)),
            "<h3>Uploads</h3>",
            by_channel(week, SUPPLY, "Changes below the U-shape's numbers: against last week and last year."),
            "<h3>Orders</h3>",
            by_channel(week, DEMAND, "Changes below the U-shape's numbers: against last week and last year."),
        ),
        section(
            "Campaigns at both ends",
            "<h3>For supply, by spend per upload</h3>",
            campaigns(week, True, settings),
            "<h3>All others, by order value per unit of spend</h3>",
            campaigns(week, False, settings),
        ),
        section("How the weeks went", _pictures(trend, facts, settings)),
        section("How to read this page", items(notes(week, _left_out(week, trend), facts))),
    )


def growth_text(week: pd.DataFrame, trend: pd.DataFrame, facts: Facts) -> str:
    """Return the page in twenty lines at most, for a terminal."""
    if week.empty:
        return f"{TITLE}: no week of the data is complete yet"
    total = compared(week)
    wide = max(len(shown.title) for shown in SHOWN)
    lines = [
        f"{TITLE}, {week_name(week['week_start'].iloc[0])}, in {facts.currency}, credit by U-shape",
        origin_sentence(_origins(week, trend)),
        f"{'':{wide}}  {'this week':>12}  {'to last week':>12}  {'to last year':>12}",
    ]
    for shown in SHOWN:
        to_week, to_year = (signed_percent(value) for value in total.changes(shown.measure))
        value = shown.text(getattr(total.now, shown.measure))
        lines.append(f"{shown.title:{wide}}  {value:>12}  {to_week:>12}  {to_year:>12}")
    lines += [_short_line(name, compared(part)) for name, part in list(groups(week, "management_region"))[:5]]
    shares = [f"{percent(unattributed_share(week, credit))} of {name}" for credit, name in _CREDITS]
    left_out = "; ".join(f"{number} waits for {late}" for number, late in _left_out(week, trend).items()) or NOTHING
    return "\n".join([*lines, f"without a session: {' and '.join(shares)}; incomplete weeks left out: {left_out}"])


_CREDITS = (("sales_ads", "uploads"), ("orders", "orders"))


def _short_line(name: str, both: Compared) -> str:
    to_week, _ = both.changes("uploads")
    now = both.now
    return (
        f"{name}: spend {money(now.spend)}, uploads {count(now.uploads)} ({signed_percent(to_week)} to last week), "
        f"orders {count(now.orders)}, order value {money(now.gmv)}"
    )


def _origins(week: pd.DataFrame, trend: pd.DataFrame) -> list[str]:
    return sorted({*week["data_origin"], *trend["data_origin"]}) or ["no data"]


def _left_out(week: pd.DataFrame, trend: pd.DataFrame) -> dict[int, str]:
    """Return the later weeks that are not complete, with what they wait for."""
    later = trend[~trend["is_complete_week"].astype(bool) & (trend["yearweek"] > week["yearweek"].iloc[0])]
    late = later.drop_duplicates("yearweek").sort_values("yearweek")
    return {int(number): str(said) for number, said in zip(late["yearweek"], late["waits_for"], strict=True)}


def _pictures(trend: pd.DataFrame, facts: Facts, settings: ReportSettings) -> str:
    try:
        pictures = trend_pictures(trend, facts.currency, settings.trend_weeks)
    except ImportError:
        return "<p>No pictures: matplotlib is not installed here.</p>"
    shown = "".join(picture(one.title, one.svg, one.wide) for one in pictures)
    return f'<div class="pictures">{shown}</div>'
