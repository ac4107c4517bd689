"""Checks across geos: copies of one national number, size, regions that lack a country, pairs that move together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pma.mmm.input.collinearity import pairs
from pma.mmm.input.gaps import NEVER
from pma.mmm.input.geo_panel import ALL, Finding, Judge, listed
from pma.mmm.series import varies

# Weeks explain this share of a variable of all geos: it is one series with different factors.
ONE_SERIES = 0.999
COUNTRY, REGION = "country", "management_region"


def same_everywhere(values: pd.DataFrame, role: str, variable: str) -> Iterator[tuple[str, str, Finding]]:
    """One series split over countries by a key: regress each country's scaled values on weeks (Meridian's R2 of time).

    `values`: weeks x countries. Yields (geo_level, geo, finding).
    """
    known = values.dropna(axis=1, how="all").dropna()
    moving = [name for name in known.columns if varies(known[name].to_numpy())]
    if role not in ("paid", "organic") or len(moving) < 2 or len(known) < 12:
        return
    scaled = known[moving].to_numpy(dtype=float)
    scaled = (scaled - scaled.mean(axis=0)) / scaled.std(axis=0)
    explained = float((scaled.mean(axis=1) ** 2).sum() * scaled.shape[1] / (scaled**2).sum())
    if explained >= ONE_SERIES:
        yield (
            COUNTRY,
            ALL,
            Finding(
                "same_everywhere",
                variable,
                "warn",
                f"the same series in {listed(sorted(moving), 12)}, up to a factor",
                "It was split by a key, not measured: countries say nothing about each other's effect.",
                "Ask who delivers it for the numbers of each country.",
                measure=explained,
            ),
        )


def against_size(means: pd.Series, sizes: pd.Series, role: str, variable: str) -> Iterator[tuple[str, str, Finding]]:
    """Spend that is smaller where more is uploaded; `means` and `sizes` by country."""
    both = pd.concat([means, sizes], axis=1, keys=["mean", "size"]).dropna()
    if role != "paid" or len(both) < 5 or both.nunique().min() < 2:
        return
    ranks = both.rank()
    rank = float(np.corrcoef(ranks["mean"], ranks["size"])[0, 1])
    if rank <= -0.7:
        yield (
            COUNTRY,
            ALL,
            Finding(
                "against_size",
                variable,
                "warn",
                f"smaller countries spend more than larger ones (rank correlation {rank:.2f})",
                "Countries may be mixed up.",
                "Ask the data engineers to check the rules that place spend.",
                measure=rank,
            ),
        )


def lacking_countries(gaps: pd.DataFrame, judge: Judge, role: str, variable: str) -> Iterator[tuple[str, str, Finding]]:
    """Regions whose number leaves out a country without any data; `gaps`: country x gap of its first week."""
    if role == "calendar" or role == "interaction":
        return
    never = set(gaps.index[(gaps == NEVER).all(axis=1)])
    for region, group in judge.regions.items():
        inside = [country for country in group if country in gaps.index]
        lacks = sorted(set(inside) & never)
        if lacks and len(lacks) < len(inside):
            yield (
                REGION,
                region,
                Finding(
                    "lacks_countries",
                    variable,
                    "warn",
                    f"the region's number is without {listed(lacks, 12)}, which has no data of it",
                    "If it ran there, the region's spend is too low and its effect too high.",
                    f"Ask {judge.rules.owner(variable)} for these countries, or confirm that it never ran there.",
                    measure=float(len(lacks)),
                ),
            )


def check_variable(rows: pd.DataFrame, sizes: pd.Series, judge: Judge) -> list[tuple[str, str, Finding]]:
    """All checks of one variable across countries, from its long rows of the country level."""
    countries = rows[rows["geo_level"] == COUNTRY]
    if countries.empty:
        return []
    variable, role = str(countries["variable"].iloc[0]), str(countries["role"].iloc[0])
    complete = countries[countries["is_complete_week"].astype(bool)]
    values = complete.pivot(index="week_start", columns="geo", values="value").astype(float)
    gaps = countries.pivot(index="geo", columns="week_start", values="gap")
    return [
        *same_everywhere(values, role, variable),
        *against_size(values.mean(), sizes, role, variable),
        *lacking_countries(gaps, judge, role, variable),
    ]


def check_together(rows: pd.DataFrame, sizes: pd.Series, judge: Judge) -> list[tuple[str, str, Finding]]:
    """Pairs of variables that move together over all countries and weeks, from the long rows of the country level.

    Meridian's overall correlation: the weeks of all countries under one another. As there, what adds up over countries
    counts by size (`sizes` by country, uploads stand for population): else all money is alike, more in large countries.
    """
    complete = rows[rows["is_complete_week"].astype(bool)]
    if complete["geo"].nunique() < 2:
        return []
    roles = dict(zip(complete["variable"], complete["role"], strict=True))
    names = sorted(name for name, role in roles.items() if role in ("paid", "organic", "context"))
    stacked = complete.pivot(index=["geo", "week_start"], columns="variable", values="value").astype(float)[names]
    size = sizes.where(sizes > 0).reindex(stacked.index.get_level_values("geo")).to_numpy(dtype=float)
    summed = [name for name in names if _adds_up(name, roles[name], judge)]
    stacked[summed] = stacked[summed].div(size, axis=0)
    moving = [name for name in names if varies(stacked[name].dropna().to_numpy())]
    return [(COUNTRY, ALL, finding) for finding in pairs(stacked[moving], judge.settings)]


def _adds_up(name: str, role: str, judge: Judge) -> bool:
    """Say whether the variable of a region is the sum of its countries'; without a rule, money is."""
    rule = judge.rules.of(name)
    return rule.of_region == "sum" if rule else role == "paid"
