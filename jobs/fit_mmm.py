"""The media mix model of every geo that is ready, each landing as it is done: `bl.mmm_runs`, `bl.mmm_contributions`."""

from functools import partial
from typing import Any

import pandas as pd
from pyspark.sql import functions as F

from pma.mmm.calendar import records
from pma.mmm.fit import fit_geo
from pma.mmm.landing import TASK, TASK_DDL, failed_runs, fits_text, landed_records, make_tasks, rows_of, runs_of
from pma.mmm.tables import FITS, MMM_INPUT, MMM_LANDED, MMM_READINESS, MMM_RUNS, landed_ddl
from pma.parallel import check_threshold, map_groups
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """A geo that fails becomes a row with its message; a job that was killed goes on with the geos that are missing."""
    with job_run("fit_mmm", argv) as run:
        spark, tables, room, parallel = run.spark, run.tables, run.settings.mmm, run.settings.parallel
        stamp, on_spark = F.lit(run.run_id).alias("run_id"), parallel.engine == "pandas_udf"
        inputs, found = tables.read(MMM_INPUT).toPandas(), tables.read(MMM_READINESS).toPandas()
        tasks = make_tasks(inputs, found, room)
        tables.ensure(MMM_LANDED)
        wanted = F.col("fit_id").isin(tasks.ids)
        todo = tasks.without(row["fit_id"] for row in tables.read(MMM_LANDED).where(wanted).select("fit_id").collect())

        def land(_: tuple[Any, ...], fits: pd.DataFrame) -> None:
            frame = spark.createDataFrame(landed_records(fits), landed_ddl()).select("*", stamp)
            tables.append_once(MMM_LANDED, frame, f"{run.run_id}.{fits['fit_id'].iloc[0]}")

        fit = partial(fit_geo, room=room, engine=parallel.engine)
        frame = spark.createDataFrame(records(todo), TASK_DDL) if on_spark else todo
        mapped = map_groups(frame, fit, TASK, landed_ddl(), None, parallel, None if on_spark else land)
        if on_spark:
            tables.append_once(MMM_LANDED, mapped.rows.select("*", stamp), run.run_id)  # type: ignore[operator]
            mapped.release()
        landed = tables.read(MMM_LANDED).where(wanted).drop("run_id")
        for spec in FITS:
            tables.replace(spec, rows_of(landed, spec).select("*", stamp))
        failed = failed_runs(mapped.errors, parallel.engine, run.settings.feeds.data_origin)
        told = pd.concat([tasks.not_ready, failed]).assign(run_id=run.run_id)
        runs = runs_of(landed).select("*", stamp).unionByName(spark.createDataFrame(records(told), MMM_RUNS.schema))
        tables.replace(MMM_RUNS, runs)
        print(fits_text(tables.read(MMM_RUNS).toPandas()))
        check_threshold(mapped, parallel)


if __name__ == "__main__":
    main()
