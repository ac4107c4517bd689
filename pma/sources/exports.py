"""Daily exports of the ad platforms: a folder of files becomes rows of spend."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from pma.marketing.tables import UNKNOWN
from pma.sources.export_lines import map_layout
from pma.sources.external import read_source
from pma.sources.files import BROKEN, CsvFile, NoFilesError, list_csv, name_of, read_lines
from pma.sources.platforms import COLUMNS, DESCRIBED, Layout, PlatformRules, explain, find_layout
from pma.sources.renamed import renamed, warn_of_alike
from pma.sources.settings import SourceTable
from pma.sources.spend_rows import as_rows
from pma.tables import TableError

logger = logging.getLogger(__name__)

TARGET = "il.ad_spend"
SETTING = "feeds.exports"
# Faults of a whole file: its rows take no day from another export.
FILE_FAULTS = ("cut_file", "file_without_rows")


def read_exports(
    spark: SparkSession, folder: str, rules: PlatformRules, tables: Mapping[str, SourceTable] | None = None
) -> DataFrame:
    """Read `<folder>/<platform>/**/*.csv` to rows of spend, as `spend_rows` describes them.

    `tables` are read beside the files: `<platform>.<name>`, and a table of a database with the columns of a layout.
    Of two exports of one account and day the later one's rows count, all of them: those of the other are superseded.
    A row of a file that was cut, or with a value that cannot be read, has a fault. One row per line, and one for a file
    without lines. Raises TableError, naming every file, where a folder is no platform's, a header fits no layout, or an
    optional column that earlier exports of the account have seems to be renamed.
    """
    groups = _by_layout(_files(spark, folder, tables or {}), rules)
    read = [
        (rules.layouts(platform)[name], _read_group(spark, platform, rules.layouts(platform)[name], members, rules))
        for (platform, name, _), members in groups.items()
    ]
    read += [_read_table(spark, name, source, rules) for name, source in (tables or {}).items()]
    days = [rows for layout, rows in read if layout.describes is None]
    if not days:
        raise TableError(f"{TARGET}: no export of days in {folder}, only what describes them. Fix: {SETTING}")
    rows = reduce(DataFrame.unionByName, [*days, _files_without_rows(spark, groups, rules)])
    for kind in DESCRIBED:
        described = [rows for layout, rows in read if layout.describes == kind]
        if described:
            rows = _fill(rows, reduce(DataFrame.unionByName, described), f"{kind}_id")
    return latest_exports(_complete(rows, rules))


def _files(spark: SparkSession, folder: str, tables: Mapping[str, SourceTable]) -> list[CsvFile]:
    try:
        return list_csv(spark, folder, TARGET, SETTING)
    except NoFilesError as fault:
        if not tables:
            raise
        logger.warning("%s: exports come from feeds.export_tables alone: %s", TARGET, fault)
        return []


def _read_table(spark: SparkSession, name: str, source: SourceTable, rules: PlatformRules) -> tuple[Layout, DataFrame]:
    """Read a table of a database as an export. Raises TableError where its columns fit no layout of the platform."""
    place = f"feeds.export_tables.{name}"
    platform = name.split(".")[0]
    if platform not in rules.platforms:
        raise TableError(
            f"{TARGET}: {place}: {platform} is no platform of platforms.yml. Fix: name it <platform>.<name>"
        )
    raw = read_source(spark, source, f"il.{name}", "feeds.export_tables")
    layout = find_layout(rules.layouts(platform), raw.columns)
    if layout is None:
        raise TableError(
            f"{TARGET}: {place}: {explain(rules.layouts(platform), raw.columns)}. "
            "Fix: read a query with other names, or add the new name to its layout in conf/rules/platforms.yml"
        )
    lines = raw.select(*[F.col(f"`{column}`").cast("string").alias(column.lower()) for column in raw.columns])
    found = rules.layouts(platform)[layout]
    warn_of_alike(raw.columns, found, place)
    return found, map_layout(lines, platform, found, rules, F.lit(f"table {name}"))


def latest_exports(rows: DataFrame) -> DataFrame:
    """Mark what a later export of the same account and day replaces: all of the day's rows of earlier files.

    Two files of one stamp cannot both be right: the one whose name comes first has a fault, `second_file_of_an_export`.
    No row is added or lost. A file that was cut replaces nothing, and a row without a day is replaced by nothing.
    """
    has_day = F.col("date").isNotNull()
    whole = has_day & ~F.arrays_overlap("faults", F.array(*[F.lit(fault) for fault in FILE_FAULTS]))
    # Nobody knows that two unknown accounts are one: there a day's rows of one campaign are replaced by later ones.
    nobodys = F.when(F.coalesce("account_id", F.lit(UNKNOWN)) == UNKNOWN, F.col("campaign_id"))
    day = Window.partitionBy("ad_platform", "account_id", nobodys, "date").rowsBetween(
        Window.unboundedPreceding, Window.unboundedFollowing
    )
    best = F.max(F.when(whole, F.struct("exported_at", "source_file"))).over(day)
    marked = rows.select(*rows.columns, best.alias("_best"), whole.alias("_whole"))
    other = has_day & F.coalesce(F.col("source_file") != F.col("_best.source_file"), F.lit(False))
    same_stamp = F.col("exported_at").eqNullSafe(F.col("_best.exported_at"))
    # A file without a stamp is older than any with one.
    is_older = F.coalesce(F.col("exported_at") < F.col("_best.exported_at"), F.col("exported_at").isNull())
    is_second = other & same_stamp & F.col("_whole")
    again = F.when(is_second, F.array(F.lit("second_file_of_an_export"))).otherwise(F.array())
    new = {
        "is_superseded": F.col("is_superseded") | (other & ~same_stamp & is_older),
        "faults": F.concat("faults", again.cast("array<string>")),
    }
    return marked.select(*[new[name].alias(name) if name in new else F.col(name) for name in rows.columns])


def _by_layout(files: Sequence[CsvFile], rules: PlatformRules) -> dict[tuple[str, str, tuple[str, ...]], list[CsvFile]]:
    """Group the files by platform, layout and header. Raises TableError with every file that has no place."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[CsvFile]] = defaultdict(list)
    wrong = []
    for file in files:
        platform = file.name.split("/")[0]
        lowered = [name.lower() for name in file.header]
        if platform not in rules.platforms:
            wrong.append(f"{file.name}: {platform} is no platform of platforms.yml ({', '.join(rules.platforms)})")
        elif not file.header or len(set(lowered)) < len(lowered):
            wrong.append(f"{file.name}: {'names a column twice' if file.header else 'is empty, it has no header'}")
        elif (layout := find_layout(rules.layouts(platform), file.header)) is None:
            wrong.append(f"{file.name}: {explain(rules.layouts(platform), file.header)}")
        else:
            groups[platform, layout, file.header].append(file)
    wrong += renamed(groups, rules)
    if wrong:
        shown = "; ".join(wrong[:10]) + (f"; and {len(wrong) - 10} more" if len(wrong) > 10 else "")
        raise TableError(
            f"{TARGET}: exports that fit no mapping: {shown}. "
            "Fix: export the file again, or add the new name to its column in conf/rules/platforms.yml; of another "
            "thing it stands there as `unused`"
        )
    return groups


def _read_group(
    spark: SparkSession, platform: str, layout: Layout, files: Sequence[CsvFile], rules: PlatformRules
) -> DataFrame:
    lines = read_lines(spark, files)
    cut = [file.uri for file in files if _is_cut(file, layout)]
    faults = [F.when(F.col(BROKEN).isNotNull(), F.lit("broken_line"))]
    if cut:
        faults.append(F.when(F.col("_uri").isin(cut), F.lit("cut_file")))
    return map_layout(lines, platform, layout, rules, name_of(files), faults)


def _is_cut(file: CsvFile, layout: Layout) -> bool:
    return file.is_cut or (layout.ends_whole and not file.ends_whole)


def _files_without_rows(
    spark: SparkSession, groups: dict[tuple[str, str, tuple[str, ...]], list[CsvFile]], rules: PlatformRules
) -> DataFrame:
    """Return one row for each file of days that is a header and nothing else."""
    names = [
        (platform, file.name)
        for (platform, layout, _), files in groups.items()
        for file in files
        if not file.has_rows and rules.layouts(platform)[layout].describes is None
    ]
    frame = spark.createDataFrame(names, "ad_platform string, source_file string")
    line = F.create_map().cast("map<string,string>")
    return as_rows(
        frame,
        {
            "ad_platform": F.col("ad_platform"),
            "source_file": F.col("source_file"),
            "given": F.struct(F.col("source_file").alias("file"), line.alias("line")),
            "faults": F.array(F.lit("file_without_rows")),
        },
    )


def _fill(rows: DataFrame, described: DataFrame, key: str) -> DataFrame:
    """Fill what rows of days lack from the newest description of their ad, campaign or account."""
    filling = [name for name in COLUMNS if name not in ("date", "spend_local", "updated_at", key)]
    whole = described.where(F.col(key).isNotNull() & ~F.array_contains("faults", "cut_file"))
    newest = whole.groupBy("ad_platform", key).agg(
        *[
            F.max(F.when(F.col(name).isNotNull(), F.struct("updated_at", name)))[name].alias(f"_{name}")
            for name in filling
        ]
    )
    joined = rows.join(newest, on=["ad_platform", key], how="left")
    return joined.select(
        *[F.coalesce(name, f"_{name}").alias(name) if name in filling else F.col(name) for name in rows.columns]
    )


def _complete(rows: DataFrame, rules: PlatformRules) -> DataFrame:
    """Say what nobody tells: an unknown account or campaign, the zone of days cut in UTC, statuses in our words."""
    in_utc = [name for name, platform in rules.platforms.items() if platform.day_boundary == "utc"]
    is_fault = F.size("faults") > 0
    known = F.create_map(*[F.lit(part) for pair in rules.statuses.items() for part in pair])
    status = F.regexp_replace(F.lower("campaign_status"), "^(campaign_|ad_|status_)+", "")
    # A faulty row says what its file said.
    unknown = F.when(~is_fault, F.lit(UNKNOWN))
    new = {
        "account_id": F.coalesce("account_id", unknown),
        "campaign_id": F.coalesce("campaign_id", unknown),
        "account_timezone": F.coalesce("account_timezone", F.when(F.col("ad_platform").isin(in_utc), F.lit("UTC"))),
        "campaign_status": F.coalesce(F.try_element_at(known, status), F.lit("unknown")),
        "currency": F.upper("currency"),
        "bidding_type": F.lower("bidding_type"),
    }
    return rows.select(*[new[name].alias(name) if name in new else F.col(name) for name in rows.columns])
