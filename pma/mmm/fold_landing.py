"""Folds that are missing are scored and land as they end; then what they say is written to the tables people read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.mmm.batches import Batches
from pma.mmm.choice import GROUP
from pma.mmm.fold_tables import MMM_FOLDS, MMM_SELECTION, MMM_VALIDATION, folds_ddl
from pma.mmm.fold_tasks import TASK, TASK_DDL, FoldTasks
from pma.mmm.landing import failure, landing_name
from pma.mmm.selection import COLUMNS, choose, not_chosen, with_changes
from pma.mmm.settings import MmmSettings
from pma.mmm.validation import score_fold
from pma.parallel import Mapped, ParallelSettings, joined, map_groups
from pma.parallel.frames import to_spark
from pma.tables import TableSpec
from pma.warehouse import Warehouse

_LISTS = tuple(column.name for column in MMM_FOLDS.columns if column.type.startswith("array"))


def score_missing(tables: Warehouse, tasks: FoldTasks, room: MmmSettings, parallel: ParallelSettings) -> Mapped:
    """Score the folds that have not landed in st_il.mmm_folds; return what was mapped, its errors among it.

    Geos, targets, candidates and folds are one flat list. They land every `mmm.validation.land_seconds`; on Spark's own
    engine, `pandas_udf`, `mmm.validation.land_folds` at one time.
    """
    tables.ensure(MMM_FOLDS)
    todo = tasks.without(row["fold_id"] for row in tables.read(MMM_FOLDS).select("fold_id").toLocalIterator())
    geos = set(zip(todo["geo_level"], todo["geo"], strict=True))
    panels = {geo: panel for geo, panel in tasks.panels.items() if geo in geos}
    score = partial(score_fold, panels=panels, room=room, engine=parallel.engine)
    if parallel.engine == "pandas_udf":
        return joined(
            [_on_spark(tables, part, score, parallel) for part in _parts(todo, room.validation.land_folds)], TASK
        )
    with Batches(partial(_land, tables), room.validation.land_seconds) as batches:
        return map_groups(todo, score, TASK, folds_ddl(), None, parallel, batches.add)


def write_selection(
    tables: Warehouse, tasks: FoldTasks, errors: pd.DataFrame, parallel: ParallelSettings
) -> pd.DataFrame:
    """Write the tasks' folds to bl.mmm_validation and the choice they lead to to bl.mmm_selection, and return that.

    `errors`: of `Mapped`; a fold that raised or whose worker died is a failed row, and the next run tries it again.
    """
    wanted = tables.spark.createDataFrame([(one,) for one in tasks.tasks["fold_id"]], "fold_id string")
    # Two jobs at one time may both have scored a fold.
    landed = tables.read(MMM_FOLDS).drop("run_id").join(wanted, "fold_id", "left_semi").dropDuplicates(["fold_id"])
    ended = landed.toPandas()
    died = tasks.tasks.merge(failed_folds(errors, parallel.engine), on=list(TASK), how="inner")
    lost = _lost(tasks.tasks, {*ended["fold_id"], *died["fold_id"]}, parallel.engine)
    others = pd.concat([died, lost]).reindex(columns=landed.columns)
    folds = with_changes(pd.concat([ended, others], ignore_index=True).astype(object))
    chosen = [choose(rows) for _, rows in folds.groupby(GROUP, sort=True)]
    selection = pd.concat([pd.DataFrame(chosen, columns=list(COLUMNS)).astype(object), not_chosen(tasks.not_scored)])
    _replace(tables, MMM_VALIDATION, folds)
    _replace(tables, MMM_SELECTION, selection)
    return selection


def _lost(tasks: pd.DataFrame, known: Collection[str], engine: str) -> pd.DataFrame:
    """Folds that neither landed nor failed, as failed ones: there should be none."""
    lost = tasks[~tasks["fold_id"].isin(known)]
    said = "It has ended nowhere: the job was stopped, or another one replaced the table. Run jobs/select_mmm.py again."
    return _without_scores(lost.assign(status="failed", message=said, engine=engine))


def failed_folds(errors: pd.DataFrame, engine: str) -> pd.DataFrame:
    """Return key, status, message, engine and seconds of folds that raised or whose worker died."""
    said = [failure(error) for error in errors.to_dict("records")]
    return _without_scores(errors[[*TASK, "seconds"]].assign(status="failed", message=said, engine=engine))


def _without_scores(told: pd.DataFrame) -> pd.DataFrame:
    return told.join(pd.DataFrame([[[]] * len(_LISTS)] * len(told), told.index, columns=list(_LISTS)))


def _on_spark(
    tables: Warehouse, todo: pd.DataFrame, score: partial[pd.DataFrame], parallel: ParallelSettings
) -> Mapped:
    frame = to_spark(tables.spark, todo, TASK_DDL)
    mapped = map_groups(frame, score, TASK, folds_ddl(), None, parallel)
    assert isinstance(mapped.rows, DataFrame)
    _append(tables, mapped.rows, [row["fold_id"] for row in mapped.rows.select("fold_id").collect()])
    mapped.release()
    return mapped


def _parts(todo: pd.DataFrame, size: int) -> Iterator[pd.DataFrame]:
    for start in range(0, len(todo), size):
        yield todo.iloc[start : start + size]


def _land(tables: Warehouse, folds: pd.DataFrame) -> None:
    _append(tables, to_spark(tables.spark, folds, folds_ddl()), folds["fold_id"])


def _append(tables: Warehouse, folds: DataFrame, ids: Collection[str]) -> None:
    if len(ids):
        stamped = folds.withColumn("run_id", F.lit(tables.run_id))
        tables.append_once(MMM_FOLDS, stamped, landing_name(tables.run_id, ids))


def _replace(tables: Warehouse, spec: TableSpec, rows: pd.DataFrame) -> None:
    named = rows.assign(run_id=tables.run_id)[[column.name for column in spec.columns]]
    tables.replace(spec, to_spark(tables.spark, named, spec.schema))
