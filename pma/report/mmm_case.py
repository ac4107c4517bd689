"""What the report tells of one geo and target."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from pma.report.layout import items, picture
from pma.report.mmm_fit import Case, Fit, records
from pma.report.mmm_tables import anchor, badge, channel_table, components_table, headline
from pma.report.mmm_trust import trust_part
from pma.report.mmm_words import reasons, share
from pma.report.numbers import NOTHING
from pma.report.svg import Picture

ONLY_RIDGE = "The model has no fit here: the numbers below are those of the ridge, the quick second opinion."


def case_section(case: Case, colors: Mapping[str, str], pictures: Mapping[str, Picture]) -> str:
    """Return all that is known of a geo and target; `pictures` by their names, see `fit_pictures`."""
    run = case.run
    title = f"{case.place}: {case.title.lower()}"
    message = f"<p>{escape(str(run['message']))}</p>" if run["message"] else ""
    body = _fitted(case, case.fit, colors, pictures) if case.fit else ""
    return (
        f'<section class="case" id="{anchor(case)}"><h3>{escape(title)} {badge(str(run["status"]))}</h3>\n'
        f"{message}{body}</section>"
    )


def _fitted(case: Case, fit: Fit, colors: Mapping[str, str], pictures: Mapping[str, Picture]) -> str:
    title = fit.words.title.lower()
    doubts = reasons([row for row in records(fit.summary) if not row["is_trusted"]])
    weak = [f"{', '.join(names)}: {reason}." for reason, names in doubts.items()]
    parts = [
        f"<p><b>{ONLY_RIDGE}</b></p>" if fit.method != str(case.run["method"]) else "",
        headline(fit),
        _wide(pictures, "fit"),
        f"<h4>Where the {escape(title)} came from</h4>",
        components_table(fit),
        _wide(pictures, "contributions"),
        "<h4>Channels</h4>",
        channel_table(fit, colors),
        f"<p>Not to be trusted, and why:</p>{items(weak)}" if weak else "",
        _wide(pictures, "roas"),
        "<h4>Clicks and the model</h4>",
        _sentences(fit),
        "<h4>What more money would bring</h4>" if pictures else "",
        _curves(fit, pictures),
        _wide(pictures, "carryover"),
        trust_part(fit),
        _small_print(case, fit),
    ]
    return "\n".join(part for part in parts if part)


def _wide(pictures: Mapping[str, Picture], name: str) -> str:
    if name not in pictures:
        return ""
    one = pictures[name]
    return f'<div class="pictures scroll">{picture(one.title, one.svg, wide=True)}</div>'


def _curves(fit: Fit, pictures: Mapping[str, Picture]) -> str:
    shown = [pictures[f"curve_{name}"] for name in fit.channels if f"curve_{name}" in pictures]
    if not shown:
        return ""
    said = (
        f"{fit.words.title} a week (up) by money a week (right), the same every week. Grey: spend that was seen. Dot: "
        "the usual spend. Broken line: beyond all that was seen, a guess by the curve's form."
    )
    figures = "".join(picture(one.title, one.svg) for one in shown)
    return f'<p class="soft">{escape(said)}</p><div class="pictures small">{figures}</div>'


def _sentences(fit: Fit) -> str:
    if fit.comparison.empty:
        return "<p>There is no weekly report to compare with: run jobs/growth.py, then jobs/mmm_report.py.</p>"
    rows = fit.comparison[fit.comparison["sentence"].notna()].sort_values("channel")
    weak = rows["verdict"].isin(["not_trusted", "not_modelled"])
    found = list(rows["sentence"][~weak])
    agree = list(fit.comparison.sort_values("channel").query("verdict == 'agree'")["channel"])
    said = [*found, *([f"Clicks and model agree on {', '.join(agree)}."] if agree else [])]
    shown = (
        items(said)
        if said
        else "<p>The model is not sure enough of any channel to say that clicks are right or wrong.</p>"
    )
    unsure = list(rows["sentence"][weak])
    if not unsure:
        return shown
    count = f"{len(unsure)} channel{'s' if len(unsure) > 1 else ''} without a number to set against the clicks"
    return f"{shown}<details><summary>{count}</summary>{items(unsure)}</details>"


def _small_print(case: Case, fit: Fit) -> str:
    """What an analyst asks: diagnostics, the second opinion, what was done to the data."""
    run = fit.run
    said = [
        f"{run['weeks']:.0f} weeks, {run['channels']:.0f} channels, by {fit.main_name}. Of the target's ups and downs "
        f"{_percent(run['r2'])} are explained; {_percent(run['coverage_90'])} of weeks lie in their 90 % interval; "
        f"what is left over follows the week before with a correlation of {_number(run['autocorrelation'])}.",
    ]
    if run.get("rhat_max") is not None:
        said.append(
            f"Sampler: R-hat {_number(run['rhat_max'], 3)}, at least {_number(run['ess_bulk_min'], 0)} effective "
            f"draws, {_number(run['divergences'], 0)} divergences."
        )
    if fit.has_ridge:
        ridge = case.runs["ridge"]
        said.append(
            f"Second opinion (ridge): {ridge['status']}; media {_percent(ridge['media_share'])} of the target. "
            f"{ridge['message'] or ''}"
        )
    notes = run["notes"]
    said += [] if notes is None else [f"{note}." for note in notes]
    return f'<details class="print"><summary>The fit in small print</summary>{items(said)}</details>'


def _percent(value: object) -> str:
    return NOTHING if value is None else share(float(str(value)))


def _number(value: object, places: int = 2) -> str:
    return NOTHING if value is None else f"{float(str(value)):.{places}f}"
