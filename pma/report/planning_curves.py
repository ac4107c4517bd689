"""What the pictures of a plan are drawn from: a cell's response by money, and the probability of a goal by budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from pma.report.planning_rows import PlanRows, records

# bl.budget_frontier says with which probability more than so much is reached.
_REACHED = {
    "reached_p05": 0.95,
    "reached_with_90": 0.9,
    "reached_with_80": 0.8,
    "reached_p50": 0.5,
    "reached_p95": 0.05,
}
_STEPS = 81


@dataclass(frozen=True)
class Curve:
    """What a cell brings a week in the plan's objective by money a week, with today's and the plan's money.

    rows: spend, mean, low, high.
    """

    country: str
    channel: str
    rows: pd.DataFrame
    today: float
    planned: float

    def at(self, spend: float) -> float:
        """What so much money brings; beyond the curve, what its end brings."""
        return float(np.interp(spend, self.rows["spend"], self.rows["mean"]))


def largest_curves(rows: PlanRows, metric: str, number: int) -> list[Curve]:
    """Return the curves of the cells with most money, today's and the plan's together; those without a fit are none.

    Money of all months is taken by the week.
    """
    sums = rows.budget.groupby(["country", "channel"])[["current_spend", "planned_spend"]].sum().reset_index()
    order = (-sums["current_spend"] - sums["planned_spend"]).sort_values(kind="stable").index
    weeks = rows.days / 7
    found: list[Curve] = []
    for one in records(sums.loc[order]):
        curve = response(rows, str(one["country"]), str(one["channel"]), metric)
        if len(curve) and len(found) < number:
            now, planned = (float(one[name]) / weeks for name in ("current_spend", "planned_spend"))
            found.append(Curve(str(one["country"]), str(one["channel"]), curve, now, planned))
    return found


def response(rows: PlanRows, country: str, channel: str, metric: str) -> pd.DataFrame:
    """Return spend, mean, low, high of a cell in the plan's objective.

    The means are those of bl.mmm_response_curves of order value and uploads, an upload at its mean worth in all
    destinations (bl.upload_bridge): as the plan weighs them. The range takes both fits as independent, and leaves out
    how uncertain an upload's worth is: it is of a picture, not of the plan.
    """
    own = rows.curves[(rows.curves["geo"] == country) & (rows.curves["channel"] == channel)]
    worth = _worth(rows.bridge, country, metric)
    parts = [(own[own["target"] == target].sort_values("spend"), by) for target, by in worth.items()]
    parts = [(part, by) for part, by in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=["spend", "mean", "low", "high"])
    spend = np.unique(np.concatenate([part["spend"].to_numpy(dtype=float) for part, _ in parts]))
    # Beyond the end of one of the curves there is no sum.
    spend = spend[spend <= min(float(part["spend"].max()) for part, _ in parts)]

    def at(part: pd.DataFrame, name: str) -> np.ndarray:
        return np.interp(spend, part["spend"].to_numpy(dtype=float), part[name].to_numpy(dtype=float))

    means = np.sum([by * at(part, "mean") for part, by in parts], axis=0)
    below, above = (
        np.sqrt(np.sum([(by * (at(part, "mean") - at(part, end))) ** 2 for part, by in parts], axis=0))
        for end in ("p05", "p95")
    )
    return pd.DataFrame({"spend": spend, "mean": means, "low": np.maximum(means - below, 0.0), "high": means + above})


def _worth(bridge: pd.DataFrame, country: str, metric: str) -> dict[str, float]:
    """What a unit of each target is worth in the objective."""
    if metric == "uploads":
        return {"uploads": 1.0}
    if metric == "margin":
        # No table has the shares of value that are left.
        return {}
    from_here = bridge[bridge["origin_country"] == country]
    upload = float(from_here["gmv_per_upload" if metric == "gmv" else "orders_per_upload"].sum())
    if metric == "gmv":
        return {"gmv": 1.0, "uploads": upload}
    to_here = bridge[bridge["destination_country"] == country]
    value = (
        float(np.average(to_here["value_per_order"], weights=np.maximum(to_here["orders"], 1))) if len(to_here) else 0
    )
    return {"gmv": 1.0 / value if value > 0 else 0.0, "uploads": upload}


def frontier_of(rows: PlanRows, metric: str, country: str) -> pd.DataFrame:
    """Return the budgets of a metric and country, the smallest first."""
    own = rows.frontier[(rows.frontier["metric"] == metric) & (rows.frontier["country"] == country)]
    return own.sort_values("budget", ignore_index=True)


def hit(frontier: pd.DataFrame, goal: float) -> tuple[np.ndarray, np.ndarray]:
    """Return budgets and the probability to reach a goal with each, from the quantiles of what budgets reach.

    Between budgets quantiles are interpolated linearly; between quantiles, and beyond them, deviations of a normal are:
    exact where what is reached is normal, and true to the quantiles where it is not.
    """
    budgets = np.linspace(float(frontier["budget"].min()), float(frontier["budget"].max()), _STEPS)
    known = frontier["budget"].to_numpy(dtype=float)
    deviations = ndtri(np.array(list(_REACHED.values())))
    reached = np.stack([np.interp(budgets, known, frontier[name].to_numpy(dtype=float)) for name in _REACHED])
    return budgets, np.array([_beyond(values, deviations, goal) for values in reached.T])


def _beyond(values: np.ndarray, deviations: np.ndarray, goal: float) -> float:
    """The probability of more than `goal`; `values` rise as `deviations` fall."""
    kept = np.concatenate([[True], np.diff(values) > 0])
    values, deviations = values[kept], deviations[kept]
    if len(values) < 2:
        return float(goal <= values[0])
    place = int(np.clip(np.searchsorted(values, goal), 1, len(values) - 1))
    slope = (deviations[place] - deviations[place - 1]) / (values[place] - values[place - 1])
    return float(ndtr(deviations[place] + slope * (goal - values[place])))
