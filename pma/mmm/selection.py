"""The choice among candidates by their folds: the simplest within one standard error of the best, and why, in words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pma.mmm.candidates import NAIVE
from pma.mmm.choice import GROUP
from pma.mmm.fold_tables import MMM_SELECTION
from pma.mmm.outcome import Row
from pma.mmm.scores import roas_change, turnover

COLUMNS = tuple(column.name for column in MMM_SELECTION.columns if column.name != "run_id")
SCORES = ("crps", "mape", "coverage_90", "parameters", "turnover")


@dataclass(frozen=True)
class Compared:
    """Scores of the candidates that ended the same folds.

    means: candidates x SCORES, over folds; crps: candidates x folds; left_out: why, by candidate, in words.
    """

    means: pd.DataFrame
    crps: pd.DataFrame
    left_out: dict[str, str]


def with_changes(folds: pd.DataFrame) -> pd.DataFrame:
    """Return rows of st_il.mmm_folds with `roas_change` and `turnover` since the fold before.

    Null in a first fold, and where this fold or the one before did not end well.
    """
    ordered = folds.sort_values([*GROUP, "candidate", "fold"], ignore_index=True)
    changes: list[tuple[float | None, float | None]] = []
    before: Mapping[Hashable, Any] = {}
    for row in ordered[[*GROUP, "candidate", "fold", "status", "channels", "roas", "weights"]].to_dict("records"):
        follows = all(before.get(name) == row[name] for name in (*GROUP, "candidate"))
        follows = follows and before["fold"] == row["fold"] - 1 and before["status"] == row["status"] == "ok"
        if follows and len(row["channels"]):
            changes.append((roas_change(_by(before, "roas"), _by(row, "roas")), _moved(before, row)))
        else:
            changes.append((None, None))
        before = row
    return ordered.join(pd.DataFrame(changes, columns=["roas_change", "turnover"], dtype=object))


def _by(row: Mapping[Hashable, Any], name: str) -> dict[str, float]:
    """A number of each channel that has it."""
    pairs = zip(row["channels"], row[name], strict=True)
    return {channel: float(value) for channel, value in pairs if value is not None and not np.isnan(value)}


def _moved(before: Mapping[Hashable, Any], after: Mapping[Hashable, Any]) -> float:
    return turnover(_by(before, "weights"), _by(after, "weights"))


def choose(folds: pd.DataFrame) -> Row:
    """Return the row of bl.mmm_selection, less run_id, of one geo and target.

    `folds`: its rows of bl.mmm_validation. One-standard-error rule (Breiman et al. 1984, Classification and Regression
    Trees, 3.4.3), paired: a candidate is as good as the best where its mean CRPS lies within one standard error, over
    folds, of their difference. Of these the one with the fewest parameters, then the least turnover of the budget,
    then by name. Candidates are only compared on the same folds: one that failed where another did not is left out.
    """
    first = folds.iloc[0]
    row: Row = dict.fromkeys(COLUMNS) | {name: first[name] for name in (*GROUP, "data_origin")}
    compared = compare(folds)
    row |= {
        "folds": compared.crps.shape[1],
        "compared": len(compared.means),
        "left_out": sorted(compared.left_out),
        "naive_crps": _naive(folds, compared),
    }
    if compared.means.empty:
        return row | {"reason": " ".join(["No candidate has a score of all folds.", *_left_out(compared)])}
    by_fold = compared.crps.T
    best = str(by_fold.mean().idxmin())
    difference, error = _paired(compared.crps, best)
    good = compared.means[(difference <= error) | (compared.means.index == best)]
    chosen = str(good.rename_axis("name").reset_index().sort_values(["parameters", "turnover", "name"])["name"].iloc[0])
    means = compared.means.T[chosen]
    row |= {
        "candidate": chosen,
        "settings": folds[folds["candidate"] == chosen]["settings"].iloc[0],
        **{name: float(means[name]) for name in ("crps", "mape", "coverage_90")},
        "best": best,
        "best_crps": float(by_fold[best].mean()),
        "best_standard_error": standard_error(by_fold[best]),
        "difference": float(difference[chosen]),
        "difference_standard_error": standard_error(by_fold[chosen] - by_fold[best]),
    }
    return row | {"reason": " ".join([_why(row, len(good)), *_beats(row), *_left_out(compared)])}


def compare(folds: pd.DataFrame) -> Compared:
    """Return the scores of the candidates that ended every fold which any of them ended, and why others did not."""
    tried = folds[folds["candidate"] != NAIVE]
    ended = tried[tried["status"] == "ok"]
    crps = ended.pivot(index="candidate", columns="fold", values="crps").astype(float)
    whole = crps.dropna()
    left_out = {}
    for name, rows in tried.groupby("candidate"):
        if name not in whole.index:
            lost = rows[(rows["status"] != "ok") & rows["fold"].isin(crps.columns)].sort_values("fold")
            lost = lost if len(lost) else rows[rows["status"] != "ok"]
            told = lost["message"].iloc[0] if len(lost) else "not all of its folds are there"
            numbers = ", ".join(map(str, lost["fold"]))
            left_out[str(name)] = f"{name} failed fold {numbers} ({str(told).rstrip('.')})" if numbers else str(told)
    means = ended[ended["candidate"].isin(whole.index)].groupby("candidate")[list(SCORES)].agg(_mean)
    return Compared(means, whole, left_out)


def standard_error(values: pd.Series) -> float | None:
    """Return the standard error of a mean; None of one value."""
    return None if len(values) < 2 else float(values.std(ddof=1) / np.sqrt(len(values)))


def _mean(values: pd.Series) -> float:
    return float(values.astype(float).mean())


def _paired(crps: pd.DataFrame, best: str) -> tuple[pd.Series, pd.Series]:
    """Mean difference to the best over folds, and its standard error (NaN of one fold); by candidate."""
    apart = crps - crps.loc[best]
    return apart.mean(axis=1), apart.std(axis=1, ddof=1) / np.sqrt(apart.shape[1])


def _naive(folds: pd.DataFrame, compared: Compared) -> float | None:
    """Mean CRPS of the naive forecast over the same folds; None where it does not have them all."""
    naive = folds[(folds["candidate"] == NAIVE) & (folds["status"] == "ok")]
    shared = naive[naive["fold"].isin(compared.crps.columns)]
    same = len(shared) and len(shared) == compared.crps.shape[1]
    return float(shared["crps"].mean()) if same else None


def _why(row: Row, good: int) -> str:
    chosen, best, folds = row["candidate"], row["best"], row["folds"]
    error = f"{row['crps']:.4f} usual weeks over {folds} folds"
    if folds == 1:
        return f"{chosen} has the smallest error, {error}: one fold, so nobody knows how sure that is."
    if good == 1:
        return f"{chosen} has the smallest error, {error}, and no other lies within one standard error of it."
    if chosen == best:
        return (
            f"{chosen} has the smallest error, {error}, and is the simplest of the {good} candidates that lie within "
            "one standard error of it."
        )
    return (
        f"{chosen} is the simplest of the {good} candidates within one standard error of the best, {best}: its error "
        f"is {error}, {row['difference']:.4f} more than the best's, and that difference has a standard error of "
        f"{row['difference_standard_error']:.4f}."
    )


def _beats(row: Row) -> list[str]:
    naive = row["naive_crps"]
    if naive is None:
        return ["There is no forecast by last year's week to compare it with."]
    if row["crps"] < naive:
        return [f"Its error is {1 - row['crps'] / naive:.0%} smaller than that of last year's week ({naive:.4f})."]
    return [
        f"It forecasts no better than last year's week ({naive:.4f}): do not plan by its forecast, and look for what "
        "is missing in the data."
    ]


def _left_out(compared: Compared) -> list[str]:
    return [f"Left out: {'; '.join(compared.left_out.values())}."] if compared.left_out else []


def not_chosen(not_scored: pd.DataFrame) -> pd.DataFrame:
    """Return rows of bl.mmm_selection, less run_id, of geos that no candidate was tried for, with the reason."""
    return pd.DataFrame(not_scored.to_dict("records"), columns=list(COLUMNS)).astype(object)


def selection_text(selection: pd.DataFrame) -> str:
    """Return one line per geo and target, for the end of the job's output."""
    rows = selection.sort_values(GROUP).to_dict("records")
    return "\n".join(f"{row['geo']} {row['target']}: {row['reason']}" for row in rows)
