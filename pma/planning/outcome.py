"""What a plan says of each country, channel and month, and of the whole: money, what it brings, and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pma.planning.budget import Plan
from pma.planning.limits import Limits
from pma.planning.response import CURRENT_WEEKS, Responses

ENDS = (5, 50, 95)
_NEAR = 1e-6
# A slope is taken over so much of all money to both sides.
_APART = 0.01


def plan_rows(responses: Responses, limits: Limits, plan: Plan, current: np.ndarray, seen: np.ndarray) -> pd.DataFrame:
    """Return rows of bl.budget_plan less plan_id, data_origin and run_id; one per month, country and channel.

    `current`: money of today, `seen`: the most that weeks have seen, (C, M) both. A cell's response in a month is what
    its money of that month adds to that of the months before, so that the months of a cell add up; intervals are over
    draws. `p_better`: in so many draws a cell's move brings more, or loses less, than that money at the plan's going
    rate, what one percent of the whole plan's money brings; null where nothing moves. Of several months a later one's
    is told as the earlier ones' moves leave it.
    """
    planned, today = (added(responses, money, responses.worth) for money in (plan.money, current))
    elsewhere = _going_rate(responses, plan.money)
    rows: list[dict[str, Any]] = []
    for m, month in enumerate(responses.horizon.months):
        for c, (country, channel) in enumerate(responses.cells.itertuples(index=False, name=None)):
            gained, moved = planned[:, c, m] - today[:, c, m], float(plan.money[c, m] - current[c, m])
            rows.append(
                {
                    "month": month,
                    "country": country,
                    "channel": channel,
                    "current_spend": float(current[c, m]),
                    "planned_spend": float(plan.money[c, m]),
                    **interval("response", planned[:, c, m]),
                    "current_response": float(today[:, c, m].mean()),
                    **interval("gain", gained),
                    "p_better": float(np.mean(gained > moved * elsewhere)) if abs(moved) > plan.step else None,
                    "marginal_return": float(plan.slope[c, m]),
                    "binding_constraint": binding(limits, plan, c, m),
                    "most_seen": float(seen[c, m]),
                    "is_seen": bool(plan.money[c, m] <= seen[c, m] + plan.step),
                }
            )
    return pd.DataFrame(rows)


def _going_rate(responses: Responses, money: np.ndarray) -> np.ndarray:
    """What one unit more brings, spread over the plan as its money is; (D,)."""
    less, more = (responses.objective(money * times) for times in (1 - _APART, 1 + _APART))
    found: np.ndarray = (more - less) / max(2 * _APART * float(money.sum()), 1e-12)
    return found


def whole_row(responses: Responses, plan: Plan, current: np.ndarray) -> dict[str, Any]:
    """Return what is said of a plan as a whole; a row of bl.budget_plans less its names."""
    today = responses.objective(current)
    gained = plan.worth - today
    return {
        "current_spend": float(current.sum()),
        "planned_spend": float(plan.money.sum()),
        **interval("response", plan.worth),
        "current_response": float(today.mean()),
        **interval("gain", gained),
        "p_better": float(np.mean(gained > 0)),
        "value": plan.value,
        "most": plan.most,
        "gap": plan.gap,
    }


def binding(limits: Limits, plan: Plan, c: int, m: int) -> str | None:
    """Return the names of limits that keep a cell from more or less money; None: it may move both ways but for sums."""
    money, near = plan.money[c, m], plan.step + _NEAR * max(plan.money.max(), 1.0)
    if limits.high[c, m] - limits.low[c, m] <= near and limits.why_low[c, m]:
        return str(limits.why_low[c, m])
    if money <= limits.low[c, m] + near and limits.why_low[c, m]:
        return str(limits.why_low[c, m])
    if money >= limits.high[c, m] - near:
        return str(limits.why_high[c, m])
    place = c * plan.money.shape[1] + m
    rows = limits.rows[:, [place]].toarray()[:, 0] > 0
    # A unit of a small currency brings next to nothing of an order: a price counts beside what money brings at most.
    least = _NEAR * float(np.abs(plan.slope).max())
    names = [name for r, name in enumerate(limits.names) if rows[r] and abs(plan.prices[r]) > least]
    return ", ".join(names) or None


def uploads_rows(responses: Responses, plan: Plan, unpaid: pd.DataFrame, bridge: pd.DataFrame) -> pd.DataFrame:
    """Return rows of bl.desired_uploads less plan_id, data_origin and run_id; one per month and country.

    `unpaid`: country x week_start with `value`: uploads that come without paid media; those of a country's last weeks
    go on. Raises ValueError where a country with a fit of uploads has none of them.
    """
    is_uploads = (responses.part["target"] == "uploads").to_numpy()[:, None]
    paid = added(responses, plan.money, np.broadcast_to(is_uploads, responses.worth.shape).astype(float))
    if not is_uploads.any():
        return pd.DataFrame(columns=["month", "country"])
    if unpaid.empty:
        raise ValueError("bl.mmm_contributions has no uploads that come without paid media. Run fit_mmm")
    recent = unpaid.sort_values("week_start").groupby("country").tail(CURRENT_WEEKS)
    anyway = recent.groupby("country")["value"].mean().to_dict()
    becomes = {
        origin: dict(zip(own["destination_country"], own["gmv_per_upload"], strict=True))
        for origin, own in bridge.groupby("origin_country")
    }
    countries = sorted(set(responses.part.loc[is_uploads[:, 0], "country"]))
    missing = [country for country in countries if country not in anyway]
    if missing:
        raise ValueError(
            f"bl.mmm_contributions has no uploads that come without paid media of {', '.join(missing)}, though "
            "bl.mmm_posterior has its fit: they are of different runs. Run fit_mmm"
        )
    rows: list[dict[str, Any]] = []
    for m, month in enumerate(responses.horizon.months):
        for country in countries:
            of_country = (responses.cells["country"] == country).to_numpy()
            brought = paid[:, of_country, m].sum(axis=1)
            come = float(anyway[country]) * pd.Timestamp(month).days_in_month / 7
            total = come + float(brought.mean())
            rows.append(
                {
                    "month": month,
                    "country": country,
                    "uploads": total,
                    "uploads_anyway": come,
                    **interval("uploads_paid", brought),
                    "gmv_by_destination": {to: total * float(one) for to, one in becomes.get(country, {}).items()},
                }
            )
    return pd.DataFrame(rows)


def added(responses: Responses, money: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Return the worth that each month's money adds to that of the months before, by draw; (D, C, M)."""
    cells, months = money.shape
    found = np.zeros((responses.first.shape[1], cells, months))
    before = np.zeros((responses.first.shape[1], cells))
    for m in range(months):
        now = responses.by_cell(np.where(np.arange(months) <= m, money, 0.0), worth)
        found[:, :, m], before = now - before, now
    return found


def interval(name: str, draws: np.ndarray) -> dict[str, float]:
    """Return the mean of draws, their median, and the ends of their 90 % interval, by the names of columns."""
    low, middle, high = np.percentile(draws, ENDS)
    return {
        name: float(draws.mean()),
        f"{name}_p05": float(low),
        f"{name}_p50": float(middle),
        f"{name}_p95": float(high),
    }
