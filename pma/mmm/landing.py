"""From the input to tasks, one per geo and target, and from fits that have landed to the tables people read."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.mmm.fit import fit_id
from pma.mmm.input.tables import MMM_INPUT
from pma.mmm.settings import MmmSettings
from pma.mmm.tables import FIT_KEY, MMM_RUNS
from pma.tables import TableError, TableSpec

NOT_CHOSEN = "select_mmm has chosen no model for it: it has mmm.model as it is set"
TASK = ("geo_level", "geo", "target", "method")
# What a fit sees of bl.mmm_input, and the task's own columns; as Spark declares them.
TASK_DDL = (
    "geo_level string, geo string, week_start date, variable string, role string, value double, unit string, "
    "is_complete_week boolean, data_origin string, target string, method string, settings string, fit_id string"
)


@dataclass(frozen=True)
class Tasks:
    """What is to be fitted, and what is not.

    rows: of bl.mmm_input, once per target and method, with `target`, `method` and `fit_id`. not_ready: rows of
    bl.mmm_runs less run_id. tests: rows of il.lift_tests, of all countries; None: there are none.
    """

    rows: pd.DataFrame
    not_ready: pd.DataFrame
    tests: pd.DataFrame | None = None

    @property
    def ids(self) -> list[str]:
        """The fits that are wanted."""
        return sorted(self.rows["fit_id"].unique())

    def without(self, landed: Iterable[str]) -> pd.DataFrame:
        """The rows of fits that have not landed yet."""
        return self.rows[~self.rows["fit_id"].isin(set(landed))]


def make_tasks(
    inputs: pd.DataFrame,
    readiness: pd.DataFrame,
    room: MmmSettings,
    tests: pd.DataFrame | None = None,
    chosen: Mapping[tuple[str, str, str], str] | None = None,
) -> Tasks:
    """Return what is to be fitted, and what is not ready for it: geos with a check that failed, with its words.

    `inputs`: rows of bl.mmm_input; `readiness`: of bl.mmm_readiness; `tests`: of il.lift_tests; `chosen`: a model of
    its own, as JSON of a change of mmm.model, by level, geo and target (see `pma.mmm.fold_landing.selected`). Raises
    TableError where mmm.model names a geo or a variable that is nowhere in the input.
    """
    settings = room.fit
    _check_names(inputs, room)
    wanted = inputs[inputs["geo_level"].isin(settings.geo_levels)]
    failed = readiness[(readiness["severity"] == "fail") & readiness["geo_level"].isin(settings.geo_levels)]
    columns = [part.split()[0] for part in TASK_DDL.split(", ")]
    targets = set(inputs["variable"][inputs["role"] == "target"])
    ready, not_ready = [], []
    for (level, geo), rows in wanted.groupby(["geo_level", "geo"], sort=True):
        faults = failed[(failed["geo_level"] == level) & (failed["geo"] == geo)]
        for target, method in product(settings.targets, settings.methods):
            # What is wrong with one target keeps no other from being fitted.
            mine = faults[~faults["variable"].isin(targets - {target})]
            own = (chosen or {}).get((str(level), str(geo), target))
            task = rows.assign(target=target, method=method, settings=own)
            if len(mine):
                not_ready.append(_not_ready(task, mine))
            else:
                ready.append(task.assign(fit_id=fit_id(task, room, tests))[columns])
    empty = pd.DataFrame(columns=columns)
    names = [column.name for column in MMM_RUNS.columns if column.name != "run_id"]
    return Tasks(
        pd.concat(ready, ignore_index=True) if ready else empty,
        pd.DataFrame(not_ready, columns=names).astype(object),
        tests,
    )


def _check_names(inputs: pd.DataFrame, room: MmmSettings) -> None:
    """A name of the settings that is nowhere in the input is a slip of the pen, and its prior would be none."""
    known = {"geos": set(inputs["geo"]), "leave_out": set(inputs["variable"])}
    for key, there in known.items():
        unknown = sorted(set(getattr(room.model, key)) - there)
        if unknown:
            raise TableError(
                f"{MMM_INPUT.name}: mmm.model.{key} names {', '.join(unknown)}, which it does not have; there: "
                f"{', '.join(sorted(there))}. Fix: mend mmm.model.{key}"
            )


def _not_ready(task: pd.DataFrame, faults: pd.DataFrame) -> dict[str, object]:
    said = [
        f"{fault['variable']}: {fault['detail']}. {fault['fix'] or ''}".strip() for fault in faults.to_dict("records")
    ]
    first = task.iloc[0]
    named = {name: first[name] for name in (*TASK, "data_origin")}
    return {**named, "status": "not_ready", "message": " ".join(said)}


def landing_name(run_id: str, ids: Iterable[str]) -> str:
    """Return the name of a landing: of its run and of what it lands, so that a second try of a run lands the rest."""
    return f"{run_id}.{hashlib.sha256(' '.join(sorted(ids)).encode()).hexdigest()[:16]}"


def lost_runs(tasks: pd.DataFrame, known: Iterable[str], engine: str) -> pd.DataFrame:
    """Return rows of bl.mmm_runs less run_id for fits of `Tasks.rows` that neither landed nor failed.

    `known`: ids that did. There should be none: a fit in no table at all would be missed by nobody.
    """
    wanted = tasks.drop_duplicates("fit_id")
    lost = wanted[~wanted["fit_id"].isin(set(known))]
    names = [column.name for column in MMM_RUNS.columns if column.name != "run_id"]
    said = "It has ended nowhere: the job was stopped, or another one replaced the table. Run jobs/fit_mmm.py again."
    told = lost[[*TASK, "fit_id", "data_origin"]].assign(engine=engine, status="failed", message=said)
    return told.reindex(columns=names).astype(object)


def failure(error: Mapping[Hashable, Any]) -> str:
    """Return what a row of `Mapped.errors` says, in one line."""
    return f"{error['error_type']}: {str(error['message'])[:1000]} (tried {error['attempts']} times)"


def failed_runs(errors: pd.DataFrame, engine: str, origin: str) -> pd.DataFrame:
    """Return rows of bl.mmm_runs less run_id for the fits that raised or whose worker died (`Mapped.errors`)."""
    rows = [
        {
            **{name: error[name] for name in TASK},
            "engine": engine,
            "status": "failed",
            "message": failure(error),
            "seconds": error["seconds"],
            "data_origin": origin,
        }
        for error in errors.to_dict("records")
    ]
    names = [column.name for column in MMM_RUNS.columns if column.name != "run_id"]
    return pd.DataFrame(rows, columns=names).astype(object)


def runs_of(landed: DataFrame, use_selection: bool = False) -> DataFrame:
    """Return the rows of bl.mmm_runs less run_id that the landed fits are.

    `use_selection`: a fit without a choice has a note that says so.
    """
    rows = landed.select(*[column.name for column in MMM_RUNS.columns if column.name != "run_id"])
    if not use_selection:
        return rows
    said = F.array_union(F.coalesce("notes", F.array().cast("array<string>")), F.array(F.lit(NOT_CHOSEN)))
    return rows.withColumn("notes", F.when(F.col("settings").isNull(), said).otherwise(F.col("notes")))


def rows_of(landed: DataFrame, spec: TableSpec) -> DataFrame:
    """Return the rows, less run_id, that the landed fits have for one of the tables of fits."""
    named = [name for name in (*FIT_KEY, "data_origin") if name != "run_id"]
    rows = landed.select(*named, F.explode(spec.table).alias("row")).select(*named, "row.*")
    return rows.select(*[column.name for column in spec.columns if column.name != "run_id"])


def fits_text(runs: pd.DataFrame) -> str:
    """Return one line per geo and target, for the end of the job's output."""
    lines = []
    known = runs.astype(object).where(runs.notna(), None)
    for run in known.sort_values(list(TASK)).to_dict("records"):
        said = [f"{run['geo']} {run['target']} ({run['method']}): {run['status']}.", run["message"] or ""]
        doubtful = [] if run["not_trusted"] is None else list(run["not_trusted"])
        said += [f"Not to be trusted: {', '.join(doubtful)}."] if doubtful else []
        lines.append(" ".join(part for part in said if part))
    return "\n".join(lines)
