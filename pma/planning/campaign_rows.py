"""What the weekly plan says of each campaign and week: money, what it should bring, and why not more or less."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from pma.planning.campaign_split import Split
from pma.planning.outcome import ENDS, interval
from pma.planning.response import Responses
from pma.planning.settings import CampaignSettings
from pma.planning.tables import SPENT, UNPLACED
from pma.planning.water import Curves

NO_PLATFORM = "(none)"
_DATES = ["week_start", "week_end", "month"]
_FACTS = [
    *("country", "channel", "campaign_id", "ad_platform", "campaign_name", "campaign_status", "campaign_goal"),
    *("bidding_type", "currency"),
]
# What follows the name of an interval's columns.
_ENDS = ("", *(f"_p{end:02d}" for end in ENDS))
_NEAR = 1e-6
# Draws that slopes are the mean of.
_LOOKED_AT = 64


@dataclass(frozen=True)
class Weekly:
    """A weekly plan before it is told. K campaigns, P weeks of all months, C cells, M months.

    campaigns: see `placed_campaigns`; weeks: see `month_weeks`; splits, curves: by month; brings: of campaigns, whose
    months are the weeks; amounts: whole cents of the monthly plan, (C, M); cells: rows of country, channel.
    """

    campaigns: pd.DataFrame
    weeks: pd.DataFrame
    splits: Sequence[Split]
    curves: Sequence[Curves]
    brings: Responses
    amounts: np.ndarray
    cells: pd.DataFrame

    @cached_property
    def month(self) -> np.ndarray:
        """The number of the month of each week; (P,)."""
        found: np.ndarray = pd.factorize(self.weeks["month"])[0]
        return found

    @cached_property
    def budget(self) -> np.ndarray:
        """Money, (K, P)."""
        return np.concatenate([split.budget for split in self.splits], axis=1) / 100

    @property
    def spent(self) -> np.ndarray:
        """What of it was spent before the plan was made, (K, P)."""
        return np.concatenate([split.spent for split in self.splits], axis=1) / 100


def campaign_rows(plan: Weekly, currency: str, settings: CampaignSettings) -> pd.DataFrame:
    """Return rows of bl.campaign_plan less plan_id, data_origin and run_id.

    One per week, country, channel and campaign that is open or has spent in the week, and those of money that no
    campaign may take. What a campaign brings in a month is what its money adds to that of the months before; it is laid
    upon weeks by what its curve says of each.
    """
    campaigns, weeks, budget = plan.campaigns, plan.weeks, plan.budget
    worth, uploads = _brought(plan)
    slope, why = _slopes(plan), _reasons(plan, settings)
    spent, left, rate = plan.spent, np.round(budget - plan.spent, 2), campaigns["rate"].to_numpy()
    k, p = np.nonzero(campaigns["is_open"].to_numpy(dtype=bool)[:, None] | (spent > 0))
    rows = campaigns[_FACTS].iloc[k].reset_index(drop=True)
    rows[_DATES] = weeks[_DATES].iloc[p].reset_index(drop=True)
    rows["current_budget"] = campaigns["today"].to_numpy()[k] * weeks["days"].to_numpy()[p] / 7
    rows["budget"] = budget[k, p]
    rows["spent"], rows["days_left"] = spent[k, p], weeks["days_left"].to_numpy()[p]
    rows["budget_local"] = np.round(budget[k, p] / rate[k], 2)
    # What is left is typed in, so it is the one that is right to the cent; what is spent is the rest.
    rows["spent_local"] = np.round(rows["budget_local"] - np.round(left[k, p] / rate[k], 2), 2)
    for name, of_rows in (("uploads", uploads), ("response", worth)):
        for end, values in zip(_ENDS, of_rows, strict=True):
            rows[f"{name}{end}"] = values[k, p]
    rows["marginal_return"] = slope[k, p]
    rows["binding_constraint"] = why[k, p]
    found = pd.concat([rows, *_unplaced(plan, currency)], ignore_index=True)
    return found.sort_values(["country", "channel", "campaign_id", "week_start"], ignore_index=True)


def _brought(plan: Weekly) -> tuple[np.ndarray, np.ndarray]:
    """Worth and uploads by campaign and week: mean, p05, p50 and p95; (4, K, P) each."""
    brings, budget = plan.brings, plan.budget
    of_uploads = (brings.part["target"] == "uploads").to_numpy().astype(float)[:, None]
    counts = (brings.worth, np.broadcast_to(of_uploads, brings.worth.shape))
    found = np.zeros((2, 4, *budget.shape))
    before = np.zeros(brings.first.shape)
    for m, curves in enumerate(plan.curves):
        upto = brings.by_draw(np.where(plan.month <= m, budget, 0.0))
        here = plan.month == m
        length = plan.weeks["days"].to_numpy()[here] / 7
        part = curves.at(budget[:, here] / length) * length
        part = np.where(part.sum(axis=1, keepdims=True) > 0, part, budget[:, here])
        whole = part.sum(axis=1, keepdims=True)
        part = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
        for out, count in zip(found, counts, strict=True):
            of_campaign = np.zeros((len(budget), before.shape[1]))
            np.add.at(of_campaign, brings.part["cell"].to_numpy(), count * (upto - before))
            ends = np.stack([of_campaign.mean(axis=1), *np.percentile(of_campaign, ENDS, axis=1)])
            out[:, :, here] = ends[:, :, None] * part
        before = upto
    return found[0], found[1]


def _slopes(plan: Weekly) -> np.ndarray:
    """What one unit of money more in a week would add to the objective, mean over draws; (K, P)."""
    few = plan.brings.thinned(_LOOKED_AT)
    draws = few.first.shape[1]
    return few.value_and_slope(plan.budget, np.full(draws, 1 / draws))[1]


def _reasons(plan: Weekly, settings: CampaignSettings) -> np.ndarray:
    """What keeps a campaign from more or less money in each week, in words; None: nothing. (K, P)."""
    found = np.full(plan.budget.shape, SPENT, dtype=object)
    left = plan.weeks["days_left"].to_numpy()
    facts = plan.campaigns.to_dict("records")
    for m, split in enumerate(plan.splits):
        ahead = np.flatnonzero((plan.month == m) & (left > 0))
        for k, fact in enumerate(facts):
            for step, p in enumerate(ahead):
                found[k, p] = _reason(fact, split, (k, step), plan.amounts[fact["cell"], m], settings)
    return found


def _reason(
    fact: dict[Hashable, Any], split: Split, place: tuple[int, int], cents: int, settings: CampaignSettings
) -> str | None:
    """Why a campaign's week is as it is."""
    k, cell, rate = place[0], fact["cell"], split.rate[place]
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
    if rate >= split.reach.high[place] - near:
        return f"at most {change:.0%} more a week{eased}"
    if rate <= split.reach.low[place] + near:
        return f"at most {min(change, 1.0):.0%} less a week{eased}"
    return None


def _unplaced(plan: Weekly, currency: str) -> list[pd.DataFrame]:
    """Rows of money that no campaign may take, in a frame; none: no frame."""
    has_open = set(plan.campaigns.loc[plan.campaigns["is_open"].astype(bool), "cell"])
    zeros = {**interval("uploads", np.zeros(1)), **interval("response", np.zeros(1)), "marginal_return": 0.0}
    nothing: dict[Hashable, Any] = dict(zeros.items())
    rows: list[dict[Hashable, Any]] = []
    for m, split in enumerate(plan.splits):
        places = np.flatnonzero(plan.month == m)
        for c, step in np.argwhere(split.unplaced > 0):
            week, amount = plan.weeks.iloc[places[step]], split.unplaced[c, step] / 100
            why = "all its campaigns bid by a target and would not spend it"
            if c not in has_open:
                why = "no campaign of the channel is open"
            elif week["days_left"] == 0:
                why = "the month is over"
            rows.append(
                {
                    **plan.cells.iloc[c].to_dict(),
                    **week[_DATES].to_dict(),
                    "campaign_id": UNPLACED,
                    "ad_platform": NO_PLATFORM,
                    "campaign_status": "unknown",
                    "current_budget": 0.0,
                    "budget": amount,
                    "spent": 0.0,
                    "days_left": int(week["days_left"]),
                    "currency": currency,
                    "budget_local": amount,
                    "spent_local": 0.0,
                    **nothing,
                    "binding_constraint": why,
                }
            )
    return [pd.DataFrame(rows)] if rows else []
