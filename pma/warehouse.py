"""The only reader and writer of tables."""

from __future__ import annotations

import fcntl
import json
import logging
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentWriteException,
)
from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession
from pyspark.sql import functions as F

from pma.spark import cause
from pma.tables import Column, TableError, TableSpec, WarehouseSettings, conform, require_unique

logger = logging.getLogger(__name__)

# Deletion vectors off: delta-rs, DuckDB and Ray read the same files. Retention: a week of undo, a month of history.
PROPERTIES = {
    "delta.enableDeletionVectors": "false",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
}
# Delta keeps a CHECK constraint as the property of this name.
CONSTRAINT = "delta.constraints."
# A write that lost against another job's commit is tried so often in all.
CONFLICT_TRIES = 5
CONFLICTS = (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentWriteException,
)


class Warehouse:
    """Tables of one session: remembers which versions were read and how many rows were written, for `bl.runs`."""

    def __init__(self, spark: SparkSession, settings: WarehouseSettings, run_id: str) -> None:
        self.spark = spark
        self.settings = settings
        self.run_id = run_id
        self.read_versions: dict[str, int] = {}
        self.rows_written: dict[str, int] = {}

    def identifier(self, spec: TableSpec) -> str:
        """Return the name that SQL knows the table by."""
        if self.settings.path is not None:
            return f"delta.`{self.location(spec)}`"
        catalog = f"`{self.settings.catalog}`." if self.settings.catalog else ""
        return f"{catalog}`{spec.layer}`.`{spec.table}`"

    def location(self, spec: TableSpec) -> str:
        """Return the folder of a table; only where the warehouse is a folder."""
        if self.settings.path is None:
            raise TableError(f"{spec.name}: lives in a catalog, not in a folder")
        root = self.settings.path
        return f"{root if '://' in root else Path(root).resolve()}/{spec.layer}/{spec.table}"

    def exists(self, spec: TableSpec) -> bool:
        """Say whether the table has at least one commit."""
        if self.settings.path is None:
            return self.spark.catalog.tableExists(self.identifier(spec).replace("`", ""))
        if "://" in self.settings.path:
            return DeltaTable.isDeltaTable(self.spark, self.location(spec))
        # A run killed before the first commit leaves an empty log, which Delta takes for a table.
        return any(Path(self.location(spec), "_delta_log").glob("*.json"))

    def read(self, spec: TableSpec) -> DataFrame:
        """Return the table's rows as of now, its declared columns only.

        Raises TableError when the table is not there or lacks a declared column.
        """
        if not self.exists(spec):
            raise TableError(
                f"{spec.name}: not in the warehouse ({self.identifier(spec)}). Fix: run the job that writes it"
            )
        version = self.version(spec)
        self.read_versions[spec.name] = version
        if self.settings.path is None:
            frame = self.spark.read.option("versionAsOf", version).table(self.identifier(spec))
        else:
            frame = self.spark.read.format("delta").option("versionAsOf", version).load(self.location(spec))
        missing = [column.name for column in spec.columns if column.name not in frame.columns]
        if missing:
            raise TableError(f"{spec.name}: lacks the declared columns {missing}. Fix: run the job that writes it")
        return frame.select(*[column.name for column in spec.columns])

    def has(self, spec: TableSpec, where: str) -> bool:
        """Say whether a row satisfies `where`: one commit writes all rows of a step, so one row means all."""
        return self.exists(spec) and not self.read(spec).where(where).isEmpty()

    def version(self, spec: TableSpec) -> int:
        """Return the number of the table's last commit."""
        return int(self._delta(spec).history(1).select("version").collect()[0][0])

    def replace(self, spec: TableSpec, frame: DataFrame, where: str | None = None) -> None:
        """Replace the rows that `where` names (all, without it) by the frame's.

        Raises TableError when the frame breaks the contract; the old rows then stay as they are.
        """
        with self._checked(spec, frame) as frame:
            writer = frame.write.format("delta").mode("overwrite").option("userMetadata", self._metadata())
            if where is not None:
                writer = writer.option("replaceWhere", where)
            self._commit(spec, lambda: self._save(spec, writer))
            self._note_rows(spec, frame.count())

    def merge(self, spec: TableSpec, frame: DataFrame, update: bool = True) -> None:
        """Insert rows with new keys and, with `update`, overwrite those whose key is there. Keys only grow.

        Raises TableError when the frame breaks the contract or holds a key twice; the old rows then stay as they are.
        """
        with self._checked(spec, frame) as frame:

            def merge() -> None:
                same = " AND ".join(f"old.`{k}` = new.`{k}`" for k in spec.key)
                merging = self._delta(spec).alias("old").merge(frame.alias("new"), same)
                if update:
                    differs = " OR ".join(
                        f"NOT ({_comparable('old', c)} <=> {_comparable('new', c)})" for c in spec.columns
                    )
                    merging = merging.whenMatchedUpdateAll(condition=differs)
                before = self.version(spec)
                merging.whenNotMatchedInsertAll().execute()
                self._note_rows(spec, self._changed_rows(spec, before))

            self._commit(spec, merge)

    def append_once(self, spec: TableSpec, frame: DataFrame, app_id: str, version: int = 1) -> None:
        """Append the frame unless (app_id, version) was appended before: a repeated run adds nothing.

        Raises TableError when the frame breaks the contract or holds a key twice; the old rows then stay as they are.
        Keys that the table holds already are not looked for.
        """
        with self._checked(spec, frame) as frame:
            writer = frame.write.format("delta").mode("append").option("userMetadata", self._metadata())
            writer = writer.option("txnAppId", app_id).option("txnVersion", version)

            def append() -> None:
                before = self.version(spec)
                self._save(spec, writer)
                self._note_rows(spec, self._changed_rows(spec, before))

            self._commit(spec, append)

    def maintain(self, spec: TableSpec) -> None:
        """Compact small files and delete those that no version within the retention needs."""
        table = self._delta(spec)
        files = int(table.detail().select("numFiles").collect()[0][0])
        if files >= self.settings.optimize_min_files:
            table.optimize().executeCompaction()
        table.vacuum(self.settings.vacuum_hours)
        logger.info("%s: %d files before maintenance", spec.name, files)

    def ensure(self, spec: TableSpec) -> None:
        """Create the table as declared, or hold what is there against the declaration.

        A declared, nullable column or check that the table lacks is added. Any other difference raises TableError by
        name.
        """
        self._commit(spec, lambda: None)

    def _ensure(self, spec: TableSpec) -> None:
        """Do what `ensure` says, for its one writer."""
        if not self.exists(spec):
            self._create(spec)
        there = self._delta(spec).toDF().schema
        found = {column.name: column.dataType.simpleString() for column in there}
        declared = {column.name: column.dataType.simpleString() for column in spec.schema}
        nullable = {column.name: column.nullable for column in there}
        constraints = self._constraints(spec)
        new = [name for name in declared if name not in found]
        differences = {
            "no longer declared": [name for name in found if name not in declared],
            "retyped": [f"{n} ({found[n]} -> {t})" for n, t in declared.items() if found.get(n, t) != t],
            "new but never null": [name for name in new if name in spec.required],
            "now never null": [name for name in spec.required if nullable.get(name, False)],
            "now nullable": [n for n in declared if n not in spec.required and not nullable.get(n, True)],
            "other checks": [
                f"{name} ({constraints[name.lower()]} -> {condition})"
                for name, condition in spec.checks.items()
                if _unspaced(constraints.get(name.lower(), condition)) != _unspaced(condition)
            ],
        }
        if any(differences.values()):
            told = ", ".join(f"{what} {names}" for what, names in differences.items() if names)
            raise TableError(
                f"{spec.name}: the stored table differs from the declaration: {told}. "
                "Fix: declare the change as a new nullable column or a check of a new name, or move the old table away"
            )
        comments = {column.name: (column.type, column.comment) for column in spec.columns}
        for name in new:
            type_, comment = comments[name]
            self.spark.sql(
                f"ALTER TABLE {self.identifier(spec)} ADD COLUMNS (`{name}` {type_} COMMENT {_quoted(comment)})"
            )
        for name, condition in spec.checks.items():
            if name.lower() not in constraints:
                self.spark.sql(f"ALTER TABLE {self.identifier(spec)} ADD CONSTRAINT `{name}` CHECK ({condition})")

    def _create(self, spec: TableSpec) -> None:
        builder = DeltaTable.createIfNotExists(self.spark).comment(f"one row per {spec.grain}")
        if self.settings.path is None:
            catalog = f"`{self.settings.catalog}`." if self.settings.catalog else ""
            self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {catalog}`{spec.layer}`")
            builder = builder.tableName(self.identifier(spec).replace("`", ""))
        else:
            builder = builder.location(self.location(spec))
            if "://" not in self.settings.path:
                # Without a commit the log holds at most what a killed run began; Delta would take it for a table.
                shutil.rmtree(Path(self.location(spec), "_delta_log"), ignore_errors=True)
        for column in spec.columns:
            nullable = column.name not in spec.required
            builder = builder.addColumn(column.name, column.type, nullable=nullable, comment=column.comment)
        constraints = {f"{CONSTRAINT}{name.lower()}": condition for name, condition in spec.checks.items()}
        for key, value in {**PROPERTIES, **constraints}.items():
            builder = builder.property(key, value)
        if spec.cluster_by:
            builder = builder.clusterBy(*spec.cluster_by)
        builder.execute()

    def _constraints(self, spec: TableSpec) -> dict[str, str]:
        """Return the CHECK constraints that the stored table has: name in small letters, condition."""
        properties = self._delta(spec).detail().select("properties").collect()[0][0]
        return {key.removeprefix(CONSTRAINT): text for key, text in properties.items() if key.startswith(CONSTRAINT)}

    @contextmanager
    def _checked(self, spec: TableSpec, frame: DataFrame) -> Iterator[DataFrame]:
        """Hold the frame on disk, so that the check of its key and the write compute it once."""
        held = conform(frame, spec).persist(StorageLevel.DISK_ONLY)
        try:
            require_unique(held, spec)
            yield held
        finally:
            held.unpersist()

    def _delta(self, spec: TableSpec) -> DeltaTable:
        if self.settings.path is None:
            return DeltaTable.forName(self.spark, self.identifier(spec).replace("`", ""))
        return DeltaTable.forPath(self.spark, self.location(spec))

    def _save(self, spec: TableSpec, writer: DataFrameWriter) -> None:
        if self.settings.path is None:
            writer.saveAsTable(self.identifier(spec))
        else:
            writer.save(self.location(spec))

    def _note_rows(self, spec: TableSpec, rows: int) -> None:
        self.rows_written[spec.name] = self.rows_written.get(spec.name, 0) + rows
        logger.info("%s: %d rows written", spec.name, rows)

    def _changed_rows(self, spec: TableSpec, before: int) -> int:
        """Rows that the last commit added or updated, as Delta counted them; none where version `before` is the last.

        Delta makes no commit for a write that changes nothing.
        """
        version, metrics = self._delta(spec).history(1).select("version", "operationMetrics").collect()[0]
        if version == before:
            return 0
        last = metrics or {}
        names = (
            ("numTargetRowsInserted", "numTargetRowsUpdated") if "numTargetRowsInserted" in last else ("numOutputRows",)
        )
        return sum(int(last.get(name, 0)) for name in names)

    def _metadata(self) -> str:
        return json.dumps({"run_id": self.run_id})

    def _commit(self, spec: TableSpec, write: Callable[[], None]) -> None:
        """Make the table as declared and write to it as its one writer; Spark's complaint then names the table.

        Where another job committed meanwhile the write is tried again: jobs own rows, Delta compares files.
        """
        try:
            with self._held(spec):
                self._ensure(spec)
                for left in reversed(range(CONFLICT_TRIES)):
                    try:
                        write()
                        return
                    except CONFLICTS as error:
                        if not left:
                            raise
                        logger.info("%s: another job has just written to it, again: %s", spec.name, cause(error))
                        time.sleep(random.uniform(0.5, 5.0))
        except (PySparkException, Py4JJavaError) as error:
            why = cause(error).rstrip(". ")
            fix = "make room on the disk" if "No space left" in why else "mend the cause"
            raise TableError(
                f"{spec.name}: nothing was written, the rows are as before: {why}. Fix: {fix} and run the job again"
            ) from error

    @contextmanager
    def _held(self, spec: TableSpec) -> Iterator[None]:
        """Let one writer at a time at a table in a local folder.

        A local file system has no atomic "create unless there", which Delta's log needs for two writers; object stores
        and HDFS have it, and there Delta itself refuses the second commit.
        """
        root = self.settings.path
        if root is None or "://" in root:
            yield
            return
        lock = Path(root).resolve() / ".locks" / spec.name
        lock.parent.mkdir(parents=True, exist_ok=True)
        with lock.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _comparable(side: str, column: Column) -> str:
    """Spark compares no maps."""
    return f"to_json({side}.`{column.name}`)" if column.type.startswith("map") else f"{side}.`{column.name}`"


def _unspaced(condition: str) -> str:
    """ALTER TABLE keeps a condition with spaces of its own between the words."""
    return "".join(condition.split())


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fingerprint(frame: DataFrame) -> str:
    """Return a digest of the rows of a frame, independent of their order and of files: equal rows, equal digest."""
    row = frame.agg(
        F.count("*").alias("rows"),
        F.sum(F.xxhash64(*frame.columns).cast("decimal(38,0)")).alias("total"),
        F.bit_xor(F.xxhash64(F.lit("pma"), *frame.columns)).alias("mixed"),
    ).first()
    if row is None or not row["rows"]:
        return "empty"
    return f"{row['rows']}-{int(row['total']) & 0xFFFFFFFFFFFFFFFF:016x}-{row['mixed'] & 0xFFFFFFFFFFFFFFFF:016x}"
