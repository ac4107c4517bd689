"""What a fit says, as rows of the tables that people read; draws of a posterior and models of a front alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pma.mmm.design import Design
from pma.mmm.effects import Media, components, curves, marginal, returns
from pma.mmm.layout import Draws
from pma.mmm.spec import FitSettings, ModelSpec
from pma.mmm.trust import Check

Row = dict[str, Any]


def contributions_rows(design: Design, draws: Draws, media: Media) -> list[Row]:
    """Rows of bl.mmm_contributions."""
    weeks = [week.date() for week in design.weeks]
    rows: list[Row] = []
    for name, kind, effect in components(design, draws, media):
        low, middle, high = np.quantile(effect, [0.05, 0.5, 0.95], axis=0)
        numbers = zip(weeks, effect.mean(axis=0).tolist(), low.tolist(), middle.tolist(), high.tolist(), strict=True)
        rows += [
            {"week_start": week, "component": name, "kind": kind, "mean": mean, "p05": p05, "p50": p50, "p95": p95}
            for week, mean, p05, p50, p95 in numbers
        ]
    return rows


def summary_rows(
    design: Design, draws: Draws, media: Media, mean: np.ndarray, widths: np.ndarray, reasons: Sequence[str | None]
) -> list[Row]:
    """Rows of bl.mmm_channel_summary.

    `mean`: expected target, (draws, weeks); `widths`: see `pma.mmm.diagnostics.prior_widths`, NaN where there is none;
    `reasons` not to trust a channel, None: it may be trusted.
    """
    known = ~np.isnan(design.money)
    spend = np.nansum(design.money, axis=0)
    roas, more = returns(design, media), marginal(design, draws, media)
    brought = roas * spend
    share = brought / (mean @ known)
    rows: list[Row] = []
    for c, name in enumerate(design.channels):
        rows.append(
            {
                "channel": name,
                "spend": float(spend[c]),
                "weeks": int(known[:, c].sum()),
                "contribution": float(brought[:, c].mean()),
                **_interval("contribution", brought[:, c], (5, 95)),
                "share": float(share[:, c].mean()),
                "roas_mean": float(roas[:, c].mean()),
                **_interval("roas", roas[:, c], (5, 50, 95)),
                "mroas_mean": float(more[:, c].mean()),
                **_interval("mroas", more[:, c], (5, 95)),
                "prior_width": None if np.isnan(widths[c]) else float(widths[c]),
                "is_trusted": reasons[c] is None,
                "reason": reasons[c],
            }
        )
    return rows


def check_rows(found: Sequence[Check]) -> list[Row]:
    """Rows of bl.mmm_checks."""
    names = ("check", "channel", "measure", "limit", "is_passed", "detail")
    return [{name: getattr(one, name) for name in names} for one in found]


def media_interval(design: Design, media: Media, mean: np.ndarray) -> Row:
    """Ends of the 90 % interval of paid media's share of the expected target, over explained weeks; `mean`: (D, T)."""
    seen = design.explained > 0
    brought = media.brought[:, seen].sum(axis=(1, 2))
    return _interval("media_share", brought / mean[:, seen].sum(axis=1), (5, 95))


def fit_weeks_rows(design: Design, media: Media, mean: np.ndarray, replicated: np.ndarray) -> list[Row]:
    """Rows of bl.mmm_fit_weeks; expected target and target drawn anew, (draws, weeks)."""
    low, high = np.quantile(replicated, [0.05, 0.95], axis=0)
    expected = mean.mean(axis=0)
    moves = len(media.factor) > 1
    factors = np.quantile(media.factor, [0.5, 0.05, 0.95], axis=0).T
    names = ("media_factor", "media_factor_p05", "media_factor_p95")
    return [
        {
            "week_start": week.date(),
            "actual": None if np.isnan(design.value[t]) else float(design.value[t]),
            "expected": float(expected[t]),
            "p05": float(low[t]),
            "p95": float(high[t]),
            "is_explained": bool(design.explained[t] > 0),
            **(dict(zip(names, factors[t].tolist(), strict=True)) if moves else dict.fromkeys(names)),
        }
        for t, week in enumerate(design.weeks)
    ]


def _interval(name: str, values: np.ndarray, percents: Sequence[int]) -> Row:
    found = np.percentile(values, percents)
    return {f"{name}_p{percent:02d}": float(value) for percent, value in zip(percents, found, strict=True)}


def curves_rows(design: Design, draws: Draws, media: Media, settings: FitSettings) -> list[Row]:
    """Rows of bl.mmm_response_curves."""
    spend, response = curves(design, draws, media, settings.curve_points, settings.curve_until)
    low, middle, high = np.quantile(response, [0.05, 0.5, 0.95], axis=0)
    mean, most = response.mean(axis=0), np.nanmax(design.money, axis=0)
    return [
        {
            "channel": name,
            "spend": float(spend[p, c]),
            "mean": float(mean[p, c]),
            "p05": float(low[p, c]),
            "p50": float(middle[p, c]),
            "p95": float(high[p, c]),
            "is_seen": bool(spend[p, c] <= most[c]),
        }
        for c, name in enumerate(design.channels)
        for p in range(len(spend))
    ]


def posterior_rows(design: Design, draws: Draws, media: Media, spec: ModelSpec, settings: FitSettings) -> list[Row]:
    """Rows of bl.mmm_posterior: draws at even distances."""
    count = len(draws.level)
    kept = np.unique(np.linspace(0, count - 1, min(settings.kept_draws, count)).astype(int))
    return [
        {
            "draw": number,
            "channel": name,
            "adstock": design.media[c].adstock,
            "adstock_first": float(draws.adstock[d, c, 0]),
            "adstock_second": float(draws.adstock[d, c, 1]),
            "lags": spec.lags,
            "saturation": design.media[c].saturation,
            "saturation_first": float(draws.saturation[d, c, 0]),
            "saturation_second": float(draws.saturation[d, c, 1]),
            "usual_spend": float(design.spend_scale[c]),
            "coefficient": float(media.coefficient[d, c]),
        }
        for number, d in enumerate(kept)
        for c, name in enumerate(design.channels)
    ]
