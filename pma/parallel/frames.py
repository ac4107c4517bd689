"""One way between pandas and Arrow, so that every engine hands over and brings back the same values and types."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from pma.parallel.schema import arrow_schema, spark_schema

_NULLABLE: dict[pa.DataType, Any] = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


class ColumnMismatchError(TypeError):
    """A frame does not have the columns or the types that its schema names."""


def conform(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """The frame's columns in the order and with the types of the schema; the only gate from pandas to a result.

    Widening (int to double) and whole floats into integers pass; whatever would lose or invent a value does not.
    NaN, NaT and NA are null. Naive timestamps are UTC. Raises ColumnMismatchError naming every column that is
    missing or unknown, or the first that does not fit, with the type wanted and found.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ColumnMismatchError(f"the function returned {type(frame).__name__}, not a pandas DataFrame")
    found, wanted = list(frame.columns), schema.names
    missing = [name for name in wanted if name not in found]
    unknown = [name for name in found if name not in wanted]
    double = sorted({name for name in found if found.count(name) > 1})
    if missing or unknown or double:
        parts = (("missing", missing), ("not in the schema", unknown), ("there twice", double))
        said = "; ".join(f"{what}: " + ", ".join(f"`{name}`" for name in names) for what, names in parts if names)
        raise ColumnMismatchError(f"columns {said}; the schema wants {', '.join(f'`{name}`' for name in wanted)}")
    return pa.Table.from_arrays([_column(frame[field.name], field) for field in schema], schema=schema)


def _column(values: pd.Series, field: pa.Field) -> pa.Array:
    try:
        column = _exact(values, field.type)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        wanted = f"column `{field.name}` should be {field.type}, found {values.dtype}"
        raise ColumnMismatchError(f"{wanted}: {error}") from error
    if column.null_count and not field.nullable:
        raise ColumnMismatchError(f"column `{field.name}` must not be null, found {column.null_count} nulls")
    return column


def _exact(values: pd.Series, wanted: pa.DataType) -> pa.Array:
    if pa.types.is_nested(wanted):
        # pa.array with a type cuts 3.5 to 3 inside lists without a word; a safe cast refuses.
        return pa.array(values, from_pandas=True).cast(wanted, safe=True) if len(values) else pa.array([], wanted)
    if pa.types.is_date(wanted) and values.dtype.kind == "M":
        days = values.dt.tz_localize(None)
        if (days.dropna() != days.dropna().dt.normalize()).any():
            raise ValueError("a time of day would be lost")
    if pa.types.is_boolean(wanted) and values.dtype.kind in "iuf" and values.notna().any():
        raise ValueError("numbers are not booleans")
    column = pa.array(values, type=wanted, from_pandas=True, safe=True)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def to_spark(spark: SparkSession, frame: pd.DataFrame, schema: T.StructType | str) -> DataFrame:
    """The frame in Spark, by the same gate as a result: numpy's arrays are lists, and a whole number stays whole.

    `schema`: Spark's, or its DDL. Raises ColumnMismatchError.
    """
    typed = spark_schema(schema)
    return spark.createDataFrame(conform(frame, arrow_schema(typed)), typed)


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """A table as a worker function and the caller see it, types decided by the schema and never by the values.

    Whole numbers Int8 to Int64 and booleans `boolean` (both hold null), float32 or float64 (null is NaN), strings,
    dates, decimals and binaries as objects (null is None), timestamps datetime64[us] naive UTC, arrays as numpy
    arrays, maps and structs as dicts.
    """
    frame: pd.DataFrame = naive(table).to_pandas(
        types_mapper=_NULLABLE.get, date_as_object=True, maps_as_pydicts="strict", use_threads=False
    )
    return frame


def naive(table: pa.Table) -> pa.Table:
    """Timestamps in UTC without a zone, in microseconds; categories as their values; nothing but nulls as strings."""
    for place, field in enumerate(table.schema):
        plain = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        plain = pa.timestamp("us") if pa.types.is_timestamp(plain) else plain
        plain = pa.string() if pa.types.is_null(plain) else plain
        if plain != field.type:
            table = table.set_column(place, pa.field(field.name, plain), table.column(place).cast(plain))
    return table


def by_key(table: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """Rows in key order, nulls last; rows of one key stay as they were."""
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in key])
    return table.take(order)


def in_order(table: pa.Table) -> pa.Table:
    """Rows sorted by every column from the left, nulls last: no engine's row order reaches a worker function."""
    table = table.combine_chunks()
    columns = []
    for column in table.columns:
        if pa.types.is_nested(column.type):
            column = pa.array([None if cell is None else repr(cell) for cell in column.to_pylist()], pa.string())
        columns.append(column)
    names = [str(place) for place in range(len(columns))]
    sortable = pa.Table.from_arrays(columns, names=names)
    order = pc.sort_indices(sortable, sort_keys=[(name, "ascending") for name in names])
    return table.take(order)


def encode(table: pa.Table) -> bytes:
    """The table as an Arrow stream (a slice takes only its own rows along)."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def decode(data: bytes) -> pa.Table:
    """The table of an Arrow stream."""
    with pa.ipc.open_stream(data) as reader:
        return reader.read_all()
