"""Fits of all geos that are ready: made where they are missing, landed, and written to the tables that people read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.marketing.tables import LIFT_TESTS
from pma.mmm.agreement import check_frame, disagreements, with_disagreements, with_doubts
from pma.mmm.batches import Batches
from pma.mmm.calibration import without_fit
from pma.mmm.fit import fit_geo
from pma.mmm.landing import TASK, TASK_DDL, Tasks, failed_runs, landing_name, lost_runs, rows_of, runs_of
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings
from pma.mmm.tables import FITS, MMM_CALIBRATION, MMM_CHANNEL_SUMMARY, MMM_CHECKS, MMM_LANDED, MMM_RUNS, landed_ddl
from pma.parallel import Mapped, ParallelSettings, joined, map_groups
from pma.parallel.frames import to_spark
from pma.warehouse import Warehouse

# Takes a fit as it is done: its key, and its one row.
Land = Callable[[tuple[Any, ...], pd.DataFrame], None]


def lift_tests(tables: Warehouse) -> pd.DataFrame | None:
    """Return the rows of il.lift_tests; None where nobody has ever delivered one."""
    return tables.read(LIFT_TESTS).toPandas() if tables.exists(LIFT_TESTS) else None


def fit_missing(tables: Warehouse, tasks: Tasks, room: MmmSettings, parallel: ParallelSettings) -> Mapped:
    """Fit the tasks whose fits have not landed in st_il.mmm_landed, and return what was mapped, its errors among it.

    A fit lands as it is done, with those that were done in the `mmm.fit.land_seconds` before it, so that a killed job
    goes on with the others; on Spark's own engine, `pandas_udf`, `mmm.fit.land_fits` at one time.
    """
    tables.ensure(MMM_LANDED)
    todo = tasks.without(row["fit_id"] for row in _landed(tables, tasks).select("fit_id").collect())
    if parallel.engine != "pandas_udf":
        with Batches(partial(_land, tables), room.fit.land_seconds) as batches:
            return fit_tasks(todo, tasks.tests, room, parallel, batches.add)
    size = room.fit.land_fits or 2 * tables.spark.sparkContext.defaultParallelism
    return joined([_on_spark(tables, part, tasks.tests, room, parallel) for part in _parts(todo, size)], TASK)


def _parts(todo: pd.DataFrame, size: int) -> Iterator[pd.DataFrame]:
    ids = sorted(todo["fit_id"].unique())
    for start in range(0, len(ids), size):
        yield todo[todo["fit_id"].isin(ids[start : start + size])]


def _on_spark(
    tables: Warehouse, todo: pd.DataFrame, tests: pd.DataFrame | None, room: MmmSettings, parallel: ParallelSettings
) -> Mapped:
    mapped = fit_tasks(to_spark(tables.spark, todo, TASK_DDL), tests, room, parallel, None)
    assert isinstance(mapped.rows, DataFrame)
    _append(tables, mapped.rows, [row["fit_id"] for row in mapped.rows.select("fit_id").collect()])
    mapped.release()
    return mapped


def _land(tables: Warehouse, fits: pd.DataFrame) -> None:
    _append(tables, to_spark(tables.spark, fits, landed_ddl()), fits["fit_id"])


def _append(tables: Warehouse, fits: DataFrame, ids: Collection[str]) -> None:
    if len(ids):
        tables.append_once(MMM_LANDED, fits.select("*", _stamp(tables)), landing_name(tables.run_id, ids))


def fit_tasks(
    rows: pd.DataFrame | DataFrame,
    tests: pd.DataFrame | None,
    room: MmmSettings,
    parallel: ParallelSettings,
    land: Land | None,
) -> Mapped:
    """Fit tasks, rows as in `Tasks.rows` (the engine `pandas_udf` wants a frame of Spark); each goes to `land`.

    `tests`: rows of il.lift_tests, of any geo.
    """
    fit = partial(fit_geo, room=room, engine=parallel.engine, tests=tests)
    return map_groups(rows, fit, TASK, landed_ddl(), None, parallel, land)


def write_fits(
    tables: Warehouse, tasks: Tasks, errors: pd.DataFrame, settings: FitSettings, engine: str, origin: str
) -> None:
    """Write the landed fits of the tasks to the `bl.mmm_*` tables; in bl.mmm_runs what failed or was not ready too.

    Where both methods made a fit, how far they agree is one of its checks.
    """
    # Eight tables are made of them.
    landed, stamp = _landed(tables, tasks).drop("run_id").persist(), _stamp(tables)
    runs = runs_of(landed, settings.use_selection)
    apart = disagreements(rows_of(landed, MMM_CHANNEL_SUMMARY).toPandas(), settings)
    for spec in FITS:
        rows = rows_of(landed, spec)
        if spec is MMM_CHECKS:
            rows = rows.unionByName(check_frame(apart, runs))
        if spec is MMM_CHANNEL_SUMMARY:
            rows = with_doubts(rows, apart)
        if spec is MMM_CALIBRATION and tasks.tests is not None and settings.calibrate:
            left_out = without_fit(tasks.tests, _fitted(runs), origin)
            rows = rows.unionByName(to_spark(tables.spark, left_out[rows.columns], rows.schema))
        tables.replace(spec, rows.select("*", stamp))
    failed = failed_runs(errors, engine, origin)
    ended = {row["fit_id"] for row in landed.select("fit_id").collect()} | _ids(tasks.rows, errors)
    told = pd.concat([tasks.not_ready, failed, lost_runs(tasks.rows, ended, engine)]).assign(run_id=tables.run_id)
    others = to_spark(tables.spark, told[list(MMM_RUNS.schema.names)], MMM_RUNS.schema)
    tables.replace(MMM_RUNS, with_disagreements(runs, apart).select("*", stamp).unionByName(others))
    landed.unpersist()


def _landed(tables: Warehouse, tasks: Tasks) -> DataFrame:
    # Two jobs at one time may both have made a fit.
    return tables.read(MMM_LANDED).where(F.col("fit_id").isin(tasks.ids)).dropDuplicates(["fit_id"])


def _fitted(runs: DataFrame) -> set[tuple[str, str]]:
    """Countries and targets that have a fit of the model."""
    has = "geo_level = 'country' AND method = 'bayes' AND status IN ('ok', 'flagged')"
    return {(row["geo"], row["target"]) for row in runs.where(has).select("geo", "target").collect()}


def _ids(rows: pd.DataFrame, errors: pd.DataFrame) -> set[str]:
    """The fits of `Tasks.rows` that have an error."""
    keys = rows[[*TASK, "fit_id"]].drop_duplicates()
    return set(keys.merge(errors[list(TASK)], on=list(TASK))["fit_id"])


def _stamp(tables: Warehouse) -> Column:
    return F.lit(tables.run_id).alias("run_id")
