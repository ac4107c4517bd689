"""Any outside table, read and mapped to one of ours."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pma.sources.settings import FeedSettings, SourceSettings, SourceTable
from pma.sources.snowflake import CONNECTOR, snowflake_jdbc_options, snowflake_options
from pma.spark import cause
from pma.tables import TableError, TableSpec

PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_mapped(
    spark: SparkSession,
    settings: SourceSettings | FeedSettings,
    spec: TableSpec,
    filled: Sequence[str] = (),
    section: str = "sources",
) -> DataFrame:
    """Read the source that the settings give for a table, as `map_columns` returns it. Raises TableError as both do.

    `section` is the name under which the settings stand: messages name the setting to mend by it.
    """
    source: SourceTable = getattr(settings, spec.table)
    return map_columns(read_source(spark, source, spec.name, section), source, spec, filled, section)


def read_source(spark: SparkSession, source: SourceTable, target: str, section: str = "sources") -> DataFrame:
    """Return the outside table as it is. Raises TableError, naming target, source and setting, where there is none."""
    place = f"{section}.{target.split('.')[1]}"
    reader = spark.read.format(source.format).options(**source.options)
    if source.format in ("snowflake", "snowflake_jdbc"):
        path, where = None, source.options.get("dbtable", "its query")
        by_connector = source.format == "snowflake"
        fix = f"{place}.options, and the jar of Snowflake's {'connector' if by_connector else 'JDBC driver'}"
        options = snowflake_options if by_connector else snowflake_jdbc_options
        reader = spark.read.format(CONNECTOR if by_connector else "jdbc")
        reader = reader.options(**options(source.options, os.environ, place))
    elif source.format == "jdbc":
        # The url may hold a password: the message names its setting, not its value.
        path, where = None, source.options.get("dbtable", "its query")
        fix = f"{place}.options (url, driver, dbtable or query, user, password)"
    elif source.path is None:
        raise TableError(f"{target}: its source has no path. Fix: set {place}.path")
    else:
        path = where = resolve(source.path, target)
        fix = place
    try:
        return reader.load(path)
    except (PySparkException, Py4JJavaError) as error:
        raise TableError(
            f"{target}: its source cannot be read as {source.format}: {where} ({cause(error)}). Fix: {fix}"
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
    # With its scheme: on a cluster a bare path is one of its own file system.
    return (Path(found.origin).parent / inside).as_uri()


def map_columns(
    raw: DataFrame, source: SourceTable, spec: TableSpec, filled: Sequence[str] = (), section: str = "sources"
) -> DataFrame:
    """Return the declared columns, in the declared types, and `given`: a struct of the mapped ones before the cast.

    A value that its type cannot hold is null, and stands in `given` as it came: the load refuses the row by it.
    `filled` names columns that a later step fills. One row per row of the source.
    Raises TableError when a required column is not mapped, a mapped one is not there, or an unknown one is mapped.
    """
    _check_mapping(raw, source, spec, filled, section)
    given = {name: F.expr(source.columns[name]) for name in spec.schema.names if name in source.columns}
    cast = [given.get(column.name, F.lit(None)).try_cast(column.dataType).alias(column.name) for column in spec.schema]
    as_given = F.struct(*[value.alias(name) for name, value in given.items()]).alias("given")
    try:
        return raw.select(*cast, as_given)
    except AnalysisException as error:
        raise TableError(
            f"{spec.name}: its column mapping does not fit the source: {cause(error)}. Fix: mend {section}.{spec.table}"
        ) from None


def _check_mapping(raw: DataFrame, source: SourceTable, spec: TableSpec, filled: Sequence[str], section: str) -> None:
    place = f"{section}.{spec.table}.columns"
    declared = [column.name for column in spec.columns]
    unknown = [name for name in source.columns if name not in declared]
    if unknown:
        raise TableError(
            f"{spec.name}: {place} maps {unknown}, which the table does not have. Fix: map only {declared}"
        )
    unmapped = [name for name in spec.required if name not in source.columns and name not in filled]
    if unmapped:
        raise TableError(
            f"{spec.name}: {place} does not map {unmapped}, which every row must have. "
            f"Fix: name the source's column for each, or Spark SQL over its columns {raw.columns}"
        )
    lacking = [f"{ours} <- {theirs}" for ours, theirs in source.columns.items() if _is_missing(theirs, raw)]
    if lacking:
        raise TableError(
            f"{spec.name}: the source lacks columns of {place}: {lacking}. Fix: name columns that it has, {raw.columns}"
        )


def _is_missing(expression: str, raw: DataFrame) -> bool:
    return PLAIN_NAME.fullmatch(expression) is not None and expression.lower() not in [c.lower() for c in raw.columns]
