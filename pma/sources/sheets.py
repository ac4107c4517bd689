"""Hand-kept sheets: wide CSV files whose columns are raw variable names become rows of spend."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pma.sources.files import BROKEN, CsvFile, list_csv, name_of, read_lines
from pma.sources.platforms import PlatformRules, SheetColumns
from pma.sources.spend_rows import as_rows, filled, readable
from pma.tables import TableError

TARGET = "il.ad_spend"
SETTING = "feeds.sheets"
PLATFORM = "sheet"
MONEY = "decimal(18,6)"


@dataclass(frozen=True)
class Roles:
    """What each column of a sheet is; `variables` maps a raw variable name to its columns of clicks and impressions."""

    date: str
    country: str | None
    currency: str | None
    campaign: str | None
    variables: dict[str, tuple[str | None, str | None]]


def read_sheets(spark: SparkSession, folder: str, rules: PlatformRules, currency: str) -> DataFrame:
    """Read `<folder>/**/*.csv` to rows of spend, as `spend_rows` describes them; `currency` where a sheet names none.

    One row per line and raw variable that has a value there: an empty cell is not zero. A cell that cannot be read, and
    a line of a file that was cut, has a fault; a file without lines is one row. Raises TableError, naming every file,
    where a sheet has no date, no variable, or a count that belongs to no variable.
    """
    files = list_csv(spark, folder, TARGET, SETTING)
    wrong, groups = [], defaultdict(list)
    for file in files:
        try:
            find_roles(file.header, rules.sheets)
            groups[file.header].append(file)
        except ValueError as fault:
            wrong.append(f"{file.name}: {fault}")
    if wrong:
        raise TableError(
            f"{TARGET}: sheets that cannot be read: {'; '.join(wrong)}. "
            "Fix: mend the sheet's header, or name its columns in conf/rules/platforms.yml, sheets"
        )
    return reduce(
        DataFrame.unionByName,
        [_read_group(spark, header, members, rules, currency) for header, members in groups.items()],
    )


def find_roles(header: Sequence[str], known: SheetColumns) -> Roles:
    """Say what each column of a sheet is. Raises ValueError with the fault."""
    names = [name.lower() for name in header]
    if len(set(names)) < len(names):
        raise ValueError(f"names a column twice: {list(header)}")
    found = {
        role: next((name for name in names if name in getattr(known, role)), None)
        for role in ("date", "country", "currency", "campaign")
    }
    rest = [name for name in header if name and name.lower() not in found.values()]
    counts = {
        kind: [name for name in rest if re.search(getattr(known, kind), name, re.IGNORECASE)]
        for kind in ("clicks", "impressions")
    }
    variables = [name for name in rest if name not in counts["clicks"] and name not in counts["impressions"]]
    if found["date"] is None:
        raise ValueError(f"has no column of dates ({', '.join(known.date)}), only {list(header)}")
    if not variables:
        raise ValueError(f"has no column of money, only {list(header)}")
    belongs = {kind: {_owner(name, variables): name for name in named} for kind, named in counts.items()}
    return Roles(
        date=found["date"],
        country=found["country"],
        currency=found["currency"],
        campaign=found["campaign"],
        variables={name: (belongs["clicks"].get(name), belongs["impressions"].get(name)) for name in variables},
    )


def _owner(count: str, variables: Sequence[str]) -> str:
    """Return the money column that a column of clicks or impressions belongs to."""
    if len(variables) == 1:
        return variables[0]
    start = count.lower().rpartition("_")[0]
    owners = [name for name in variables if start and name.lower().startswith(start)]
    if len(owners) != 1:
        raise ValueError(f"{count} belongs to none or several of {list(variables)}: let it begin like one of them")
    return owners[0]


def _read_group(
    spark: SparkSession, header: Sequence[str], files: Sequence[CsvFile], rules: PlatformRules, currency: str
) -> DataFrame:
    roles, blanks = find_roles(header, rules.sheets), rules.blanks
    lines = read_lines(spark, files)
    cut = [file.uri for file in files if file.is_cut]
    cells = [
        _cell(name, clicks, impressions, roles.date, blanks) for name, (clicks, impressions) in roles.variables.items()
    ]
    # A line that could not be cut into fields is one row, whatever cells were found in it.
    whole = F.when(F.col(BROKEN).isNull(), F.filter(F.array(*cells), lambda cell: cell.raw.isNotNull()))
    beside = {role: getattr(roles, role) for role in ("country", "currency", "campaign")}
    nothing = F.lit(None).cast("string")
    long = lines.select(
        name_of(files).alias("file"),
        F.col("_uri").isin(cut).alias("is_cut"),
        F.col(BROKEN).alias("broken"),
        filled(roles.date, blanks).alias("day"),
        *[(filled(name, blanks) if name else nothing).alias(role) for role, name in beside.items()],
        F.explode_outer(whole).alias("cell"),
    ).where("cell IS NOT NULL OR broken IS NOT NULL")
    return as_rows(long, _values(roles, currency))


def _values(roles: Roles, currency: str) -> dict[str, Column]:
    """Return what a cell is as a row of spend."""
    variable, day = F.col("cell.name"), F.col("day").try_cast("date")
    name = F.coalesce("campaign", variable)
    # Two variables of one campaign are two rows of the table.
    own_id = F.concat_ws("/", "campaign", variable) if len(roles.variables) > 1 else name
    said = {roles.date: "day", "(line)": "broken", "country": "country", "currency": "currency", "campaign": "campaign"}
    line = F.map_from_arrays(
        F.array(F.coalesce(variable, F.lit("value")), *[F.lit(key) for key in said]),
        F.array("cell.raw", *said.values()),
    )
    faults = [
        F.when(F.col("broken").isNotNull(), F.lit("broken_line")),
        F.when(F.col("is_cut"), F.lit("cut_file")),
        F.when(F.col("day").isNotNull() & day.isNull(), F.lit(f"unreadable_{roles.date}")),
    ]
    return {
        "ad_platform": F.lit(PLATFORM),
        "source_file": F.col("file"),
        "raw_variable": variable,
        "date": day,
        "account_id": F.regexp_replace("file", r"\.csv$", ""),
        "campaign_id": own_id,
        "campaign_name": name,
        "campaign_status": F.lit("unknown"),
        "currency": F.upper(F.coalesce("currency", F.lit(currency))),
        "country": F.col("country"),
        "spend_local": F.col("cell.spend"),
        "clicks": F.col("cell.clicks"),
        "impressions": F.col("cell.impressions"),
        "given": F.struct(F.col("file"), F.map_filter(line, lambda _, value: value.isNotNull()).alias("line")),
        "faults": F.concat(F.array_compact(F.array(*faults)), F.coalesce("cell.faults", F.array())),
    }


def _cell(name: str, clicks: str | None, impressions: str | None, date: str, blanks: tuple[str, ...]) -> Column:
    """Return one variable of a line: as it came, its money and counts, and what of it cannot be read."""
    kinds = {"spend": (name, MONEY), "clicks": (clicks, "bigint"), "impressions": (impressions, "bigint")}
    values = {
        field: readable(column, kind, blanks) if column else F.lit(None).cast(kind)
        for field, (column, kind) in kinds.items()
    }
    faults = [
        F.when(filled(column, blanks).isNotNull() & values[field].isNull(), F.lit(f"unreadable_{column}"))
        for field, (column, _) in kinds.items()
        if column
    ]
    missing = F.when(filled(date, blanks).isNull(), F.lit("missing_date"))
    return F.struct(
        F.lit(name).alias("name"),
        filled(name, blanks).alias("raw"),
        *[value.alias(field) for field, value in values.items()],
        F.array_compact(F.array(missing, *faults)).alias("faults"),
    )
