"""The tables of the media mix report: how fits went, where clicks and model differ, what a channel brings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from pma.report.layout import card, table
from pma.report.mmm_fit import Case, Fit, records
from pma.report.mmm_words import KINDS, SIGNS, STATUS, VERDICTS, Words, plain_name, share, share_span
from pma.report.numbers import NOTHING, money


def badge(status: str) -> str:
    """Return the status of a fit as a coloured word."""
    return f'<b class="badge {escape(status)}">{escape(STATUS.get(status, status))}</b>'


def dot(color: str) -> str:
    """Return a channel's colour."""
    return f'<i class="dot" style="background:{color}"></i>'


def anchor(case: Case) -> str:
    """Return the name by which a case is linked to."""
    return plain_name(f"{case.geo_level}-{case.geo}-{case.target}")


def status_table(cases: Sequence[Case], targets: Mapping[str, str]) -> str:
    """Return geos x targets with their status, media's share and how many channels can be trusted; cells are links."""
    by_place: dict[str, dict[str, Case]] = {}
    for case in cases:
        by_place.setdefault(case.place, {})[case.target] = case
    lines = []
    for place, of_target in by_place.items():
        cells = "".join(_status_cell(of_target.get(target)) for target in targets)
        lines.append(f'<tr><th scope="row">{escape(place)}</th>{cells}</tr>')
    whole = table("A cell leads to what is told of it below.", ["Geo", *targets.values()], lines)
    return f'<div class="left">{whole}</div>'


def _status_cell(case: Case | None) -> str:
    if case is None:
        return f"<td>{NOTHING}</td>"
    below = ""
    if case.fit is not None:
        trusted = int(case.fit.summary["is_trusted"].astype(bool).sum())
        media = f"{share(case.fit.media_share)} ({share_span(case.fit.media_span)})"
        below = f"<small>media {media} · {trusted} of {len(case.fit.channels)} channels to trust</small>"
    return f'<td class="status"><a href="#{anchor(case)}">{badge(case.run["status"])}</a>{below}</td>'


def overview_table(cases: Sequence[Case], target: str, colors: Mapping[str, str]) -> str:
    """Return channels x geos of one target: the model's return, and whether clicks say more or less."""
    shown = [case for case in cases if case.target == target and case.fit is not None]
    fits = [case.fit for case in shown if case.fit is not None]
    found = {
        (case.place, row["channel"]): row
        for case, fit in zip(shown, fits, strict=True)
        for row in records(fit.comparison)
    }
    plain = {
        (case.place, row["channel"]): row for case, fit in zip(shown, fits, strict=True) for row in records(fit.summary)
    }
    lines = []
    for channel in [name for name in colors if any(name in fit.channels for fit in fits)]:
        cells = [
            _overview_cell(plain.get((case.place, channel)), found.get((case.place, channel)), fit)
            for case, fit in zip(shown, fits, strict=True)
        ]
        lines.append(f'<tr><th scope="row">{dot(colors[channel])}{escape(channel)}</th>{"".join(cells)}</tr>')
    per = fits[0].words.per
    caption = f"{per[0].upper() + per[1:]} by the model, over the weeks whose spend is known."
    return table(caption, ["Channel", *[case.place for case in shown]], lines)


def _overview_cell(summary: Mapping[str, Any] | None, compared: Mapping[str, Any] | None, fit: Fit) -> str:
    if summary is None:
        return f'<td class="soft">{NOTHING}</td>'
    verdict = str(compared["verdict"]) if compared is not None else ""
    kind = verdict if summary["is_trusted"] else "not_trusted"
    said = escape(fit.words.returned(float(summary["roas_mean"])))
    return f'<td class="verdict {kind}">{said}&nbsp;<span>{SIGNS.get(kind, "")}</span></td>'


def components_table(fit: Fit) -> str:
    """Return what an average week consists of: paid media in one, and everything that is no marketing."""
    parts = fit.by_component
    kinds = [kind for kind in KINDS if kind in parts.index]
    numbers = {name: parts[name].to_dict() for name in ("mean", "share", "low", "high")}
    words = fit.words
    lines = []
    for kind in kinds:
        row = {name: float(by_name[kind]) for name, by_name in numbers.items()}
        ends = [words.amount(row[name]) for name in ("low", "high")]
        span = " to ".join(ends) if ends[0] != ends[1] else "always the same"
        cells = "".join(f"<td>{escape(text)}</td>" for text in (words.amount(row["mean"]), share(row["share"]), span))
        bar = f'<td class="bar">{_bar(row["share"])}</td>'
        marked = ' class="group"' if kind == "paid" else ""
        lines.append(f'<tr{marked}><th scope="row">{KINDS[kind]}</th>{cells}{bar}</tr>')
    others = parts.drop(index="paid", errors="ignore")
    total = (words.amount(float(others["mean"].sum())), share(float(others["share"].sum())), "")
    cells = "".join(f"<td>{escape(text)}</td>" for text in total)
    lines.insert(
        1 if "paid" in kinds else 0,
        f'<tr class="group"><th scope="row">All that is not paid media</th>{cells}'
        f'<td class="bar">{_bar(float(others["share"].sum()))}</td></tr>',
    )
    caption = "Trend, season and context count from their average week, so they add up to about nothing over the years."
    return table(caption, ["Part", "Average week", "Share", "Lowest to highest week", ""], lines)


def _bar(part: float) -> str:
    width = 0.0 if math.isnan(part) else min(max(part, 0.0), 1.0) * 100
    return f'<i style="width:{width:.0f}%"></i>'


def channel_table(fit: Fit, colors: Mapping[str, str]) -> str:
    """Return what each channel brought and brings, beside the second opinion and the clicks."""
    second = {row["channel"]: row for row in records(fit.second)}
    compared = {row["channel"]: row for row in records(fit.comparison)}
    words = fit.words
    lines = []
    for row in records(fit.summary):
        name = row["channel"]
        cells = [
            _td(money(row["spend"])),
            _td(words.amount(row["contribution"]), _span(row, "contribution", words.amount)),
            _td(share(row["share"])),
            _td(words.returned(row["roas_mean"]), _span(row, "roas", words.returned), "main"),
            _td(words.returned(row["mroas_mean"]), _span(row, "mroas", words.returned)),
            *([_second(words, second.get(name))] if fit.has_ridge else []),
            *(_clicks(words, compared.get(name)) if compared else []),
            _td("yes" if row["is_trusted"] else "no"),
        ]
        faded = "" if row["is_trusted"] else ' class="faded"'
        lines.append(f'<tr{faded}><th scope="row">{dot(colors[name])}{escape(name)}</th>{"".join(cells)}</tr>')
    per = words.per[0].upper() + words.per[1:]
    over = [("", 4), (per, 2 + int(fit.has_ridge) + int(bool(compared))), ("", 1 + int(bool(compared)))]
    head = ["Channel", "Spend", "Brought", "Share", "Model", "Next 1 %", *(["Ridge"] if fit.has_ridge else [])]
    head += [fit.clicks_name, "Clicks and model"] if fit.clicks_name else []
    caption = f"Small: {fit.span}; of the ridge, the range of its models; of clicks, of all attribution models."
    return table(caption, [*head, "To trust"], lines, over)


def _clicks(words: Words, row: Mapping[str, Any] | None) -> list[str]:
    """What clicks say, by the attribution model that is compared and by all of them, and the verdict."""
    if row is None:
        return [_td(NOTHING), _td("")]
    verdict = str(row["verdict"])
    said = _td(VERDICTS.get(verdict, verdict), kind=f"verdict {verdict}")
    models = [name for name in row if name.startswith("credit_")]
    if not any(float(row[name]) > 0 for name in models):
        return [_td(NOTHING, "no clicks"), said]
    returns = [float(row[name.replace("credit_", "roas_")]) for name in models]
    span = f"{words.returned(min(returns))} to {words.returned(max(returns))}"
    return [_td(words.returned(float(row[f"roas_{row['compared_model']}"])), span), said]


def _span(row: Mapping[str, Any], name: str, text: Callable[[float], str]) -> str:
    return f"{text(row[f'{name}_p05'])} to {text(row[f'{name}_p95'])}"


def _second(words: Words, row: Mapping[str, Any] | None) -> str:
    if row is None:
        return _td(NOTHING)
    return _td(words.returned(row["roas_mean"]), _span(row, "roas", words.returned))


def _td(text: str, below: str = "", kind: str = "") -> str:
    said = f' class="{kind}"' if kind else ""
    second = f"<small>{escape(below)}</small>" if below else ""
    return f"<td{said}>{escape(text)}{second}</td>"


def headline(fit: Fit) -> str:
    """Return the first numbers of a fit."""
    run, parts = fit.run, fit.by_component
    others = float(parts["share"].drop(index="paid", errors="ignore").sum())
    trusted = int(fit.summary["is_trusted"].astype(bool).sum())
    cards = [
        ("Paid media bring", share(fit.media_share), f"of {fit.words.title.lower()}; {share_span(fit.media_span)}"),
        ("All else", share(others), "baseline, season, events, organic"),
        ("Spend", money(float(fit.summary["spend"].sum())), f"in {len(fit.channels)} channels"),
        ("Channels to trust", f"{trusted} of {len(fit.channels)}", "numbers that the data speak for"),
        ("Typical miss of a week", share(_number(run["mape"])), f"in {run['weeks']:.0f} weeks that the model saw"),
    ]
    shown = "".join(card(name, text, note=note) for name, text, note in cards)
    return f'<div class="cards">{shown}</div>'


def _number(value: Any) -> float:
    return math.nan if value is None or pd.isna(value) else float(value)
