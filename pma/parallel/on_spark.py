"""Groups on Spark: the engine `pandas_udf`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pandas as pd
import pyarrow as pa
from pyspark import Accumulator, TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from pma.parallel.frames import by_key, decode, to_pandas
from pma.parallel.group import ERROR_SCHEMA, Outcome, Work, check_key, run_group
from pma.parallel.loky_pool import LokyPool
from pma.parallel.pools import drain
from pma.parallel.progress import Progress
from pma.parallel.schema import arrow_schema
from pma.parallel.settings import ParallelSettings

log = logging.getLogger(__name__)


def map_on_spark(
    frame: pd.DataFrame | DataFrame, work: Work, schema: T.StructType, settings: ParallelSettings
) -> tuple[DataFrame, pd.DataFrame, int, DataFrame]:
    """Rows (Spark), errors (pandas), number of groups, and the cached frame that the rows are read from.

    Computed once, here. Each task takes the groups of one hash of the key. A task whose Python worker died is run
    again by Spark and then gives every group a process of its own: one that kills again becomes an error row.
    """
    if not isinstance(frame, DataFrame):
        raise ValueError("engine `pandas_udf` needs a Spark frame: pass spark.createDataFrame(frame, schema)")
    check_key(work.key, arrow_schema(frame.schema))
    key = [F.col(_quoted(name)) for name in work.key]
    # A number of partitions that is named is kept: adaptive execution would merge small groups into one task.
    grouped = frame.repartition(settings.partitions, *key).groupBy(*key)
    progress = Progress(log, "pandas_udf", None, settings.log_every_seconds)
    with _watched(frame, progress) as counter:
        packed = packed_schema(work.key, frame.schema, schema)
        cached = grouped.applyInArrow(_worker(work, packed, settings, counter), packed).persist()
        try:
            outcomes = cached.filter(F.col("row").isNull())
            failed = outcomes.filter(F.col("error_type").isNotNull())
            errors = by_key(failed.select("key.*", *ERROR_SCHEMA.names).toArrow(), work.key)
            groups = outcomes.count()
        except Exception as error:
            cached.unpersist()
            error.add_note(
                "map_groups on pandas_udf: Spark gave up. If a Python worker died: a second attempt of its task would "
                "name the group; allow one (spark.task.maxFailures; on a laptop master `local[2,4]`)."
            )
            raise
    progress.end(groups, errors.num_rows)
    rows = cached.filter(F.col("row").isNotNull()).select("row.*")
    return rows.select(*map(_quoted, schema.names)), to_pandas(errors), groups, cached


def packed_schema(key: tuple[str, ...], frame: T.StructType, rows: T.StructType) -> T.StructType:
    """The one frame that brings back all: a result row has `row`; the outcome of a group has `key` and no `row`."""
    keys = T.StructType([T.StructField(name, frame[name].dataType) for name in key])
    return T.StructType([T.StructField("key", keys), T.StructField("row", rows), *from_arrow_schema(ERROR_SCHEMA)])


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _worker(
    work: Work, packed: T.StructType, settings: ParallelSettings, counter: Accumulator[int] | None
) -> Callable[[pa.Table], pa.Table]:
    """What runs in Spark's Python workers, for each group."""
    schema = arrow_schema(packed)

    def run(table: pa.Table) -> pa.Table:
        outcome = _run_here(work, table, settings)
        if counter is not None:
            counter.add(1)
        return pack(outcome, table.select(list(work.key)).slice(0, 1), schema)

    return run


def _run_here(work: Work, table: pa.Table, settings: ParallelSettings) -> Outcome:
    """In this Spark worker; in a child process of it when an earlier attempt of the task died."""
    context = TaskContext.get()
    died = context.attemptNumber() if context is not None else 0
    if not died:
        return run_group(work.fn, table, work.schema)
    retries = max(0, settings.max_retries - died)
    alone = settings.model_copy(update={"workers": 1, "in_flight_per_worker": 1, "max_retries": retries})
    pool = LokyPool(work.fn, work.schema, alone)
    try:
        [(_, outcome)] = drain([table], pool, alone)
    finally:
        pool.close()
    return replace(outcome, attempts=outcome.attempts + died)


@contextmanager
def _watched(frame: DataFrame, progress: Progress) -> Iterator[Accumulator[int] | None]:
    """Progress lines while Spark works, from a counter that its workers raise (Spark Connect has none)."""
    session = frame.sparkSession
    counter = session.sparkContext.accumulator(0) if hasattr(session, "sparkContext") else None
    over = threading.Event()

    def watch() -> None:
        while not over.wait(progress.every_seconds):
            progress.tick(None if counter is None else counter.value)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield counter
    finally:
        over.set()
        thread.join()


def pack(outcome: Outcome, key: pa.Table, schema: pa.Schema) -> pa.Table:
    """Result rows of one group, then its outcome, as rows of `packed_schema`."""
    rows = decode(outcome.rows).combine_chunks() if outcome.rows is not None else None
    count = rows.num_rows if rows is not None else 0
    last = {name: getattr(outcome, name) for name in schema.names if name not in ("key", "row")}
    columns = [
        _with_null_ends(_struct(key, schema.field("key").type), count, 0),
        _with_null_ends(_struct(rows, schema.field("row").type), 0, 1),
        *(pa.array([None] * count + [value], schema.field(name).type) for name, value in last.items()),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _struct(table: pa.Table | None, dtype: pa.DataType) -> pa.Array:
    if table is None or not table.num_rows:
        return pa.array([], dtype)
    return pa.StructArray.from_arrays([column.combine_chunks() for column in table.columns], fields=list(dtype))


def _with_null_ends(values: pa.Array, before: int, after: int) -> pa.Array:
    return pa.concat_arrays([pa.nulls(before, values.type), values, pa.nulls(after, values.type)])
