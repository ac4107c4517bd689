"""Any outside table, read and mapped to one of ours."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.utils import AnalysisException

from pma.sources.settings import SourceTable
from pma.tables import TableError, TableSpec

PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_source(spark: SparkSession, source: SourceTable, target: str) -> DataFrame:
    """Return the outside table as it is. Raises TableError, naming target and path, where there is none."""
    reader = spark.read.format(source.format).options(**source.options)
    if source.format == "jdbc":
        return reader.load()
    if source.path is None:
        raise TableError(f"{target}: its source has no path. Fix: set sources.{target.split('.')[1]}.path")
    path = resolve(source.path, target)
    try:
        return reader.load(path)
    except AnalysisException as error:
        raise TableError(
            f"{target}: its source cannot be read as {source.format}: {path} ({_first_line(error)}). "
            f"Fix: sources.{target.split('.')[1]}"
        ) from None


def resolve(path: str, target: str) -> str:
    """Turn package:<package>/<path> into the file inside the installed package; other paths stay."""
    if not path.startswith("package:"):
        return path
    package, _, inside = path.removeprefix("package:").partition("/")
    found = find_spec(package)
    if found is None or found.origin is None:
        raise TableError(
            f"{target}: its source is the package {package}, which is not installed. Fix: pip install 'pma[demo]'"
        )
    return str(Path(found.origin).parent / inside)


def map_columns(raw: DataFrame, source: SourceTable, spec: TableSpec) -> DataFrame:
    """Return the declared columns, in the declared types, and for each a flag `<name>_unreadable`.

    A value that its type cannot hold becomes null with the flag true: the load refuses the row, it is not lost.
    Raises TableError when a required column is not mapped, a mapped one is not there, or an unknown one is mapped.
    """
    _check_mapping(raw, source, spec)
    selected = []
    for column in spec.schema:
        if column.name not in source.columns:
            selected.append(F.lit(None).cast(column.dataType).alias(column.name))
            selected.append(F.lit(False).alias(f"{column.name}_unreadable"))
            continue
        given = F.expr(source.columns[column.name])
        cast = given.try_cast(column.dataType)
        selected.append(cast.alias(column.name))
        selected.append((given.isNotNull() & cast.isNull()).alias(f"{column.name}_unreadable"))
    try:
        return raw.select(*selected)
    except AnalysisException as error:
        raise TableError(f"{spec.name}: its column mapping does not fit the source: {_first_line(error)}") from None


def _check_mapping(raw: DataFrame, source: SourceTable, spec: TableSpec) -> None:
    place = f"sources.{spec.table}.columns"
    declared = [column.name for column in spec.columns]
    unknown = [name for name in source.columns if name not in declared]
    if unknown:
        raise TableError(f"{spec.name}: {place} maps {unknown}, which the table does not have. It has {declared}")
    lacking = [f"{ours} <- {theirs}" for ours, theirs in source.columns.items() if _is_missing(theirs, raw)]
    if lacking:
        raise TableError(f"{spec.name}: the source lacks columns of {place}: {lacking}. It has {raw.columns}")


def _is_missing(expression: str, raw: DataFrame) -> bool:
    return PLAIN_NAME.fullmatch(expression) is not None and expression.lower() not in [c.lower() for c in raw.columns]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]
