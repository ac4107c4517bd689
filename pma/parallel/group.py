"""One group: cut from the frame, run, and brought back as rows or as an error."""

from __future__ import annotations

import functools
import os
import pickle
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pma.parallel.frames import by_key, conform, decode, encode, in_order, naive, to_pandas

GroupFunction = Callable[[pd.DataFrame], pd.DataFrame]

ERROR_SCHEMA = pa.schema(
    [
        ("error_type", pa.string()),
        ("message", pa.string()),
        ("traceback", pa.string()),
        ("seconds", pa.float64()),
        ("attempts", pa.int32()),
    ]
)
_KEY_KINDS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_boolean,
              pa.types.is_date, pa.types.is_timestamp)  # fmt: skip
TEXT_LIMIT = 4000
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Work:
    """What is done: the function, the columns that make a group, the columns that come back."""

    fn: GroupFunction
    key: tuple[str, ...]
    schema: pa.Schema


@dataclass(frozen=True)
class Outcome:
    """What became of one group: its rows as an Arrow stream, or what was raised."""

    rows: bytes | None
    seconds: float
    attempts: int = 1
    error_type: str | None = None
    message: str | None = None
    traceback: str | None = None


@dataclass(frozen=True)
class Groups:
    """A frame in the driver, cut by key: `table` is sorted by key (nulls last), group i is [starts[i], starts[i+1])."""

    table: pa.Table
    keys: pa.Table
    starts: np.ndarray

    def __len__(self) -> int:
        return self.keys.num_rows

    def key_of(self, place: int) -> tuple[Any, ...]:
        """The key of a group, as Python values."""
        [values] = self.keys.slice(place, 1).to_pylist()
        return tuple(values.values())

    def __iter__(self) -> Iterator[pa.Table]:
        """The groups in key order, each one cut out only when it is asked for."""
        for place in range(len(self)):
            yield self.table.slice(self.starts[place], self.starts[place + 1] - self.starts[place])


def check_key(key: tuple[str, ...], schema: pa.Schema) -> None:
    """Raise ValueError when the key is not in the frame, or of a type whose values are not plainly equal or not."""
    if not key or len(set(key)) != len(key):
        raise ValueError(f"key {key!r}: name one or several columns, each once")
    reserved = [name for name in key if name in ERROR_SCHEMA.names]
    if reserved:
        raise ValueError(f"key column `{reserved[0]}` is also a column of the error rows: rename it")
    for name in key:
        if schema.names.count(name) != 1:
            raise ValueError(f"key `{name}` is no column of the frame: {', '.join(schema.names)}")
        kind = schema.field(name).type
        if not any(known(kind) for known in _KEY_KINDS):
            raise ValueError(
                f"key `{name}` is {kind}: keys are strings, whole numbers, booleans, dates or timestamps; cast it"
            )


def cut(table: pa.Table, key: tuple[str, ...]) -> Groups:
    """The groups of a table. A null is a key like any other: its rows form one group."""
    table = by_key(table, key)
    keys = table.select(list(key)).combine_chunks()
    new = np.zeros(table.num_rows, dtype=bool)
    new[:1] = True
    for column in keys.columns:
        left, right = column.slice(0, max(len(column) - 1, 0)), column.slice(1)
        changed = pc.fill_null(pc.not_equal(left, right), False).to_numpy()
        new[1:] |= changed | (left.is_null().to_numpy() != right.is_null().to_numpy())
    firsts = np.flatnonzero(new)
    return Groups(table, keys.take(pa.array(firsts)), np.append(firsts, table.num_rows))


def run_group(fn: GroupFunction, table: pa.Table, schema: pa.Schema) -> Outcome:
    """Call the function on one group, on one thread; whatever it raises becomes an error instead of ending the job."""
    started = time.perf_counter()
    try:
        with one_thread():
            rows = encode(conform(fn(to_pandas(in_order(naive(table)))), schema))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit, and the panics of Rust extensions: neither is an Exception
        return failure(error, time.perf_counter() - started)
    return Outcome(rows, time.perf_counter() - started)


def run_pickled(work: bytes, table: bytes) -> Outcome:
    """`run_group` in another process: (function, schema) pickled, the group as an Arrow stream."""
    started = time.perf_counter()
    try:
        fn, schema = _unpickled(work)
    except Exception as error:
        return failure(error, time.perf_counter() - started)
    return run_group(fn, decode(table), schema)


@functools.lru_cache(maxsize=2)
def _unpickled(work: bytes) -> tuple[GroupFunction, pa.Schema]:
    """Once per worker, so that what a function keeps (a compiled model) serves all its groups."""
    return pickle.loads(work)


def failure(error: BaseException, seconds: float) -> Outcome:
    """The error row's content."""
    trace = "".join(traceback.format_exception(error))[-TEXT_LIMIT:]
    return Outcome(None, seconds, 1, type(error).__name__, _clean(str(error))[:TEXT_LIMIT], _clean(trace))


def _clean(text: str) -> str:
    """Text that Arrow and Delta can hold: half surrogate pairs cannot be written as UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS and OpenMP on one thread, for libraries that are loaded and, by variables, for those loaded inside.

    Sums over several threads differ in the last digit from machine to machine, and workers would fight for cores.
    """
    from threadpoolctl import threadpool_limits

    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        with threadpool_limits(1):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
