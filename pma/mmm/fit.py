"""One fit: the rows of one geo in, all that is known of it out. A plain function, for any engine."""

from __future__ import annotations

import functools
import hashlib
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from pma.mmm import diagnostics
from pma.mmm.calibration import calibrated
from pma.mmm.candidates import chosen_model
from pma.mmm.confounding import suspicions, without_tests
from pma.mmm.design import Design, NotFitError, make_design
from pma.mmm.effects import Fitted, read, replicate, returns
from pma.mmm.lift_tests import tests_of
from pma.mmm.outcome import (
    Row,
    check_rows,
    contributions_rows,
    curves_rows,
    fit_weeks_rows,
    media_interval,
    posterior_rows,
    summary_rows,
)
from pma.mmm.posterior import fit_design
from pma.mmm.ridge import in_ridge_form, search
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, ModelSpec
from pma.mmm.tables import FITS, MMM_LANDED
from pma.mmm.trust import Again, Remake, channel_doubts, check_fit, sentences
from pma.parallel import group_seed

SECOND = "a second opinion that nothing has checked; use it beside the model, not in its place"
COLUMNS = tuple(column.name for column in MMM_LANDED.columns if column.name != "run_id")


def fit_geo(
    rows: pd.DataFrame, room: MmmSettings, engine: str | None = None, tests: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row, with the columns of st_il.mmm_landed less `run_id`: the fit of one geo, target and method.

    `rows`: those of bl.mmm_input of one geo (geo_level, geo, week_start, variable, role, value, ...), with `target`,
    the same in all: the variable to explain, `method` (bayes without it), `settings`, where the geo has a model of its
    own (the JSON of a change of mmm.model), and `fit_id` where it is known. `room`: model, settings of fits and of the
    ridge. `engine`: only said. `tests`: rows of il.lift_tests, of any geo. Status ok or flagged, or failed, where the
    data cannot carry the model; the message says why. The seed comes from the settings and from (geo_level, geo,
    target). Raises what is a bug.
    """
    started = time.perf_counter()
    level, geo, target = (str(rows[name].iloc[0]) for name in ("geo_level", "geo", "target"))
    method = str(rows["method"].iloc[0]) if "method" in rows else "bayes"
    row = dict.fromkeys(COLUMNS)
    row |= {"geo_level": level, "geo": geo, "target": target, "method": method, "engine": engine}
    room = room.model_copy(update={"model": chosen_model(room.model, rows)})
    known = str(rows["fit_id"].iloc[0]) if "fit_id" in rows else fit_id(rows, room, tests)
    own = rows["settings"].iloc[0] if "settings" in rows else None
    row |= {"fit_id": known, "settings": None if pd.isna(own) else own, "data_origin": _origin(rows)}
    row |= {spec.table: [] for spec in FITS}
    try:
        remake = partial(_design, target=target, room=room, tests=tests if room.fit.calibrate else None)
        row |= _by_ridge(remake(rows), room) if method == "ridge" else _by_bayes(rows, remake, room)
    except NotFitError as error:
        row |= {"status": "failed", "message": f"{error}."}
    row |= {"seconds": time.perf_counter() - started, "peak_rss_mb": peak_rss_mb()}
    return pd.DataFrame([row], columns=list(COLUMNS))


def fit_id(rows: pd.DataFrame, room: MmmSettings, tests: pd.DataFrame | None = None) -> str:
    """Return a digest of what decides a fit: code, model, settings, the geo's data and its lift tests.

    Sixteen hex digits. `tests`: rows of il.lift_tests; those of other geos and targets change nothing, nor does a
    setting of theirs where there are none.
    """
    used = ["geo_level", "geo", "week_start", "variable", "role", "value", "target"]
    used += [name for name in ("is_complete_week", "unit") if name in rows]
    sorted_rows = rows[used].astype({"week_start": str}).sort_values(used[2:4], ignore_index=True)
    digest = hashlib.sha256(_code())
    digest.update(chosen_model(room.model, rows).model_dump_json().encode())
    left_out = {"targets", "geo_levels", "methods", "calibrate", "use_selection", "land_seconds", "land_fits"}
    digest.update(room.fit.model_dump_json(exclude=left_out).encode())
    if "method" in rows and rows["method"].iloc[0] == "ridge":
        digest.update(room.ridge.model_dump_json().encode())
    digest.update(sorted_rows.to_csv(index=False).encode())
    level, geo, target = (str(rows[name].iloc[0]) for name in ("geo_level", "geo", "target"))
    mine = tests_of(tests, level, geo, target)
    if room.fit.calibrate and len(mine):
        digest.update(mine.astype(str).to_csv(index=False).encode())
    return digest.hexdigest()[:16]


@functools.cache
def _code() -> bytes:
    """The source of the model: a fit that landed from an older one is not taken for a new one."""
    room = Path(__file__).parent
    return b"".join(file.read_bytes() for at in (room, room.parent / "media") for file in sorted(at.glob("*.py")))


def peak_rss_mb() -> float:
    """Return the most memory that this process has held so far, MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def _design(
    rows: pd.DataFrame,
    hidden: pd.Index | None = None,
    *,
    target: str,
    room: MmmSettings,
    tests: pd.DataFrame | None = None,
) -> Design:
    return make_design(rows, target, room.model, room.fit, hidden, tests=tests)


def _by_bayes(rows: pd.DataFrame, remake: Remake, room: MmmSettings) -> Row:
    spec, settings = room.model, room.fit
    design = remake(rows, None)
    seed = group_seed(settings.seed, design.geo_level, design.geo, design.target)
    _, sampled, fitted = fit_design(design, spec, settings, seed)
    draws, media, mean = fitted.draws, fitted.media, fitted.mean
    replicated = replicate(design, draws, mean, seed)
    found = diagnostics.diagnose(design, sampled, mean, replicated, media.brought.sum(axis=2))
    checks = check_fit(Again(rows, design, returns(design, media), remake, spec, settings, seed))
    widths = diagnostics.prior_widths(design, draws.kappa, media.coefficient)
    reasons = _reasons(design, fitted, widths, settings, channel_doubts(checks, design.channels))
    status, message = diagnostics.verdict(found, len(draws.level), reasons, settings, sentences(checks))
    numbers = asdict(found)
    del numbers["negative_baseline"]
    known = {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in numbers.items()}
    said = {"status": status, "message": message, "mmm_checks": check_rows(checks)}
    said["mmm_channel_summary"] = summary_rows(design, draws, media, mean, widths, reasons)
    told = known | said | _told(design, fitted, replicated, reasons, spec, settings)
    before = fit_design(without_tests(design), spec, settings, seed)[2] if design.lifts.tests else fitted
    return calibrated(told, design, before, fitted)


def _by_ridge(design: Design, room: MmmSettings) -> Row:
    design = in_ridge_form(design)
    seed = group_seed(room.fit.seed, design.geo_level, design.geo, design.target, "ridge")
    fitted = _front(design, room, seed)
    draws, media, mean = fitted.draws, fitted.media, fitted.mean
    widths = np.full(len(design.channels), np.nan)
    reasons = _reasons(design, fitted, widths, room.fit)
    found = diagnostics.in_sample(design, mean, media.brought.sum(axis=2))
    status, message = diagnostics.ridge_verdict(found, reasons, room.fit)
    reasons = [reason or f"{name}: {SECOND}" for name, reason in zip(design.channels, reasons, strict=True)]
    summary = summary_rows(design, draws, media, mean, widths, reasons)
    said = {"status": status, "message": message, "mmm_channel_summary": summary}
    replicated = replicate(design, draws, mean, seed)
    told = found | said | _told(design, fitted, replicated, reasons, room.model, room.fit)
    before = _front(without_tests(design), room, seed) if design.lifts.tests else fitted
    return calibrated(told, design, before, fitted)


def _front(design: Design, room: MmmSettings, seed: int) -> Fitted:
    return read(design, search(design, room.model, room.ridge, seed).draws, room.model.lags)


def _reasons(
    design: Design,
    fitted: Fitted,
    widths: np.ndarray,
    settings: FitSettings,
    checked: Sequence[str | None] | None = None,
) -> list[str | None]:
    """Why not to trust each channel: by its draws, by the checks, by spend that follows demand; None: trust it."""
    doubts = diagnostics.doubts(design, fitted.draws, returns(design, fitted.media), widths, settings)
    others = checked or [None] * len(doubts)
    suspected = suspicions(design, settings.follows_target)
    return [doubt or other or demand for doubt, other, demand in zip(doubts, others, suspected, strict=True)]


def _told(
    design: Design,
    fitted: Fitted,
    replicated: np.ndarray,
    reasons: Sequence[str | None],
    spec: ModelSpec,
    settings: FitSettings,
) -> Row:
    """What both methods tell alike of their draws; `reasons` not to trust a channel, by channel."""
    draws, media = fitted.draws, fitted.media
    return {
        **media_interval(design, media, fitted.mean),
        "not_trusted": [name for name, reason in zip(design.channels, reasons, strict=True) if reason],
        "notes": list(design.notes),
        "weeks": int(design.explained.sum()),
        "channels": len(design.channels),
        "mmm_fit_weeks": fit_weeks_rows(design, media, fitted.mean, replicated),
        "mmm_contributions": contributions_rows(design, draws, media),
        "mmm_response_curves": curves_rows(design, draws, media, settings),
        "mmm_posterior": posterior_rows(design, draws, media, spec, settings),
    }


def _origin(rows: pd.DataFrame) -> str:
    return str(rows["data_origin"].iloc[0]) if "data_origin" in rows else "unknown"
