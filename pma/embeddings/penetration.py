"""Who starts to buy a category (penetration) and who buys it more often (buy rate): labels, probes and measures.

Protocol: a probe per category on frozen vectors of the training cuts, judged at the test cut on households that no
probe saw. AUC and lift are pooled over household x category, so that they also reward a score that compares across
categories; the mean over categories, which does not, is given beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from pma.embeddings.settings import PenetrationSettings


@dataclass(frozen=True)
class Labels:
    """One cut: `eligible` bool [n, C], the pairs that are judged; `positive` bool [n, C], those where it happened."""

    eligible: np.ndarray
    positive: np.ndarray

    def only(self, categories: np.ndarray) -> Labels:
        """Keep some categories, by position."""
        return Labels(self.eligible[:, categories], self.positive[:, categories])


@dataclass(frozen=True)
class Scores:
    """Scores of one arm at the test cut: `values` [n, C]; `penalty`: the one chosen, None for an arm without probe."""

    values: np.ndarray
    penalty: float | None = None


class Cuts(NamedTuple):
    """The dates that probes learn from, ascending, and the later one that they are judged at."""

    train: tuple[date, ...]
    test: date


def label_cuts(as_of: Sequence[date], last: date, settings: PenetrationSettings) -> Cuts | None:
    """Choose among the dates asked for: judge at the last whose label weeks are over by `last`, the last day bought on.

    Learn at those whose label weeks are over by then, so that no probe is taught what it is judged on. None where that
    leaves no date to learn from.
    """
    days = timedelta(days=7 * settings.label_weeks)
    over = [day for day in sorted(set(as_of)) if day + days <= last + timedelta(days=1)]
    train = tuple(day for day in over if day + days <= over[-1])
    return Cuts(train, over[-1]) if train else None


def penetration_labels(
    history: pd.DataFrame, future: pd.DataFrame, customers: Sequence[str], categories: Sequence[str]
) -> Labels:
    """Label a cut: eligible is an active customer without the category in the history, positive if he buys it then.

    `history`, `future`: one row per customer_id, category bought in the weeks before, and after, the cut.
    """
    had, bought = _bought(history, customers, categories), _bought(future, customers, categories)
    active = pd.Index(customers).isin(history["customer_id"])
    eligible = ~had & active[:, None]
    return Labels(eligible, bought & eligible)


def buy_rate_labels(
    history: pd.DataFrame,
    future: pd.DataFrame,
    customers: Sequence[str],
    categories: Sequence[str],
    periods: float,
) -> Labels:
    """Label a cut: eligible is a customer with the category in the history, positive if his visits beat his pace.

    `history`, `future`: one row per customer_id, category with `visits`. His pace is his visits per label period;
    `periods`: how many of them the history spans. Part of the signal is return to the mean.
    """
    before, after = _visits(history, customers, categories), _visits(future, customers, categories)
    eligible = before > 0
    return Labels(eligible, eligible & (after > before / periods))


def top_categories(labels: Labels, settings: PenetrationSettings) -> np.ndarray:
    """Return the positions, ascending, of the categories with the most positives at the last training cut."""
    return np.sort(np.argsort(-labels.positive.sum(axis=0), kind="stable")[: settings.categories])


def household_folds(customers: Sequence[str], settings: PenetrationSettings) -> np.ndarray:
    """Return the fold int [n] of each customer; the same for the same customers in any order."""
    order = np.argsort(np.asarray(customers, str), kind="stable")
    folds = np.empty(len(order), np.int64)
    folds[order] = np.random.default_rng(settings.seed).permutation(len(order)) % settings.folds
    return folds


def probe_scores(
    vectors: Mapping[date, np.ndarray], labels: Mapping[date, Labels], folds: np.ndarray, settings: PenetrationSettings
) -> Scores:
    """Score the test cut by ridge probes, one per category, trained on other households at the training cuts.

    `vectors[cut]` [n, d] and `labels[cut]` [n, C] by cut; the last cut is the test. The penalty is one for all
    categories, the best pooled AUC at the last training cut; vectors are divided by one number: the probe sees neither
    their rotation nor their scale.
    """
    *train, test_cut = sorted(labels)
    last = train[-1]
    known = np.concatenate([vectors[cut][labels[cut].eligible.any(axis=1)] for cut in train])
    center = known.mean(axis=0, dtype=np.float64)
    spread = float(np.sqrt(np.mean((known - center) ** 2))) or 1.0
    scaled = {cut: (vectors[cut] - center) / spread for cut in (*train, test_cut)}
    grams, moments = _sums(scaled, {cut: labels[cut] for cut in train}, folds, settings)
    shape = labels[last].eligible.shape
    chosen, test = np.empty((len(settings.penalties), *shape)), np.empty((len(settings.penalties), *shape))
    for fold in range(settings.folds):
        inside = folds == fold
        rest, target = grams.sum(axis=0) - grams[fold], moments.sum(axis=0) - moments[fold]
        for i, penalty in enumerate(settings.penalties):
            slope, intercept = _solve(rest, target, penalty)
            chosen[i][inside] = scaled[last][inside] @ slope.T + intercept
            test[i][inside] = scaled[test_cut][inside] @ slope.T + intercept
    best = int(np.argmax([pooled_auc(labels[last], scores) for scores in chosen]))
    return Scores(test[best], settings.penalties[best])


def pooled_auc(labels: Labels, scores: np.ndarray) -> float:
    """Return the area under the ROC curve over all eligible household x category pairs; NaN without both outcomes."""
    return auc(labels.positive[labels.eligible], scores[labels.eligible])


def auc(positive: np.ndarray, scores: np.ndarray) -> float:
    """Return P(score of a positive > score of a negative), ties half (Mann-Whitney); NaN without both outcomes."""
    ones = int(positive.sum())
    zeros = len(positive) - ones
    if ones == 0 or zeros == 0:
        return float("nan")
    return float((rankdata(scores)[positive.astype(bool)].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def lift(positive: np.ndarray, scores: np.ndarray, share: float) -> float:
    """Return the hit rate in the top `share` of scores over the base rate; ties by position. NaN without positives."""
    if not positive.any():
        return float("nan")
    top = np.argsort(-scores, kind="stable")[: max(1, round(len(scores) * share))]
    return float(positive[top].mean() / positive.mean())


def measures(labels: Labels, scores: np.ndarray, settings: PenetrationSettings) -> pd.DataFrame:
    """Measure one arm. One row per metric: metric, value, ci_low, ci_high (95 %, households resampled; means: NaN)."""
    rows, columns = np.nonzero(labels.eligible)
    positive, values = labels.positive[rows, columns], scores[rows, columns]
    draws = _resampled(rows, positive, values, labels.eligible.shape[0], settings)
    bounds = np.nanquantile(draws, [0.025, 0.975], axis=0)
    per_category = [
        (
            auc(positive[columns == c], values[columns == c]),
            lift(positive[columns == c], values[columns == c], settings.lift_share),
        )
        for c in np.unique(columns)
    ]
    mean_auc, mean_lift = np.nanmean(np.asarray(per_category), axis=0)
    name = _lift_name(settings)
    found = [
        ("auc", auc(positive, values), *bounds[:, 0]),
        (name, lift(positive, values, settings.lift_share), *bounds[:, 1]),
        ("mean_auc", mean_auc, np.nan, np.nan),
        (f"mean_{name}", mean_lift, np.nan, np.nan),
        ("base_rate", positive.mean(), np.nan, np.nan),
    ]
    return pd.DataFrame(found, columns=["metric", "value", "ci_low", "ci_high"])


def pooled_differences(
    labels: Labels, first: np.ndarray, second: np.ndarray, settings: PenetrationSettings
) -> dict[str, tuple[float, float, float]]:
    """Return pooled AUC and lift of `first` less those of `second`, each with its 95 % interval, by metric.

    The intervals are over the same resampled households for both.
    """
    rows, columns = np.nonzero(labels.eligible)
    positive, n = labels.positive[rows, columns], labels.eligible.shape[0]
    both = [scores[rows, columns] for scores in (first, second)]
    left, right = (_resampled(rows, positive, scores, n, settings) for scores in both)
    low, high = np.nanquantile(left - right, [0.025, 0.975], axis=0)
    aucs = [auc(positive, scores) for scores in both]
    lifts = [lift(positive, scores, settings.lift_share) for scores in both]
    return {
        "auc": (aucs[0] - aucs[1], float(low[0]), float(high[0])),
        _lift_name(settings): (lifts[0] - lifts[1], float(low[1]), float(high[1])),
    }


def mean_auc_difference(
    labels: Labels, first: np.ndarray, second: np.ndarray, settings: PenetrationSettings
) -> tuple[float, float, float]:
    """Return the mean over categories of the same difference, each category's AUC by itself, with its 95 % interval."""
    values, draws = [], []
    for category in range(labels.eligible.shape[1]):
        alone = labels.only(np.array([category]))
        if not alone.eligible.any():
            continue
        rows = np.flatnonzero(alone.eligible[:, 0])
        positive, n = alone.positive[rows, 0], alone.eligible.shape[0]
        both = [scores[rows, category] for scores in (first, second)]
        values.append(auc(positive, both[0]) - auc(positive, both[1]))
        left, right = (_resampled(rows, positive, scores, n, settings)[:, 0] for scores in both)
        draws.append(left - right)
    low, high = np.nanquantile(np.nanmean(draws, axis=0), [0.025, 0.975])
    return float(np.nanmean(values)), float(low), float(high)


def _lift_name(settings: PenetrationSettings) -> str:
    return f"lift_at_{round(settings.lift_share * 100)}"


def _sums(
    vectors: Mapping[date, np.ndarray], labels: Mapping[date, Labels], folds: np.ndarray, settings: PenetrationSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Sum x x' [folds, C, d + 1, d + 1] and x y [folds, C, d + 1] over eligible pairs; the last entry of x is 1."""
    first = min(labels)
    categories, d = labels[first].eligible.shape[1], vectors[first].shape[1] + 1
    grams, moments = np.zeros((settings.folds, categories, d, d)), np.zeros((settings.folds, categories, d))
    for cut in labels:
        x = np.column_stack([vectors[cut], np.ones(len(folds))])
        for fold in range(settings.folds):
            inside = folds == fold
            part, eligible = x[inside], labels[cut].eligible[inside]
            moments[fold] += (labels[cut].positive[inside] & eligible).T.astype(np.float64) @ part
            for category in range(categories):
                chosen = part[eligible[:, category]]
                grams[fold, category] += chosen.T @ chosen
    return grams, moments


def _solve(grams: np.ndarray, moments: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Return ridge slopes [C, d] and intercepts [C]; the intercept is not penalised."""
    count = np.maximum(grams[:, -1, -1], 1.0)[:, None]
    mean_x, mean_y = grams[:, -1, :-1] / count, moments[:, -1:] / count
    covariance = grams[:, :-1, :-1] - count[:, :, None] * mean_x[:, :, None] * mean_x[:, None, :]
    cross = moments[:, :-1] - count * mean_y * mean_x
    slope = np.linalg.solve(covariance + penalty * np.eye(covariance.shape[1]), cross[..., None])[..., 0]
    return slope, mean_y[:, 0] - (slope * mean_x).sum(axis=1)


def _resampled(
    rows: np.ndarray, positive: np.ndarray, scores: np.ndarray, n: int, settings: PenetrationSettings
) -> np.ndarray:
    """Return AUC and lift [draws, 2] of households drawn with replacement; a household's pairs stay together.

    NaN where a draw has one outcome only. The same draws for the same n and settings, whatever is scored.
    """
    order = np.argsort(-scores, kind="stable")
    household, hits = rows[order], positive[order].astype(np.float64)
    # Pairs of one score form a step of the ROC curve.
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    rng, found = np.random.default_rng(settings.seed), []
    for _ in range(settings.bootstrap):
        weight = np.bincount(rng.integers(0, n, n), minlength=n)[household].astype(np.float64)
        seen, hit = np.cumsum(weight), np.cumsum(weight * hits)
        if hit[-1] == 0 or hit[-1] == seen[-1]:
            found.append((np.nan, np.nan))
            continue
        x = np.concatenate([[0.0], (seen - hit)[ends]]) / (seen[-1] - hit[-1])
        y = np.concatenate([[0.0], hit[ends]]) / hit[-1]
        top = np.searchsorted(seen, seen[-1] * settings.lift_share)
        found.append(
            (float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2.0)), hit[top] / max(seen[top], 1.0) / (hit[-1] / seen[-1]))
        )
    return np.asarray(found).reshape(-1, 2)


def _bought(pairs: pd.DataFrame, customers: Sequence[str], categories: Sequence[str]) -> np.ndarray:
    return _visits(pairs.assign(visits=1.0), customers, categories) > 0


def _visits(pairs: pd.DataFrame, customers: Sequence[str], categories: Sequence[str]) -> np.ndarray:
    row = pd.Index(customers).get_indexer(pd.Index(pairs["customer_id"]))
    column = pd.Index(categories).get_indexer(pd.Index(pairs["category"]))
    known = (row >= 0) & (column >= 0)
    visits = np.zeros((len(customers), len(categories)))
    np.add.at(visits, (row[known], column[known]), pairs["visits"].to_numpy(np.float64)[known])
    return visits
