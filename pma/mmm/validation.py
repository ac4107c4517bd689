"""One fold of one candidate: fitted up to the cut, judged by the weeks after it; only scores leave the worker."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from pma.mmm.allocation import best_shares
from pma.mmm.candidates import NAIVE, chosen_model
from pma.mmm.design import Design, NotFitError, make_design
from pma.mmm.diagnostics import largest_rhat
from pma.mmm.effects import Fitted, curves, replicate
from pma.mmm.fit import peak_rss_mb
from pma.mmm.fold_tables import MMM_FOLDS
from pma.mmm.fold_tasks import Key, unpack
from pma.mmm.folds import Fold, known_target
from pma.mmm.naive import seasonal_naive
from pma.mmm.outcome import Row
from pma.mmm.posterior import fit_design
from pma.mmm.scores import coverage, crps, mape
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, ModelSpec
from pma.parallel import group_seed

COLUMNS = tuple(column.name for column in MMM_FOLDS.columns if column.name != "run_id")
# Points of a response curve that a budget is split by.
CURVE_POINTS = 101


def score_fold(
    task: pd.DataFrame, panels: Mapping[Key, bytes], room: MmmSettings, engine: str | None = None
) -> pd.DataFrame:
    """Return one row, with the columns of st_il.mmm_folds less `run_id`.

    `task`: one row of `pma.mmm.fold_tasks.FoldTasks.tasks`; `panels`: see there; `engine`: only said. A conditional
    forecast: the model sees no target from the cutoff on, but the spend, context and events of the weeks it forecasts
    as they were, a temperature that nobody knew before too; of weeks after them it sees nothing. Status failed, and
    why, where the data cannot carry the model. The seed comes from settings, geo, target and cutoff: candidates share
    it, so that luck of the draw is no difference between them. Raises what is a bug.
    """
    started = time.perf_counter()
    one = task.iloc[0]
    row = dict.fromkeys(COLUMNS) | {name: one[name] for name in task.columns if name in COLUMNS}
    row |= {"engine": engine, "channels": [], "roas": [], "weights": []}
    fold = Fold(int(one["fold"]), one["scaled_until"], one["cutoff"], one["ends"])
    rows = unpack(panels[one["geo_level"], one["geo"]])
    rows = rows[rows["week_start"] < fold.ends]
    try:
        known = known_target(rows, one["target"])
        usual = _usual(known, fold, one["target"])
        if one["candidate"] == NAIVE:
            row |= _of_naive(known, fold, usual)
        else:
            row |= _of_model(rows, known, fold, usual, chosen_model(room.model, task), room, one["target"])
        row["status"] = "ok"
    except NotFitError as error:
        row |= {"status": "failed", "message": f"{error}."}
    row |= {"seconds": time.perf_counter() - started, "peak_rss_mb": peak_rss_mb()}
    return pd.DataFrame([row], columns=list(COLUMNS))


def _usual(known: pd.Series, fold: Fold, target: str) -> float:
    """The usual week of the first fold's window: the unit of all scores. Raises NotFitError."""
    usual = float(known[known.index < fold.scaled_until].median())
    if not usual > 0:
        raise NotFitError(f"the usual week of {target} is {usual:g}: a model needs a positive one. Check its feed")
    if not (known.index >= fold.cutoff).any():
        raise NotFitError(
            f"{target} is known in no week from {fold.cutoff} to {fold.ends}: there is nothing to judge by"
        )
    return usual


def _of_naive(known: pd.Series, fold: Fold, usual: float) -> Row:
    held = known[known.index >= fold.cutoff]
    forecast, draws = seasonal_naive(known, list(held.index), fold.cutoff)
    told = {"train_weeks": int((known.index < fold.cutoff).sum()), "parameters": 0}
    return told | _scores(forecast, draws, held.to_numpy(), usual)


def _of_model(
    rows: pd.DataFrame, known: pd.Series, fold: Fold, usual: float, spec: ModelSpec, room: MmmSettings, target: str
) -> Row:
    settings = room.fit.model_copy(update=dict(room.validation.fit))
    weeks = pd.Index(rows["week_start"].unique())
    learned = weeks[weeks < fold.scaled_until]
    design = make_design(rows, target, spec, settings, hidden=weeks[weeks >= fold.cutoff], scaled_on=learned)
    seed = group_seed(settings.seed, design.geo_level, design.geo, target, str(fold.cutoff))
    layout, sampled, fitted = fit_design(design, spec, settings, seed)
    rhat = largest_rhat(sampled.theta)
    if settings.chains > 1 and not rhat <= settings.max_rhat:
        raise NotFitError(f"its chains do not agree (R-hat {rhat:.2f}): more mmm.validation.fit.tune and draws")
    held = known[known.index >= fold.cutoff]
    places = design.weeks.get_indexer(pd.to_datetime(list(held.index)))
    replicated = replicate(design, fitted.draws, fitted.mean, seed)[:, places]
    return {
        "train_weeks": int(design.explained.sum()),
        "parameters": layout.size,
        "rhat_max": rhat,
        "divergences": sampled.divergent,
        **_scores(fitted.mean.mean(axis=0)[places], replicated, held.to_numpy(), usual),
        **_advice(design, fitted, fold.scaled_until, settings),
    }


def _scores(forecast: np.ndarray, draws: np.ndarray, value: np.ndarray, usual: float) -> dict[str, Any]:
    return {
        "holdout_weeks": len(value),
        "mape": mape(forecast, value),
        "crps": float(crps(draws, value).mean()) / usual,
        "coverage_90": coverage(draws, value),
    }


def _advice(design: Design, fitted: Fitted, scaled_until: date, settings: FitSettings) -> dict[str, list[Any]]:
    """What a reader would do by this fold: ROAS over weeks that all folds share, and the best split of the budget."""
    shared = np.asarray(design.weeks < pd.Timestamp(scaled_until))[:, None] & ~np.isnan(design.money)
    spend = np.where(shared, np.nan_to_num(design.money), 0.0).sum(axis=0)
    brought = np.einsum("dtc,tc->c", fitted.media.brought, shared) / len(fitted.draws.level)
    money, response = curves(design, fitted.draws, fitted.media, CURVE_POINTS, settings.curve_until)
    weights = best_shares(money, response.mean(axis=0), float(design.spend_scale.sum()))
    roas = [float(gained / paid) if paid > 0 else None for gained, paid in zip(brought, spend, strict=True)]
    return {"channels": list(design.channels), "roas": roas, "weights": weights.tolist()}
