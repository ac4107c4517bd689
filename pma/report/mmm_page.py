"""The report of the media mix model: how every fit went, what each channel brings, and where clicks say otherwise."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.util import find_spec
from pathlib import Path

from pma.report.growth_words import origin_sentence
from pma.report.layout import items, page, section
from pma.report.mmm_case import case_section
from pma.report.mmm_fit import Case, MmmRows, cases, records
from pma.report.mmm_pictures import channel_colors, fit_pictures
from pma.report.mmm_tables import anchor, badge, overview_table, status_table
from pma.report.mmm_words import READING, SIGNS, STATUS, VERDICTS, Facts, plain_name, share
from pma.report.numbers import money
from pma.report.settings import ReportSettings
from pma.report.svg import Picture

FILE, FOLDER = "mmm_report.html", "mmm_pictures"
TITLE = "Media mix model"
# The text for a terminal has so many lines at most.
LINES = 15

NO_PICTURES = "Pictures are left out: matplotlib is not installed."
log = logging.getLogger(__name__)
Pictures = Mapping[str, Mapping[str, Picture]]


def write_mmm_page(rows: MmmRows, facts: Facts, settings: ReportSettings) -> Path:
    """Write the page into the folder of the settings and its pictures beside it, and return the page's path.

    The folder of pictures is of this page alone: those of an earlier one that are no more are taken away.
    """
    path = Path(settings.path) / FILE
    pictures = mmm_pictures(rows, facts)
    folder = path.parent / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for name, of_fit in pictures.items():
        for kind, one in of_fit.items():
            (folder / f"{name}-{plain_name(kind)}.svg").write_bytes(one.svg)
    path.write_text(mmm_page(rows, facts, pictures), encoding="utf-8")
    return path


def mmm_pictures(rows: MmmRows, facts: Facts) -> dict[str, dict[str, Picture]]:
    """Return the pictures of every fit by the name of its geo and target; none where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        log.warning("%s", NO_PICTURES)
        return {}
    colors = _colors(rows)
    return {
        anchor(case): fit_pictures(case.fit, colors) for case in cases(rows, facts.currency) if case.fit is not None
    }


def mmm_page(rows: MmmRows, facts: Facts, pictures: Pictures) -> str:
    """Return one HTML document that needs nothing else; equal rows give equal bytes. `pictures`: see mmm_pictures."""
    told = list(cases(rows, facts.currency))
    colors = _colors(rows)
    if not told:
        return page(TITLE, f"<h1>{TITLE}</h1>", "<p>No fit yet: run jobs/fit_mmm.py.</p>")
    targets = {case.target: case.title for case in told}
    return page(
        TITLE,
        f"<h1>{TITLE}: what each channel brings</h1>",
        f"<p>{escape(_opening(rows, facts))}</p>",
        f'<p class="origin"><b>{escape(_origin(rows))}</b></p>',
        section(
            "Which numbers to use",
            f"<p>{escape(_counted(told))}</p>",
            status_table(told, targets),
            _messages(told),
            f"<p><b>{escape(_to_test(told, facts.currency))}</b></p>",
        ),
        section("Where clicks say otherwise", *_clicks(told, rows, colors, targets)),
        section(
            "Geo by geo",
            "" if pictures or all(case.fit is None for case in told) else f"<p><b>{NO_PICTURES}</b></p>",
            '<p class="soft">A geo opens by a click on its name; print shows those that are open.</p>',
            *[_place(place, group, colors, pictures) for place, group in _places(told)],
        ),
        section("How to read this page", items(READING)),
    )


def mmm_text(rows: MmmRows, facts: Facts) -> str:
    """Return the page in fifteen lines at most, for a terminal."""
    told = list(cases(rows, facts.currency))
    if not told:
        return f"{TITLE}: no fit yet"
    lines = [f"{TITLE}: {_counted(told)}", _origin(rows)]
    ends = [_said_of(rows, verdict) for verdict in ("clicks_overstate", "clicks_understate")]
    places = [f"{place:6} {'; '.join(map(_short, group))}" for place, group in _places(told)]
    room = LINES - len(lines) - len(ends)
    if len(places) > room:
        places = [*places[: room - 1], f"and {len(places) - room + 1} more, see the page"]
    return "\n".join([*lines, *places, *ends])


def _short(case: Case) -> str:
    said = f"{case.title.lower()} {STATUS[case.run['status']]}"
    if case.fit is None:
        return said
    trusted = int(case.fit.summary["is_trusted"].astype(bool).sum())
    return f"{said}, media {share(case.fit.media_share)}, {trusted} of {len(case.fit.channels)} channels to trust"


def _places(told: Sequence[Case]) -> Iterable[tuple[str, list[Case]]]:
    return [(place, list(group)) for place, group in itertools.groupby(told, key=lambda case: case.place)]


def _colors(rows: MmmRows) -> dict[str, str]:
    return channel_colors([*rows.summary["channel"], *rows.comparison["channel"]])


def _origin(rows: MmmRows) -> str:
    return origin_sentence(sorted(rows.runs["data_origin"].unique()))


def _opening(rows: MmmRows, facts: Facts) -> str:
    weeks = rows.weeks["week_start"]
    span = f" Weeks from {min(weeks)} to {max(weeks)}." if len(weeks) else ""
    return (
        f"Run {facts.run}, money in {facts.currency}.{span} A return is what a channel brought over what it cost; "
        "the range beside it holds the truth with a probability of 90 %, if the model is right."
    )


def _counted(told: Sequence[Case]) -> str:
    """Fits by target and status: `Uploads: 3 ok, 1 flagged. Order value: ...`."""
    parts = []
    for title in dict.fromkeys(case.title for case in told):
        statuses = [str(case.run["status"]) for case in told if case.title == title]
        said = [f"{statuses.count(status)} {name}" for status, name in STATUS.items() if status in statuses]
        parts.append(f"{title}: {', '.join(said)}.")
    return " ".join(parts)


def _messages(told: Sequence[Case]) -> str:
    """What is to be minded: what failed and what is missing first, then the flags; one line for one message."""
    found: dict[tuple[str, str], list[Case]] = {}
    for status in ("failed", "not_ready", "flagged"):
        for case in told:
            if case.run["status"] == status:
                found.setdefault((status, str(case.run["message"] or "")), []).append(case)
    said = []
    for (status, message), group in found.items():
        links = [f'<a href="#{anchor(case)}">{escape(f"{case.place} {case.title.lower()}")}</a>' for case in group]
        said.append(f"<li>{', '.join(links)} {badge(status)} {escape(message)}</li>")
    return f'<ul class="said">{"".join(said)}</ul>' if said else ""


def _to_test(told: Sequence[Case], currency: str) -> str:
    """Name the largest spend whose return nobody knows: what a test would tell most about."""
    spent: dict[tuple[str, str], float] = {}
    for case in told:
        for row in [] if case.fit is None else records(case.fit.summary):
            if not row["is_trusted"]:
                spent[row["channel"], case.place] = float(row["spend"])
    first = sorted(spent, key=lambda key: (-spent[key], key))[:5]
    if not first:
        return ""
    named = ", ".join(f"{channel} in {place} ({money(spent[channel, place])} {currency})" for channel, place in first)
    return f"Worth a geo-lift test first, the largest spend whose return the model cannot tell: {named}."


def _clicks(
    told: Sequence[Case], rows: MmmRows, colors: Mapping[str, str], targets: Mapping[str, str]
) -> Iterable[str]:
    fitted = [case for case in told if case.fit is not None]
    if not fitted:
        yield "<p>No fit has ended well.</p>"
        return
    yield '<p class="soft">In brackets: in how many of all fits.</p>'
    yield items([_said_of(rows, verdict) for verdict in ("clicks_overstate", "clicks_understate", "not_trusted")])
    legend = [
        f'<span class="verdict {verdict}">{sign} {escape(VERDICTS[verdict])}</span>' for verdict, sign in SIGNS.items()
    ]
    yield f'<p class="legend">{" ".join(legend)}</p>'
    for target, title in targets.items():
        if any(case.target == target for case in fitted):
            yield f"<h3>{escape(title)}</h3>{overview_table(fitted, target, colors)}"


def _said_of(rows: MmmRows, verdict: str) -> str:
    """Name the channels of a verdict, the most frequent first, with the number of fits of all that are compared."""
    fits = len(rows.comparison.drop_duplicates(["geo_level", "geo", "target"]))
    found = rows.comparison[rows.comparison["verdict"] == verdict]["channel"].value_counts()
    order = sorted(found.items(), key=lambda pair: (-pair[1], str(pair[0])))
    named = ", ".join(f"{channel} ({number} of {fits})" for channel, number in order[:6])
    more = f" and {len(order) - 6} more" if len(order) > 6 else ""
    begin, nothing = _SAID[verdict]
    return f"{begin} {named}{more}." if order else nothing


_SAID = {
    "clicks_overstate": ("Clicks overstate", "Clicks overstate no channel that the model is sure of."),
    "clicks_understate": ("Clicks understate", "Clicks understate no channel that the model is sure of."),
    "not_trusted": ("The model is not sure of", "The model is sure of every channel."),
}


def _place(place: str, group: Sequence[Case], colors: Mapping[str, str], pictures: Pictures) -> str:
    said = " ".join(f"<span>{escape(case.title.lower())} {badge(case.run['status'])}</span>" for case in group)
    body = "\n".join(case_section(case, colors, pictures.get(anchor(case), {})) for case in group)
    return f'<details class="geo"><summary><b>{escape(place)}</b> {said}</summary>\n{body}\n</details>'
