"""Daily budgets of campaigns as files that Google Ads and Meta take.

A platform keeps a campaign's daily budget until it is told another, so the files have those of the plan's first week
that is not over alone: a week later the next plan is uploaded. Of a week in progress a day gets what is left over the
days left. Only campaigns that run are in them, with the id that the platform gave them: a new one has to be made by
hand first, one that gets nothing has to be paused (no platform takes a zero), and one of unknown status may not run.

Column names
- Google Ads: those of the template of campaigns (Tools, Bulk actions, Uploads, View templates): Row Type, Action,
  Customer ID (of a manager's account alone), Campaign ID, Campaign, Budget, Budget type. Google Ads Editor reads the
  same file: Budget is among its names for the daily budget, and case and spaces do not matter
  (https://support.google.com/google-ads/editor/answer/57747; rules of Campaign ID and Action:
  https://developers.google.com/google-ads/scripts/docs/features/bulk-upload).
- Meta: those of the template of Ads Manager (Import and export, Import ads in bulk): Campaign ID, Campaign Name,
  Campaign Daily Budget. They are of campaigns whose budget is the campaign's; where ad sets have budgets of their own,
  it is those that have to be set. A file is imported into one ad account, so there is one for each.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from pma.planning.tables import UNPLACED
from pma.report.planning_rows import PlanRows, records
from pma.report.planning_weeks import ENABLED, LOCAL, NEW, UNKNOWN, a_day, weeks_ahead

GOOGLE_COLUMNS = ("Row Type", "Action", "Customer ID", "Campaign ID", "Campaign", "Budget", "Budget type")
META_COLUMNS = ("Campaign ID", "Campaign Name", "Campaign Daily Budget")
GOOGLE_FILE, META_FILE = "google_ads_budgets.csv", "meta_budgets.csv"
# The platforms that have a file.
PLATFORMS = {"google": "Google Ads", "meta": "Meta"}
_CAMPAIGN = ["ad_platform", "campaign_id", "currency"]


def next_budgets(rows: PlanRows) -> pd.DataFrame:
    """Return the campaigns of the plan's first week that is not over, one row per campaign whatever its countries.

    ad_platform, campaign_id, currency, account_id, campaign_name, campaign_status, country, channel (joined by commas
    where there are several), budget_local and spent_local (of the week), daily (of a day that is left): Decimals all.
    """
    columns = [*_CAMPAIGN, "account_id", "campaign_name", "campaign_status", "country", "channel"]
    weeks = weeks_ahead(rows)
    if not weeks:
        return pd.DataFrame(columns=[*columns, *LOCAL, "daily"])
    own = rows.campaigns[rows.campaigns["week_start"] == weeks[0].first]
    whole = own.groupby(_CAMPAIGN, as_index=False).agg(
        campaign_name=("campaign_name", "first"),
        campaign_status=("campaign_status", "first"),
        country=("country", _joined),
        channel=("channel", _joined),
        **{name: (name, lambda amounts: sum(amounts, Decimal(0))) for name in LOCAL},
    )
    found = whole.merge(rows.accounts, on=_CAMPAIGN[:2], how="left")
    by_day = [a_day(one, weeks[0], one["currency"]) for one in records(found)]
    found["daily"] = pd.Series(by_day, index=found.index, dtype=object)
    found["account_id"] = found["account_id"].where(found["account_id"].notna(), "")
    found = found.sort_values(["ad_platform", "account_id", "campaign_id"], ignore_index=True)
    return found[[*columns, *LOCAL, "daily"]]


def _joined(names: pd.Series) -> str:
    return ", ".join(sorted(set(names)))


def to_upload(budgets: pd.DataFrame, platform: str) -> pd.DataFrame:
    """Return the campaigns of a platform whose budget a file can set."""
    is_own, runs = budgets["ad_platform"] == platform, budgets["campaign_status"] == ENABLED
    return budgets[is_own & runs & (budgets["daily"] > 0)]


def to_pause(budgets: pd.DataFrame) -> pd.DataFrame:
    """Return the campaigns that run and get nothing in the first week."""
    return budgets[(budgets["campaign_status"] == ENABLED) & (budgets["daily"] <= 0)]


def to_make(budgets: pd.DataFrame) -> pd.DataFrame:
    """Return the campaigns that get money and are not made yet."""
    return budgets[(budgets["campaign_status"] == NEW) & (budgets["daily"] > 0)]


def to_type(budgets: pd.DataFrame) -> pd.DataFrame:
    """Return the campaigns that may run, get money, and are in no file: by their platform, or of unknown status."""
    is_filed = budgets["ad_platform"].isin(list(PLATFORMS)) & (budgets["campaign_status"] == ENABLED)
    may_run = budgets["campaign_status"].isin([ENABLED, UNKNOWN]) & (budgets["campaign_id"] != UNPLACED)
    return budgets[may_run & ~is_filed & (budgets["daily"] > 0)]


def google_csv(budgets: pd.DataFrame) -> str:
    """Return the file for Google Ads, of all accounts: a manager's account uploads it as it is."""
    lines = [
        ("Campaign", "Edit", _customer(one["account_id"]), one["campaign_id"], _name(one), one["daily"], "Daily")
        for one in records(to_upload(budgets, "google"))
    ]
    return _csv(GOOGLE_COLUMNS, lines)


def meta_csvs(budgets: pd.DataFrame) -> dict[str, str]:
    """Return the files for Meta by their names: one per ad account, META_FILE where there is one account alone."""
    own = to_upload(budgets, "meta")
    accounts = sorted(set(own["account_id"]))
    if len(accounts) < 2:
        return {META_FILE: _csv(META_COLUMNS, _meta_lines(own))}
    stem = META_FILE.removesuffix(".csv")
    return {
        f"{stem}_{_plain(account)}.csv": _csv(META_COLUMNS, _meta_lines(own[own["account_id"] == account]))
        for account in accounts
    }


def platform_files(rows: PlanRows) -> dict[str, bytes]:
    """Return the files by name; none without a week that is not over."""
    if not weeks_ahead(rows):
        return {}
    budgets = next_budgets(rows)
    texts = {GOOGLE_FILE: google_csv(budgets), **meta_csvs(budgets)}
    # As bytes, lines end as RFC 4180 has them, on every machine.
    return {name: text.encode("utf-8") for name, text in texts.items()}


def files_there(folder: Path) -> list[Path]:
    """Return the files for platforms that lie in a folder, of whatever plan."""
    return [path for path in (folder / GOOGLE_FILE, *folder.glob(META_FILE.replace(".csv", "*.csv"))) if path.exists()]


def _meta_lines(own: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [(one["campaign_id"], _name(one), one["daily"]) for one in records(own)]


def _name(one: Mapping[str, Any]) -> str:
    return one["campaign_name"] if isinstance(one["campaign_name"], str) else ""


def _customer(account: str) -> str:
    """An account of Google Ads as people write it, 123-456-7890."""
    return f"{account[:3]}-{account[3:6]}-{account[6:]}" if account.isdigit() and len(account) == 10 else account


def _plain(account: str) -> str:
    return "".join(letter for letter in account if letter.isalnum() or letter in "-_") or "unknown"


def _csv(columns: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerows([columns, *lines])
    return made.getvalue()
