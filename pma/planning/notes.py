"""What a reader of a plan must know of it, in words: what it stands on, and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from pma.planning.response import CELL, CURRENT_WEEKS, current_spend
from pma.planning.settings import PlanSettings

# Cells that a note names.
_NAMED = 6


def left_out(fits: pd.DataFrame, posterior: pd.DataFrame, paid: pd.DataFrame, cells: pd.DataFrame) -> list[str]:
    """Return fits without draws, money of today that no fit knows, and cells of whose last weeks nothing is known.

    `fits`: geo, target; `posterior`: rows of bl.mmm_posterior; `paid`: country x channel x week_start with `value`;
    `cells`: country, channel of the plan.
    """
    key = ["geo", "target"]
    drawn = set(map(tuple, posterior[key].drop_duplicates().to_numpy()))
    gone = [f"{geo} {target}" for geo, target in fits[key].to_numpy() if (geo, target) not in drawn]
    every = paid[CELL].drop_duplicates().reset_index(drop=True)
    today = current_spend(paid, every)
    is_known = pd.MultiIndex.from_frame(every).isin(pd.MultiIndex.from_frame(cells))
    names = [f"{country} {channel}" for country, channel in every[~is_known & (today > 0)].to_numpy()]
    said = [f"{', '.join(gone)} have no draws in bl.mmm_posterior and are left out: run fit_mmm"] if gone else []
    if names:
        said.append(
            f"{today[~is_known].sum():,.0f} a week of today's money is not in the plan, since no fit that it stands on "
            f"knows what it brings: {_some(names)}"
        )
    return [*said, *_unknown_today(paid, cells)]


def half_known(fits: pd.DataFrame) -> tuple[set[str], list[str]]:
    """Return the countries that lack a fit of a target that others have, and which they lack, in words."""
    every = set(fits["target"])
    lacks = {str(geo): sorted(every - set(own)) for geo, own in fits.groupby("geo")["target"]}
    lacks = {geo: missing for geo, missing in lacks.items() if missing}
    said = [f"{geo} has no fit of {', '.join(missing)}" for geo, missing in sorted(lacks.items())]
    more = "what its ads bring there counts for nothing, so money moves there in small steps: run fit_mmm"
    return set(lacks), [f"{_some(said)}; {more}"] if said else []


def beyond(rows: pd.DataFrame, asked: PlanSettings) -> list[str]:
    """Return how much money goes where nothing like it was ever spent; `rows`: of bl.budget_plan."""
    share = float(rows.loc[~rows["is_seen"], "planned_spend"].sum() / max(rows["planned_spend"].sum(), 1e-12))
    if share <= 0:
        return []
    counts = f"; it counts {asked.discount:.0%} less" if asked.beyond_seen == "discounted" else ""
    return [
        f"{share:.0%} of the money goes where a channel would cost more than it ever did: curves are a guess there"
        + counts
    ]


def _unknown_today(paid: pd.DataFrame, cells: pd.DataFrame) -> list[str]:
    """Cells that once spent, of whose last weeks nothing is known: the plan takes them to have ended."""
    last = paid.groupby(CELL)["week_start"].max().reindex(pd.MultiIndex.from_frame(cells)).dropna()
    weeks = pd.to_datetime(last)
    end = pd.Timestamp(max(paid["week_start"]))
    silent = weeks[weeks <= end - pd.Timedelta(weeks=CURRENT_WEEKS)]
    known = paid.set_index(CELL)
    names = []
    for country, channel in silent.index:
        own = known.loc[[(country, channel)]].sort_values("week_start").tail(CURRENT_WEEKS)
        if own["value"].mean() > 0:
            names.append(
                f"{country} {channel} ({own['value'].mean():,.0f} a week until {silent[country, channel]:%Y-%m-%d})"
            )
    if not names:
        return []
    return [
        f"bl.mmm_input knows nothing of the last {CURRENT_WEEKS} weeks of {_some(names)} (its column gap says why): "
        "the plan takes them to have ended. If they run, load their exports and rates, then run ad_spend and mmm_input"
    ]


def _some(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return f"{', '.join(every[:_NAMED])}{more}"
