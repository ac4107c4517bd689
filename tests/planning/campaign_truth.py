"""Campaigns of the simulated marketplace with curves of their own: what two levels of planning lose against one."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from pma.planning.budget import best_plan
from pma.planning.campaign_curves import by_weeks, campaign_curves, campaign_responses, channel_curves
from pma.planning.campaign_split import split_month
from pma.planning.limits import Limits, limits
from pma.planning.metrics import worth_of
from pma.planning.response import Responses, current_spend, horizon, responses
from pma.planning.settings import CampaignSettings, PlanSettings, SearchSettings
from pma.planning.weeks import month_weeks, week_shares
from pma.simulation.channels import GOAL_EFFECTS
from tests.planning.plan_world import FIRST
from tests.planning.planned_market import LAGS, true_inputs


@dataclass(frozen=True)
class Campaigns:
    """Channels and campaigns of a market; K campaigns, C cells.

    made: true curves of channels; brings: of campaigns, by the month; of_week: by its weeks. today: money of a month
    like today, (C, 1). rows: of campaigns, with cell and share. ratio: by target, (K, 1).
    """

    made: Responses
    brings: Responses
    of_week: Responses
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
    weeks = month_weeks([FIRST], FIRST)
    over = by_weeks(made.horizon, weeks, week_shares(weeks, made.horizon.weeks))
    today = current_spend(given.paid, made.cells)[:, None] * days / 7
    return Campaigns(
        made=made,
        brings=campaign_responses(made, cell, share, ratio, made.horizon),
        of_week=campaign_responses(made, cell, share, ratio, over),
        today=today,
        rows=rows.assign(start=share * today[cell, 0] * 7 / days, today=share * today[cell, 0] * 7 / days),
        ratio=ratio,
    )


def two_levels(known, change=0.5, weekly=None):
    """Return what a month is worth: money of channels by the monthly plan, then of campaigns by the weekly one.

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
    return float(known.of_week.objective(split.budget / 100).mean()), plan


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
