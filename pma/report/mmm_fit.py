"""What the report says of one geo and target, drawn together from rows of the tables of fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import pandas as pd

from pma.mmm.tables import (
    MMM_CALIBRATION,
    MMM_CHANNEL_SUMMARY,
    MMM_CHECKS,
    MMM_CONTRIBUTIONS,
    MMM_FIT_WEEKS,
    MMM_RESPONSE_CURVES,
    MMM_RUNS,
    ROAS_COMPARISON,
)
from pma.report.mmm_words import Words, attribution_name, words_of

KEY = ["geo_level", "geo", "target"]
# The layer of a week that is no paid channel, and the parts of it that move.
OTHERS = "all that is not paid media"
MOVING = ("trend", "seasonality", "event", "organic", "context", "interaction", "demand")
# Areas of more weeks than this are shown as means of four: jags of a week hide what a channel brings.
FEW_WEEKS = 60
METHODS = ("bayes", "ridge")

# The first tables of MmmRows, in its order.
SHOWN = (
    *(MMM_RUNS, MMM_CONTRIBUTIONS, MMM_CHANNEL_SUMMARY, MMM_RESPONSE_CURVES, MMM_FIT_WEEKS, ROAS_COMPARISON),
    *(MMM_CHECKS, MMM_CALIBRATION),
)


@dataclass(frozen=True)
class MmmRows:
    """Rows of the tables of `SHOWN`, and of bl.mmm_selection, if there are any.

    carryover: share of an ad's effect by week, see `pma.mmm.carryover`.
    """

    runs: pd.DataFrame
    contributions: pd.DataFrame
    summary: pd.DataFrame
    curves: pd.DataFrame
    weeks: pd.DataFrame
    comparison: pd.DataFrame
    checks: pd.DataFrame
    calibration: pd.DataFrame
    selection: pd.DataFrame
    carryover: pd.DataFrame


@dataclass(frozen=True)
class Fit:
    """The fit that the page tells of; its second opinion where there is one.

    summary, curves, carryover, contributions, weeks, checks, calibration: of the main method, bayes where it was
    fitted. second: summary of the ridge beside it, without rows where there is none. selection: the row of
    bl.mmm_selection; None: select_mmm has not chosen.
    """

    words: Words
    method: str
    run: Mapping[str, Any]
    summary: pd.DataFrame
    second: pd.DataFrame
    contributions: pd.DataFrame
    weeks: pd.DataFrame
    curves: pd.DataFrame
    carryover: pd.DataFrame
    comparison: pd.DataFrame
    checks: pd.DataFrame
    calibration: pd.DataFrame
    selection: Mapping[str, Any] | None

    @property
    def channels(self) -> tuple[str, ...]:
        """Paid channels, the largest spend first."""
        return tuple(self.summary["channel"])

    @property
    def has_ridge(self) -> bool:
        """Whether a second opinion stands beside."""
        return not self.second.empty

    @property
    def media_share(self) -> float:
        """Share of the target that paid media bring."""
        return float(self.run["media_share"])

    @property
    def media_span(self) -> tuple[float, float]:
        """The 90 % interval of that share."""
        return float(self.run["media_share_p05"]), float(self.run["media_share_p95"])

    @property
    def main_name(self) -> str:
        """What the main method is called on the page."""
        return "media mix model" if self.method == "bayes" else "ridge (the model itself has no fit)"

    @property
    def span(self) -> str:
        """What the two ends of a number are called on the page."""
        return "the 90 % interval" if self.method == "bayes" else "the range of the ridge's models, no interval"

    @property
    def clicks_model(self) -> str | None:
        """The attribution model that the comparison speaks of; None: there is no comparison."""
        return None if self.comparison.empty else str(self.comparison["compared_model"].iloc[0])

    @property
    def clicks_name(self) -> str | None:
        """What it is called on the page."""
        return None if self.clicks_model is None else attribution_name(self.clicks_model)

    @property
    def usual_spend(self) -> dict[str, float]:
        """A channel's usual spend a week, money."""
        return dict(zip(self.carryover["channel"], self.carryover["usual_spend"], strict=True))

    @cached_property
    def by_component(self) -> pd.DataFrame:
        """Mean contribution in explained weeks, with its lowest and highest week; one row per kind, all paid in one."""
        seen = self.weeks.loc[self.weeks["is_explained"].astype(bool), "week_start"]
        rows = self.contributions[self.contributions["week_start"].isin(seen)]
        weekly = rows.pivot_table(index="week_start", columns="kind", values="mean", aggfunc="sum", sort=True)
        told = pd.DataFrame({"mean": weekly.mean(), "low": weekly.min(), "high": weekly.max()})
        return told.assign(share=told["mean"] / told["mean"].sum())

    def layers(self) -> pd.DataFrame:
        """Contribution by week, or by four, x layers: what is no paid media first, then channels, the largest lowest.

        The layers of a row add up to its expected target.
        """
        rows = self.contributions
        layer = rows["component"].where(rows["kind"] == "paid", OTHERS)
        weekly = rows.assign(layer=layer).pivot_table(index="week_start", columns="layer", values="mean", aggfunc="sum")
        size = weekly.drop(columns=OTHERS).sum().sort_values(ascending=False, kind="stable")
        return self.by_span(weekly[[OTHERS, *size.index]])

    def moving(self) -> pd.DataFrame:
        """Contribution by week, or by four, x the kinds that are no paid media and move."""
        rows = self.contributions[self.contributions["kind"].isin(MOVING)]
        weekly = rows.pivot_table(index="week_start", columns="kind", values="mean", aggfunc="sum")
        return self.by_span(weekly[[name for name in MOVING if name in weekly]])

    def by_span(self, weekly: pd.DataFrame | pd.Series) -> Any:
        """Means of four weeks, by their first, where there are many; else weeks as they are."""
        if len(weekly) <= FEW_WEEKS:
            return weekly
        span = np.arange(len(weekly)) // 4
        return weekly.groupby(span).mean().set_axis(weekly.index[::4], axis=0)

    def returns(self) -> pd.DataFrame:
        """Return of each channel by model, ridge and clicks, the best first; nan: has none."""
        ours = self.summary[["channel", "is_trusted", "roas_mean", "roas_p05", "roas_p95"]]
        names = {f"roas_{part}": f"ridge_{part}" for part in ("mean", "p05", "p95")}
        ridge = self.second.rename(columns=names)[["channel", *names.values()]]
        rows = ours.merge(ridge, on="channel", how="left")
        clicks = self.clicks()
        rows["clicks"] = [clicks.get(name, np.nan) for name in rows["channel"]]
        return rows.sort_values("roas_mean", ascending=False, kind="stable", ignore_index=True)

    def clicks(self) -> dict[str, float]:
        """Return of each channel by the attribution model that is compared, where it has any credit."""
        rows = self.comparison
        if rows.empty:
            return {}
        has = rows[f"credit_{self.clicks_model}"].astype(float) > 0
        return dict(zip(rows["channel"][has], rows[f"roas_{self.clicks_model}"][has].astype(float), strict=True))


@dataclass(frozen=True)
class Case:
    """One geo and target: how its fits went, and the fit where there is one."""

    geo_level: str
    geo: str
    target: str
    words: Words
    runs: Mapping[str, Mapping[str, Any]]
    fit: Fit | None

    @property
    def run(self) -> Mapping[str, Any]:
        """The run that speaks for the case: the model's, else the ridge's."""
        return self.runs["bayes" if "bayes" in self.runs else "ridge"]

    @property
    def title(self) -> str:
        """The target as the page names it."""
        return self.words.title

    @property
    def place(self) -> str:
        """The geo as the page names it."""
        return self.geo if self.geo_level == "country" else f"{self.geo} (region)"


def cases(rows: MmmRows, currency: str) -> Iterator[Case]:
    """Yield every geo and target of the runs: countries first, then by name; uploads before the others."""
    frames = {name: dict(list(frame.groupby(KEY))) for name, frame in vars(rows).items()}
    order = sorted(frames["runs"], key=lambda key: (key[0] != "country", key[0], key[1], key[2] != "uploads", key[2]))
    for key in order:
        level, geo, target = map(str, key)
        runs = {str(run["method"]): run for run in records(_plain(frames["runs"][key]))}
        words = words_of(target, currency)
        yield Case(level, geo, target, words, runs, _fit(key, runs, rows, frames, words))


def _fit(
    key: tuple[str, str, str],
    runs: Mapping[str, Mapping[str, Any]],
    rows: MmmRows,
    frames: Mapping[str, Mapping[tuple, pd.DataFrame]],
    words: Words,
) -> Fit | None:
    fitted = [name for name in METHODS if name in runs and runs[name]["status"] in ("ok", "flagged")]
    if not fitted:
        return None
    main, *others = fitted

    def of(name: str, method: str) -> pd.DataFrame:
        found = frames[name].get(key, vars(rows)[name].iloc[:0])
        return found[found["method"] == method]

    order = ["spend", "channel"]
    return Fit(
        words=words,
        method=main,
        run=runs[main],
        summary=of("summary", main).sort_values(order, ascending=[False, True], ignore_index=True),
        second=of("summary", others[0] if others else ""),
        contributions=of("contributions", main).sort_values(["week_start", "component"]),
        weeks=of("weeks", main).sort_values("week_start"),
        curves=of("curves", main),
        carryover=of("carryover", main),
        comparison=frames["comparison"].get(key, rows.comparison.iloc[:0]),
        checks=of("checks", main),
        calibration=of("calibration", main),
        selection=records(frames["selection"][key])[0] if key in frames["selection"] else None,
    )


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as mappings from column to value."""
    return cast(list[dict[str, Any]], frame.to_dict("records"))


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(object).where(frame.notna(), None)
