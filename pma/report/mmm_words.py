"""How the report of the media mix model names things and says numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pma.report.numbers import NOTHING, count, money

STATUS = {"ok": "ok", "flagged": "flagged", "failed": "failed", "not_ready": "not ready"}
KINDS = {
    "paid": "Paid media",
    "baseline": "Baseline",
    "trend": "Trend",
    "seasonality": "Season",
    "event": "Events",
    "organic": "Organic",
    "context": "Context",
    "interaction": "Interactions",
    "demand": "Demand that budgets follow",
}
VERDICTS = {
    "clicks_overstate": "clicks overstate",
    "clicks_understate": "clicks understate",
    "agree": "agree",
    "no_clicks": "no clicks to see",
    "not_trusted": "model not sure",
    "not_modelled": "not in the model",
}
SIGNS = {"clicks_overstate": "▲", "clicks_understate": "▼", "agree": "=", "no_clicks": "·", "not_trusted": "?"}
READING = (
    "The model explains a week's target by what was spent in it and before, the season, the trend, events and whatever "
    "else is in bl.mmm_input. It never sees a click: it asks what would have been missing without the spend.",
    "A return is what a channel brought over what it cost, on average over the weeks whose spend is known. The next "
    "1 % is what a little more spend would bring: budgets are moved by it, not by the average.",
    "A range holds the truth with a probability of 90 %, if the model is right. Numbers in grey are not to be trusted: "
    "the data do not say them, or cannot tell two channels apart. Test such a channel before you move its budget.",
    "Flagged: read the sentence before you use a number. Failed, not ready: there is no number.",
    "Clicks overstate a channel where attribution credits it with more than the model's range, and understate it where "
    "with less. Attribution shares out what clicks lead to; it knows no upload that would have come anyway.",
    "The ridge is a quick second model of another kind. Where its number lies far from the model's, trust neither "
    "before a test.",
    "The same numbers in SQL: bl.mmm_runs, bl.mmm_channel_summary, bl.mmm_contributions, bl.mmm_response_curves, "
    "bl.mmm_fit_weeks, bl.mmm_checks, bl.mmm_calibration and bl.roas_comparison.",
)


@dataclass(frozen=True)
class Facts:
    """What the rows do not say: the run that the page is of, and the currency of all money."""

    run: str
    currency: str


@dataclass(frozen=True)
class Words:
    """How a target is spoken of: a return is multiplied by `scale` and said `per`; `unit_of_week` is of the target."""

    title: str
    per: str
    scale: float
    unit_of_week: str
    is_money: bool

    def amount(self, value: float) -> str:
        """So much of the target."""
        return money(value) if self.is_money else count(value)

    def returned(self, value: float) -> str:
        """A return, its number alone."""
        return digits(value * self.scale)


def words_of(target: str, currency: str) -> Words:
    """Return how a target is spoken of."""
    if target == "uploads":
        return Words("Uploads", f"uploads per 1,000 {currency}", 1000.0, "uploads a week", False)
    if target == "gmv":
        return Words("Order value", f"{currency} of order value per {currency}", 1.0, f"{currency} a week", True)
    return Words(target, f"{target} per {currency}", 1.0, f"{target} a week", False)


def digits(value: float) -> str:
    """Return a number with about two digits that say something: 0.43, 4.3, 43, 1,234."""
    if math.isnan(value):
        return NOTHING
    size = abs(value)
    places = 0 if size >= 20 else 1 if size >= 2 else 2
    return f"{value:,.{places}f}".replace("-", "−")


def plain_name(text: str) -> str:
    """Return a text as a part of a link or of a file's name."""
    return "".join(letter if letter.isalnum() or letter == "_" else "-" for letter in text)


def share(value: float) -> str:
    """Return a share in whole percents."""
    return NOTHING if math.isnan(value) else f"{value * 100:.0f} %".replace("-0 ", "0 ").replace("-", "−")


def share_span(ends: tuple[float, float]) -> str:
    """Return two shares as a range, 20 to 50 %."""
    return " to ".join(share(end) for end in ends).replace(" %", "", 1)


def attribution_name(model: str) -> str:
    """Return what an attribution model is called: last_click is Last click."""
    return {"u_shape": "U-shape"}.get(model, model.replace("_", " ").capitalize())


def reasons(rows: Sequence[Mapping[str, object]]) -> dict[str, list[str]]:
    """Return channels that are not to be trusted by the reason that they share; `rows` have channel and reason."""
    found: dict[str, list[str]] = {}
    for row in rows:
        channel, reason = str(row["channel"]), str(row["reason"])
        found.setdefault(reason.removeprefix(f"{channel}: "), []).append(channel)
    return found
