"""A page that needs nothing but itself: readable on a phone, printable, without scripts and without other files."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from html import escape

from pma.report.numbers import signed_percent

STYLE = """
:root { --ink: #1c2430; --soft: #5b6675; --line: #dde2e8; --good: #1a7f37; --bad: #b42318; }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: var(--ink); background: #fff;
  max-width: 1180px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.6em; margin: 0 0 .2em; } h2 { font-size: 1.2em; margin: 1.8em 0 .5em; } h3 { margin: 1.2em 0 .3em; }
p, ul, dl { margin: .4em 0; } ul { padding-left: 1.2em; } .soft, small { color: var(--soft); }
.origin { border: 2px solid #b54708; background: #fff6ed; border-radius: 6px; padding: 8px 12px; margin: 10px 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(145px, 1fr)); gap: 10px; }
.card { border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; }
.card b { display: block; font-size: 1.35em; } .card small { display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9em; }
caption { text-align: left; color: var(--soft); padding: .3em 0; }
th, td { padding: 4px 8px; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; }
td small { display: block; white-space: nowrap; } th { white-space: nowrap; }
thead th { border-bottom: 2px solid var(--soft); } thead .over { text-align: center; }
th:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
tr.group > * { font-weight: 600; background: #f5f7f9; }
tr.within th:first-child { padding-left: 20px; font-weight: 400; }
tbody th small { display: block; font-weight: 400; white-space: normal; min-width: 150px; }
.good { color: var(--good); } .bad { color: var(--bad); }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 12px; }
.pictures figure { margin: 0; } .pictures img { width: 100%; height: auto; } .pictures .wide { grid-column: 1 / -1; }
.pictures.small { grid-template-columns: repeat(auto-fill, minmax(min(210px, 45%), 1fr)); }
.pictures.scroll { display: block; margin-top: 12px; } .pictures.scroll img { min-width: 640px; max-width: 1000px; }
.badge { border-radius: 4px; padding: 0 6px; font-size: .85em; white-space: nowrap; }
.badge.ok { background: #dff3e4; color: #14532d; } .badge.flagged { background: #fdecc8; color: #7a4100; }
.badge.failed { background: #fbd9d6; color: #7a1410; } .badge.not_ready { background: #e3e7ec; color: #39424e; }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 6px; }
a { color: inherit; } .left td, .left th { text-align: left; } td.status a { text-decoration: none; }
tr.faded td, td.not_trusted { color: #8a94a2; } td.main { font-weight: 600; } td.main small { font-weight: 400; }
.verdict.clicks_overstate { background: #fde7e4; } .verdict.clicks_understate { background: #e0eefd; }
.legend span { padding: 1px 8px; border-radius: 4px; white-space: nowrap; }
td.bar { width: 30%; min-width: 90px; } td.bar i { display: block; height: 10px; background: #8a94a2; margin-top: 5px; }
details.geo { border: 1px solid var(--line); border-radius: 6px; margin: 8px 0; padding: 0 12px; }
details.geo[open] { padding-bottom: 12px; }
summary { cursor: pointer; padding: 8px 0; } summary span { margin-left: 12px; white-space: nowrap; }
section.case + section.case { border-top: 2px solid var(--line); margin-top: 24px; } h4 { margin: 1.2em 0 .3em; }
ul.said li { margin: .3em 0; }
td.lane { width: 32%; min-width: 120px; } td.lane div { position: relative; height: 16px; margin: 1px 7px 0; }
td.lane i { position: absolute; top: 50%; }
td.lane .base { left: 0; height: 8px; margin-top: -4px; background: #e9edf2; }
td.lane .way { height: 4px; margin-top: -2px; border-radius: 2px; background: #c3ccd6; }
td.lane .way.up { background: #7fb0f7; } td.lane .way.down { background: #f0a57f; }
td.lane .pin { width: 12px; height: 12px; margin: -6px 0 0 -6px; border-radius: 50%; border: 2px solid #fff; }
td.lane .pin.now { background: #fff; border-color: #5b6675; width: 11px; height: 11px; margin: -5.5px 0 0 -5.5px; }
td.lane .pin.plan, td.lane .pin.up { background: #1f6feb; } td.lane .pin.down { background: #d9480f; }
td.lane .pin.even { background: #5b6675; }
td.lane .zero { width: 1px; height: 26px; margin-top: -13px; background: #8a94a2; }
.sides { display: grid; gap: 8px 28px; } .why th:last-child { text-align: left; }
@media (min-width: 900px) { .sides { grid-template-columns: minmax(0, 9fr) minmax(0, 12fr); } }
td.left { text-align: left; min-width: 180px; } caption span { position: sticky; left: 0; display: inline-block;
  max-width: calc(100vw - 40px); } b.new { color: #b42318; } td.up { color: #1a56c4; } td.down { color: #b8400e; }
td.up small, td.down small { color: var(--soft); }
@media (max-width: 600px) { tbody th { white-space: normal; overflow-wrap: anywhere; max-width: 132px; } }
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  body { font-size: 10.5px; max-width: none; padding: 0; }
  .scroll { overflow: visible; } th:first-child { position: static; } h2, h3 { break-after: avoid; }
  tr, .card, figure { break-inside: avoid; }
  .origin, tr.group > *, .badge, .dot, .verdict, td { print-color-adjust: exact; }
  .pictures.scroll img { min-width: 0; max-width: 720px; }
}
"""


def page(title: str, *body: str) -> str:
    """Return the whole document."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}<title>{escape(title)}</title>\n'
        f"<style>{STYLE}</style></head>\n<body>\n{chr(10).join(body)}\n</body>\n</html>\n"
    )


def section(title: str, *body: str) -> str:
    """Return a part of the page under its heading."""
    return f"<section>\n<h2>{escape(title)}</h2>\n{chr(10).join(body)}\n</section>"


def items(texts: Sequence[str]) -> str:
    """Return a list of plain texts."""
    return f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</ul>"


def table(caption: str, head: Sequence[str], rows: Sequence[str], over: Sequence[tuple[str, int]] = ()) -> str:
    """Return a table that scrolls sideways where it is too wide; `over` are headings over so many columns each."""
    above = "".join(f'<th class="over" colspan="{width}" scope="colgroup">{escape(text)}</th>' for text, width in over)
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    first = f"<tr>{above}</tr>" if over else ""
    return (
        f'<div class="scroll"><table><caption><span>{escape(caption)}</span></caption>\n'
        f"<thead>{first}<tr>{names}</tr></thead>\n"
        f"<tbody>\n{chr(10).join(rows)}\n</tbody></table></div>"
    )


def row(name: str, cells: Sequence[str], kind: str = "", below: str = "") -> str:
    """Return one row of a table; `kind` is group or within, `below` a second line under the name."""
    said = f' class="{kind}"' if kind else ""
    second = f"<small>{escape(below)}</small>" if below else ""
    return f'<tr{said}><th scope="row">{escape(name)}{second}</th>{"".join(cells)}</tr>'


def cell(text: str, changes: tuple[float, float] | None = None, better: int = 0) -> str:
    """Return one cell: a number and, where told, its changes against last week and last year below it."""
    second = change_line(changes, better) if changes else ""
    return f"<td>{escape(text)}{second}</td>"


def change_line(changes: tuple[float, float], better: int) -> str:
    """Say both changes, where there is one; `better` is 1 where more is good, -1 where less is, 0 where it depends."""
    if all(math.isnan(value) for value in changes):
        return ""
    week, year = (_change(value, better) for value in changes)
    return f"<small>{week}&nbsp;wk · {year}&nbsp;yr</small>"


def _change(value: float, better: int) -> str:
    text = signed_percent(value).replace(" ", "&nbsp;")
    if math.isnan(value) or not better or not round(value, 3):
        return text
    return f'<span class="{"good" if value * better > 0 else "bad"}">{text}</span>'


def card(name: str, text: str, changes: tuple[float, float] | None = None, better: int = 0, note: str = "") -> str:
    """Return one headline number."""
    below = change_line(changes, better) if changes else ""
    said = f"<small>{escape(note)}</small>" if note else ""
    return f'<div class="card">{escape(name)}<b>{escape(text)}</b>{below}{said}</div>'


def picture(title: str, svg: bytes, wide: bool = False) -> str:
    """Return a picture that is part of the page itself."""
    data = base64.b64encode(svg).decode()
    said = ' class="wide"' if wide else ""
    return f'<figure{said}><img alt="{escape(title)}" src="data:image/svg+xml;base64,{data}"></figure>'
