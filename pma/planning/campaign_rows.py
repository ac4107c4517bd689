"""What the weekly plan says of each campaign and week: money, what it should bring, and why not more or less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pma.planning.outcome import interval
from pma.planning.response import Responses
from pma.planning.settings import CampaignSettings
from pma.planning.water import Curves

if TYPE_CHECKING:
    from pma.planning.campaigns import Split

UNPLACED = "(unplaced)"
NO_PLATFORM = "(none)"
_ENDS = (5, 50, 95)
_NEAR = 1e-6
_LOOKED_AT = 64


def campaign_rows(
    campaigns: pd.DataFrame, weeks: pd.DataFrame, splits: Sequence[Split], curves: Sequence[Curves],
    brings: Responses, amounts: np.ndarray, cells: pd.DataFrame, currency: str, settings: CampaignSettings,
) -> pd.DataFrame:  # fmt: skip
    """Return rows of bl.campaign_plan less plan_id, data_origin and run_id.

    splits, curves: by month; brings: of campaigns, whose months are the rows of `weeks`; amounts: whole cents of the
    plan, (C, M). What a campaign brings in a month is what its money adds to that of the months before; it is laid upon
    weeks by what its curve says of each.
    """
    budget = np.concatenate([split.budget for split in splits], axis=1) / 100
    month = pd.factorize(weeks["month"])[0]
    worth, uploads = _brought(brings, budget, curves, weeks, month)
    slope = _slopes(brings, budget)
    why = _reasons(campaigns, weeks, splits, amounts, settings)
    spent = np.concatenate([split.spent for split in splits], axis=1)
    shown = campaigns["is_open"].to_numpy(dtype=bool)[:, None] | (spent > 0)
    names = ["country", "channel", "campaign_id", "ad_platform", "campaign_name", "campaign_status", "campaign_goal"]
    k, p = np.nonzero(shown)
    rows = campaigns[[*names, "bidding_type", "currency"]].iloc[k].reset_index(drop=True)
    rows[["week_start", "week_end", "month"]] = (
        weeks[["week_start", "week_end", "month"]].iloc[p].reset_index(drop=True)
    )
    rows["current_budget"] = campaigns["today"].to_numpy()[k] * weeks["days"].to_numpy()[p] / 7
    rows["budget"] = budget[k, p]
    rows["budget_local"] = np.round(budget[k, p] / campaigns["rate"].to_numpy()[k], 2)
    for name, found in (("uploads", uploads), ("response", worth)):
        for column, values in found.items():
            rows[f"{name}{column}"] = values[k, p]
    rows["marginal_return"] = slope[k, p]
    rows["binding_constraint"] = why[k, p]
    return pd.concat([rows, _unplaced(cells, weeks, splits, campaigns, currency)], ignore_index=True)


def _brought(
    brings: Responses, budget: np.ndarray, curves: Sequence[Curves], weeks: pd.DataFrame, month: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Worth and uploads by campaign and week: mean, p05, p50 and p95, (K, P) each."""
    of_uploads = (brings.part["target"] == "uploads").to_numpy().astype(float)[:, None]
    cell = brings.part["cell"].to_numpy()
    weights = (brings.worth, np.broadcast_to(of_uploads, brings.worth.shape))
    found: tuple[dict[str, np.ndarray], ...] = ({}, {})
    for out in found:
        out.update({end: np.zeros(budget.shape) for end in ("", "_p05", "_p50", "_p95")})
    before = np.zeros(brings.first.shape)
    for m in range(len(curves)):
        upto = brings.by_draw(np.where(month <= m, budget, 0.0))
        here = month == m
        length = weeks["days"].to_numpy()[here] / 7
        part = curves[m].at(budget[:, here] / length) * length
        part = np.where(part.sum(axis=1, keepdims=True) > 0, part, budget[:, here])
        whole = part.sum(axis=1, keepdims=True)
        part = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
        for out, weight in zip(found, weights, strict=True):
            of_campaign = np.zeros((len(budget), before.shape[1]))
            np.add.at(of_campaign, cell, weight * (upto - before))
            ends = [of_campaign.mean(axis=1), *np.percentile(of_campaign, _ENDS, axis=1)]
            for name, values in zip(out, ends, strict=True):
                out[name][:, here] = values[:, None] * part
        before = upto
    return found[0], found[1]


def _slopes(brings: Responses, budget: np.ndarray) -> np.ndarray:
    """What one unit of money more in a week would add to the objective, mean over draws; (K, P)."""
    few = brings.thinned(_LOOKED_AT)
    draws = few.first.shape[1]
    return few.value_and_slope(budget, np.full(draws, 1 / draws))[1]


def _reasons(
    campaigns: pd.DataFrame, weeks: pd.DataFrame, splits: Sequence[Split], amounts: np.ndarray,
    settings: CampaignSettings,
) -> np.ndarray:  # fmt: skip
    """What keeps a campaign from more or less money in each week, in words; None: nothing. (K, P)."""
    found = np.full((len(campaigns), len(weeks)), None, dtype=object)
    month = pd.factorize(weeks["month"])[0]
    left = weeks["days_left"].to_numpy()
    facts = campaigns.to_dict("records")
    for m, split in enumerate(splits):
        places = np.flatnonzero(month == m)
        ahead = [p for p in places if left[p] > 0]
        for k, fact in enumerate(facts):
            for p in places:
                found[k, p] = "spent"
            for step, p in enumerate(ahead):
                found[k, p] = _reason(fact, split, k, step, amounts[fact["cell"], m], settings)
    return found


def _reason(
    fact: dict[str, Any], split: Split, k: int, step: int, cents: int, settings: CampaignSettings
) -> str | None:
    """Why a campaign's week is as it is."""
    cell, rate = fact["cell"], split.rate[k, step]
    if split.over[cell]:
        return f"the month's money is spent, and {split.over[cell] / 100:,.2f} more"
    if not fact["is_open"]:
        return f"spent; the campaign is {fact['campaign_status']}"
    if not cents:
        return "the plan gives the channel nothing"
    least = settings.least_daily.get(fact["ad_platform"], 0.0)
    if split.off[k]:
        return f"off: the money does not reach {least:,.2f} a day on {fact['ad_platform']} for all campaigns"
    near = _NEAR * max(rate, 1.0)
    if split.floor[k] > 0 and rate <= split.floor[k] + near:
        return f"no less than {least:,.2f} a day on {fact['ad_platform']}"
    if rate >= split.cap[k] - near:
        return f"{fact['bidding_type']}: it would not spend more than it ever did, and a bit"
    change = split.reach.change[cell]
    asked = settings.max_weekly_change
    eased = "" if asked is None or change <= asked * (1 + 1e-6) else f"; {asked:.0%} does not reach the month's money"
    if rate >= split.reach.high[k, step] - near:
        return f"at most {change:.0%} more a week{eased}"
    if rate <= split.reach.low[k, step] + near:
        return f"at most {min(change, 1.0):.0%} less a week{eased}"
    return None


def _unplaced(
    cells: pd.DataFrame, weeks: pd.DataFrame, splits: Sequence[Split], campaigns: pd.DataFrame, currency: str,
    settings: CampaignSettings,
) -> pd.DataFrame:  # fmt: skip
    """Rows of money that no campaign may take."""
    open_cells = set(campaigns.loc[campaigns["is_open"].astype(bool), "cell"])
    month = pd.factorize(weeks["month"])[0]
    nothing = {**interval("uploads", np.zeros(1)), **interval("response", np.zeros(1)), "marginal_return": 0.0}
    rows: list[dict[str, Any]] = []
    for m, split in enumerate(splits):
        places = np.flatnonzero(month == m)
        for c, step in np.argwhere(split.unplaced > 0):
            week = weeks.iloc[places[step]]
            amount = split.unplaced[c, step] / 100
            why = "all its campaigns bid by a target and would not spend it"
            if c not in open_cells:
                why = "no campaign of the channel is open"
            elif week["days_left"] == 0:
                why = "the month is over"
            rows.append(
                {
                    **cells.iloc[c].to_dict(),
                    **week[["week_start", "week_end", "month"]].to_dict(),
                    "campaign_id": UNPLACED,
                    "ad_platform": NO_PLATFORM,
                    "campaign_status": "unknown",
                    "current_budget": 0.0,
                    "budget": amount,
                    "currency": currency,
                    "budget_local": amount,
                    **nothing,
                    "binding_constraint": why,
                }
            )
    return pd.DataFrame(rows)
