"""Hand-kept sheets: wide CSV files whose columns are raw names become rows of spend and rows of context."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pma.sources.files import BROKEN, CsvFile, list_csv, name_of, read_lines
from pma.sources.platforms import PlatformRules
from pma.sources.sheet_roles import Roles, find_roles
from pma.sources.spend_rows import as_rows, filled, readable
from pma.tables import TableError

logger = logging.getLogger(__name__)

TARGET = "il.ad_spend"
SETTING = "feeds.sheets"
PLATFORM = "sheet"
MONEY = "decimal(18,6)"
NUMBER = "decimal(28,10)"
# Of raw names, what each is: `money` or `context`; a name that nobody knows is left out.
Kinds = Callable[[Sequence[str]], Mapping[str, str]]


@dataclass(frozen=True)
class Sheets:
    """What the sheets hold.

    spend: rows of spend, as `spend_rows` describes them. context: one row per cell of context, and per broken line of a
    sheet of nothing else: source (the file), date, country, variable, value, faults, and `given`, these four as text.
    """

    spend: DataFrame
    context: DataFrame


def read_sheets(spark: SparkSession, folder: str, rules: PlatformRules, currency: str, kinds: Kinds) -> Sheets:
    """Read `<folder>/**/*.csv`: columns of money to rows of spend, those of context to rows of context.

    `currency` is that of a sheet which names none; `kinds` says of raw names what they are. One row per line and column
    that has a value there: an empty cell is not zero. A cell that cannot be read, a line of a file that was cut, and a
    cell of a column of which nobody said what it is (`unknown_column_<name>`), has a fault: the last are rows of spend
    without money. Raises TableError, naming every file, where a sheet has no date, no column of values, or a count that
    belongs to no column.
    """
    files = list_csv(spark, folder, TARGET, SETTING)
    known = kinds(sorted({name for file in files for name in file.header}))
    wrong, groups, roles = [], defaultdict(list), {}
    for file in files:
        try:
            roles[file.header] = find_roles(file.header, rules.sheets, known)
            groups[file.header].append(file)
            _warn_of_unknown(file, roles[file.header])
        except ValueError as fault:
            wrong.append(f"{file.name}: {fault}")
    if wrong:
        raise TableError(
            f"{TARGET}: sheets that cannot be read: {'; '.join(wrong)}. "
            "Fix: mend the sheet's header, or name its columns in conf/rules/platforms.yml, sheets"
        )
    read = [_read_group(spark, roles[header], members, rules, currency) for header, members in groups.items()]
    return Sheets(
        spend=reduce(DataFrame.unionByName, [one.spend for one in read]),
        context=reduce(DataFrame.unionByName, [one.context for one in read]),
    )


def _warn_of_unknown(file: CsvFile, roles: Roles) -> None:
    if roles.unknown:
        logger.warning(
            "%s: %s: nobody says what its columns %s are: their cells are refused, see st_il.quarantine. "
            "Fix: name them in conf/rules: variables.yml, as money or context, or platforms.yml, sheets.ignored",
            *(TARGET, file.name, list(roles.unknown)),
        )


def _read_group(
    spark: SparkSession, roles: Roles, files: Sequence[CsvFile], rules: PlatformRules, currency: str
) -> Sheets:
    blanks = rules.blanks
    lines = read_lines(spark, files)
    cut = [file.uri for file in files if file.is_cut]
    cells = [
        *[_cell(name, roles.date, blanks, *counts) for name, counts in roles.money.items()],
        *[_cell(name, roles.date, blanks, kind="unknown") for name in roles.unknown],
        *[_cell(name, roles.date, blanks, kind="context") for name in roles.context],
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
    is_context = F.coalesce(F.col("cell.kind") == "context", F.lit(not roles.money and not roles.unknown))
    return Sheets(
        spend=as_rows(long.where(~is_context), _values(roles, currency)), context=_context(long.where(is_context))
    )


def _context(long: DataFrame) -> DataFrame:
    """Return cells of context as the rows that Sheets describes."""
    given = {"date": "day", "country": "country", "variable": "cell.name"}
    faults = [
        F.when(F.col("broken").isNotNull(), F.lit("broken_line")),
        F.when(F.col("is_cut"), F.lit("cut_file")),
    ]
    return long.select(
        F.col("file").alias("source"),
        F.col("day").try_cast("date").alias("date"),
        "country",
        F.col("cell.name").alias("variable"),
        F.col("cell.number").cast("double").alias("value"),
        F.array_compact(F.array(*faults)).alias("faults"),
        F.struct(
            *[F.col(column).alias(name) for name, column in given.items()],
            # What is known of a line that could not be cut is the line.
            F.coalesce("cell.raw", "broken").alias("value"),
        ).alias("given"),
    )


def _values(roles: Roles, currency: str) -> dict[str, Column]:
    """Return what a cell is as a row of spend."""
    variable, day = F.col("cell.name"), F.col("day").try_cast("date")
    name = F.coalesce("campaign", variable)
    # Two variables of one campaign are two rows of the table.
    own_id = F.concat_ws("/", "campaign", variable) if len(roles.money) > 1 else name
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


def _cell(
    name: str,
    date: str,
    blanks: tuple[str, ...],
    clicks: str | None = None,
    impressions: str | None = None,
    kind: str = "money",
) -> Column:
    """Return one value of a line: as it came, its money and counts or its number, and what of it cannot be read."""
    kinds = {
        "spend": (name if kind == "money" else None, MONEY),
        "clicks": (clicks, "bigint"),
        "impressions": (impressions, "bigint"),
        "number": (name if kind == "context" else None, NUMBER),
    }
    values = {
        field: readable(column, type_, blanks) if column else F.lit(None).cast(type_)
        for field, (column, type_) in kinds.items()
    }
    faults = [
        F.when(filled(column, blanks).isNotNull() & values[field].isNull(), F.lit(f"unreadable_{column}"))
        for field, (column, _) in kinds.items()
        if column
    ]
    missing = F.when(filled(date, blanks).isNull(), F.lit("missing_date"))
    unknown = F.lit(f"unknown_column_{name}" if kind == "unknown" else None).cast("string")
    return F.struct(
        F.lit(name).alias("name"),
        F.lit(kind).alias("kind"),
        filled(name, blanks).alias("raw"),
        *[value.alias(field) for field, value in values.items()],
        F.array_compact(F.array(missing, unknown, *faults)).alias("faults"),
    )
