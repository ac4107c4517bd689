"""What a cross-validation does: one flat list of tasks, a geo, target, candidate and fold each, and the geos' data."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import pandas as pd

from pma.mmm.candidates import NAIVE, Candidate, make_candidates
from pma.mmm.fit import fit_id
from pma.mmm.folds import Fold, known_target, make_folds
from pma.mmm.landing import make_tasks
from pma.mmm.settings import MmmSettings

TASK = ("geo_level", "geo", "target", "candidate", "fold")
# A task as Spark declares it; its dates are Mondays, see pma.mmm.folds.Fold.
TASK_DDL = (
    "geo_level string, geo string, target string, candidate string, fold int, settings string, scaled_until date, "
    "cutoff date, ends date, fold_id string, data_origin string"
)
COLUMNS = tuple(part.split()[0] for part in TASK_DDL.split(", "))
Key = tuple[str, str]


@dataclass(frozen=True)
class FoldTasks:
    """What is to be scored, and what is not.

    tasks: one row per fold, TASK_DDL. panels: the rows of bl.mmm_input of each geo, packed, by level and geo, a few
    dozen KB each: they travel with the function, which a worker unpacks once. not_scored: geo_level, geo, target,
    data_origin and reason, in words.
    """

    tasks: pd.DataFrame
    panels: dict[Key, bytes] = field(repr=False)
    not_scored: pd.DataFrame

    def without(self, landed: Iterable[str]) -> pd.DataFrame:
        """The tasks whose folds have not landed yet."""
        return self.tasks[~self.tasks["fold_id"].isin(set(landed))]


def make_fold_tasks(inputs: pd.DataFrame, readiness: pd.DataFrame, room: MmmSettings) -> FoldTasks:
    """Return one task per geo that is ready, target of `mmm.fit`, candidate and fold.

    `inputs`: rows of bl.mmm_input; `readiness`: of bl.mmm_readiness.
    """
    once = room.model_copy(update={"fit": room.fit.model_copy(update={"methods": ("bayes",)})})
    wanted = make_tasks(inputs, readiness, once)
    validation = room.validation
    candidates = make_candidates(room.model, validation.candidates, validation.grid)
    parts, too_short = [], []
    panels: dict[Key, bytes] = {}
    for (level, geo, target), rows in wanted.rows.groupby(["geo_level", "geo", "target"], sort=True):
        named = {"geo_level": level, "geo": geo, "target": target, "data_origin": rows["data_origin"].iloc[0]}
        folds = make_folds(known_target(rows, str(target)), validation)
        if not folds:
            too_short.append({**named, "reason": _too_short(room)})
            continue
        panels.setdefault((str(level), str(geo)), pack(rows))
        parts.append(
            _tasks(candidates, folds, f"{fit_id(rows, room)} {validation.fit.model_dump_json()}").assign(**named)
        )
    not_ready = wanted.not_ready.rename(columns={"message": "reason"})
    columns = ["geo_level", "geo", "target", "data_origin", "reason"]
    not_scored = pd.concat([not_ready[columns], pd.DataFrame(too_short, columns=columns)], ignore_index=True)
    tasks = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    return FoldTasks(tasks[list(COLUMNS)], panels, not_scored)


def pack(rows: pd.DataFrame) -> bytes:
    """Return what a fold sees of a geo's rows of bl.mmm_input, compressed; all targets."""
    used = ["geo_level", "geo", "week_start", "variable", "role", "value"]
    used += [name for name in ("is_complete_week", "unit") if name in rows]
    return rows[used].to_parquet(index=False, compression="zstd")


def unpack(panel: bytes) -> pd.DataFrame:
    """Return the rows that were packed."""
    return pd.read_parquet(io.BytesIO(panel))


def _tasks(candidates: Iterable[Candidate], folds: Iterable[Fold], data: str) -> pd.DataFrame:
    """Tasks of one geo and target; `data`: a digest of all that decides their scores besides model and weeks."""
    rows = []
    for name, settings, model in [
        *((one.name, one.settings, one.spec.model_dump_json()) for one in candidates),
        (NAIVE, None, NAIVE),
    ]:
        for fold in folds:
            weeks = asdict(fold)
            known = hashlib.sha256(f"{data} {model} {weeks}".encode()).hexdigest()[:16]
            number = weeks.pop("number")
            rows.append({"candidate": name, "settings": settings, "fold": number, **weeks, "fold_id": known})
    return pd.DataFrame(rows)


def _too_short(room: MmmSettings) -> str:
    settings = room.validation
    return (
        f"Too few weeks to judge a forecast: it takes {settings.first_window_weeks} to learn from and "
        f"{settings.horizon_weeks} to forecast (mmm.validation.first_window_weeks, horizon_weeks)."
    )
