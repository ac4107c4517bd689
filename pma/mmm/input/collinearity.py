"""Checks of series against each other: twins, inflation of variance, spend that follows the target, time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pma.mmm.input.geo_panel import Finding, GeoPanel, listed
from pma.mmm.input.variables import TARGETS
from pma.mmm.series import A_YEAR, followed
from pma.mmm.settings import ReadinessSettings

# Pairs with fewer common weeks say nothing.
MIN_COMMON = 12
# Of a singular matrix; Delta holds infinity, reports do not.
LARGEST_VIF = 1e9
SPLIT = "The model cannot tell them apart: the prior decides how the effect is split between them."
JOIN = "Ask the analysts to join or drop one of them, or to test one alone (geo lift test)."


def correlated(panel: GeoPanel) -> Iterator[Finding]:
    """Pairs of variables that move together: near duplicates, and those that are hard to split."""
    yield from pairs(panel.values[panel.varying("paid", "organic", "context")], panel.settings)


def pairs(values: pd.DataFrame, settings: ReadinessSettings) -> Iterator[Finding]:
    """Pairs of columns that move together over the rows in which both are known, two findings a column at most."""
    matrix = values.corr(min_periods=MIN_COMMON)
    for name in values.columns:
        others = matrix[name].drop(name).abs().dropna().sort_values(ascending=False, kind="stable")
        twins = others[others >= settings.duplicate_correlation]
        alike = others[(others >= settings.warn_correlation) & (others < settings.duplicate_correlation)]
        for check, found, words in (
            ("near_duplicate", twins, "nearly the same series as"),
            ("correlation", alike, "moves with"),
        ):
            if not found.empty:
                said = [f"{other} ({matrix.loc[name, other]:.3f})" for other in found.index]
                yield Finding(check, name, "warn", f"{words} {listed(said, 3)}", SPLIT, JOIN, measure=found.iloc[0])


def inflation(panel: GeoPanel) -> Iterator[Finding]:
    """Variables that the others together explain: variance inflation over the weeks in which all are known.

    Interactions are left out: they contain their parts. Variables with the fewest known weeks are left out until twice
    as many common weeks as variables are there.
    """
    frame = common_weeks(panel.values[panel.varying("paid", "organic", "context", "calendar")])
    if frame.shape[1] < 2:
        return
    factors = vif(frame.to_numpy())
    for name, factor in zip(frame.columns, factors, strict=True):
        if factor < panel.settings.warn_vif:
            continue
        fails = factor >= panel.settings.fail_vif and panel.roles[name] != "calendar"
        yield Finding(
            "vif",
            name,
            "fail" if fails else "warn",
            "the other variables together say the same (variance inflation "
            + ("without end)" if factor >= LARGEST_VIF else f"{factor:,.1f})"),
            "The geo is not fitted: any split would be as good." if fails else SPLIT,
            JOIN,
            measure=float(factor),
        )


def common_weeks(values: pd.DataFrame) -> pd.DataFrame:
    """The weeks in which all variables are known; the least known and the constant ones go until these are enough."""
    frame = values
    while frame.shape[1] > 1:
        rows = frame.dropna()
        moving = [name for name in rows.columns if rows[name].nunique() > 1]
        if len(rows) >= max(2 * len(moving), MIN_COMMON) and len(moving) == frame.shape[1]:
            return rows
        if len(rows) >= max(2 * len(moving), MIN_COMMON):
            frame = frame[moving]
            continue
        least = frame.notna().sum().sort_values(kind="stable").index[0]
        frame = frame.drop(columns=least)
    return frame.iloc[:0, :0]


def vif(values: np.ndarray) -> np.ndarray:
    """Return the variance inflation factor of each column, (weeks, variables) -> (variables,).

    The diagonal of the inverse of the correlation matrix; where that is singular, 1 / (1 - R2) of each column's
    regression on the others, at most 1e9.
    """
    scaled = values - values.mean(axis=0)
    scaled = scaled / np.sqrt((scaled**2).sum(axis=0))
    matrix = scaled.T @ scaled
    if np.linalg.eigvalsh(matrix)[0] > 1e-10:
        return np.minimum(np.diag(np.linalg.inv(matrix)), LARGEST_VIF)
    factors = []
    for place in range(scaled.shape[1]):
        others = np.delete(scaled, place, axis=1)
        rest = scaled[:, place] - others @ np.linalg.lstsq(others, scaled[:, place], rcond=1e-10)[0]
        unexplained = float(rest @ rest)
        factors.append(LARGEST_VIF if unexplained < 1 / LARGEST_VIF else 1 / unexplained)
    return np.array(factors)


def follows_target(panel: GeoPanel) -> Iterator[Finding]:
    """Spend that moves with the target of the same week, or of the four weeks before: budgets that follow demand.

    Judged is the correlation of the logarithms, as budgets move by shares, where it is not by chance (see
    `pma.mmm.series`). Season and trend stay in: a budget that goes with the season follows demand too, and what is
    left without them is mostly what the channel itself brings. The setting is chosen by three years of simulated
    marketplaces: at most 3 % of the channels of a country are called where budgets follow nothing, at least 65 % where
    they follow demand by half, at least 97 % where they follow nothing else.
    """
    for name in panel.varying("paid"):
        found = {
            (target, weeks): value
            for target in TARGETS
            if target in panel.values
            for weeks, value in followed(panel.values[name], panel.values[target]).items()
        }
        (target, weeks), value = max(found.items(), key=lambda item: (item[1], item[0]), default=(("", ""), 0.0))
        if value >= panel.settings.follows_target:
            yield Finding(
                "follows_target",
                name,
                "warn",
                f"spend follows {target} of {weeks} (correlation {value:.2f})",
                "Budget may follow demand: then the model gives the channel credit for demand that came anyway.",
                "Ask the analysts for a geo lift test of it before its budget is changed.",
                measure=value,
            )


def explained_by_time(panel: GeoPanel) -> Iterator[Finding]:
    """Paid and organic variables that trend and yearly season explain: they cannot be told from the base."""
    weeks = np.array([week.toordinal() for week in panel.values.index], dtype=float)
    angle = 2 * np.pi * weeks / 365.25
    waves = [part(order * angle) for order in (1, 2) for part in (np.sin, np.cos)]
    design = np.column_stack([np.ones_like(weeks), weeks - weeks.mean(), *waves]) if len(weeks) else np.empty((0, 6))
    for name in panel.varying("paid", "organic"):
        known = panel.values[name].notna().to_numpy()
        if known.sum() < A_YEAR:
            continue
        values = panel.values[name].to_numpy(dtype=float)[known]
        rest = values - design[known] @ np.linalg.lstsq(design[known], values, rcond=None)[0]
        explained = 1 - float(rest @ rest) / float(((values - values.mean()) ** 2).sum())
        if explained >= panel.settings.warn_time_r2:
            yield Finding(
                "explained_by_time",
                name,
                "warn",
                f"trend and season of the year explain {explained:.0%} of it",
                "The model cannot tell it from trend and season: the prior decides.",
                "Ask the marketing team to vary it against the season, or test it (geo lift test).",
                measure=explained,
            )
