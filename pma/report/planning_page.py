"""The page of a plan: what it is worth, where money moves and why, how sure that is, and what to type in."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pma.planning.tables import ALL
from pma.report.growth_words import origin_sentence
from pma.report.layout import items, page, picture, section
from pma.report.planning_pictures import curve_pictures, frontier_picture, hit_picture
from pma.report.planning_platforms import (
    GOOGLE_FILE,
    PLATFORMS,
    files_there,
    meta_csvs,
    next_budgets,
    platform_files,
    to_make,
    to_pause,
    to_type,
    to_upload,
)
from pma.report.planning_rows import PlanRows, moves, records
from pma.report.planning_sheets import FILE as SPREADSHEET
from pma.report.planning_sheets import title, workbook
from pma.report.planning_tables import cards, matrix, moves_table, scenarios_table, sides, targets_table, uploads_matrix
from pma.report.planning_weeks import ENABLED, campaign_parts, weeks_ahead
from pma.report.planning_words import READING, Unit, held, more, opening
from pma.report.settings import ReportSettings
from pma.report.svg import Picture

FILE = "planning.html"
NO_PICTURES = "Pictures are left out: matplotlib is not installed."
NO_CAMPAIGNS = "No campaign is planned yet: run plan_campaigns."
WEEKS_OVER = "All weeks of the campaigns' plan are over: run plan_budget and plan_campaigns for the next month."
NO_SCENARIOS = "No scenario was planned: planning.scenarios names them."
NO_SPREADSHEET = "The spreadsheet is left out: XlsxWriter is not installed."
_NAMED = 4
log = logging.getLogger(__name__)


def write_plan_report(rows: PlanRows, currency: str, settings: ReportSettings) -> list[Path]:
    """Write page, spreadsheet and files for ad platforms into the folder of the settings, and return their paths.

    All are made before the first is written, and those of an earlier plan that this one has not are removed: what lies
    in the folder is of one plan.
    """
    files = {FILE: planning_page(rows, currency).encode("utf-8")}
    if find_spec("xlsxwriter") is None:
        log.warning("%s", NO_SPREADSHEET)
    else:
        files[SPREADSHEET] = workbook(rows, currency)
    files |= platform_files(rows)
    folder = Path(settings.path)
    folder.mkdir(parents=True, exist_ok=True)
    for old in (folder / SPREADSHEET, *files_there(folder)):
        if old.name not in files:
            old.unlink(missing_ok=True)
    for name, made in files.items():
        (folder / name).write_bytes(made)
    return [folder / name for name in files]


def planning_page(rows: PlanRows, currency: str) -> str:
    """Return one HTML document that needs nothing else; equal rows give equal bytes."""
    unit = Unit(str(rows.whole["objective"]), currency)
    told = opening(rows.whole, rows.months, unit)
    notes = list(map(str, rows.whole["notes"]))
    warned = f'<div class="origin"><b>Before you move money</b>{items(notes)}</div>' if notes else ""
    return page(
        title(rows),
        f"<h1>{escape(title(rows))}</h1>",
        f"<p>{escape(told[0])}</p>",
        cards(rows.whole, unit),
        f"<p>{escape(' '.join(told[1:]))}</p>",
        f'<p class="origin"><b>{escape(_origin(rows))}</b></p>',
        warned,
        section("Where money moves", *_moves(rows, unit)),
        section("What to type in", *_to_type(rows, currency)),
        section("What more or less money would bring", *_curves(rows, unit)),
        section("What a budget reaches", *_frontier(rows, unit)),
        section("Targets", *_targets(rows, currency)),
        section("What if", scenarios_table(rows, unit) or f"<p>{NO_SCENARIOS}</p>"),
        section("Uploads to aim for, and where they sell", _uploads(rows, currency)),
        section("Campaigns by week", *_campaigns(rows, unit)),
        section("How to read this page", items(READING)),
    )


def planning_text(rows: PlanRows, currency: str) -> str:
    """Return the page in a few lines, for a terminal."""
    unit = Unit(str(rows.whole["objective"]), currency)
    budgets = next_budgets(rows)
    files = [f"{said} {len(to_upload(budgets, name))}" for name, said in PLATFORMS.items()]
    return "\n".join(
        [
            f"{title(rows)}, {rows.whole['plan_id']}: {' '.join(opening(rows.whole, rows.months, unit))}",
            _origin(rows),
            *_moved(rows, unit),
            *map(str, rows.whole["notes"]),
            *(str(message) for message in rows.targets["message"]),
            f"Daily budgets to upload: {', '.join(files)}" if weeks_ahead(rows) else _none_ahead(rows),
        ]
    )


def _origin(rows: PlanRows) -> str:
    return origin_sentence([str(rows.whole["data_origin"])])


def _moves(rows: PlanRows, unit: Unit) -> list[str]:
    unseen = rows.budget[~rows.budget["is_seen"].astype(bool)]
    beyond = [f"{one['country']} {one['channel']}" for one in records(unseen)]
    said = [*_moved(rows, unit), f"{'; '.join(held(records(rows.budget), unit))}."]
    if beyond:
        said.append(f"Beyond all that was ever spent there, so go step by step: {', '.join(dict.fromkeys(beyond))}.")
    return [
        items(said),
        f'<div class="sides">{sides(rows, "country")}{sides(rows, "channel")}</div>',
        f"<h3>Every country and channel, {escape(unit.currency)}</h3>",
        matrix(rows),
        "<h3>The largest moves, and why</h3>",
        moves_table(rows, unit),
    ]


def _moved(rows: PlanRows, unit: Unit) -> list[str]:
    """Name where most money comes and goes."""
    found = records(moves(rows))
    said = []
    for begin, sign in (("More money", 1), ("Less money", -1)):
        own = [one for one in found if sign * one["change"] >= 1][:_NAMED]
        named = ", ".join(f"{one['country']} {one['channel']} {more(one['change'])}" for one in own)
        said += [f"{begin}, {unit.currency}: {named}."] if own else []
    return said or ["No money moves: today's split is the best within the limits."]


def _to_type(rows: PlanRows, currency: str) -> list[str]:
    """Which file has what, and what no file can do."""
    weeks, has_sheet = weeks_ahead(rows), find_spec("xlsxwriter") is not None
    if not weeks:
        until = f"Until then Monthly of {SPREADSHEET} has the month's money." if has_sheet else NO_SPREADSHEET
        return [f"<p>{escape(_none_ahead(rows))} {until}</p>"]
    budgets = next_budgets(rows)
    metas = list(meta_csvs(budgets))
    files = {"google": GOOGLE_FILE, "meta": metas[0] if len(metas) == 1 else f"{len(metas)} files meta_budgets_*.csv"}
    said = [
        f"{SPREADSHEET}, beside this page: every campaign, week by week, in the currency of its ad account."
        if has_sheet
        else NO_SPREADSHEET,
        *(
            f"{files[name]}: daily budgets of {weeks[0].rest} for {len(to_upload(budgets, name))} campaigns of "
            f"{told}, to be uploaded as they are{_MORE[name]}."
            for name, told in PLATFORMS.items()
        ),
        "A platform keeps a daily budget until it is told another: on Monday set the next week's.",
    ]
    for begin, own in (("To be made by hand first", to_make(budgets)), ("To be paused", to_pause(budgets))):
        named = ", ".join(map(_called, records(own)))
        said += [f"{begin}, {len(own)}: {named}."] if len(own) else []
    rest = ", ".join(map(_unfiled, records(to_type(budgets))))
    return [items([*said, *([f"In no file, so to be typed in by hand: {rest}."] if rest else [])])]


def _unfiled(one: Mapping[str, Any]) -> str:
    """A campaign that is in no file, and why."""
    status = "" if one["campaign_status"] == ENABLED else f", status {one['campaign_status']}"
    return f"{_called(one)} ({one['ad_platform']}{status})"


def _called(one: Mapping[str, Any]) -> str:
    """The name of a campaign, or its id where none is known."""
    name = one["campaign_name"]
    return name if isinstance(name, str) and name else str(one["campaign_id"])


def _none_ahead(rows: PlanRows) -> str:
    """Why there is nothing to type in."""
    return NO_CAMPAIGNS if rows.campaigns.empty else WEEKS_OVER


_MORE = {"google": ", by Google Ads Editor or in Bulk actions", "meta": ", each into its ad account"}


def _curves(rows: PlanRows, unit: Unit) -> list[str]:
    if find_spec("matplotlib") is None:
        log.warning("%s", NO_PICTURES)
        return [f"<p><b>{NO_PICTURES}</b></p>"]
    shown = curve_pictures(rows, unit)
    if not shown:
        return ["<p>There are no curves of the fits that the plan stands on: run fit_mmm.</p>"]
    said = (
        f"{unit.title.capitalize()} a week (up) by {unit.currency} a week (right), the same every week, where most "
        "money is. White dot: today. Full dot: planned. Band: 90 % range. The curve is that of the media mix model for "
        "order value and for uploads, each upload at what it becomes in all countries."
    )
    figures = "".join(picture(one.title, one.svg) for one in shown)
    return [f'<p class="soft">{escape(said)}</p>', f'<div class="pictures small">{figures}</div>']


def _frontier(rows: PlanRows, unit: Unit) -> list[str]:
    if rows.frontier.empty:
        return ["<p>No other budget was planned yet: run plan_budget on fits whose weeks are in bl.mmm_fit_weeks.</p>"]
    metrics = rows.frontier.loc[rows.frontier["country"] == ALL, "metric"]
    others = [name for name in sorted(set(metrics)) if name != unit.metric]
    if find_spec("matplotlib") is None:
        return [f"<p>{NO_PICTURES}</p>"]
    made = [frontier_picture(rows, Unit(name, unit.currency), rows.whole) for name in (unit.metric, *others)]
    said = (
        "Each point is the best split of that budget. Reached is what the months will count: with what comes without "
        "paid media and what earlier money still brings, each sale once. What the money brings later, as sales of "
        "uploads that it pays for, is not in it; the plan's own gain has that too."
    )
    return [f'<p class="soft">{said}</p>', *map(_wide, made)]


def _targets(rows: PlanRows, currency: str) -> list[str]:
    if rows.targets.empty:
        return ["<p>No target was set: planning.targets names them.</p>"]
    made = None if find_spec("matplotlib") is None else hit_picture(rows, currency, rows.whole["planned_spend"])
    said = "Probabilities between the budgets that were planned are read off the quantiles of what those reach."
    return [targets_table(rows, currency), *([_wide(made), f'<p class="soft">{said}</p>'] if made else [])]


def _wide(one: Picture | None) -> str:
    return f'<div class="pictures scroll">{picture(one.title, one.svg, wide=True)}</div>' if one else ""


def _uploads(rows: PlanRows, currency: str) -> str:
    none = "<p>The plan stands on no fit of uploads, so there are none to aim for.</p>"
    return none if rows.uploads.empty else uploads_matrix(rows, currency)


def _campaigns(rows: PlanRows, unit: Unit) -> list[str]:
    if rows.campaigns.empty:
        return [f"<p>{NO_CAMPAIGNS}</p>"]
    return ['<p class="soft">A country opens by a click on its name.</p>', *campaign_parts(rows, unit)]
