"""One fit: the rows of one geo in, all that is known of it out. A plain function, for any engine."""

from __future__ import annotations

import functools
import hashlib
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from pma.mmm import diagnostics
from pma.mmm.design import Design, NotFitError, make_design
from pma.mmm.effects import Media, expected, media_effects, replicate
from pma.mmm.layout import Draws, Layout
from pma.mmm.outcome import (
    Row,
    contributions_rows,
    curves_rows,
    fit_weeks_rows,
    media_interval,
    posterior_rows,
    summary_rows,
)
from pma.mmm.ridge import search
from pma.mmm.sampler import sample
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, ModelSpec
from pma.mmm.tables import FITS, MMM_LANDED
from pma.parallel import group_seed

COLUMNS = tuple(column.name for column in MMM_LANDED.columns if column.name != "run_id")


def fit_geo(rows: pd.DataFrame, room: MmmSettings, engine: str | None = None) -> pd.DataFrame:
    """Return one row, with the columns of st_il.mmm_landed less `run_id`: the fit of one geo, target and method.

    `rows`: those of bl.mmm_input of one geo (geo_level, geo, week_start, variable, role, value, ...), with `target`,
    the same in all: the variable to explain, `method` (bayes without it), and `fit_id` where it is known. `room`:
    model, settings of fits and of the ridge. `engine`: only said. Status ok or flagged, or failed, where the data
    cannot carry the model; the message says why. The seed comes from the settings and from (geo_level, geo, target).
    Raises what is a bug.
    """
    started = time.perf_counter()
    level, geo, target = (str(rows[name].iloc[0]) for name in ("geo_level", "geo", "target"))
    method = str(rows["method"].iloc[0]) if "method" in rows else "bayes"
    row = dict.fromkeys(COLUMNS)
    row |= {"geo_level": level, "geo": geo, "target": target, "method": method, "engine": engine}
    known = str(rows["fit_id"].iloc[0]) if "fit_id" in rows else fit_id(rows, room)
    row |= {"fit_id": known, "data_origin": _origin(rows)}
    row |= {spec.table: [] for spec in FITS}
    try:
        design = make_design(rows, target, room.model, room.fit)
        row |= _by_ridge(design, room) if method == "ridge" else _by_bayes(design, room.model, room.fit)
    except NotFitError as error:
        row |= {"status": "failed", "message": f"{error}."}
    row |= {"seconds": time.perf_counter() - started, "peak_rss_mb": peak_rss_mb()}
    return pd.DataFrame([row], columns=list(COLUMNS))


def fit_id(rows: pd.DataFrame, room: MmmSettings) -> str:
    """Return a digest of what decides a fit: code, model, settings and the geo's data; sixteen hex digits."""
    used = ["geo_level", "geo", "week_start", "variable", "role", "value", "target"]
    used += [name for name in ("is_complete_week",) if name in rows]
    sorted_rows = rows[used].astype({"week_start": str}).sort_values(used[2:4], ignore_index=True)
    digest = hashlib.sha256(_code())
    digest.update(room.model.model_dump_json().encode())
    digest.update(room.fit.model_dump_json(exclude={"targets", "geo_levels", "methods"}).encode())
    if "method" in rows and rows["method"].iloc[0] == "ridge":
        digest.update(room.ridge.model_dump_json().encode())
    digest.update(sorted_rows.to_csv(index=False).encode())
    return digest.hexdigest()[:16]


@functools.cache
def _code() -> bytes:
    """The source of this room: a fit that landed from an older one is not taken for a new one."""
    return b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))


def peak_rss_mb() -> float:
    """Return the most memory that this process has held so far, MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def _by_bayes(design: Design, spec: ModelSpec, settings: FitSettings) -> Row:
    seed = group_seed(settings.seed, design.geo_level, design.geo, design.target)
    layout = Layout(design, spec)
    sampled = sample(layout, settings, seed)
    draws = layout.draws(sampled.flat)
    media = media_effects(design, draws, spec.lags)
    mean = expected(design, draws, media)
    replicated = replicate(design, draws, mean, seed)
    found = diagnostics.diagnose(design, sampled, mean, replicated, media.brought.sum(axis=2))
    summary, reasons = summary_rows(design, draws, media, mean, diagnostics.prior_widths(layout, draws), settings)
    status, message = diagnostics.verdict(found, len(draws.level), reasons, settings)
    numbers = asdict(found)
    del numbers["negative_baseline"]
    known = {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in numbers.items()}
    weeks = fit_weeks_rows(design, mean, replicated)
    said = {"status": status, "message": message, "mmm_channel_summary": summary, "mmm_fit_weeks": weeks}
    return known | said | media_interval(design, media, mean) | _told(design, draws, media, reasons, spec, settings)


def _by_ridge(design: Design, room: MmmSettings) -> Row:
    seed = group_seed(room.fit.seed, design.geo_level, design.geo, design.target, "ridge")
    draws = search(design, room.model, room.ridge, seed).draws
    media = media_effects(design, draws, room.model.lags)
    mean = expected(design, draws, media)
    widths = np.full(len(design.channels), np.nan)
    summary, reasons = summary_rows(design, draws, media, mean, widths, room.fit)
    found = diagnostics.in_sample(design, mean, media.brought.sum(axis=2))
    status, message = diagnostics.ridge_verdict(found, reasons, room.fit)
    weeks = fit_weeks_rows(design, mean, replicate(design, draws, mean, seed))
    said = {"status": status, "message": message, "mmm_channel_summary": summary, "mmm_fit_weeks": weeks}
    return (
        found | said | media_interval(design, media, mean) | _told(design, draws, media, reasons, room.model, room.fit)
    )


def _told(
    design: Design, draws: Draws, media: Media, reasons: Sequence[str | None], spec: ModelSpec, settings: FitSettings
) -> Row:
    """What both methods tell alike of their draws; `reasons` not to trust a channel, by channel."""
    return {
        "not_trusted": [name for name, reason in zip(design.channels, reasons, strict=True) if reason],
        "notes": list(design.notes),
        "weeks": int(design.explained.sum()),
        "channels": len(design.channels),
        "mmm_contributions": contributions_rows(design, draws, media),
        "mmm_response_curves": curves_rows(design, draws, media, settings),
        "mmm_posterior": posterior_rows(design, draws, media, spec, settings),
    }


def _origin(rows: pd.DataFrame) -> str:
    return str(rows["data_origin"].iloc[0]) if "data_origin" in rows else "unknown"
