"""Which campaigns a plan may give money to, what they spend today, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from pma.planning.response import CELL, CURRENT_WEEKS
from pma.planning.settings import CampaignSettings

KEY = [*CELL, "campaign_id"]
_PLATFORM = ["ad_platform", "campaign_id"]
WINDOW = timedelta(weeks=CURRENT_WEEKS)


@dataclass(frozen=True)
class CampaignInputs:
    """What a weekly plan is made of beside the fits, rows of tables as pandas; money as floats.

    months: bl.budget_plan of one plan_id, planned_spend as it stands there (decimal). objective: of bl.budget_plans.
    desired: bl.desired_uploads. campaigns: il.campaigns. daily: il.ad_spend by date and key, of the last weeks before
    `as_of` and the plan's months, with `spend` (null: no exchange rate). accounts: il.ad_spend by key, account_id and
    currency, with first_day and last_day. credit: bl.report_weekly_growth_update by key, sums of the weeks that are
    learned from: spend, uploads, orders, and most_week, the most that one of them cost. rates: currency with its
    newest `rate`. A key is country, channel, campaign_id and ad_platform. currency: of the tables. as_of: the day after
    the data.
    """

    months: pd.DataFrame
    objective: str
    desired: pd.DataFrame
    campaigns: pd.DataFrame
    daily: pd.DataFrame
    accounts: pd.DataFrame
    credit: pd.DataFrame
    rates: pd.DataFrame
    currency: str
    as_of: date


def known_campaigns(inputs: CampaignInputs, settings: CampaignSettings) -> pd.DataFrame:
    """Return the campaigns that spend, did of late, or are to begin; one row per country, channel and campaign_id.

    Columns: the key, ad_platform, campaign_name, campaign_status, campaign_goal, bidding_type, currency, rate, is_open,
    is_new, today (money a week), most_week, spend, uploads, orders. Open are those that their platform calls enabled,
    those of which no status is known that have spent in the last weeks, and new ones. Raises ValueError where two
    campaigns have one key, two accounts spend under one, or money has no exchange rate.
    """
    today = _today(inputs)
    rows = inputs.credit.merge(today, on=[*KEY, "ad_platform"], how="outer")
    rows = rows.merge(_newest(inputs.campaigns), on=_PLATFORM, how="left")
    rows = rows.merge(_accounts(inputs), on=[*KEY, "ad_platform"], how="left").assign(is_new=False)
    rows["campaign_status"] = rows["campaign_status"].fillna("unknown")
    numbers = ["today", "most_week", "spend", "uploads", "orders"]
    rows[numbers] = rows[numbers].astype(float).fillna(0.0)
    runs = (rows["campaign_status"] == "unknown") & (rows["today"] > 0)
    rows["is_open"] = (rows["campaign_status"] == "enabled") | runs
    rows = pd.concat([rows, _new(settings, inputs.currency)], ignore_index=True) if settings.new else rows
    rows = rows.sort_values([*KEY, "ad_platform"], ignore_index=True)
    _require_one(rows)
    return _with_rates(rows, inputs)


def _today(inputs: CampaignInputs) -> pd.DataFrame:
    """Money a week of the last weeks before as_of by key; of a campaign that began in them, of the days since."""
    since = inputs.as_of - WINDOW
    recent = inputs.daily[(inputs.daily["date"] >= since) & (inputs.daily["date"] < inputs.as_of)]
    unrated = inputs.daily[inputs.daily["spend"].isna()]
    if len(unrated):
        named = ", ".join(sorted({str(name) for name in unrated["campaign_id"]})[:5])
        raise ValueError(
            f"il.ad_spend has {len(unrated)} rows of the last weeks without money in {inputs.currency}, of campaign "
            f"{named}: il.exchange_rates lacks their days. Load the rates, then run ad_spend"
        )
    began = inputs.accounts.groupby([*KEY, "ad_platform"])["first_day"].min()
    spent = recent.groupby([*KEY, "ad_platform"])["spend"].sum().to_frame("today").join(began)
    days = np.array([(inputs.as_of - max(day, since)).days for day in spent["first_day"].fillna(since)]).clip(7)
    return spent.assign(today=(7 * spent["today"] / days).clip(lower=0.0)).drop(columns="first_day").reset_index()


def _newest(campaigns: pd.DataFrame) -> pd.DataFrame:
    """The newest name, status, goal and bidding of each campaign."""
    last = campaigns.sort_values(["last_day", "first_day", "campaign_name"]).groupby(_PLATFORM).tail(1)
    return last[[*_PLATFORM, "campaign_name", "campaign_status", "campaign_goal", "bidding_type"]]


def _accounts(inputs: CampaignInputs) -> pd.DataFrame:
    """The currency of each key's account, the newest; two that spent in the last weeks are one too many."""
    recent = inputs.accounts[inputs.accounts["last_day"] >= inputs.as_of - WINDOW]
    count = recent.groupby([*KEY, "ad_platform"])["account_id"].nunique()
    if (count > 1).any():
        country, channel, campaign, platform = count.index[int(np.argmax(count > 1))]
        raise ValueError(
            f"il.ad_spend: campaign {campaign} of {platform} is in {country} {channel} from {count.max()} accounts: "
            "which one the money is for cannot be told. Give each account's campaign an id of its own"
        )
    last = inputs.accounts.sort_values(["last_day", "account_id"]).groupby([*KEY, "ad_platform"]).tail(1)
    return last[[*KEY, "ad_platform", "currency"]]


def _new(settings: CampaignSettings, currency: str) -> pd.DataFrame:
    """Campaigns that the settings announce."""
    rows = pd.DataFrame([one.model_dump() for one in settings.new]).rename(
        columns={"name": "campaign_name", "goal": "campaign_goal"}
    )
    nothing = dict.fromkeys(("today", "most_week", "spend", "uploads", "orders"), 0.0)
    rows = rows.assign(campaign_status="new", is_open=True, is_new=True, **nothing)
    rows["campaign_name"] = rows["campaign_name"].where(rows["campaign_name"] != "", rows["campaign_id"])
    return rows.assign(currency=rows["currency"].fillna(currency))


def _require_one(rows: pd.DataFrame) -> None:
    twice = rows[rows.duplicated(KEY, keep=False)]
    if len(twice):
        first = twice.iloc[0]
        platforms = ", ".join(sorted(set(twice.loc[twice["campaign_id"] == first["campaign_id"], "ad_platform"])))
        raise ValueError(
            f"campaign {first['campaign_id']} of {first['country']} {first['channel']} is there twice ({platforms}): "
            "bl.campaign_plan has one row per country, channel and campaign_id. Rename one where it is from, or "
            "take it out of planning.campaigns.new"
        )


def _with_rates(rows: pd.DataFrame, inputs: CampaignInputs) -> pd.DataFrame:
    """Add what a unit of the account's currency is worth."""
    known = dict(zip(inputs.rates["currency"], inputs.rates["rate"].astype(float), strict=True))
    known[inputs.currency] = 1.0
    rows = rows.assign(rate=[known.get(one, np.nan) for one in rows["currency"]])
    lacks = rows[rows["is_open"] & rows["rate"].isna()]
    if len(lacks):
        first = lacks.iloc[0]
        money = first["currency"] if isinstance(first["currency"], str) else "a currency that il.ad_spend does not name"
        raise ValueError(
            f"campaign {first['campaign_id']} of {first['country']} {first['channel']} is paid in {money}, of which "
            f"il.exchange_rates has no rate: its budget cannot be typed in. Load the rate ({len(lacks)} campaigns wait)"
        )
    return rows.assign(rate=rows["rate"].fillna(1.0), currency=rows["currency"].fillna(inputs.currency))


def with_shares(rows: pd.DataFrame, money: np.ndarray, settings: CampaignSettings) -> pd.DataFrame:
    """Add `start`, money a week that changes count from, and `share`, of its cell at today's mix, which add up to 1.

    `rows` with cell; `money`: a week of each cell by the plan, (C,). What spends nothing today, being new or enabled
    and asleep, starts with its share (`share`, else `planning.campaigns.new_share`) of what its channel spends, or
    of the plan's money where that spends nothing.
    """
    cell, today = rows["cell"].to_numpy(), rows["today"].to_numpy(dtype=float)
    of_cell = np.bincount(cell, today, len(money))
    base = np.where(of_cell > 0, of_cell, np.maximum(money, 1e-9))
    asked = rows["share"] if "share" in rows else pd.Series(np.nan, index=rows.index)
    start = np.where(today > 0, today, asked.astype(float).fillna(settings.new_share) * base[cell])
    whole = np.bincount(cell, start, len(money))
    # A cell of new ones alone: the plan's money is theirs.
    start = np.where((of_cell <= 0)[cell], start * (base / np.maximum(whole, 1e-300))[cell], start)
    whole = np.bincount(cell, start, len(money))
    return rows.assign(start=start, share=start / whole[cell])
