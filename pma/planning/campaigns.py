"""The weekly plan: each channel's money of a month over its campaigns and weeks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from pma.planning.campaign_curves import (
    by_weeks,
    campaign_curves,
    campaign_responses,
    channel_curves,
)  # fmt: skip
from pma.planning.campaign_mix import CampaignInputs, known_campaigns, with_shares
from pma.planning.campaign_rows import campaign_rows
from pma.planning.cents import whole_cents
from pma.planning.efficiency import efficiencies
from pma.planning.learning import Reach, reach, switched_off
from pma.planning.plan import Inputs, usable_fits, worth_of
from pma.planning.response import CELL, Responses, horizon, of_cells, responses
from pma.planning.settings import CampaignSettings, PlanningSettings
from pma.planning.water import Curves, pour
from pma.planning.weeks import month_weeks, week_shares

CONVERSIONS = {"uploads": "uploads", "gmv": "orders"}
NO_CAP = 1e15


@dataclass(frozen=True)
class Split:
    """The money of one month over its campaigns and weeks; K campaigns, P weeks of the month, C cells.

    spent, budget: whole cents, (K, P), what was spent already in the budget; unplaced: whole cents, (C, P); over: cents
    that were spent beyond the month's money, (C,). reach: the bounds, of the weeks that are left; off: (K,).
    """

    spent: np.ndarray
    budget: np.ndarray
    unplaced: np.ndarray
    over: np.ndarray
    rate: np.ndarray
    reach: Reach
    off: np.ndarray
    floor: np.ndarray
    cap: np.ndarray


def plan_campaigns(fits: Inputs, inputs: CampaignInputs, settings: PlanningSettings) -> pd.DataFrame:
    """Return rows of bl.campaign_plan less data_origin and run_id: one per week, country, channel and campaign.

    Rows of a country's channel add up to what bl.budget_plan gives it in the month, to the cent, unless more than that
    is spent already. Money that no campaign may take has rows of campaign_id (unplaced). Raises ValueError where there
    is no plan, a fit of it is gone, keys of campaigns are not unique, or money has no exchange rate.
    """
    asked = settings.campaigns
    made = planned_responses(fits, inputs, settings)
    months = made.horizon.months
    amounts = _amounts(inputs.months, made)
    weeks = month_weeks(months, inputs.as_of)
    campaigns = placed_campaigns(inputs, made, amounts, asked)
    draws = made.first.shape[1]
    ratio = {
        target: efficiencies(campaigns, campaigns[name].to_numpy(dtype=float), draws, asked.seed, target)
        for target, name in CONVERSIONS.items()
    }
    spent = _spent(inputs.daily, campaigns, weeks)
    splits, curves, start = [], [], campaigns["start"].to_numpy(dtype=float)
    for m, month in enumerate(months):
        here = (weeks["month"] == month).to_numpy()
        usual = np.maximum(_usual(campaigns, amounts[:, m], weeks[here]), 1e-6)
        of_campaigns = campaign_curves(
            made, *channel_curves(made, amounts / 100, m, usual), campaigns["cell"].to_numpy(),
            campaigns["share"].to_numpy(), ratio,
        )  # fmt: skip
        split = split_month(
            of_campaigns, campaigns.assign(start=start), amounts[:, m], weeks[here], spent[:, here], asked
        )
        start = np.where(split.rate[:, -1] > 0, split.rate[:, -1], start) if split.rate.size else start
        splits.append(split)
        curves.append(of_campaigns)
    over = by_weeks(made.horizon, weeks, week_shares(weeks, made.horizon.weeks))
    brings = campaign_responses(made, campaigns["cell"].to_numpy(), campaigns["share"].to_numpy(), ratio, over)
    rows = campaign_rows(campaigns, weeks, splits, curves, brings, amounts, made.cells, inputs.currency, asked)
    return rows.assign(plan_id=inputs.months["plan_id"].iloc[0])


def planned_responses(fits: Inputs, inputs: CampaignInputs, settings: PlanningSettings) -> Responses:
    """Return the responses that the monthly plan was made with. Raises ValueError where there is no plan."""
    if inputs.months.empty:
        raise ValueError(
            f"bl.budget_plan has no plan {settings.plan.plan_id!r} (planning.plan.plan_id): there is no money to share "
            "out. Run plan_budget"
        )
    asked = settings.plan.model_copy(update={"objective": inputs.objective})
    used, _ = usable_fits(fits.runs, asked)
    posterior = fits.posterior[fits.posterior["method"] == "bayes"].merge(used, on=["geo_level", "geo", "target"])
    draws = int(posterior["draw"].nunique())
    worth = worth_of(fits.bridge, sorted(used["geo"].unique()), inputs.objective, draws, settings.bridge.seed)
    months = sorted(set(inputs.months["month"]))
    return responses(posterior, fits.paid, horizon(months[0], len(months), int(posterior["lags"].max())), worth)


def placed_campaigns(
    inputs: CampaignInputs, made: Responses, amounts: np.ndarray, settings: CampaignSettings
) -> pd.DataFrame:
    """Return the campaigns that are open or have spent in the plan's months, with cell, start and share."""
    known = known_campaigns(inputs, settings)
    first = made.horizon.months[0]
    began = inputs.daily[(inputs.daily["date"] >= first) & (inputs.daily["date"] < inputs.as_of)]
    spent = pd.MultiIndex.from_frame(began[[*CELL, "campaign_id"]])
    counts = known["is_open"] | pd.MultiIndex.from_frame(known[[*CELL, "campaign_id"]]).isin(spent)
    places = {pair: c for c, pair in enumerate(made.cells.itertuples(index=False, name=None))}
    cells = [places.get(pair, -1) for pair in known[CELL].itertuples(index=False, name=None)]
    kept = known.assign(cell=cells)[counts & (np.array(cells) >= 0)].reset_index(drop=True)
    unknown = [one for one in settings.new if (one.country, one.channel) not in places]
    if unknown:
        raise ValueError(
            f"planning.campaigns.new has {unknown[0].campaign_id} of {unknown[0].country} {unknown[0].channel}, of "
            "which no fit is there: nobody knows what its money would bring"
        )
    weeks = sum(pd.Timestamp(month).days_in_month for month in made.horizon.months) / 7
    return with_shares(kept, amounts.sum(axis=1) / 100 / weeks, settings)


def split_month(
    curves: Curves, campaigns: pd.DataFrame, cents: np.ndarray, weeks: pd.DataFrame, spent: np.ndarray,
    settings: CampaignSettings,
) -> Split:  # fmt: skip
    """Return the split of one month's money, whole cents by cell, (C,), over campaigns and the month's `weeks`.

    campaigns: cell, share, start, is_open, is_new, ad_platform, bidding_type, most_week; spent: money by campaign and
    week, (K, P), of the days that are over.
    """
    cell, count = campaigns["cell"].to_numpy(), len(cents)
    gone = np.rint(100 * np.maximum(spent, 0.0)).astype(np.int64)
    left = cents - np.bincount(cell, gone.sum(axis=1), count).astype(np.int64)
    over, money = np.maximum(-left, 0), np.maximum(left, 0) / 100
    ahead = weeks["days_left"].to_numpy() > 0
    length = weeks["days_left"].to_numpy()[ahead] / 7
    floor, cap = _least(campaigns, settings), _most(campaigns, settings)
    worth = (curves.value[:, 1:] / curves.level[:, 1:]).max(axis=1)
    off = campaigns["is_open"].to_numpy() & switched_off(np.minimum(floor, cap), worth, cell, money, length)
    cap = np.where(off | ~campaigns["is_open"].to_numpy(dtype=bool), 0.0, cap)
    floor = np.minimum(floor, cap)
    # Where the least of the last one left is more than there is, it gets what there is.
    needed = np.bincount(cell, floor, count) * length.sum()
    floor = floor * np.minimum(np.divide(money, needed, out=np.ones(count), where=needed > 0), 1.0)[cell]
    start = np.maximum(campaigns["start"].to_numpy(dtype=float), floor)
    kept = reach(start, floor, cap, cell, money, length, settings.max_weekly_change)
    share = campaigns["share"].to_numpy()
    rate = pour(curves, cell, share, money - kept.unplaced, length, kept.low, kept.high) if ahead.any() else kept.low
    budget, unplaced = gone.copy(), np.zeros((count, len(weeks)), dtype=np.int64)
    if ahead.any():
        planned, unplaced[:, ahead] = _in_cents(rate * length, kept.unplaced, length, cell, np.maximum(left, 0))
        budget[:, ahead] += planned
    else:
        unplaced[:, -1] = np.maximum(left, 0)
    return Split(gone, budget, unplaced, over, rate, kept, off, floor, cap)


def _in_cents(
    money: np.ndarray, unplaced: np.ndarray, length: np.ndarray, cell: np.ndarray, total: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Money of campaigns, (K, P), and what no one may take, (C,), in whole cents that add up to `total`, (C,)."""
    cells, weeks = len(total), len(length)
    rest = unplaced[:, None] * length / length.sum()
    # By cell, then week, then campaign: a channel's week is right to the cent too. The rest comes last.
    group = np.concatenate([np.repeat(cell, weeks), np.repeat(np.arange(cells), weeks)])
    week = np.tile(np.arange(weeks), len(cell) + cells)
    order = np.lexsort((np.arange(len(group)), week, group))
    amounts = np.concatenate([money.ravel(), rest.ravel()])
    found = np.zeros(len(group), dtype=np.int64)
    found[order] = whole_cents(amounts[order], group[order], total)
    return found[: money.size].reshape(money.shape), found[money.size :].reshape(rest.shape)


def _least(campaigns: pd.DataFrame, settings: CampaignSettings) -> np.ndarray:
    """Least money a week that a campaign may get, (K,): the platform's, where it spends that much or is to begin."""
    least = 7 * campaigns["ad_platform"].map(settings.least_daily).astype(float).fillna(0.0).to_numpy()
    starts = campaigns["is_new"].to_numpy(dtype=bool) | (campaigns["today"].to_numpy() <= 0)
    found: np.ndarray = np.where(starts | (campaigns["start"].to_numpy() >= least), least, 0.0)
    return np.where(campaigns["is_open"], found, 0.0)


def _most(campaigns: pd.DataFrame, settings: CampaignSettings) -> np.ndarray:
    """Most money a week that a campaign would spend, (K,): by a target, a bit more than it ever did."""
    seen = np.maximum(campaigns["most_week"], campaigns["today"]).to_numpy(dtype=float)
    is_bound = campaigns["bidding_type"].isin(settings.target_bidding).to_numpy() & (seen > 0)
    more = 1.0 + (settings.max_weekly_change or 0.0)
    return np.where(is_bound, more * seen, NO_CAP)


def _amounts(months: pd.DataFrame, made: Responses) -> np.ndarray:
    """The plan's money in whole cents, (C, M). Raises ValueError where a row of it has no fit any more."""
    names = {pair: c for c, pair in enumerate(made.cells.itertuples(index=False, name=None))}
    places = {month: m for m, month in enumerate(made.horizon.months)}
    found = np.zeros((len(made.cells), len(places)), dtype=np.int64)
    for row in months.to_dict("records"):
        pair = (row["country"], row["channel"])
        if pair not in names:
            raise ValueError(
                f"bl.budget_plan plans {' '.join(pair)} in {row['month']:%Y-%m}, of which no fit may be used any more "
                "(bl.mmm_runs). Run plan_budget again"
            )
        found[names[pair], places[row["month"]]] = round(row["planned_spend"] * 100)
    return found


def _usual(campaigns: pd.DataFrame, cents: np.ndarray, weeks: pd.DataFrame) -> np.ndarray:
    """Money a week around which a channel's curve is looked at: the more of today's and the plan's, (C,)."""
    today = np.bincount(campaigns["cell"], campaigns["start"], len(cents))
    return np.maximum(today, cents / 100 / (weeks["days"].sum() / 7))


def _spent(daily: pd.DataFrame, campaigns: pd.DataFrame, weeks: pd.DataFrame) -> np.ndarray:
    """Money that campaigns have spent in each of the weeks so far; (K, P)."""
    found = np.zeros((len(campaigns), len(weeks)))
    key = [*CELL, "campaign_id"]
    for p, row in enumerate(weeks.to_dict("records")):
        is_in = (daily["date"] >= row["week_start"]) & (daily["date"] <= row["week_end"])
        if is_in.any():
            found[:, p] = of_cells(daily[is_in].groupby(key)["spend"].sum(), campaigns[key])
    return found


def first_day(months: pd.DataFrame, as_of: date) -> date:
    """Return the first day of which a plan must know what was spent."""
    return min([as_of, *months["month"]])
