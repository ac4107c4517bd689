"""Expectations on a frame: rows that miss one go to quarantine with the reason, and none is lost.

Frames here may carry, beside their own columns: `given`, a struct of the row as its source gave it; `reasons`, the
checks that it fails; `copies`, how many equal rows it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pma.tables import Column as Declared
from pma.tables import TableSpec

QUARANTINE = TableSpec(
    name="st_il.quarantine",
    grain="refused row (its content, and how often it came) of a table's load, and of a later one refused as a whole",
    key=("source_table", "load_kept", "row_hash"),
    columns=(
        Declared("source_table", "string", "the table the row was meant for"),
        Declared(
            "load_kept", "boolean", "the other rows are the table's; false: too many bad ones, it stayed as it was"
        ),
        Declared("row_hash", "string", "sha256 of the row's content"),
        Declared("reasons", "array<string>", "every check the row failed", required=True),
        Declared("content", "string", "the row as JSON", required=True),
        Declared("copies", "bigint", "how many such rows came", required=True),
        Declared("run_id", "string", "the run that refused it", required=True),
    ),
    checks={"at_least_one_reason": "size(reasons) > 0", "at_least_one_copy": "copies > 0"},
)

# Spark's own patterns for JSON end at milliseconds, and two different rows would become one.
EXACT = {
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}


@dataclass(frozen=True)
class Check:
    """One expectation: `failing` is true for a row that must not pass; null counts as passing."""

    reason: str
    failing: Column


def readable(mapped: DataFrame, spec: TableSpec) -> list[Check]:
    """Return a check per column: a value that the source gave and we could not read, and a required one it did not."""
    mapping = mapped.select("given.*").columns
    came = {name: F.col(f"given.{name}").isNotNull() if name in mapping else F.lit(False) for name in spec.required}
    missing = [Check(f"missing_{name}", F.col(name).isNull() & ~came[name]) for name in spec.required]
    unreadable = [
        Check(f"unreadable_{name}", F.col(name).isNull() & F.col(f"given.{name}").isNotNull()) for name in mapping
    ]
    return missing + unreadable


def judge(frame: DataFrame, checks: Sequence[Check]) -> DataFrame:
    """Add `reasons`, the checks each row fails; an empty array is a row that passes. No row is added or lost."""
    found = F.array_compact(F.array(*[F.when(check.failing, F.lit(check.reason)) for check in checks]))
    return frame.select(*frame.columns, found.alias("reasons"))


def refuse_copies(judged: DataFrame, key: Sequence[str], order: Sequence[str], reason: str) -> DataFrame:
    """Add `reason` to all but one of the passing rows of each key: the first by `order`, then content, still passes.

    A row that fails another check is no copy of anything. No row is added or lost.
    """
    passes = F.size("reasons") == 0
    # Within a key, passing rows are numbered among themselves.
    window = Window.partitionBy(*key, passes).orderBy(*order, F.xxhash64(*judged.columns))
    again = passes & (F.row_number().over(window) > 1)
    reasons = F.when(again, F.array(F.lit(reason))).otherwise(F.col("reasons"))
    return judged.select(*[reasons.alias(name) if name == "reasons" else F.col(name) for name in judged.columns])


def kept(judged: DataFrame) -> DataFrame:
    """Return the rows that pass, with their own columns only."""
    return judged.where(F.size("reasons") == 0).drop("reasons", "given", "copies")


def refused(judged: DataFrame) -> DataFrame:
    """Return the rows that fail, with their `reasons`."""
    return judged.where(F.size("reasons") > 0)


def mark_known(frame: DataFrame, known: DataFrame, key: str) -> DataFrame:
    """Add `<key>_known`: whether the row's key is one of the dimension's; `known` has one row per key."""
    found = known.select(F.col(key).alias("_key"), F.lit(True).alias("_found"))
    joined = frame.join(found, F.col(key) == F.col("_key"), how="left")
    return joined.select(*frame.columns, F.coalesce("_found", F.lit(False)).alias(f"{key}_known"))


def quarantined(bad: DataFrame, source_table: str, load_kept: bool, run_id: str) -> DataFrame:
    """Return the rows of `st_il.quarantine` for refused rows: those given alike become one, their `copies` summed.

    `bad` has `reasons`, `given` and `copies`; a column that the source left empty is not in the content.
    """
    rows = (
        bad.select("reasons", F.to_json("given", EXACT).alias("content"), "copies")
        .groupBy("content")
        .agg(F.min("reasons").alias("reasons"), F.sum("copies").alias("copies"))
    )
    return rows.select(
        F.lit(source_table).alias("source_table"),
        F.lit(load_kept).alias("load_kept"),
        F.sha2("content", 256).alias("row_hash"),
        "reasons",
        "content",
        "copies",
        F.lit(run_id).alias("run_id"),
    )
