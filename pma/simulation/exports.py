"""The files of the marketplace's ad platforms and hand-kept sheets, each in its owner's own format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pma.simulation.channels import CHANNELS
from pma.simulation.claims import claim
from pma.simulation.marketplace import Marketplace
from pma.simulation.spend import CENT, MICROS

STATUS = {
    "google": {"enabled": "ENABLED", "paused": "PAUSED", "ended": "PAUSED", "deleted": "REMOVED"},
    "meta": {"enabled": "ACTIVE", "paused": "PAUSED", "ended": "PAUSED", "deleted": "DELETED"},
    "tiktok": {
        "enabled": "CAMPAIGN_STATUS_ENABLE",
        "paused": "CAMPAIGN_STATUS_DISABLE",
        "ended": "CAMPAIGN_STATUS_TIME_DONE",
        "deleted": "CAMPAIGN_STATUS_DELETE",
    },
}
# The platform's name of each of our columns, in the order of its export.
LAYOUTS = {
    "google": {
        "date": "date",
        "customer_id": "account_id",
        "customer_name": "account_name",
        "currency_code": "currency",
        "time_zone": "account_timezone",
        "campaign_id": "campaign_id",
        "campaign_name": "name",
        "campaign_status": "status",
        "advertising_channel_type": "kind",
        "bidding_strategy_type": "bidding_type",
        "impressions": "impressions",
        "clicks": "clicks",
        "cost_micros": "local_micros",
        "conversions": "conversions",
        "conversions_value": "value",
    },
    "meta": {
        "date_start": "date",
        "account_id": "account_id",
        "account_name": "account_name",
        "account_currency": "currency",
        "timezone_name": "account_timezone",
        "campaign_id": "campaign_id",
        "campaign_name": "name",
        "effective_status": "status",
        "objective": "kind",
        "bid_strategy": "bidding_type",
        "country": "country",
        "impressions": "impressions",
        "inline_link_clicks": "clicks",
        "spend": "money",
        "conversions": "conversions",
        "conversion_values": "value",
    },
    "tiktok": {
        "stat_time_day": "date",
        "advertiser_id": "account_id",
        "advertiser_name": "account_name",
        "currency": "currency",
        "timezone": "account_timezone",
        "campaign_id": "campaign_id",
        "campaign_name": "name",
        "secondary_status": "status",
        "objective_type": "kind",
        "bid_type": "bidding_type",
        "impressions": "impressions",
        "clicks": "clicks",
        "spend": "money",
        "conversion": "conversions",
        "total_purchase_value": "value",
    },
}


def write_exports(marketplace: Marketplace, folder: Path) -> None:
    """Write `<platform>/<account_id>/<platform>_<account_id>_<YYYYMM>_exported<YYYYMMDDTHHMM>.csv` into the folder.

    One file per account and month, one row per day, campaign and, for Meta, country. Of one account of each platform a
    day was wrong at first: a later export has the day alone, corrected. `Marketplace.spend` has what stands in the end.
    """
    known = _known(marketplace)
    for platform, layout in LAYOUTS.items():
        rows = known[known["ad_platform"] == platform]
        for number, (account, of_account) in enumerate(rows.groupby("account_id", sort=True)):
            place = folder / platform / str(account)
            place.mkdir(parents=True)
            corrected = _corrected_day(of_account) if number == 0 else None
            for month, of_month in of_account.groupby(of_account["date"].dt.strftime("%Y%m"), sort=True):
                exported = _exported_on(of_month["date"].iloc[-1], marketplace)
                stem = f"{platform}_{account}_{month}_exported"
                at_first = of_month if corrected is None else _wrong_at_first(of_month, corrected)
                _write(at_first, layout, exported, place / f"{stem}{exported:%Y%m%dT%H%M}.csv")
                again = of_month[of_month["date"] == corrected]
                if len(again):
                    later = exported + pd.Timedelta(days=3, hours=2)
                    _write(again, layout, later, place / f"{stem}{later:%Y%m%dT%H%M}.csv")


def write_sheets(marketplace: Marketplace, folder: Path) -> None:
    """Write the sheets tv.csv, youtube.csv (EUR a week) and affiliate.csv (EUR a day and campaign) into the folder."""
    folder.mkdir(parents=True)
    known = marketplace.spend[marketplace.spend["in_feed"]]
    for channel, name, raw in (("tv", "tv", "TV_ad_spend"), ("youtube_flobikes", "youtube", "YT_Flobikes")):
        weekly = known[known["channel"] == channel].groupby(["date", "country"])["spend_micros"].sum() / MICROS
        write_csv(weekly.rename(raw).rename_axis(["week_start", "country"]).reset_index(), folder / f"{name}.csv")
    affiliate = known[known["channel"] == "affiliate"].sort_values(["date", "campaign_id"])
    named = affiliate.assign(campaign=marketplace.campaigns["campaign_name"].to_numpy()[affiliate["place"]])
    named = named.rename(columns={"spend": "aff_cost", "clicks": "aff_clicks"})
    write_csv(named[["date", "country", "campaign", "aff_cost", "aff_clicks"]], folder / "affiliate.csv")


def _known(marketplace: Marketplace) -> pd.DataFrame:
    """The rows that the platforms' exports have, with all of their campaign."""
    known = marketplace.spend[marketplace.spend["in_feed"]]
    claims = claim(marketplace.settings, marketplace.structure, marketplace.spend).loc[known.index]
    of_campaign = marketplace.campaigns.iloc[known["place"]].reset_index(drop=True)
    rows = known.drop(columns=["campaign_id", "country", "channel"]).reset_index(drop=True)
    rows = pd.concat([rows, claims.reset_index(drop=True), of_campaign], axis=1)
    # Platforms name a campaign as it was called on the day.
    was = rows["renamed_on"].notna() & (rows["date"] < rows["renamed_on"])
    rows["name"] = np.where(was, rows["earlier_name"], rows["campaign_name"])
    rows["money"] = rows["local_micros"] / MICROS
    rows["kind"] = rows["channel"].map({channel.name: channel.kind for channel in CHANNELS})
    return rows.sort_values(["date", "campaign_id", "country"], ignore_index=True)


def _exported_on(day: pd.Timestamp, marketplace: Marketplace) -> pd.Timestamp:
    """A month is exported on the second of the next; the last one as soon as the data end."""
    next_month = (day + pd.offsets.MonthBegin(1)).normalize() + pd.Timedelta(days=1, hours=6)
    return min(next_month, pd.Timestamp(marketplace.settings.last_day) + pd.Timedelta(days=1, hours=6))


def _corrected_day(of_account: pd.DataFrame) -> pd.Timestamp:
    days = of_account["date"].unique()
    return pd.Timestamp(days[len(days) // 2])


def _wrong_at_first(rows: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """A tenth of the day's money was not booked yet, nor were its last clicks."""
    wrong = rows.copy()
    on = wrong["date"] == day
    wrong.loc[on, "local_micros"] = wrong.loc[on, "local_micros"] * 9 // 10 // CENT * CENT
    wrong.loc[on, "money"] = wrong.loc[on, "local_micros"] / MICROS
    wrong.loc[on, "clicks"] = wrong.loc[on, "clicks"] * 9 // 10
    return wrong


def _write(rows: pd.DataFrame, layout: dict[str, str], exported: pd.Timestamp, path: Path) -> None:
    """Of a campaign that runs when the export is made, the status says so."""
    is_over = rows["ends_on"].notna() & (rows["ends_on"] < exported)
    clean = np.where(is_over, rows["status"], "enabled")
    statuses = STATUS[str(rows["ad_platform"].iloc[0])]
    told = rows.assign(status=[statuses[status] for status in clean])
    write_csv(told[list(layout.values())].set_axis(list(layout), axis=1), path)


def write_csv(frame: pd.DataFrame, path: Path, decimals: int = 2) -> None:
    """Write a frame as a comma-separated file with a header, days as YYYY-MM-DD."""
    frame.to_csv(path, index=False, float_format=f"%.{decimals}f", date_format="%Y-%m-%d", lineterminator="\n")
