"""The tables of a plan's page: where money moves and why, targets, scenarios, where uploads sell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from pma.planning.tables import ALL
from pma.report.heat import shade
from pma.report.lanes import Scale, around, from_to
from pma.report.layout import card, cell, row, table
from pma.report.numbers import NOTHING, money, signed_percent
from pma.report.planning_rows import BASE, PlanRows, moved, moves, records, sums_of, uploads_by_campaigns
from pma.report.planning_words import (
    METRICS,
    Unit,
    chance,
    free_return,
    gap,
    month_name,
    more,
    signed,
    signed_span,
    span,
    why,
)

MOST_MOVES = 12
NEW_GROUND = '<b class="new" title="more money than any week has had here">!</b>'


def cards(whole: Mapping[str, Any], unit: Unit) -> str:
    """Return the first numbers of a plan."""
    change = whole["planned_spend"] - whole["current_spend"]
    against = f"{more(change)} against today" if abs(change) >= 1 else "as today"
    gained = signed(unit.amount(whole["gain"]), whole["gain"])
    shown = [
        ("To spend", money(whole["planned_spend"]), f"{unit.currency}; {against}"),
        ("It brings", unit.amount(whole["response"]), f"{unit.name}; {span(whole, 'response', unit)}"),
        ("Against today's split", gained, f"{unit.short}; {signed_span(whole, 'gain', unit)}"),
        ("Better than today", chance(whole["p_better"]), "probability"),
        ("From the best", *((gap(whole["gap"]), "at most; proved") if whole["gap"] < 1 else (NOTHING, "not proved"))),
    ]
    return f'<div class="cards">{"".join(card(name, text, note=note) for name, text, note in shown)}</div>'


def sides(rows: PlanRows, by: str) -> str:
    """Return today's and planned money by country or channel, with both points on a line."""
    sums = moved(rows, by)
    scale = Scale(0.0, float(sums[["current_spend", "planned_spend"]].to_numpy().max()))
    lines = [
        row(
            str(one[by]),
            [
                cell_below(money(one["planned_spend"]), f"now {money(one['current_spend'])}"),
                cell_below(more(one["change"]), _share_said(_part(one))),
                from_to(scale, one["current_spend"], one["planned_spend"]),
            ],
        )
        for one in records(sums)
    ]
    return table("White: today. Blue: planned.", [by.capitalize(), "Planned", "Change", ""], lines)


def matrix(rows: PlanRows) -> str:
    """Return channels x countries: planned money, its change below it, and a mark where nobody has been."""
    sums = rows.budget.groupby(["channel", "country"])[["current_spend", "planned_spend"]].sum()
    unseen = set(rows.budget.loc[~rows.budget["is_seen"].astype(bool), ["channel", "country"]].itertuples(index=False))
    by_cell: dict[tuple[str, str], dict[str, float]] = sums.to_dict("index")  # type: ignore[assignment]
    countries = list(moved(rows, "country")["country"])
    lines = []
    for channel in moved(rows, "channel")["channel"]:
        own = [by_cell.get((channel, country)) for country in countries]
        cells = [
            _money_cell(one, (channel, country) in {tuple(pair) for pair in unseen})
            for one, country in zip(own, countries, strict=True)
        ]
        lines.append(row(channel, [*cells, _money_cell(_sum(own), False)]))
    by_country = [_sum([one for (_, place), one in by_cell.items() if place == country]) for country in countries]
    totals = [_money_cell(one, False) for one in [*by_country, _sum(by_country)]]
    lines.append(row("All channels", totals, "group"))
    caption = (
        "Planned money, and its change against today. Blue: more, orange: less; the darker, the further. "
        "!: more than any week has had there."
    )
    return table(caption, ["Channel", *countries, "All"], lines)


def _sum(found: Sequence[Mapping[str, float] | None]) -> dict[str, float]:
    return {name: sum(one[name] for one in found if one is not None) for name in ("current_spend", "planned_spend")}


def _money_cell(one: Mapping[str, float] | None, is_new: bool) -> str:
    if one is None:
        return f'<td class="soft">{NOTHING}</td>'
    planned, change = one["planned_spend"], _part(one)
    part = 0.0 if math.isnan(change) else max(-1.0, min(change, 1.0))
    mark = f"&nbsp;{NEW_GROUND}" if is_new else ""
    return f"<td{shade(part)}>{escape(money(planned))}{mark}<small>{escape(_share_said(change))}</small></td>"


def _share_said(change: float) -> str:
    return "new" if math.isinf(change) else signed_percent(change).replace(".0 %", " %")


def _part(one: Mapping[str, float]) -> float:
    """The change as a share of today; infinite where there is nothing today, NaN where there is nothing at all."""
    now, planned = one["current_spend"], one["planned_spend"]
    return (planned - now) / now if now > 0 else math.nan if planned == 0 else math.inf


def moves_table(rows: PlanRows, unit: Unit) -> str:
    """Return the largest moves: from what to what, what that brings, what the next unit would, and why it stops."""
    several, free = len(rows.months) > 1, free_return(records(rows.budget))
    lines = []
    for one in records(moves(rows).head(MOST_MOVES)):
        when = f"{one['month']:%b} {one['month'].year}" if several else ""
        mark = "" if one["is_seen"] else f"&nbsp;{NEW_GROUND}"
        kind = "up" if one["change"] > 0 else "down"
        ends = f"{money(one['current_spend'])} to {money(one['planned_spend'])}"
        cells = [
            f'<td class="main {kind}">{escape(more(one["change"]))}{mark}<small>{escape(ends)}</small></td>',
            cell_below(signed(unit.amount(one["gain"]), one["gain"]), signed_span(one, "gain", unit)),
            cell(NOTHING if pd.isna(one["p_better"]) else chance(one["p_better"])),
            cell(unit.next(one["marginal_return"])),
            f'<td class="left">{escape(why(one, free))}</td>',
        ]
        lines.append(row(f"{one['country']} {one['channel']}", cells, below=when))
    head = [
        "Where",
        f"Change, {unit.currency}",
        f"It brings, {unit.short}",
        "Right with",
        unit.next_title,
        "What holds it",
    ]
    whole = table("A range holds the truth with a probability of 90 %.", head, lines)
    return f'<div class="why">{whole}</div>'


def cell_below(text: str, below: str) -> str:
    """Return a cell with a second line."""
    return f"<td>{escape(text)}<small>{escape(below)}</small></td>"


def targets_table(rows: PlanRows, currency: str) -> str:
    """Return goals: whether and with what money they are reached, and with what probability by which plan."""
    lines = []
    for one in records(rows.targets):
        unit = Unit(str(one["metric"]), currency)
        where = "all countries" if one["country"] == ALL else one["country"]
        when = "" if one["month"] is None or pd.isna(one["month"]) else f", {month_name([one['month']])}"
        reached = "" if one["is_reachable"] else '<b class="badge failed">out of reach</b> '
        below = more(one["spend_change"]) if one["is_reachable"] else f"the most is {unit.amount(one['most'])}"
        cells = [
            cell_below(unit.amount(one["goal"]), f"{unit.name}{when}; {where}".lstrip("; ")),
            f"<td>{reached}{escape(money(one['spend']))}<small>{escape(below)}</small></td>",
            cell_below(unit.amount(one["reached"]), span(one, "reached", unit)),
            *(_chance_cell(one[name], one["probability"]) for name in ("p_hit", "p_hit_plan", "p_hit_today")),
        ]
        lines.append(row(str(one["target"]), cells, below=str(one["message"])))
    head = ["Target", "Goal", f"Least money, {currency}", "Reaches", "that money", "the plan", "today's money"]
    caption = "What comes without paid media counts in the goal and in what is reached. Small: against the plan."
    return table(caption, head, lines, [("", 4), ("Probability to hit it with", 3)])


def _chance_cell(value: float, wanted: float) -> str:
    kind = "good" if value >= wanted - 0.005 else "bad"
    return f'<td><span class="{kind}">{escape(chance(value))}</span></td>'


def scenarios_table(rows: PlanRows, unit: Unit) -> str:
    """Return what if: the money and what it brings against the plan, on a line with its range."""
    sums = sums_of(rows.scenarios)
    # What targets take is told in their own table.
    told = sums[(sums["scenario"] != BASE) & ~sums["scenario"].isin("target: " + rows.targets["target"].astype(str))]
    if told.empty:
        return ""
    ends = [0.0, *told["change_p05"], *told["change_p95"]]
    scale = Scale(min(ends), max(ends))
    others = [Unit(metric, unit.currency) for metric in METRICS if metric != unit.metric]
    lines = [
        row(
            str(one["scenario"]),
            [
                cell_below(signed(unit.amount(one["change"]), one["change"]), signed_span(one, "change", unit)),
                around(scale, one["change"], one["change_p05"], one["change_p95"]),
                cell_below(money(one["spend"]), more(one["spend_change"])),
                _return(one, unit),
                *(_changed(one, other) for other in others),
            ],
            below=_where(rows, str(one["scenario"]), unit),
        )
        for one in records(told)
    ]
    caption = "Each is planned anew under its own conditions; the point is the difference to the plan, with its range."
    head = ["Scenario", f"Against the plan, {unit.short}", "", f"Money, {unit.currency}", _per(unit)]
    return table(caption, [*head, *(other.head for other in others)], lines)


def _per(unit: Unit) -> str:
    return f"Brings per {unit.currency}" if unit.is_money else f"Brings per 1,000 {unit.currency}"


def _return(one: Mapping[str, Any], unit: Unit) -> str:
    """What money brings, and how much less or more than in the plan."""
    if pd.isna(one["return"]):
        return cell(NOTHING)
    change = one["return_change"]
    return cell_below(unit.next(float(one["return"])), "" if pd.isna(change) else signed(unit.next(change), change))


def _changed(one: Mapping[str, Any], unit: Unit) -> str:
    """Another metric's difference to the plan, with its range; nothing where the plan does not know it."""
    name = f"{unit.metric}_change"
    if pd.isna(one[name]):
        return cell(NOTHING)
    return cell_below(signed(unit.amount(one[name]), one[name]), signed_span(one, name, unit))


def _where(rows: PlanRows, scenario: str, unit: Unit) -> str:
    """Name the channel and the country where a scenario's money differs most from the plan's."""
    own = rows.scenarios[(rows.scenarios["scenario"] == scenario)]
    found = []
    for by, other in (("channel", "country"), ("country", "channel")):
        sums = own[(own[by] != ALL) & (own[other] == ALL)]
        if len(sums) and sums["spend_change"].abs().max() >= 1:
            one = max(records(sums), key=lambda row: abs(row["spend_change"]))
            found.append(f"{one[by]} {more(one['spend_change'])} {unit.currency}")
    return f"Most moved: {'; '.join(found)}." if found else ""


def uploads_matrix(rows: PlanRows, currency: str) -> str:
    """Return origins x destinations: how many uploads to aim for, and the value that they become where.

    Where campaigns are planned, what they should bring stands beside it.
    """
    by_origin: dict[str, dict[str, float]] = {}
    for one in records(rows.uploads):
        own = by_origin.setdefault(str(one["country"]), {})
        for to, value in dict(one["gmv_by_destination"]).items():
            own[to] = own.get(to, 0.0) + float(value)
    sums = rows.uploads.groupby("country")[["uploads", "uploads_anyway", "uploads_paid"]].sum()
    places = sorted({to for own in by_origin.values() for to in own})
    planned = _planned(rows)
    most = max((value for own in by_origin.values() for value in own.values()), default=0.0)
    lines = []
    for origin, uploads in sums.sort_values("uploads", ascending=False, kind="stable").iterrows():
        own = by_origin[str(origin)]
        unit = Unit("uploads", currency)
        below = f"{unit.amount(uploads['uploads_paid'])} by paid media, {unit.amount(uploads['uploads_anyway'])} anyway"
        cells = [cell_below(unit.amount(float(uploads["uploads"])), below)]
        if planned:
            cells.append(_of_campaigns(planned.get(str(origin)), float(uploads["uploads_paid"]), unit))
        cells += [_value_cell(own.get(to), most, currency) for to in places]
        lines.append(row(str(origin), [*cells, cell(Unit("gmv", currency).amount(sum(own.values())))]))
    caption = (
        f"Rows: where it is uploaded. Columns: where the buyers of what these uploads become are, {currency} of order "
        "value; the darker, the more. The orders come in the months after the upload."
    )
    by_campaigns = ["By campaigns"] if planned else []
    if planned:
        caption += " By campaigns: what the money of the weekly plan should bring, beside the uploads by paid media."
    return table(caption, ["From", "Uploads to aim for", *by_campaigns, *places, "All"], lines)


def _planned(rows: PlanRows) -> dict[str, float]:
    """Uploads that campaigns should bring in the plan's months, by country; none where no campaign is planned."""
    found: dict[str, float] = {}
    for (month, country), value in uploads_by_campaigns(rows).items():
        if month in rows.months:
            found[country] = found.get(country, 0.0) + value
    return found


def _of_campaigns(value: float | None, paid: float, unit: Unit) -> str:
    """What a country's campaigns should bring, and of how many by paid media."""
    return cell(NOTHING) if value is None else cell_below(unit.amount(value), f"of {unit.amount(paid)} aimed for")


def _value_cell(value: float | None, most: float, currency: str) -> str:
    if value is None:
        return f'<td class="soft">{NOTHING}</td>'
    # By the root: most pairs have a tenth of what a country sells at home.
    return f"<td{shade(math.sqrt(value / most) if most > 0 else 0.0)}>{Unit('gmv', currency).amount(value)}</td>"
