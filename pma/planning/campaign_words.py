"""The weekly plan in words, for the log and the report."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from pma.planning.response import CELL
from pma.planning.tables import UNPLACED

_SHOWN = 8


def campaigns_text(rows: pd.DataFrame, desired: pd.DataFrame, currency: str) -> str:
    """Return sums, uploads against the aim by country, the largest moves and what could not be placed; a few lines."""
    weeks, budget = rows["week_start"].nunique(), rows["budget"].astype(float)
    placed = rows[rows["campaign_id"] != UNPLACED]
    keys = placed[[*CELL, "campaign_id"]].drop_duplicates()
    lines = [
        f"weekly plan {rows['plan_id'].iloc[0]}: {budget.sum():,.2f} {currency} over {len(keys)} campaigns and {weeks} "
        f"weeks from {min(rows['week_start'])}; {placed['uploads'].sum():,.0f} uploads, "
        f"{placed['response'].sum():,.0f} of the plan's objective"
    ]
    aim = desired.groupby("country")["uploads_paid"].sum()
    found = placed.groupby("country")["uploads"].sum().reindex(aim.index).fillna(0.0)
    lines += [
        f"  {country}: {found[country]:,.0f} uploads expected, {aim[country]:,.0f} aimed for" for country in aim.index
    ]
    return "\n".join([*lines, *_moves(placed), *_said(rows)])


def _moves(rows: pd.DataFrame) -> Iterator[str]:
    """The campaigns whose money changes most."""
    sums = rows.assign(budget=rows["budget"].astype(float)).groupby([*CELL, "campaign_id"])
    moved = sums.agg(
        name=("campaign_name", "first"),
        before=("current_budget", "sum"),
        after=("budget", "sum"),
        why=("binding_constraint", "last"),
    )
    order = (moved["after"] - moved["before"]).abs().sort_values(ascending=False, kind="stable").index[:_SHOWN]
    for row in moved.loc[order].reset_index().to_dict("records"):
        why = f", {row['why']}" if isinstance(row["why"], str) else ""
        named = f"{row['country']} {row['channel']} {row['name'] or row['campaign_id']}"
        yield f"  {named}: {row['before']:,.0f} to {row['after']:,.0f}{why}"


def _said(rows: pd.DataFrame) -> Iterator[str]:
    """Money without a campaign, and months that are overspent."""
    lost = rows[rows["campaign_id"] == UNPLACED].assign(budget=lambda frame: frame["budget"].astype(float))
    sums = lost.groupby([*CELL, "binding_constraint"])["budget"].sum().reset_index()
    for row in sums.to_dict("records"):
        yield f"  {row['country']} {row['channel']}: {row['budget']:,.2f} are not placed, {row['binding_constraint']}"
    over = rows[rows["binding_constraint"].str.startswith("the month's money is spent", na=False)]
    for row in over[[*CELL, "binding_constraint"]].drop_duplicates().to_dict("records"):
        yield f"  {row['country']} {row['channel']}: {row['binding_constraint']}"
