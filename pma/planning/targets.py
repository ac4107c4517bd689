"""What it takes to reach a goal: the least money, where it goes, how surely; or the most that can be reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pma.planning.anyway import Anyway, with_probability
from pma.planning.budget import Plan
from pma.planning.limits import Limits
from pma.planning.metrics import counted_worth
from pma.planning.outcome import interval
from pma.planning.response import Responses
from pma.planning.scenarios import Told
from pma.planning.settings import PlanSettings, SearchSettings, Target
from pma.planning.tables import ALL
from pma.planning.totals import (
    Found,
    best_of_total,
    ends,
    free_limits,
    least_money,
    month_limits,
    month_responses,
    search_total,
)

# A return needs money: a share of the most, where the limits would have none.
_SOME = 0.01


@dataclass(frozen=True)
class Goal:
    """A target, the responses to money where it counts, and what comes there anyway.

    made: parts that count alone, worth the metric, within the days that count; of a return all that money brings, also
    later. at: where money counts, (C, M). month: its number; None: all. anyway: None for a return.
    """

    target: Target
    made: Responses
    at: np.ndarray
    month: int | None
    anyway: Anyway | None

    def of_money(self, money: np.ndarray) -> np.ndarray:
        """Return what is reached with the money of all cells and months, (C, M); equally likely outcomes, (D, O)."""
        if self.anyway is not None:
            return self.anyway.reached(self.made.objective(money), self.target.country, self.month)
        made, own = self.made, money
        if self.month is not None:
            made, own = month_responses(made, self.month, money), money[:, [self.month]]
        found: np.ndarray = made.objective(own)[:, None] / max(float(money[self.at].sum()), 1e-12)
        return found


@dataclass(frozen=True)
class Reached:
    """A target and the least money that reaches it.

    money: (C, M); outcomes: of it, (D, O). free: what the plan keeps to, less budgets.
    """

    goal: Goal
    found: Found
    money: np.ndarray
    outcomes: np.ndarray
    free: Limits

    @property
    def p_hit(self) -> float:
        """The share of outcomes that reach the goal."""
        return float(np.mean(self.outcomes >= self.goal.target.goal))


def goal_of(target: Target, responses: Responses, worth: Mapping[str, np.ndarray], comes: Mapping[str, Anyway]) -> Goal:
    """Return a target as it is counted; `worth`: by metric, of a unit of each part, (P, D); `comes`: by metric.

    Value, orders and uploads are what the months will count, a return is of all that their money brings, also later.
    Raises ValueError where the target names a country or month that the plan does not have.
    """
    metric = "gmv" if target.metric == "roas" else target.metric
    months = [f"{month:%Y-%m}" for month in responses.horizon.months]
    if target.month is not None and target.month not in months:
        raise ValueError(f"target {target.name!r} is of {target.month}; the plan is of {', '.join(months)}")
    is_return = target.metric == "roas"
    own = worth[metric] if is_return else counted_worth(responses, metric, worth[metric])
    counts = own.any(axis=1)
    if target.country is not None:
        counts = counts & (responses.part["country"] == target.country).to_numpy()
    if not counts.any():
        known = ", ".join(sorted(set(responses.part.loc[own.any(axis=1), "country"])))
        raise ValueError(
            f"target {target.name!r} is of {target.country or ALL}, of whose {metric} the plan has no fit: {known}"
        )
    made = replace(responses, worth=own).of_parts(counts)
    of_cell = np.isin(np.arange(len(responses.cells)), made.part["cell"])
    if is_return:
        of_cell = (responses.cells["country"] == target.country).to_numpy() | (target.country is None)
    month = None if target.month is None else months.index(target.month)
    at = of_cell[:, None] & np.array([month in (None, m) for m in range(len(months))])
    if is_return:
        return Goal(target, made, at, month, None)
    return Goal(target, made.within(month), at, month, comes[metric])


def reach(goal: Goal, current: np.ndarray, settings: PlanSettings, search: SearchSettings) -> Reached:
    """Return the least money of all cells and months together that reaches a goal.

    Money moves where the goal is, in cells and in time: what it brings after the goal's months does not help a goal
    that they are to count. Elsewhere it is what limits, most changes from today among them, ask for at the least. A
    plan of each total makes most of the mean of what the goal counts; whether that is enough is told by its outcomes,
    at the probability asked for: p_hit of the plan is exact for these outcomes, but for high probabilities another
    split of slightly less money might do as well. A return is a floor: the most money that keeps it. Where nothing is
    enough, the plan that reaches most.
    """
    step = float(settings.round_to)
    free = free_limits(goal.made.cells, goal.made.horizon.months, current, settings)
    made, keeps, at, money = goal.made, free, goal.at, current.copy()
    months = slice(None) if goal.month is None else slice(goal.month, goal.month + 1)
    if goal.month is not None:
        money = least_money(free, step)
        made, keeps = month_responses(made, goal.month, money), month_limits(free, goal.month, money)
        current, at = current[:, months], at[:, months]

    def whole(plan: Plan) -> np.ndarray:
        filled = money.copy()
        filled[:, months] = plan.money
        return filled

    least, most = ends(keeps, at, step)
    is_return = goal.anyway is None
    if is_return:
        least = max(least, float(np.ceil(_SOME * most / step) * step))
    found = search_total(
        best_of_total(made, keeps, current, settings, search),
        lambda plan: with_probability(goal.of_money(whole(plan)), goal.target.probability),
        goal.target.goal,
        least,
        most,
        step,
        wants_more=is_return,
    )
    return Reached(goal, found, whole(found.plan), goal.of_money(whole(found.plan)), free)


def target_rows(reached: Sequence[Reached], responses: Responses, plan: Plan, current: np.ndarray) -> pd.DataFrame:
    """Return rows of bl.targets less plan_id, data_origin and run_id; one per target. `current`: today's, (C, M)."""
    rows: list[dict[str, Any]] = []
    for one in reached:
        target = one.goal.target
        planned, today = (float(np.mean(one.goal.of_money(money) >= target.goal)) for money in (plan.money, current))
        row = {
            "target": target.name,
            "metric": target.metric,
            "country": target.country or ALL,
            "month": None if one.goal.month is None else responses.horizon.months[one.goal.month],
            "goal": target.goal,
            "probability": target.probability,
            "is_reachable": one.found.is_enough,
            "most": one.found.most,
            "spend": float(one.money.sum()),
            "spend_change": float(one.money.sum() - plan.money.sum()),
            **interval("reached", one.outcomes),
            "p_hit": one.p_hit,
            "p_hit_plan": planned,
            "p_hit_today": today,
        }
        rows.append({**row, "message": message(row, one)})
    return pd.DataFrame(rows)


def told(reached: Reached, responses: Responses, plan: Plan, worth: Mapping[str, np.ndarray]) -> Told:
    """Return the plan of a target as a scenario, in the plan's own objective."""
    steps = np.round(reached.money / plan.step).astype(np.int64)
    own = replace(plan, steps=steps, worth=responses.objective(reached.money))
    return Told(f"target: {reached.goal.target.name}", own, responses, worth)


def message(row: Mapping[str, Any], reached: Reached) -> str:
    """Return a row of bl.targets in words."""
    target, is_return = reached.goal.target, reached.goal.anyway is None
    digits = 2 if is_return else 0
    of = f"a return of {target.goal:,.2f}" if is_return else f"{target.goal:,.0f} {_NAMES[target.metric]}"
    where = f"in {target.country or 'all countries of the plan'}" + (f" in {target.month}" if target.month else "")
    change = row["spend_change"]
    against = f"{abs(change):,.0f} {'more' if change > 0 else 'less'} than the plan"
    if not reached.goal.at.all():
        there = float(reached.money[reached.goal.at].sum())
        against = f"{there:,.0f} of it there and the rest at the least that limits allow, {against} in all"
    surely = f"a probability of {target.probability:.0%}"
    chances = f"The plan does with {row['p_hit_plan']:.0%}, today's money with {row['p_hit_today']:.0%}."
    if not row["is_reachable"]:
        said = (
            f"{of} {where} cannot be reached with {surely}: the most is {row['most']:,.{digits}f}, for "
            f"{row['spend']:,.0f}, {against}; the goal then has {row['p_hit']:.0%}. {_stops(reached)}{chances}"
        )
    elif is_return:
        said = f"{of} {where} is kept with {surely} up to {row['spend']:,.0f}, {against}. {chances}"
    else:
        said = f"{of} {where} take {row['spend']:,.0f} at the least, {against}, for {surely}. {chances}"
    return f"{said} It is of all that the money brings, also later, sales of uploads in it." if is_return else said


_NAMES = {"gmv": "of value", "orders": "orders", "uploads": "uploads"}


def _stops(reached: Reached) -> str:
    """The limits that keep cells of a goal from more money, in words."""
    at, free = reached.goal.at, reached.free
    is_full = at & (reached.money >= free.high - 1e-6 * max(float(reached.money.max()), 1.0))
    names, counts = np.unique(free.why_high[is_full].astype(str), return_counts=True)
    spent = free.rows @ reached.money.ravel()
    sums = [free.names[r] for r in np.flatnonzero(np.isfinite(free.most) & (spent >= free.most * (1 - 1e-6)))]
    parts = [
        f"'{name}' holds {f'all {count} of its' if count == at.sum() else f'{count} of its {at.sum()}'} amounts"
        for name, count in zip(names, counts, strict=True)
    ]
    parts += [f"'{name}' is full" for name in sums]
    return f"{', '.join(parts)}. " if parts else ""
