"""Schemas: a Spark DDL string or StructType, and the same in Arrow; no Spark session needed, nor Java."""

from __future__ import annotations

import re
from collections import deque

import pyarrow as pa
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

_TOKEN = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|\\.)*'|\w+|[<>(),:]|\S")
_SIMPLE: dict[str, type[T.DataType]] = {
    "string": T.StringType,
    "boolean": T.BooleanType,
    "byte": T.ByteType,
    "tinyint": T.ByteType,
    "short": T.ShortType,
    "smallint": T.ShortType,
    "int": T.IntegerType,
    "integer": T.IntegerType,
    "long": T.LongType,
    "bigint": T.LongType,
    "float": T.FloatType,
    "real": T.FloatType,
    "double": T.DoubleType,
    "date": T.DateType,
    "timestamp": T.TimestampType,
    "timestamp_ltz": T.TimestampType,
    "timestamp_ntz": T.TimestampNTZType,
    "binary": T.BinaryType,
}


def spark_schema(schema: str | T.StructType) -> T.StructType:
    """The schema as a StructType."""
    return parse_ddl(schema) if isinstance(schema, str) else schema


def arrow_schema(schema: T.StructType) -> pa.Schema:
    """The same columns in Arrow, timestamps in microseconds UTC, as Spark moves them."""
    return to_arrow_schema(schema)


def parse_ddl(ddl: str) -> T.StructType:
    """Fields of a DDL string such as `geo STRING NOT NULL, curve ARRAY<DOUBLE>`, as Spark's own parser reads them.

    Knows the plain types, DECIMAL, ARRAY, MAP and STRUCT, NOT NULL and COMMENT. Raises ValueError on anything else,
    with the place.
    """
    tokens = deque(_TOKEN.findall(ddl))
    fields = _fields(tokens, end=None, ddl=ddl)
    return T.StructType(fields)


def _fields(tokens: deque[str], end: str | None, ddl: str) -> list[T.StructField]:
    fields = []
    while True:
        name = _next(tokens, ddl)
        if not re.fullmatch(r"\w+|`.+`", name):
            raise ValueError(f"schema {ddl!r}: expected a column name, found {name!r}")
        if name.startswith("`"):
            name = name[1:-1].replace("``", "`")
        _skip(tokens, ":")
        dtype = _type(tokens, ddl)
        nullable = not _skip(tokens, "not", "null")
        comment = _next(tokens, ddl)[1:-1] if _skip(tokens, "comment") else None
        fields.append(T.StructField(name, dtype, nullable, {"comment": comment} if comment is not None else None))
        if end is None and not tokens:
            return fields
        mark = _next(tokens, ddl)
        if mark == end:
            return fields
        if mark != ",":
            raise ValueError(f"schema {ddl!r}: expected a comma after column `{name}`, found {mark!r}")


def _type(tokens: deque[str], ddl: str) -> T.DataType:
    name = _next(tokens, ddl).lower()
    if name in _SIMPLE:
        return _SIMPLE[name]()
    if name in ("decimal", "dec", "numeric"):
        return _decimal(tokens, ddl)
    if name in ("array", "map", "struct"):
        _expect(tokens, "<", ddl)
        if name == "struct":
            return T.StructType(_fields(tokens, end=">", ddl=ddl))
        first = _type(tokens, ddl)
        if name == "array":
            _expect(tokens, ">", ddl)
            return T.ArrayType(first)
        _expect(tokens, ",", ddl)
        second = _type(tokens, ddl)
        _expect(tokens, ">", ddl)
        return T.MapType(first, second)
    known = ", ".join([*_SIMPLE, "decimal", "array", "map", "struct"])
    raise ValueError(f"schema {ddl!r}: unknown type {name!r}; known: {known}")


def _decimal(tokens: deque[str], ddl: str) -> T.DecimalType:
    if not _skip(tokens, "("):
        return T.DecimalType()
    precision, scale = int(_next(tokens, ddl)), 0
    if _skip(tokens, ","):
        scale = int(_next(tokens, ddl))
    _expect(tokens, ")", ddl)
    return T.DecimalType(precision, scale)


def _next(tokens: deque[str], ddl: str) -> str:
    if not tokens:
        raise ValueError(f"schema {ddl!r} ends too early")
    return tokens.popleft()


def _skip(tokens: deque[str], *words: str) -> bool:
    """Take these words off when they come next."""
    if [token.lower() for token in list(tokens)[: len(words)]] != list(words):
        return False
    for _ in words:
        tokens.popleft()
    return True


def _expect(tokens: deque[str], mark: str, ddl: str) -> None:
    found = _next(tokens, ddl)
    if found != mark:
        raise ValueError(f"schema {ddl!r}: expected {mark!r}, found {found!r}")
