"""`map_groups`: one plain pandas function, every group of a key, on the engine that the settings name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from pma.parallel.group import ERROR_SCHEMA
from pma.parallel.settings import ENGINES, Engine, ParallelSettings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from pma.parallel.driver import OnResult
    from pma.parallel.group import GroupFunction


class GroupsFailedError(RuntimeError):
    """More groups failed than the settings allow."""


@dataclass(frozen=True)
class Mapped:
    """What came of all groups.

    `rows`: the rows of the groups that went well, with the columns of the schema. A pandas frame in key order (nulls
    last) from serial, joblib and ray; a cached Spark frame, in no order, from pandas_udf; empty where `on_result`
    took them. `errors`: a pandas frame, one row per group that failed, in key order: the key columns, error_type,
    message, traceback (its end), seconds, attempts. `groups`: how many groups there were.
    """

    rows: pd.DataFrame | DataFrame
    errors: pd.DataFrame
    groups: int
    cached: DataFrame | None = None

    @property
    def failed(self) -> int:
        """How many groups failed."""
        return len(self.errors)

    def release(self) -> None:
        """Give back what Spark keeps for `rows` (pandas_udf; nothing to do elsewhere), once they are written."""
        if self.cached is not None:
            self.cached.unpersist()


def joined(parts: Sequence[Mapped], key: Sequence[str]) -> Mapped:
    """Return what came of the groups of several calls, whose rows have been taken already."""
    empty = pd.DataFrame(columns=[*key, *ERROR_SCHEMA.names])
    errors = [part.errors for part in parts if part.failed]
    return Mapped(empty, pd.concat(errors, ignore_index=True) if errors else empty, sum(part.groups for part in parts))


def map_groups(
    frame: pd.DataFrame | DataFrame,
    fn: GroupFunction,
    key: str | tuple[str, ...] | list[str],
    schema: str | StructType,
    engine: Engine | None = None,
    settings: ParallelSettings | None = None,
    on_result: OnResult | None = None,
) -> Mapped:
    """Call `fn` once per group of `key` and return its rows, and an error row for each group that failed.

    `fn` takes one group as a pandas frame (all columns, the key too) and returns a pandas frame with exactly the
    columns of `schema` (a Spark DDL string or StructType). Results are the same to the last digit on every engine:
    dtypes come from the schema (`frames.to_pandas`: whole numbers are nullable Int64, timestamps naive UTC), the rows
    of a group arrive sorted by all columns from the left, BLAS has one thread, and randomness comes from
    `group_seed(run's seed, key)`, which `fn` calls itself. A null key is a group. What `fn` keeps in its module or
    closure stays in the worker for the next group. A group of zero rows does not exist: an empty frame has no groups.

    Engines: `serial`, `joblib` and `ray` cut the frame in the driver: a Spark frame is collected (it must fit), and
    groups go out a few at a time. `pandas_udf` wants a Spark frame and leaves rows in Spark; it is computed once,
    before this returns, and cached until `Mapped.release()`. `engine` None is the settings' engine.

    `on_result(key, rows)` is called in the driver as each good group is done (key a tuple, any order), so that a
    killed job keeps what has landed; rows are then not kept, and memory stays flat. If it raises, the job stops.
    `pandas_udf` refuses it, as a Spark task ends as a whole: write `Mapped.rows` in one commit.

    A killed worker loses no group and doubles none: joblib and ray run it again `max_retries` times, Spark runs the
    task again (on a laptop only with master `local[n,m]`, m the attempts), then each group in a process of its own.
    With `serial` the process is the driver's own.

    Raises ValueError (key, engine, frame) and ImportError (names the extra); never for a failed group: land what is
    there, then call `check_threshold`.
    """
    settings = settings or ParallelSettings()
    engine = engine or settings.engine
    if engine not in ENGINES:
        raise ValueError(f"engine {engine!r} is none of {', '.join(ENGINES)}")
    keys = (key,) if isinstance(key, str) else tuple(key)
    from pma.parallel.group import Work
    from pma.parallel.schema import arrow_schema, spark_schema

    work = Work(fn, keys, arrow_schema(spark_schema(schema)))
    if engine == "pandas_udf":
        from pma.parallel.on_spark import map_on_spark

        if on_result is not None:
            raise ValueError("engine `pandas_udf` has no on_result: write `Mapped.rows`, or take joblib or ray")
        return Mapped(*map_on_spark(frame, work, spark_schema(schema), settings))
    from pma.parallel.driver import map_in_driver

    return Mapped(*map_in_driver(frame, work, engine, settings, on_result))


def check_threshold(mapped: Mapped, settings: ParallelSettings) -> None:
    """Raise GroupsFailedError when more than `max_failed_share` of the groups failed; call it once the rows landed."""
    if mapped.failed <= settings.max_failed_share * mapped.groups:
        return
    from pma.parallel.group import ERROR_SCHEMA

    keys = [name for name in mapped.errors.columns if name not in ERROR_SCHEMA.names]
    first = mapped.errors.head(5)
    said = "; ".join(
        f"{', '.join(f'{name}={row[name]}' for name in keys)}: {row['error_type']}: {row['message'][:300]}"
        for row in first.to_dict("records")
    )
    more = f"; and {mapped.failed - len(first)} more" if mapped.failed > len(first) else ""
    raise GroupsFailedError(
        f"{mapped.failed} of {mapped.groups} groups failed, parallel.max_failed_share allows "
        f"{settings.max_failed_share:.0%}: {said}{more}"
    )
