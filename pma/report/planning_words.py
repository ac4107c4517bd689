"""How the page of a plan says things: its sum, what it brings, how sure that is, and why a budget is what it is."""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pma.report.mmm_words import digits
from pma.report.numbers import NOTHING, count, money

READING = (
    "Today is what a month costs if every day costs what a day of the last weeks did. Money is planned to the cent; "
    "what it brings is an estimate, rounded to three digits, with all that ads bring after the month.",
    "A range holds the truth with a probability of 90 %, if the model of the media mix is right. Differences are taken "
    "draw by draw: what is uncertain in both plans drops out of them.",
    "Right with: the probability that a move brings more, or loses less, than that money does elsewhere in the plan.",
    "Expect less than is promised: of many uncertain splits the best looks better than it is (the optimizer's curse, "
    "Smith and Winkler, 2006). Move in steps, and look at what came (bl.plan_actuals).",
    "One more brings: what the next unit of money would add there. Where no limit holds, it is about the same "
    "everywhere; where one does, the plan would go on.",
    "Beyond what was seen: more money than any week has had there. The curve is a guess, so go there step by step.",
    "The gap is proved, not estimated: it is the distance to a bound that no split within the limits can pass.",
    "The same numbers in SQL: bl.budget_plans, bl.budget_plan, bl.scenarios, bl.targets, bl.budget_frontier, "
    "bl.desired_uploads and bl.campaign_plan.",
)
# The sum of a month holds wherever money is worth having: it is named where nothing else holds.
_BUDGET = re.compile(r"(^|, )budget of \d{4}-\d{2}(?=$|, )")
# What is counted beside the plan's objective.
METRICS = ("gmv", "orders", "uploads")
_TITLES = {"gmv": "order value", "roas": "return on ad spend"}


@dataclass(frozen=True)
class Unit:
    """How a metric is spoken of: gmv and margin are money, orders and uploads are counted, roas is a ratio."""

    metric: str
    currency: str

    @property
    def is_money(self) -> bool:
        """Whether it is counted in money."""
        return self.metric in ("gmv", "margin")

    @property
    def title(self) -> str:
        """What it is called."""
        return _TITLES.get(self.metric, self.metric)

    @property
    def head(self) -> str:
        """The same at the head of a column."""
        return f"{self.title[0].upper()}{self.title[1:]}"

    @property
    def name(self) -> str:
        """What follows its number."""
        of_money = f"{self.currency} of {self.title}" if self.is_money else self.title
        return "" if self.metric == "roas" else of_money

    @property
    def short(self) -> str:
        """The same in a word."""
        counted = self.currency if self.is_money else self.title
        return "" if self.metric == "roas" else counted

    def amount(self, value: float) -> str:
        """An estimate of it."""
        return digits(value) if self.metric == "roas" else about(value)

    def next(self, value: float) -> str:
        """What one unit of money more brings: per unit of money, or per 1,000 where things are counted."""
        return f"{digits(value if self.is_money else 1000 * value)}"

    @property
    def next_said(self) -> str:
        """The same in a sentence."""
        return f"one more {self.currency} brings" if self.is_money else f"1,000 {self.currency} more bring"

    @property
    def next_title(self) -> str:
        """What the number of `next` is, as the head of a column."""
        return self.next_said[0].upper() + self.next_said[1:]


def about(value: float) -> str:
    """Return an estimate with the three digits that it has, 1,850,000."""
    if math.isnan(value) or value == 0:
        return NOTHING if math.isnan(value) else "0"
    rounded = round(value, 2 - math.floor(math.log10(abs(value))))
    return count(rounded) if abs(rounded) < 100 else money(rounded)


def signed(text: str, value: float) -> str:
    """Return the text of a number with its sign before it, +12,345."""
    return f"+{text}" if value > 0 and text not in ("0", "0.0", NOTHING) else text


def more(value: float, digits_after: int = 0) -> str:
    """Return a change of money with its sign, to the unit: +12,345."""
    return signed(money(value, digits_after), value)


def span(row: Mapping[str, Any], name: str, unit: Unit) -> str:
    """Return an interval of a column, `1,670,000 to 2,030,000`."""
    return f"{unit.amount(row[f'{name}_p05'])} to {unit.amount(row[f'{name}_p95'])}"


def signed_span(row: Mapping[str, Any], name: str, unit: Unit) -> str:
    """Return the same of a difference, its ends with their signs."""
    low, high = (signed(unit.amount(row[f"{name}_{end}"]), row[f"{name}_{end}"]) for end in ("p05", "p95"))
    return f"{low} to {high}"


def chance(value: float) -> str:
    """Return a probability of draws: so many hundred of them tell no 100 %."""
    if math.isnan(value):
        return NOTHING
    return "over 99 %" if value > 0.99 else "under 1 %" if value < 0.01 else f"{100 * value:.0f} %"


def month_name(months: Sequence[date]) -> str:
    """Return December 2026, or December 2026 to February 2027."""
    names = [f"{month:%B} {month.year}" for month in (months[0], months[-1])]
    return names[0] if names[0] == names[1] else " to ".join(names)


def day_name(day: date) -> str:
    """Return 7 December."""
    return f"{day.day} {day:%B}"


def days_name(first: date, last: date) -> str:
    """Return 7 to 13 Dec., or 28 Dec. to 3 Jan."""
    end = f"{last.day} {last:%b}"
    if first == last:
        return end
    return f"{first.day} to {end}" if first.month == last.month else f"{first.day} {first:%b} to {end}"


def opening(whole: Mapping[str, Any], months: Sequence[date], unit: Unit) -> list[str]:
    """Return what a plan is, in three sentences: its money, what it brings, its proof."""
    currency, change = unit.currency, whole["planned_spend"] - whole["current_spend"]
    against = (
        "as much as today costs"
        if abs(change) < 0.005 * max(whole["current_spend"], 1.0)
        else f"{money(abs(change))} {currency} {'more' if change > 0 else 'less'} than today costs"
    )
    better = "more" if whole["gain"] >= 0 else "less"
    less = f", counting the worst {100 * whole['risk']:.0f} % of cases alone" if whole["risk"] < 1 else ""
    rank, wide = float(whole["quantile"] or math.nan), ""
    if not math.isnan(rank):
        less = f" in all but the worst {100 * rank:.0f} % of cases"
        wide = "; what can be proved of a quantile is wide, and the plan may be much nearer"
    return [
        f"{money(whole['planned_spend'], 2)} {currency} for {month_name(months)}, {against}, split over countries and "
        f"channels so that it brings the most {unit.title}{less}.",
        f"It brings about {unit.amount(whole['response'])} {unit.name} ({span(whole, 'response', unit)}): "
        f"{unit.amount(abs(whole['gain']))} {better} than today's split ({signed_span(whole, 'gain', unit)}). "
        f"The probability that it is better than today's is {chance(whole['p_better'])}.",
        f"{proof(float(whole['gap']))}{wide}.",
    ]


def proof(value: float) -> str:
    """Say how near to the best a plan is, by its gap: a share of the best at most, which all of it or more says not."""
    if value >= 1:
        return "How near the plan is to the best split within the limits is not proved"
    return f"It is proved that the plan is within {gap(value)} of the best split within the limits"


def gap(value: float) -> str:
    """Return a gap in percent, with the digits that it has."""
    return f"{100 * value:.2f} %"


def why(row: Mapping[str, Any], free: float = math.nan) -> str:
    """Say what holds a budget: a limit by its name, or nothing but the sum of all.

    `free`: what one more unit of money brings where no limit holds: a limit holds back where it brings more than that,
    and holds up where it brings less.
    """
    said = row["binding_constraint"]
    if said is None or (isinstance(said, float) and math.isnan(said)):
        return FREE
    limits = _BUDGET.sub("", str(said))
    if not limits:
        return SHARES
    would = "" if math.isnan(free) else f"; would {'take more' if row['marginal_return'] > free else 'give more away'}"
    return f"{limits}{would}"


def free_return(budget: Sequence[Mapping[str, Any]]) -> float:
    """Return what one more unit of money brings where no limit holds, the median; NaN where one holds everywhere."""
    found = [float(row["marginal_return"]) for row in budget if why(row) in (FREE, SHARES)]
    return statistics.median(found) if found else math.nan


def held(budget: Sequence[Mapping[str, Any]], unit: Unit) -> list[str]:
    """Say how many budgets each limit holds, the most frequent first."""
    free = free_return(budget)
    found = Counter(why(row) for row in budget)
    said = []
    for name, number in sorted(found.items(), key=lambda pair: (-pair[1], pair[0])):
        are = f"{number} {'budget is' if number == 1 else 'budgets are'}"
        if name == SHARES:
            said.append(f"{are} free to move: in each, {unit.next_said} about {unit.next(free)} {unit.short}")
        else:
            said.append(f"{are} held by nothing" if name == FREE else f"{are} held by “{name}”")
    return said


FREE, SHARES = "nothing", "shares the budget"
