"""Rows of ad spend as sources give them, before they are aggregated to `il.ad_spend`.

One row per line of an export, or per cell of a hand-kept sheet. Beside the columns of `platforms.COLUMNS`:
ad_platform; `raw_variable`, the name of a sheet's column, null for exports; exported_at; source_file; is_superseded,
true where a later export has the account's day; `given`, the file and what it said in the columns that were read;
`faults`, why the row must not pass, empty for a good one.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.sources.platforms import COLUMNS

GIVEN = "struct<file:string,line:map<string,string>>"
COLUMN_TYPES = {
    "ad_platform": "string",
    "source_file": "string",
    "exported_at": "timestamp",
    "raw_variable": "string",
    **COLUMNS,
    "is_superseded": "boolean",
    "given": GIVEN,
    "faults": "array<string>",
}
SCHEMA = ", ".join(f"{name} {kind}" for name, kind in COLUMN_TYPES.items())


def as_rows(frame: DataFrame, values: Mapping[str, Column]) -> DataFrame:
    """Select the columns of a row of spend: those given, null for the others. One row per row of the frame."""
    filled = {"is_superseded": F.lit(False), "faults": F.array().cast("array<string>"), **values}
    return frame.select(*[filled.get(name, F.lit(None)).cast(kind).alias(name) for name, kind in COLUMN_TYPES.items()])


def readable(name: str, kind: str, blanks: tuple[str, ...]) -> Column:
    """Return a text column in a type: null where it is blank, or the type cannot hold it.

    A count may be written as 5.0, as pandas does; 5.5 is none.
    """
    text = filled(name, blanks)
    if kind == "bigint":
        number = text.try_cast("decimal(24,6)")
        return F.when(number == F.floor(number), number.try_cast("bigint"))
    return text if kind == "string" else text.try_cast(kind)


def filled(name: str, blanks: tuple[str, ...]) -> Column:
    """Return a text column trimmed, null where it says nothing."""
    text = F.trim(F.col(f"`{name}`"))
    return F.when(~text.isin("", *blanks), text)
