"""Expectations on a frame: rows that miss one go to quarantine with the reason, and none is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pma.tables import Column as Declared
from pma.tables import TableSpec

QUARANTINE = TableSpec(
    name="st_il.quarantine",
    grain="refused row of a load (its content, and how often it came)",
    key=("source_table", "row_hash"),
    columns=(
        Declared("source_table", "string", "the table the row was meant for"),
        Declared("row_hash", "string", "sha256 of the row's content"),
        Declared("reasons", "array<string>", "every check the row failed", required=True),
        Declared("content", "string", "the row as JSON", required=True),
        Declared("copies", "bigint", "how many such rows came", required=True),
        Declared("run_id", "string", "the run that refused it", required=True),
    ),
    checks={"at_least_one_reason": "size(reasons) > 0", "at_least_one_copy": "copies > 0"},
)


@dataclass(frozen=True)
class Check:
    """One expectation: `failing` is true for a row that must not pass; null counts as passing."""

    reason: str
    failing: Column


def judge(frame: DataFrame, checks: Sequence[Check]) -> DataFrame:
    """Add `reasons`, the checks each row fails; an empty array is a row that passes. No row is added or lost."""
    found = F.array_compact(F.array(*[F.when(check.failing, F.lit(check.reason)) for check in checks]))
    return frame.select(*frame.columns, found.alias("reasons"))


def kept(judged: DataFrame) -> DataFrame:
    """Return the rows that pass, without `reasons`."""
    return judged.where(F.size("reasons") == 0).drop("reasons")


def refused(judged: DataFrame) -> DataFrame:
    """Return the rows that fail, with their `reasons`."""
    return judged.where(F.size("reasons") > 0)


def mark_copies(frame: DataFrame, key: Sequence[str], order: Sequence[str]) -> DataFrame:
    """Add `copy_number`: 1 for the row to keep of each key, 2 and more for the others, by `order` then content."""
    window = Window.partitionBy(*key).orderBy(*order, F.xxhash64(*frame.columns))
    return frame.select(*frame.columns, F.row_number().over(window).alias("copy_number"))


def mark_known(frame: DataFrame, known: DataFrame, key: str) -> DataFrame:
    """Add `<key>_known`: whether the row's key is one of the dimension's; `known` has one row per key."""
    found = known.select(F.col(key).alias("_key"), F.lit(True).alias("_found"))
    joined = frame.join(found, F.col(key) == F.col("_key"), how="left")
    return joined.select(*frame.columns, F.coalesce("_found", F.lit(False)).alias(f"{key}_known"))


def quarantined(bad: DataFrame, source_table: str, run_id: str) -> DataFrame:
    """Return the rows of `st_il.quarantine` for refused rows: equal ones become one with a count."""
    content = F.to_json(F.struct(*[column for column in bad.columns if column != "reasons"]))
    rows = (
        bad.select("reasons", content.alias("content"))
        .groupBy("content")
        .agg(F.min("reasons").alias("reasons"), F.count("*").alias("copies"))
    )
    return rows.select(
        F.lit(source_table).alias("source_table"),
        F.sha2("content", 256).alias("row_hash"),
        "reasons",
        "content",
        "copies",
        F.lit(run_id).alias("run_id"),
    )
