"""Campaigns of the simulated marketplace with curves of their own: what two levels of planning lose against one."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from scipy import sparse

from pma.planning.budget import best_plan
from pma.planning.campaign_curves import campaign_curves, campaign_responses, channel_curves
from pma.planning.campaign_split import split_month
from pma.planning.limits import Limits, limits
from pma.planning.metrics import worth_of
from pma.planning.response import Responses, current_spend, horizon, responses
from pma.planning.settings import CampaignSettings, PlanSettings, SearchSettings
from pma.planning.weeks import month_weeks
from pma.simulation.channels import CHANNEL_NAMES, DEMAND, GOAL_EFFECTS, UPLOADS
from tests.planning.plan_world import FIRST
from tests.planning.planned_market import LAGS, true_inputs

# Weeks after the month in which what it spent still works.
AFTER = 60


@dataclass(frozen=True)
class Campaigns:
    """Channels and campaigns of a market; K campaigns, C cells.

    made: true curves of channels; brings: of campaigns, by the month. today: money of a month like today, (C, 1). rows:
    of campaigns, with cell and share. ratio: by target, (K, 1).
    """

    made: Responses
    brings: Responses
    today: np.ndarray
    rows: pd.DataFrame
    ratio: dict


def campaigns_of(market):
    """Return the campaigns that run to the end, with true curves.

    The simulator lets a channel's effect hang on the channel's money alone and shares it out. So that campaigns differ
    in what one more unit brings, here each saturates by itself, at its share of its channel's half-saturation, and
    brings its share of the channel's effect times its efficiency and goal, scaled so that today's mix brings together
    what the channel's curve says.
    """
    given = true_inputs(market)
    worth = worth_of(given.bridge, list(market.settings.countries), "gmv", 1, 0)
    made = responses(given.posterior, given.paid, horizon(FIRST, 1, LAGS), worth)
    days = pd.Timestamp(FIRST).days_in_month
    number = {pair: c for c, pair in enumerate(made.cells.itertuples(index=False, name=None))}
    rows = market.campaigns[market.campaigns["ends_on"].isna()].reset_index(drop=True)
    pairs = rows[["country", "channel"]].itertuples(index=False, name=None)
    rows = rows.assign(cell=[number.get(pair, -1) for pair in pairs])
    rows = rows[rows["cell"] >= 0].reset_index(drop=True)
    rows["share"] = rows["budget_share"] / rows.groupby("cell")["budget_share"].transform("sum")
    cell, share = rows["cell"].to_numpy(), rows["share"].to_numpy()
    ratio = {}
    for target, place in (("uploads", 0), ("gmv", 1)):
        good = rows["efficiency"].to_numpy() * np.array([GOAL_EFFECTS[goal][place] for goal in rows["goal"]])
        ratio[target] = (good / np.bincount(cell, share * good, len(number))[cell])[:, None]
    today = current_spend(given.paid, made.cells)[:, None] * days / 7
    return Campaigns(
        made=made,
        brings=campaign_responses(made, cell, share, ratio, made.horizon),
        today=today,
        rows=rows.assign(start=share * today[cell, 0] * 7 / days, today=share * today[cell, 0] * 7 / days),
        ratio=ratio,
    )


def two_levels(known, change=0.5, weekly=None):
    """Return money of campaigns by week of the month, (K, P): channels by the monthly plan, then the weekly one.

    `weekly`: most change of a campaign from week to week; None: any.
    """
    asked = PlanSettings(max_change=change)
    keeps = limits(known.made.cells, known.made.horizon.months, known.today, asked)
    plan = best_plan(known.made, keeps, known.today, asked, SearchSettings())
    cents = plan.steps[:, 0]
    days = pd.Timestamp(FIRST).days_in_month
    usual = np.maximum(known.today[:, 0], plan.money[:, 0]) * 7 / days
    levels, value = channel_curves(known.made, plan.money, 0, np.maximum(usual, 1e-6))
    curves = campaign_curves(
        known.made, levels, value, known.rows["cell"].to_numpy(), known.rows["share"].to_numpy(), known.ratio
    )
    weeks = month_weeks([FIRST], FIRST)
    free = CampaignSettings(max_weekly_change=weekly, least_daily={}, target_bidding=())
    rows = known.rows.assign(is_open=True, is_new=False, most_week=np.inf, bidding_type="manual")
    split = split_month(curves, rows, cents, weeks, np.zeros((len(rows), len(weeks))), free)
    assert split.budget.sum() == cents.sum() and not split.unplaced.any()
    return split.budget / 100


def joint(known, change=0.5):
    """Return the plan over all campaigns at once: channels as near to today as in the monthly plan, the same total."""
    cell, cells = known.rows["cell"].to_numpy(), len(known.today)
    of_cell = sparse.csr_array((np.ones(len(cell)), (cell, np.arange(len(cell)))), shape=(cells, len(cell)))
    total = float(known.today.sum())
    # A channel without a campaign that runs keeps to what the monthly plan may give it: none here.
    high = (1 + change) * known.today[cell]
    keeps = Limits(
        low=np.zeros((len(cell), 1)),
        high=high,
        why_low=np.full(high.shape, ""),
        why_high=np.full(high.shape, "its channel's most"),
        rows=sparse.csr_array(sparse.vstack([of_cell, np.ones((1, len(cell)))])),
        least=np.append((1 - change) * known.today[:, 0], total),
        most=np.append((1 + change) * known.today[:, 0], total),
        names=(*(f"cell {c}" for c in range(cells)), "total"),
    )
    start = known.rows["share"].to_numpy()[:, None] * known.today[cell]
    return best_plan(known.brings, keeps, start, PlanSettings(max_change=None), SearchSettings())


def even(money):
    """Money of a month, (K, 1), spread evenly over the days of its weeks; (K, P)."""
    days = month_weeks([FIRST], FIRST)["days"].to_numpy()
    return money * days / days.sum()


def truly(market, known, money):
    """Return what campaigns bring with money by week of the month, (K, P), above what they bring without.

    Week by week by the simulator's numbers, and by nothing of the planner's: a campaign keeps of its spend what its
    channel keeps, week after week without end, and saturates at its share of its channel's half-saturation. All that
    comes from the month's first week on counts; after the month nothing is spent.
    """
    height, keeps, half, slope = _curves(market, known)
    past = market.structure.spend[_places(market, known)] * known.rows["share"].to_numpy()[:, None]
    today, last = past[:, -4:].mean(axis=1), market.weeks[-1].date()
    first = FIRST - timedelta(days=FIRST.weekday())
    past = np.column_stack([past, *[today] * ((first - last).days // 7 - 1)])
    ahead = np.zeros((len(today), money.shape[1] + AFTER))
    ahead[:, 0] = today * (FIRST - first).days / 7
    planned = ahead.copy()
    planned[:, : money.shape[1]] += money
    brought = []
    for spend in (planned, ahead):
        level, total = np.zeros(len(today)), 0.0
        for week, spent in enumerate(np.column_stack([past, spend]).T):
            level = keeps * level + (1 - keeps) * spent
            powered = (level / half) ** slope
            total += float(height @ (powered / (1 + powered))) * (week >= past.shape[1])
        brought.append(total)
    return brought[0] - brought[1]


def _curves(market, known):
    """Most value a week, what a week keeps of the one before, half-saturation and slope of each campaign; (K,) each."""
    structure, response, at = market.structure, market.structure.response, _places(market, known)
    demand, supply = (of[:, -52:].mean(axis=1) for of in (structure.demand(), structure.supply()))
    of_upload = (structure.flows.share * structure.flows.price) @ demand
    share = known.rows["share"].to_numpy()
    height = sum(
        share * known.ratio[target][:, 0] * (response.beta[of] * worth[:, None])[at]
        for target, of, worth in (("uploads", UPLOADS, of_upload), ("gmv", DEMAND, supply))
    )
    return height, response.carry_over[at], share * response.half[at], response.slope[at]


def _places(market, known):
    """Country and channel of each campaign in the simulator's order."""
    of_country = [list(market.settings.countries).index(one) for one in known.rows["country"]]
    return np.array(of_country), np.array([CHANNEL_NAMES.index(one) for one in known.rows["channel"]])
