"""The quick second opinion: ridge regression under searched adstock and saturation, as Robyn does it.

Robyn (facebookexperimental/Robyn, R/R/model.R, 3.12): hyperparameters of adstock and saturation, and the penalty, are
searched by nevergrad's TwoPointsDE; each candidate is a ridge regression with non-negative media; it is judged by its
error in the last weeks (time-series validation), by how far shares of effect lie from shares of spend (decomposition
distance) and, where there are lift tests, by how far its lifts lie from those measured (MAPE.LIFT); what no other
candidate beats in all of them is the Pareto front. Here tests are among the squares of the regression too: the search
alone can meet them by bending saturation only. The season, linear trend and events are the columns of the Bayesian
model, without the wave of its trend; a candidate is one compiled call, and the front stands in for a posterior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from pma.media.compiled import exact_jit
from pma.media.kernels import adstocked, lag_weights, saturated
from pma.mmm.design import Design
from pma.mmm.layout import Draws
from pma.mmm.lift_tests import compact
from pma.mmm.spec import ModelSpec, RidgeSettings

# The objectives, by place: error in the weeks held out, decomposition distance; where there are tests, their error.
ERROR, DISTANCE, LIFT = 0, 1, 2
# The search's first steps, as a part of the unit cube.
STEP = 1 / 6
# The distance of a candidate without any effect: more than two splits of 1 can be apart.
NOTHING = 2.0
_SWEEPS = 200
_ENOUGH = 1e-7


@dataclass(frozen=True)
class Front:
    """Candidates that no other beats in all objectives, the best by all first; F candidates, C channels.

    point: in the unit cube, (F, 3 C + 1). objectives: (F, 2), with lift tests (F, 3). draws: each candidate as a draw,
    coefficients fitted to all explained weeks. iterations: candidates that were tried.
    """

    point: np.ndarray
    objectives: np.ndarray
    draws: Draws
    iterations: int


class Data(NamedTuple):
    """What candidates are judged on; C channels, T weeks, K columns.

    spend: in usual weeks, unknown weeks at the usual level, (C, T). linear: season, trend, events, (K, T). y: target,
    (T,). train, held_out: 1 where a week teaches, or judges, (T,). spend_share: (C,). lags: of adstock. What begins
    with lift: see `pma.mmm.lift_density`; its unknown weeks are at the usual level too.
    """

    spend: np.ndarray
    linear: np.ndarray
    y: np.ndarray
    train: np.ndarray
    held_out: np.ndarray
    spend_share: np.ndarray
    lags: int
    lift: np.ndarray
    lift_error: np.ndarray
    lift_of: np.ndarray
    lift_channel: np.ndarray
    lift_spend: np.ndarray
    lift_counts: np.ndarray


def in_ridge_form(design: Design) -> Design:
    """Return a design as the ridge sees it: geometric adstock and Hill for all channels, media alike in all weeks."""
    form = {"adstock": "geometric", "saturation": "hill"}
    media = tuple(one.model_copy(update=form) for one in design.media)
    return replace(design, media=media, drift=np.zeros((len(design.weeks), 0)))


def search(design: Design, spec: ModelSpec, settings: RidgeSettings, seed: int) -> Front:
    """Return the Pareto front of a search of `settings.iterations` candidates.

    Unknown spend counts at the channel's usual level. Each trial has its own weight between the objectives, so that
    the trials end at different places of the front.
    """
    import nevergrad as ng

    channels = len(design.channels)
    data = _data(design, spec, settings)
    per_trial = settings.iterations // settings.trials
    points, objectives = [], []
    for trial in range(settings.trials):
        weight = trial / max(settings.trials - 1, 1) * settings.most_distance
        space = ng.p.Array(init=np.full(3 * channels + 1, 0.5)).set_mutation(sigma=STEP)
        space.random_state.seed((seed + trial) % 2**32)
        optimizer = ng.optimizers.TwoPointsDE(space, budget=per_trial, num_workers=settings.batch)
        done = 0
        while done < per_trial:
            asked = [optimizer.ask() for _ in range(min(settings.batch, per_trial - done))]
            batch = folded(np.array([candidate.value for candidate in asked]))
            found = evaluate(batch, data, settings)
            weights = np.array([1 - weight, weight, settings.lift_weight])[: found.shape[1]]
            for candidate, loss in zip(asked, found @ weights, strict=True):
                optimizer.tell(candidate, float(loss))
            points.append(batch)
            objectives.append(found)
            done += len(asked)
    point, objective = np.concatenate(points), np.concatenate(objectives)
    best = pareto(objective)
    order = np.argsort(np.linalg.norm(_unit(objective[best]), axis=1))[: settings.front]
    kept = best[order]
    return Front(point[kept], objective[kept], _draws(point[kept], design, spec, settings), len(point))


def folded(points: np.ndarray) -> np.ndarray:
    """Return points in the unit cube: what lies outside bounces off the wall once.

    nevergrad's own bounds do the same, but are copied for each candidate: a quarter of a search's time.
    """
    inside = np.clip(points, 0.0, 1.0)
    return np.clip(2.0 * inside - points, 0.0, 1.0)


def pareto(objectives: np.ndarray) -> np.ndarray:
    """Return the places of rows that no other row beats in all objectives; of equal rows the first. (N, 2 or 3) in."""
    order = np.lexsort(objectives.T[::-1])
    if objectives.shape[1] > 2:
        return _front_of(objectives, order)
    second = objectives[order, 1]
    least = np.concatenate([[np.inf], np.minimum.accumulate(second)[:-1]])
    return order[second < least]


def _front_of(objectives: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The front of any number of objectives: in this order nothing is beaten by what comes after it."""
    kept = []
    while len(order):
        best = objectives[order[0]]
        kept.append(order[0])
        order = order[(objectives[order] < best).any(axis=1)]
    return np.array(kept)


def shapes(point: np.ndarray, settings: RidgeSettings) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return retention, half-saturation, slope, (..., C) each, and the penalty, (...), of points of the unit cube."""
    channels = (point.shape[-1] - 1) // 3
    parts = (point[..., :channels], point[..., channels : 2 * channels], point[..., 2 * channels : 3 * channels])
    low, high = settings.half
    return (
        settings.retention[0] + parts[0] * (settings.retention[1] - settings.retention[0]),
        low * (high / low) ** parts[1],
        settings.slope[0] + parts[2] * (settings.slope[1] - settings.slope[0]),
        10.0 ** (settings.log10_penalty[0] + point[..., -1] * (settings.log10_penalty[1] - settings.log10_penalty[0])),
    )


def evaluate(batch: np.ndarray, data: Data, settings: RidgeSettings) -> np.ndarray:
    """Return error, decomposition distance and, with lift tests, their error at points of the unit cube; (B, 2 or 3).

    Error: root mean square over the weeks held out, over the range of the target in the others: Robyn's NRMSE, but for
    its range, which is that of the few weeks held out. Distance: root of the summed squares of effect share less spend
    share over channels (Robyn's DECOMP.RSSD); far where no channel has an effect, as there. Error of the tests: mean of
    expected less measured lift, over the root of the squares of measured lift and standard error: Robyn's MAPE.LIFT,
    but a test that measured about nothing counts by its error.
    """
    retention, half, slope, penalty = shapes(batch, settings)
    return _evaluate(retention, half, slope, penalty, data)


@exact_jit
def _evaluate(retention, half, slope, penalty, data):  # type: ignore[no-untyped-def]
    spend, y, train, held_out, spend_share = data.spend, data.y, data.train, data.held_out, data.spend_share
    linear, lags, lift, lift_error = data.linear, data.lags, data.lift, data.lift_error
    out = np.empty((len(penalty), 3 if len(lift) else 2))
    channels = spend.shape[0]
    span = (y * train).max() - (y + 1e9 * (1 - train)).min()
    for b in range(len(penalty)):
        media = transformed(spend, retention[b], half[b], slope[b], lags)
        coefficient, level, per = fitted_to(media, retention[b], half[b], slope[b], penalty[b], train, data)
        fitted = predicted(media, linear, coefficient, level)
        square = 0.0
        for t in range(len(y)):
            square += held_out[t] * (y[t] - fitted[t]) ** 2
        out[b, 0] = math.sqrt(square / max(held_out.sum(), 1.0)) / span
        effect = np.zeros(channels)
        for c in range(channels):
            effect[c] = coefficient[c] * media[c].sum()
        total = effect.sum()
        distance = 0.0
        for c in range(channels):
            share = effect[c] / total if total > 0 else 0.0
            distance += (share - spend_share[c]) ** 2
        out[b, 1] = math.sqrt(distance) if total > 0 else NOTHING
        if len(lift):
            expected = per @ coefficient[:channels]
            out[b, 2] = (np.abs(expected - lift) / np.sqrt(lift * lift + lift_error * lift_error)).mean()
    return out


@exact_jit
def fitted_to(media, retention, half, slope, penalty, weight, data):  # type: ignore[no-untyped-def]
    """Return coefficients and level of a candidate, fitted to weeks and tests, and the lift by coefficient of media.

    A fit without the tests says what weeks leave unexplained, and so how much tests weigh. The last: (tests, C).
    """
    linear, y, lift, lift_error = data.linear, data.y, data.lift, data.lift_error
    coefficient, level = ridge(media, linear, y, weight, penalty)
    per = np.zeros((len(lift), media.shape[0]))
    if len(lift) == 0:
        return coefficient, level, per
    for s in range(len(data.lift_of)):
        c = data.lift_channel[s]
        one = slice(c, c + 1)
        tested = transformed(data.lift_spend[s : s + 1], retention[one], half[one], slope[one], data.lags)[0]
        per[data.lift_of[s], c] += (data.lift_counts[s] * tested).sum()
    left = (y - predicted(media, linear, coefficient, level)) ** 2 * weight
    weigh = math.sqrt(left.sum() / weight.sum()) / lift_error
    rows = per.copy()
    for n in range(len(lift)):
        rows[n] *= weigh[n]
    coefficient, level = with_lifts(media, linear, y, weight, penalty, rows, lift * weigh)
    return coefficient, level, per


@exact_jit
def transformed(spend, retention, half, slope, lags):  # type: ignore[no-untyped-def]
    """Return Hill's saturation of geometric adstock; (C, T)."""
    channels, weeks = spend.shape
    value, level = np.empty((channels, weeks)), np.zeros(weeks)
    weights, by_1, by_2 = np.empty(lags), np.empty(lags), np.empty(lags)
    nothing, logs = np.zeros(weeks), np.empty(weeks)
    for c in range(channels):
        lag_weights(0, max(retention[c], 1e-9), 1.0, weights, by_1, by_2)
        level[:] = 0.0
        adstocked(spend[c], nothing, 0.0, weights, level)
        saturated(0, level, half[c], slope[c], value[c], logs)
    return value


@exact_jit
def predicted(media, linear, coefficient, level):  # type: ignore[no-untyped-def]
    """Return the expected target; (T,)."""
    channels = media.shape[0]
    out = np.full(media.shape[1], level)
    for c in range(channels):
        out += coefficient[c] * media[c]
    for j in range(linear.shape[0]):
        out += coefficient[channels + j] * linear[j]
    return out


@exact_jit
def ridge(media, linear, y, weight, penalty):  # type: ignore[no-untyped-def]
    """Return coefficients, media's not below zero, and the level that minimise the penalised squares over `weight`.

    The penalty is on coefficients of columns in deviations, so that no unit of measure counts; by coordinate descent
    on the Gram matrix, as glmnet does it (Friedman, Hastie and Tibshirani, 2010).
    """
    return with_lifts(media, linear, y, weight, penalty, np.zeros((0, media.shape[0])), np.zeros(0))


@exact_jit
def descended(gram, with_y, penalty, positive):  # type: ignore[no-untyped-def]
    """Return what minimises b' gram b / 2 - b' with_y + penalty b' b / 2, the first `positive` not below zero."""
    k = len(with_y)
    beta, slope = np.zeros(k), with_y.copy()
    for _ in range(_SWEEPS):
        most = 0.0
        for j in range(k):
            # slope[j] is the covariance of the column with what is left over, all other coefficients as they are.
            new = (slope[j] + gram[j, j] * beta[j]) / (gram[j, j] + penalty)
            if j < positive and new < 0.0:
                new = 0.0
            step = new - beta[j]
            if step != 0.0:
                beta[j] = new
                for i in range(k):
                    slope[i] -= gram[i, j] * step
                most = max(most, abs(step))
        if most < _ENOUGH:
            break
    return beta


@exact_jit
def with_lifts(media, linear, y, weight, penalty, per, aim):  # type: ignore[no-untyped-def]
    """Return what `ridge` does, with the squares of lift tests among those that are minimised.

    per: lift by coefficient of media, (tests, channels), aim: measured lift, (tests,); both in standard errors and
    times what a week leaves unexplained, so that an error of a test weighs as much as one of a week.
    """
    channels, k = media.shape[0], media.shape[0] + linear.shape[0]
    weeks, total = len(y), weight.sum()
    columns = np.empty((k, weeks))
    mean, deviation = np.empty(k), np.empty(k)
    for j in range(k):
        raw = media[j] if j < channels else linear[j - channels]
        mean[j] = (raw * weight).sum() / total
        deviation[j] = max(math.sqrt(((raw - mean[j]) ** 2 * weight).sum() / total), 1e-9)
        columns[j] = (raw - mean[j]) / deviation[j] * np.sqrt(weight)
    centre = (y * weight).sum() / total
    gram = columns @ columns.T / total
    with_y = columns @ ((y - centre) * np.sqrt(weight)) / total
    if len(aim):
        scaled = per / deviation[:channels]
        gram[:channels, :channels] += scaled.T @ scaled / total
        with_y[:channels] += scaled.T @ aim / total
    beta = descended(gram, with_y, penalty, channels)
    level = centre
    for j in range(k):
        beta[j] /= deviation[j]
        level -= beta[j] * mean[j]
    return beta, level


def _data(design: Design, spec: ModelSpec, settings: RidgeSettings) -> Data:
    """The last explained weeks are held out."""
    explained = np.flatnonzero(design.explained)
    held = explained[-max(1, round(settings.validation_share * len(explained))) :]
    held_out = np.zeros(len(design.y))
    held_out[held] = 1.0
    spend = np.ascontiguousarray((design.spend + design.unknown).T)
    known = np.nansum(design.money, axis=0)
    linear = np.ascontiguousarray(design.columns.T)
    train = design.explained - held_out
    tests = compact(design, spec.lags)
    tests["lift_spend"] = tests["lift_spend"] + tests.pop("lift_unknown")
    # Here media work alike in all weeks.
    del tests["lift_week"]
    return Data(spend, linear, design.y, train, held_out, known / known.sum(), spec.lags, **tests)


def _draws(point: np.ndarray, design: Design, spec: ModelSpec, settings: RidgeSettings) -> Draws:
    """Each point as a draw, with coefficients that are fitted to all explained weeks."""
    data = _data(design, spec, settings)
    linear, y = data.linear, data.y
    retention, half, slope, penalty = shapes(point, settings)
    share = design.explained / design.explained.sum()
    level, kappa, effects, sigma = [], [], [], []
    for b in range(len(point)):
        media = transformed(data.spend, retention[b], half[b], slope[b], spec.lags)
        coefficient, start, _ = fitted_to(media, retention[b], half[b], slope[b], penalty[b], design.explained, data)
        fitted = predicted(media, linear, coefficient, start)
        channels = len(media)
        kappa.append(coefficient[:channels] * (design.known.T * media).sum(axis=1))
        effects.append(coefficient[channels:])
        level.append(fitted @ share)
        sigma.append(np.sqrt((y - fitted) ** 2 @ share))
    ones = np.ones_like(retention)
    return Draws(
        level=np.array(level),
        sigma=np.array(sigma),
        nu=None,
        kappa=np.array(kappa),
        adstock=np.stack([retention, ones], axis=-1),
        saturation=np.stack([half, slope], axis=-1),
        gap=ones,
        linear=np.array(effects).reshape(len(point), -1),
        wave=np.zeros((len(point), design.basis.shape[1])),
        drift=np.zeros((len(point), design.drift.shape[1])),
    )


def _unit(objectives: np.ndarray) -> np.ndarray:
    """Objectives between 0, the best, and 1, the worst of the front."""
    low = objectives.min(axis=0)
    return (objectives - low) / np.maximum(objectives.max(axis=0) - low, 1e-12)
