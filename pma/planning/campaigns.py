"""The weekly plan: each channel's money of a month over its campaigns and weeks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pma.planning.campaign_curves import by_weeks, campaign_curves, campaign_responses, channel_curves
from pma.planning.campaign_mix import CampaignInputs, known_campaigns, with_shares
from pma.planning.campaign_rows import Weekly, campaign_rows
from pma.planning.campaign_split import split_month
from pma.planning.efficiency import efficiencies
from pma.planning.plan import Inputs, usable_fits, worth_of
from pma.planning.response import CELL, Responses, horizon, of_cells, responses
from pma.planning.settings import CampaignSettings, PlanningSettings
from pma.planning.weeks import month_weeks, week_shares

CONVERSIONS = {"uploads": "uploads", "gmv": "orders"}


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
    cell, share = campaigns["cell"].to_numpy(), campaigns["share"].to_numpy()
    splits, curves, start = [], [], campaigns["start"].to_numpy(dtype=float)
    for m, month in enumerate(months):
        here = (weeks["month"] == month).to_numpy()
        levels, value = channel_curves(made, amounts / 100, m, _usual(campaigns, amounts[:, m], weeks[here]))
        of_campaigns = campaign_curves(made, levels, value, cell, share, ratio)
        from_here = campaigns.assign(start=start)
        split = split_month(of_campaigns, from_here, amounts[:, m], weeks[here], spent[:, here], asked)
        # The next month goes on from its last week; what is off begins anew.
        start = np.where(split.rate[:, -1] > 0, split.rate[:, -1], start) if split.rate.size else start
        splits.append(split)
        curves.append(of_campaigns)
    over = by_weeks(made.horizon, weeks, week_shares(weeks, made.horizon.weeks))
    brings = campaign_responses(made, cell, share, ratio, over)
    weekly = Weekly(campaigns, weeks, splits, curves, brings, amounts, made.cells)
    return campaign_rows(weekly, inputs.currency, asked).assign(plan_id=inputs.months["plan_id"].iloc[0])


def planned_responses(fits: Inputs, inputs: CampaignInputs, settings: PlanningSettings) -> Responses:
    """Return the responses that the monthly plan was made with. Raises ValueError where there is no plan.

    But that money beyond what was ever seen counts whole: a discount is of a channel, so of all its campaigns alike.
    """
    if inputs.months.empty:
        raise ValueError(
            f"bl.budget_plan has no plan {settings.plan.plan_id!r} (planning.plan.plan_id): there is no money to share "
            "out. Run plan_budget"
        )
    asked = settings.plan.model_copy(update={"objective": inputs.objective})
    used, _ = usable_fits(fits.runs, asked)
    posterior = fits.posterior[fits.posterior["method"] == "bayes"].merge(used, on=["geo_level", "geo", "target"])
    draws = int(posterior["draw"].nunique())
    countries, margin = sorted(used["geo"].unique()), settings.plan.margin
    worth = worth_of(fits.bridge, countries, inputs.objective, draws, settings.bridge.seed, margin)
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
    return np.maximum(np.maximum(today, cents / 100 / (weeks["days"].sum() / 7)), 1e-6)


def _spent(daily: pd.DataFrame, campaigns: pd.DataFrame, weeks: pd.DataFrame) -> np.ndarray:
    """Money that campaigns have spent in each of the weeks so far; (K, P)."""
    found = np.zeros((len(campaigns), len(weeks)))
    key = [*CELL, "campaign_id"]
    for p, row in enumerate(weeks.to_dict("records")):
        is_in = (daily["date"] >= row["week_start"]) & (daily["date"] <= row["week_end"])
        if is_in.any():
            found[:, p] = of_cells(daily[is_in].groupby(key)["spend"].sum(), campaigns[key])
    return found
