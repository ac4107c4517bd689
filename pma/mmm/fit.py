"""One fit: the rows of one geo in, all that is known of it out. A plain function, for any engine."""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from pma.mmm import diagnostics
from pma.mmm.design import Design, NotFitError, make_design
from pma.mmm.effects import Media, components, curves, expected, marginal, media_effects, replicate
from pma.mmm.layout import Draws, Layout
from pma.mmm.sampler import Sampled, sample
from pma.mmm.spec import FitSettings, ModelSpec
from pma.mmm.tables import MMM_LANDED
from pma.parallel import group_seed

COLUMNS = tuple(column.name for column in MMM_LANDED.columns if column.name != "run_id")
METHOD = "bayes"
Row = dict[str, Any]


def fit_geo(rows: pd.DataFrame, spec: ModelSpec, settings: FitSettings, engine: str | None = None) -> pd.DataFrame:
    """Return one row, with the columns of st_il.mmm_landed less `run_id`: the fit of one geo and target.

    `rows`: those of bl.mmm_input of one geo (geo_level, geo, week_start, variable, role, value, ...), with `target`,
    the same in all: the variable to explain, and `fit_id` where it is known. `engine`: only said. Status ok or
    flagged, or failed, where the data cannot carry the model; the
    message says why. The seed comes from the settings and from (geo_level, geo, target). Raises what is a bug.
    """
    started = time.perf_counter()
    level, geo, target = (str(rows[name].iloc[0]) for name in ("geo_level", "geo", "target"))
    row = dict.fromkeys(COLUMNS)
    row |= {"geo_level": level, "geo": geo, "target": target, "method": METHOD, "engine": engine}
    known = str(rows["fit_id"].iloc[0]) if "fit_id" in rows else fit_id(rows, spec, settings)
    row |= {"fit_id": known, "data_origin": _origin(rows)}
    row |= {name: [] for name in ("mmm_contributions", "mmm_channel_summary", "mmm_response_curves", "mmm_posterior")}
    try:
        design = make_design(rows, target, spec, settings)
        row |= _fitted(design, spec, settings)
    except NotFitError as error:
        row |= {"status": "failed", "message": f"{error}."}
    row |= {"seconds": time.perf_counter() - started, "peak_rss_mb": peak_rss_mb()}
    return pd.DataFrame([row], columns=list(COLUMNS))


def fit_id(rows: pd.DataFrame, spec: ModelSpec, settings: FitSettings) -> str:
    """Return a digest of what decides a fit: the model, the settings, the geo's data; sixteen hex digits."""
    used = ["geo_level", "geo", "week_start", "variable", "role", "value", "target"]
    used += [name for name in ("is_complete_week",) if name in rows]
    sorted_rows = rows[used].astype({"week_start": str}).sort_values(used[2:4], ignore_index=True)
    digest = hashlib.sha256(spec.model_dump_json().encode())
    digest.update(settings.model_dump_json(exclude={"targets", "geo_levels"}).encode())
    digest.update(sorted_rows.to_csv(index=False).encode())
    return digest.hexdigest()[:16]


def peak_rss_mb() -> float:
    """Return the most memory that this process has held so far, MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def _fitted(design: Design, spec: ModelSpec, settings: FitSettings) -> Row:
    seed = group_seed(settings.seed, design.geo_level, design.geo, design.target)
    layout = Layout(design, spec)
    sampled = sample(layout, settings, seed)
    draws = layout.draws(sampled.flat)
    media = media_effects(design, draws, spec.lags)
    mean = expected(design, draws, media)
    replicated = replicate(design, draws, mean, seed)
    found = diagnostics.diagnose(design, sampled, mean, replicated, media.brought.sum(axis=2))
    summary, reasons = _summary(layout, draws, media, mean, settings)
    status, message = diagnostics.verdict(found, len(draws.level), reasons, settings)
    numbers = asdict(found)
    del numbers["negative_baseline"]
    return {
        "status": status,
        "message": message,
        "not_trusted": [name for name, reason in zip(design.channels, reasons, strict=True) if reason],
        "notes": list(design.notes),
        "weeks": int(design.explained.sum()),
        "channels": len(design.channels),
        **{name: None if isinstance(value, float) and np.isnan(value) else value for name, value in numbers.items()},
        "mmm_contributions": _contributions(design, draws, media),
        "mmm_channel_summary": summary,
        "mmm_response_curves": _curves(design, draws, media, settings),
        "mmm_posterior": _posterior(design, draws, media, spec, sampled, settings),
    }


def _contributions(design: Design, draws: Draws, media: Media) -> list[Row]:
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


def _summary(
    layout: Layout, draws: Draws, media: Media, mean: np.ndarray, settings: FitSettings
) -> tuple[list[Row], list[str | None]]:
    design = layout.design
    known = ~np.isnan(design.money)
    spend = np.nansum(design.money, axis=0)
    brought = np.einsum("dtc,tc->dc", media.brought, known)
    roas, more = brought / spend, marginal(design, draws, media)
    share = brought / (mean @ known)
    widths = diagnostics.prior_widths(layout, draws)
    reasons = diagnostics.doubts(design, draws, roas, widths, settings)
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
    return rows, reasons


def _interval(name: str, values: np.ndarray, percents: Sequence[int]) -> Row:
    found = np.percentile(values, percents)
    return {f"{name}_p{percent:02d}": float(value) for percent, value in zip(percents, found, strict=True)}


def _curves(design: Design, draws: Draws, media: Media, settings: FitSettings) -> list[Row]:
    spend, response = curves(design, draws, media, settings.curve_points, settings.curve_until)
    low, high = np.quantile(response, [0.05, 0.95], axis=0)
    mean, most = response.mean(axis=0), np.nanmax(design.money, axis=0)
    return [
        {
            "channel": name,
            "spend": float(spend[p, c]),
            "mean": float(mean[p, c]),
            "p05": float(low[p, c]),
            "p95": float(high[p, c]),
            "is_seen": bool(spend[p, c] <= most[c]),
        }
        for c, name in enumerate(design.channels)
        for p in range(len(spend))
    ]


def _posterior(
    design: Design, draws: Draws, media: Media, spec: ModelSpec, sampled: Sampled, settings: FitSettings
) -> list[Row]:
    kept = np.unique(np.linspace(0, len(sampled.flat) - 1, min(settings.kept_draws, len(sampled.flat))).astype(int))
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


def _origin(rows: pd.DataFrame) -> str:
    return str(rows["data_origin"].iloc[0]) if "data_origin" in rows else "unknown"
