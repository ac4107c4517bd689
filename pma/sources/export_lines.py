"""Lines of an export, as text, become rows of spend by a layout of the rules."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.sources.platforms import COLUMNS, Layout, PlatformRules, source_columns
from pma.sources.spend_rows import as_rows, filled, readable

# <platform>_<account>_<month>_exported<stamp>.csv
STAMP = r"_exported(\d{8}T\d{4})\d*\.csv$"
# A row of days that has its column mapped must have it.
NEEDED = ("date", "campaign_id", "account_id", "spend_local")


def map_layout(
    raw: DataFrame, platform: str, layout: Layout, rules: PlatformRules, file: Column, faults: Sequence[Column] = ()
) -> DataFrame:
    """Turn the lines of an export, as text, into rows of spend. `faults` are what is known of a line beforehand.

    `file` names the file or table. One row per line.
    """
    header = [name.lower() for name in raw.columns]
    expressions = {ours: layout.expression(ours, header) for ours in layout.columns}
    used = sorted({name for text in expressions.values() if text for name in source_columns(text)})
    types = {name: layout.types.get(name, "string") for name in used}
    as_text = F.map_filter(
        F.create_map(*[part for name in used for part in (F.lit(name), filled(name, rules.blanks))]),
        lambda _, value: value.isNotNull(),
    )
    unreadable = [
        F.when(
            filled(name, rules.blanks).isNotNull() & readable(name, kind, rules.blanks).isNull(), f"unreadable_{name}"
        )
        for name, kind in types.items()
        if kind != "string"
    ]
    typed = raw.select(
        *[readable(name, kind, rules.blanks).alias(name) for name, kind in types.items()],
        file.alias("_file"),
        as_text.alias("_line"),
        F.array_compact(F.array(*faults, *unreadable)).alias("_faults"),
    )
    values = {ours: F.expr(text).try_cast(COLUMNS[ours]) for ours, text in expressions.items() if text}
    found = [F.col("_faults"), *_faults_of(layout, values, types)]
    return as_rows(
        typed,
        {
            **values,
            "ad_platform": F.lit(platform),
            "source_file": F.col("_file"),
            "exported_at": F.try_to_timestamp(F.regexp_extract("_file", STAMP, 1), F.lit("yyyyMMdd'T'HHmm")),
            "given": F.struct(F.col("_file").alias("file"), F.col("_line").alias("line")),
            "faults": F.concat(*found),
        },
    )


def _faults_of(layout: Layout, values: dict[str, Column], types: dict[str, str]) -> list[Column]:
    """Return arrays of faults: what every row must have and lacks, and rows that are no campaign's day."""
    needed = [name for name in NEEDED if name in values and layout.describes is None]
    # A value that is there and cannot be read is said by its own column's name.
    missing = [
        F.when(
            values[name].isNull() & (F.size(F.filter("_faults", lambda f: f.startswith("unreadable_"))) == 0),
            F.lit(f"missing_{name}"),
        )
        for name in needed
    ]
    if layout.keep and source_columns(layout.keep) <= set(types):
        missing.append(F.when(~F.expr(layout.keep), F.lit("not_a_day")))
    return [F.array_compact(F.array(*missing))] if missing else []
