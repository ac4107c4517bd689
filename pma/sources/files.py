"""CSV files in a folder, wherever Spark can read one: their headers, and which of them were cut."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from pma.spark import cause
from pma.tables import TableError

# A line with too few or too many fields stands here as it came.
BROKEN = "_broken_line"
# A quote inside quotes is doubled, as platforms and spreadsheets write it.
CSV_OPTIONS = {"header": "true", "escape": '"', "columnNameOfCorruptRecord": BROKEN}
# Spark would take these in a path for a pattern.
_PATTERN = re.compile(r"([\[\]{}*?\\])")


@dataclass(frozen=True)
class CsvFile:
    """A file: its path, its place inside the folder, its header, and how it ends."""

    path: str
    uri: str
    name: str
    header: tuple[str, ...]
    last_fields: int
    has_rows: bool
    ends_whole: bool

    @property
    def is_cut(self) -> bool:
        """Whether the last line has fewer fields than the header: the file was cut inside it."""
        return self.has_rows and self.last_fields < len(self.header)


class NoFilesError(TableError):
    """A folder that is not there, or that has no file of the kind that is wanted: nothing is wrong with a file."""


def list_csv(spark: SparkSession, folder: str, target: str, setting: str) -> list[CsvFile]:
    """Return the CSV files in a folder and the folders in it, by name.

    Raises NoFilesError, naming target and setting, where there is no folder or no file in it, and TableError where the
    folder cannot be read or a file has no byte.
    """
    # On this machine a bare path is one of ours, whatever file system Spark's default is.
    place = folder if "://" in folder or not Path(folder).exists() else Path(folder).absolute().as_uri()
    options = {"pathGlobFilter": "*.csv", "recursiveFileLookup": "true"}
    try:
        content = spark.read.format("binaryFile").options(**options).load(_PATTERN.sub(r"\\\1", place))
        text = F.col("content").cast("string")
        body = F.rtrim(text, F.lit("\r\n"))
        rows = content.select(
            "path",
            F.col("_metadata.file_path").alias("uri"),
            F.substring_index(text, "\n", 1).alias("header"),
            F.substring_index(body, "\n", -1).alias("last"),
            F.contains(body, F.lit("\n")).alias("has_rows"),
            F.endswith(text, F.lit("\n")).alias("ends_whole"),
        ).collect()
    except (PySparkException, Py4JJavaError) as error:
        is_none = isinstance(error, PySparkException) and error.getCondition() == "PATH_NOT_FOUND"
        kind = NoFilesError if is_none else TableError
        raise kind(f"{target}: no folder of files at {folder} ({cause(error)}). Fix: {setting}") from None
    if empty := _empty_files(spark, place):
        raise TableError(f"{target}: files without a byte: {empty}. Fix: export them again, or take them out")
    if not rows:
        raise NoFilesError(f"{target}: no *.csv in {folder}. Fix: {setting}")
    base = re.sub(r"^[a-zA-Z0-9]+:/*", "/", place).rstrip("/")
    found = [
        CsvFile(
            path=_PATTERN.sub(r"\\\1", row["path"]),
            uri=row["uri"],
            name=row["path"].split(f"{base}/", 1)[-1],
            header=tuple(_fields(row["header"].lstrip("\ufeff"))),
            last_fields=len(_fields(row["last"])),
            has_rows=row["has_rows"],
            ends_whole=row["ends_whole"],
        )
        for row in rows
    ]
    return sorted(found, key=lambda file: file.name)


def _empty_files(spark: SparkSession, place: str) -> list[str]:
    """Return the CSV files of no length, which Spark's readers leave out without a word."""
    jvm = spark._jvm
    assert jvm is not None
    folder = jvm.org.apache.hadoop.fs.Path(place)
    found = folder.getFileSystem(spark._jsc.hadoopConfiguration()).listFiles(folder, True)
    empty = []
    while found.hasNext():
        file = found.next()
        if file.getLen() == 0 and file.getPath().getName().endswith(".csv"):
            empty.append(file.getPath().toString())
    return sorted(empty)


def read_lines(spark: SparkSession, files: Sequence[CsvFile]) -> DataFrame:
    """Read files of one header: its columns as text, `_broken_line`, and `_uri`, the file.

    One row per line. The header's names are in small letters.
    """
    names = [*[name.lower() for name in files[0].header], BROKEN]
    schema = StructType([StructField(name, StringType()) for name in names])
    read = spark.read.schema(schema).options(**CSV_OPTIONS).csv([file.path for file in files])
    return read.select(*[F.col(f"`{name}`") for name in names], F.col("_metadata.file_path").alias("_uri"))


def name_of(files: Sequence[CsvFile]) -> Column:
    """Return the expression that gives a file's name inside the folder from `_uri`."""
    depth = files[0].uri.count("/") - files[0].name.count("/")
    parts = F.split(F.col("_uri"), "/")
    return F.array_join(F.slice(parts, F.lit(depth + 1), F.size(parts)), "/")


def _fields(line: str) -> list[str]:
    return [field.strip() for field in next(csv.reader([line.rstrip("\r\n")]), [])]
