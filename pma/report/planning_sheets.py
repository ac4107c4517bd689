"""A plan as a spreadsheet, for the person who types budgets into ad platforms."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from pma.planning.tables import UNPLACED
from pma.report.growth_words import origin_sentence
from pma.report.planning_rows import PlanRows, records, uploads_by_campaigns
from pma.report.planning_weeks import LOCAL, Week, a_day, weeks_ahead, weeks_of
from pma.report.planning_words import METRICS, Unit, month_name, opening, why

FILE = "plan.xlsx"
SHEETS = {
    "Monthly": "countries x channels: today, planned, what it brings, and what holds it",
    "Weekly": "campaigns: a day's budget by week, in the currency of the ad account: this is what to type in",
    "Targets": "goals, the least money that reaches them, and how likely that is",
    "Scenarios": "what if, by country and channel; (all) stands for the sum",
    "Uploads": "uploads to aim for by country, those that campaigns should bring, and the value that they become where",
}
# How a column is written: thousands apart without and with cents, a share, an estimate, a day, a text.
_MONEY, _CENTS, _SHARE, _NUMBER, _DAY, _TEXT = "#,##0", "#,##0.00", "0.0%", "#,##0.##", "yyyy-mm-dd", "@"


@dataclass(frozen=True)
class Column:
    """A column of a sheet: its head, how its numbers are written, its width in letters, and if people type it in."""

    name: str
    form: str = _TEXT
    width: int = 14
    is_typed: bool = False


@dataclass(frozen=True)
class Sheet:
    """A sheet: its columns, its rows, and how many columns at the left stay where they are."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    fixed: int


def workbook(rows: PlanRows, currency: str) -> bytes:
    """Return the file; equal rows give equal bytes. Raises ImportError where XlsxWriter is not installed."""
    import xlsxwriter

    kept = io.BytesIO()
    # A name of a campaign is a text, whatever it begins with.
    plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(kept, plain) as book:
        # Without a day of its own the file would have the moment's.
        begun = rows.months[0]
        book.set_properties({"title": title(rows), "created": datetime(begun.year, begun.month, begun.day)})
        _read_me(book, rows, currency)
        for sheet in sheets(rows, currency):
            _write(book, sheet)
    return kept.getvalue()


def title(rows: PlanRows) -> str:
    """Return what a plan is called."""
    return f"Plan for {month_name(rows.months)}"


def sheets(rows: PlanRows, currency: str) -> list[Sheet]:
    """Return the sheets but the first, with or without rows."""
    unit = Unit(str(rows.whole["objective"]), currency)
    return [_monthly(rows, unit), _weekly(rows), _targets(rows, unit), _scenarios(rows, unit), _uploads(rows, unit)]


def _monthly(rows: PlanRows, unit: Unit) -> Sheet:
    estimate = _MONEY if unit.is_money else _NUMBER
    columns = [
        *(Column("Month", _DAY, 11), Column("Country", width=10), Column("Channel", width=26)),
        *(Column(f"Today, {unit.currency}", _CENTS), Column(f"Planned, {unit.currency}", _CENTS)),
        *(Column("Change", _CENTS), Column("Change, share", _SHARE)),
        *(Column(f"Brings, {unit.name}", estimate, 16), Column("at least (5 %)", estimate)),
        *(Column("at most (95 %)", estimate), Column("Against today", estimate), Column("at least (5 %)", estimate)),
        *(Column("at most (95 %)", estimate), Column("The move is right with", _SHARE, 16)),
        Column(f"One more {unit.currency} brings", "0.0000", 18),
        *(Column("Most that any weeks have seen", _CENTS, 18), Column("Beyond it", width=10)),
        Column("What holds it", width=34),
    ]
    lines = []
    for one in records(rows.budget):
        now, planned = one["current_spend"], one["planned_spend"]
        lines.append(
            [
                *(one["month"], one["country"], one["channel"], now, planned, planned - now),
                (planned - now) / now if now > 0 else None,
                *(one[name] for name in ("response", "response_p05", "response_p95", "gain", "gain_p05", "gain_p95")),
                *(
                    one["p_better"],
                    one["marginal_return"],
                    one["most_seen"],
                    "no" if one["is_seen"] else "yes",
                    why(one),
                ),
            ]
        )
    return Sheet("Monthly", columns, lines, 3)


def _weekly(rows: PlanRows) -> Sheet:
    """One row per campaign, whatever its countries: a platform has one budget for it."""
    weeks, ahead = weeks_of(rows), weeks_ahead(rows)
    columns = [
        *(Column("Platform", width=10), Column("Account", width=20), Column("Campaign ID", width=22)),
        *(Column("Campaign", width=38), Column("Country", width=10), Column("Channel", width=26)),
        *(Column("Status", width=10), Column("Goal", width=10), Column("Bidding", width=26), Column("Currency")),
        *(Column(f"A day, {week.rest}", _CENTS, is_typed=True) for week in ahead),
        *(Column(f"Week, {week.name}", _CENTS) for week in weeks),
        *(Column("All weeks", _CENTS), Column("Uploads it should bring", _NUMBER), Column("What holds it", width=40)),
    ]
    accounts = {(one["ad_platform"], one["campaign_id"]): one["account_id"] for one in records(rows.accounts)}
    lines = [
        _campaign(own, weeks, ahead, str(accounts.get((platform, name), "")))
        for (platform, name), own in rows.campaigns.groupby(["ad_platform", "campaign_id"], sort=True)
    ]
    return Sheet("Weekly", columns, lines, 4)


def _campaign(own: pd.DataFrame, weeks: Sequence[Week], ahead: Sequence[Week], account: str) -> list[Any]:
    first = records(own)[0]
    by_week: dict[Any, Any] = own.groupby("week_start")[LOCAL].sum().to_dict("index")
    local = [by_week[week.first]["budget_local"] if week.first in by_week else None for week in weeks]
    # Nobody types in what no campaign may take, nor what is spent.
    typed = [
        a_day(by_week[week.first], week, str(first["currency"]))
        if week.first in by_week and first["campaign_id"] != UNPLACED
        else None
        for week in ahead
    ]
    reasons = list(dict.fromkeys(why(one) for one in records(own)))
    places = [", ".join(sorted(set(own[name]))) for name in ("country", "channel")]
    known = [first[name] for name in ("campaign_status", "campaign_goal", "bidding_type", "currency")]
    return [
        *(first["ad_platform"], account, first["campaign_id"], first["campaign_name"], *places, *known),
        *(*typed, *local, own["budget_local"].sum(), float(own["uploads"].sum()), "; ".join(reasons)),
    ]


def _targets(rows: PlanRows, unit: Unit) -> Sheet:
    columns = [
        *(Column("Target", width=24), Column("Of", width=10), Column("Country", width=10), Column("Month", _DAY, 11)),
        *(Column("Goal", _NUMBER), Column("With probability", _SHARE), Column("Within reach", width=12)),
        *(Column("Most that can be reached", _NUMBER, 18), Column(f"Least money, {unit.currency}", _CENTS, 18)),
        *(Column("Against the plan", _CENTS), Column("Reaches", _NUMBER), Column("at least (5 %)", _NUMBER)),
        *(Column("at most (95 %)", _NUMBER), Column("P(hit), that money", _SHARE, 16)),
        *(Column("P(hit), plan", _SHARE), Column("P(hit), today", _SHARE), Column("In words", width=80)),
    ]
    names = ("target", "metric", "country", "month", "goal", "probability", "is_reachable", "most", "spend")
    more = ("spend_change", "reached", "reached_p05", "reached_p95", "p_hit", "p_hit_plan", "p_hit_today", "message")
    told = rows.targets.assign(is_reachable=["yes" if one else "no" for one in rows.targets["is_reachable"]])
    return Sheet("Targets", columns, [[one[name] for name in (*names, *more)] for one in records(told)], 1)


def _scenarios(rows: PlanRows, unit: Unit) -> Sheet:
    estimate = _MONEY if unit.is_money else _NUMBER
    columns = [
        *(Column("Scenario", width=24), Column("Country", width=10), Column("Channel", width=26)),
        *(Column(f"Money, {unit.currency}", _CENTS), Column("Against the plan", _CENTS)),
        *(Column(f"Brings, {unit.name}", estimate, 16), Column("at least (5 %)", estimate)),
        *(Column("at most (95 %)", estimate), Column("Against the plan", estimate)),
        *(Column("at least (5 %)", estimate), Column("at most (95 %)", estimate)),
        *(Column(f"Brings per {unit.currency}", "0.0000"), Column("Against the plan", "0.0000")),
        *(Column("at least (5 %)", "0.0000"), Column("at most (95 %)", "0.0000")),
        *(column for metric in METRICS for column in _against(Unit(metric, unit.currency))),
    ]
    names = ("scenario", "country", "channel", "spend", "spend_change", "response", "response_p05", "response_p95")
    changes = ("return_change", *(f"{metric}_change" for metric in METRICS))
    more = ("change", "change_p05", "change_p95", "return")
    every = [*names, *more, *(f"{name}{end}" for name in changes for end in ("", "_p05", "_p95"))]
    return Sheet("Scenarios", columns, [[one[name] for name in every] for one in records(rows.scenarios)], 3)


def _against(unit: Unit) -> list[Column]:
    """A metric against the plan, and its range."""
    form = _MONEY if unit.is_money else _NUMBER
    return [
        Column(f"{unit.head} against the plan", form, 16),
        Column("at least (5 %)", form),
        Column("at most (95 %)", form),
    ]


def _uploads(rows: PlanRows, unit: Unit) -> Sheet:
    becomes = [dict(value) for value in rows.uploads["gmv_by_destination"]]
    places = sorted({to for one in becomes for to in one})
    columns = [
        *(Column("Month", _DAY, 11), Column("From", width=10), Column("Uploads to aim for", _NUMBER, 16)),
        *(Column("that come anyway", _NUMBER, 16), Column("by paid media", _NUMBER)),
        *(Column("at least (5 %)", _NUMBER), Column("at most (95 %)", _NUMBER), Column("by campaigns", _NUMBER)),
        *(Column(f"{unit.currency} in {to}", _MONEY, 12) for to in places),
        Column(f"{unit.currency} in all", _MONEY),
    ]
    names = ("month", "country", "uploads", "uploads_anyway", "uploads_paid", "uploads_paid_p05", "uploads_paid_p95")
    planned = uploads_by_campaigns(rows)
    lines = [
        [
            *(*(one[name] for name in names), planned.get((one["month"], one["country"]))),
            *(*(own.get(to) for to in places), sum(own.values())),
        ]
        for one, own in zip(records(rows.uploads), becomes, strict=True)
    ]
    return Sheet("Uploads", columns, lines, 2)


def read_me(rows: PlanRows, currency: str) -> list[str]:
    """Return the lines of the first sheet: what it is of, what it says, how to use it; its title comes first."""
    unit = Unit(str(rows.whole["objective"]), currency)
    return [
        title(rows),
        origin_sentence([str(rows.whole["data_origin"])]),
        *opening(rows.whole, rows.months, unit),
        *map(str, rows.whole["notes"]),
        "Sheets",
        *(f"{name}: {told}" for name, told in SHEETS.items()),
        "How to type it in",
        "Every Monday set the daily budgets of the week in Weekly: a platform keeps one until it is told another.",
        "In a week that has begun a day gets what is left of the week's money over the days that are left.",
        "A new campaign has to be made first. One that runs and has no daily budget is to be paused.",
        "Daily budgets are cut to whole cents, so that a week costs no more than planned.",
        f"Made by plan_budget, run {rows.whole['run_id']}, plan {rows.whole['plan_id']}.",
    ]


def _read_me(book: Any, rows: PlanRows, currency: str) -> None:
    sheet = book.add_worksheet("Read me")
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 110)
    strong, plain = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    great = book.add_format({"bold": True, "font_size": 16})
    warning = book.add_format({"bold": True, "text_wrap": True, "bg_color": "#FFF6ED", "border": 1})
    heads = {0: great, 1: warning}
    for place, text in enumerate(read_me(rows, currency)):
        is_head = text in ("Sheets", "How to type it in")
        sheet.write_string(place, 0, text, heads.get(place, strong if is_head else plain))


def _write(book: Any, told: Sheet) -> None:
    sheet = book.add_worksheet(told.name)
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#F5F7F9", "bottom": 1})
    typed = {"bold": True, "bg_color": "#E8F0FE"}
    forms = {
        (form, is_typed): book.add_format({"num_format": form, **(typed if is_typed else {})})
        for form, is_typed in dict.fromkeys((column.form, column.is_typed) for column in told.columns)
    }
    for place, column in enumerate(told.columns):
        sheet.set_column(place, place, column.width)
        sheet.write_string(0, place, column.name, head)
    for line, values in enumerate(told.rows, start=1):
        for place, (column, value) in enumerate(zip(told.columns, values, strict=True)):
            _cell(sheet, (line, place), value, forms[column.form, column.is_typed])
    if not told.rows:
        sheet.write_string(1, 0, "Nothing was planned here yet.")
    sheet.set_row(0, 32)
    sheet.freeze_panes(1, told.fixed)
    sheet.autofilter(0, 0, max(len(told.rows), 1), len(told.columns) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _cell(sheet: Any, place: tuple[int, int], value: Any, form: Any) -> None:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        sheet.write_blank(*place, None, form)
    elif isinstance(value, str):
        sheet.write_string(*place, value, form)
    elif isinstance(value, date):
        sheet.write_datetime(*place, value, form)
    else:
        sheet.write_number(*place, float(value), form)
