"""Groups that the driver cuts and hands out: the engines `serial`, `joblib` and `ray`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame

from pma.parallel.frames import decode, naive, to_pandas
from pma.parallel.group import ERROR_SCHEMA, Groups, Outcome, Work, check_key, cut, run_group
from pma.parallel.pools import Pool, drain
from pma.parallel.progress import Progress
from pma.parallel.settings import ParallelSettings

log = logging.getLogger(__name__)

OnResult = Callable[[tuple[Any, ...], pd.DataFrame], None]


def map_in_driver(
    frame: pd.DataFrame | DataFrame, work: Work, engine: str, settings: ParallelSettings, on_result: OnResult | None
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Rows and errors, both in key order, and the number of groups."""
    table = collect(frame)
    check_key(work.key, table.schema)
    groups = cut(table, work.key)
    del table  # the groups hold a sorted copy
    progress = Progress(log, engine, len(groups), settings.log_every_seconds)
    rows: dict[int, bytes] = {}
    failures: dict[int, Outcome] = {}
    with closing(_outcomes(engine, work, groups, settings, progress.tick)) as outcomes:
        for place, outcome in outcomes:
            if outcome.rows is None:
                failures[place] = outcome
            elif on_result is None:
                rows[place] = outcome.rows
            else:
                on_result(groups.key_of(place), to_pandas(decode(outcome.rows)))
            progress.add(failed=outcome.rows is None)
    progress.end(len(groups), len(failures))
    kept = [decode(rows[place]) for place in sorted(rows)]
    return to_pandas(pa.concat_tables([work.schema.empty_table(), *kept])), _errors(groups, failures), len(groups)


def collect(frame: pd.DataFrame | DataFrame) -> pa.Table:
    """The frame in the driver, as Arrow. Raises ValueError naming a pandas column that no column type can hold."""
    if not isinstance(frame, pd.DataFrame):
        return naive(frame.toArrow())
    try:
        return naive(pa.Table.from_pandas(frame, preserve_index=False))
    except pa.ArrowException as error:
        raise ValueError(f"the pandas frame has a column of mixed or unknown type: {error}") from error


def _outcomes(
    engine: str, work: Work, groups: Groups, settings: ParallelSettings, tick: Callable[[], None]
) -> Generator[tuple[int, Outcome]]:
    """Place and outcome of every group, as each one is done."""
    if engine == "serial" or not len(groups):
        for place, table in enumerate(groups):
            yield place, run_group(work.fn, table, work.schema)
        return
    pool = _pool(engine, work, settings)
    try:
        yield from drain(groups, pool, settings, tick)
    finally:
        pool.close()


def _pool(engine: str, work: Work, settings: ParallelSettings) -> Pool:
    if engine == "joblib":
        from pma.parallel.loky_pool import LokyPool

        return LokyPool(work.fn, work.schema, settings)
    from pma.parallel.ray_pool import RayPool

    return RayPool(work.fn, work.schema, settings)


def _errors(groups: Groups, failures: dict[int, Outcome]) -> pd.DataFrame:
    places = sorted(failures)
    table = groups.keys.take(pa.array(places, pa.int64()))
    for field in ERROR_SCHEMA:
        cells = [getattr(failures[place], field.name) for place in places]
        table = table.append_column(field, pa.array(cells, field.type))
    return to_pandas(table)
