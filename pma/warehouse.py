"""The only reader and writer of tables."""

from __future__ import annotations

import fcntl
import json
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession
from pyspark.sql import functions as F

from pma.spark import cause, literal, lost_race
from pma.stored import StoredTable
from pma.tables import Column, TableError, TableSpec, WarehouseSettings, conform, require_unique

logger = logging.getLogger(__name__)

# A write that lost against another job's commit is tried so often in all.
CONFLICT_TRIES = 5
# What the system says of a disk that is full.
FULL_DISK = "No space left"
# The property of a table that says where its rows come from.
ORIGIN = "pma.data_origin"


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
        return self._stored(spec).identifier

    def location(self, spec: TableSpec) -> str:
        """Return the folder of a table; raises TableError where the warehouse is a catalog."""
        return self._stored(spec).location

    def exists(self, spec: TableSpec) -> bool:
        """Say whether the table has at least one commit."""
        return self._stored(spec).exists()

    def table_id(self, spec: TableSpec) -> str:
        """Return Delta's id of the table: one that was dropped and made again under its name has another.

        With `version` it names the rows of one moment. Raises TableError when the table is not there.
        """
        self._require(spec)
        return str(self._delta(spec).detail().select("id").collect()[0][0])

    def read(self, spec: TableSpec) -> DataFrame:
        """Return the table's rows as of now, its declared columns only.

        Raises TableError when the table is not there or lacks a declared column.
        """
        self._require(spec)
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

    def replace(self, spec: TableSpec, frame: DataFrame, where: str = "true") -> None:
        """Replace the rows that `where` names (all, without it) by the frame's.

        Raises TableError when the frame breaks the contract; the old rows then stay as they are.
        """
        with self._checked(spec, frame) as frame:
            writer = frame.write.format("delta").mode("overwrite").option("userMetadata", self._metadata())
            # Without a condition Delta would drop the table's clustering together with its rows.
            writer = writer.option("replaceWhere", where)
            self._commit(spec, lambda: self._save(spec, writer))
            self._note_rows(spec, frame.count())

    def merge(self, spec: TableSpec, frame: DataFrame, update: bool = True, gone: DataFrame | None = None) -> None:
        """Insert rows with new keys and, with `update`, overwrite those whose key is there.

        Keys only grow, but for those of `gone` (one row per key): what the table has of them and the frame has not is
        deleted in the same commit. Raises TableError when the frame breaks the contract or holds a key twice; the old
        rows then stay as they are.
        """
        with self._checked(spec, frame) as frame:
            changes = frame.select("*", F.lit(False).alias("_gone"))
            if gone is not None:
                left = gone.select(*spec.key).distinct().join(frame, on=list(spec.key), how="left_anti")
                changes = changes.unionByName(left.withColumn("_gone", F.lit(True)), allowMissingColumns=True)

            def merge() -> None:
                same = " AND ".join(f"old.`{k}` = new.`{k}`" for k in spec.key)
                values: dict[str, str | SparkColumn] = {c.name: F.col(f"new.`{c.name}`") for c in spec.columns}
                merging = self._delta(spec).alias("old").merge(changes.alias("new"), same)
                if gone is not None:
                    merging = merging.whenMatchedDelete("new._gone")
                if update:
                    differs = " OR ".join(
                        f"NOT ({_comparable('old', c)} <=> {_comparable('new', c)})" for c in spec.columns
                    )
                    merging = merging.whenMatchedUpdate(f"NOT new._gone AND ({differs})", set=values)
                before = self.version(spec)
                merging.whenNotMatchedInsert("NOT new._gone", values=values).execute()
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
        """Compact small files and delete those that no version within the retention needs.

        Raises TableError when Delta cannot; the rows are the same before and after.
        """

        def maintain() -> None:
            table = self._delta(spec)
            files = int(table.detail().select("numFiles").collect()[0][0])
            if files >= self.settings.optimize_min_files:
                table.optimize().executeCompaction()
            table.vacuum(self.settings.vacuum_hours)
            logger.info("%s: %d files before maintenance", spec.name, files)

        self._alone(spec, maintain)

    def ensure(self, spec: TableSpec) -> None:
        """Create the table as declared, or hold what is there against the declaration.

        A declared, nullable column or check that the table lacks is added; comments of columns and the clustering
        become the declared ones. Any other difference raises TableError by name.
        """
        self._commit(spec, lambda: None)

    def say_origin(self, origin: str, *specs: TableSpec) -> None:
        """Say of tables where their rows come from, in their property `pma.data_origin`: a simulation is told by it.

        For tables without a column that says it; where it is said already nothing is written. Raises TableError where a
        table is not there.
        """

        def say(spec: TableSpec) -> None:
            self.spark.sql(f"ALTER TABLE {self.identifier(spec)} SET TBLPROPERTIES ('{ORIGIN}' = {literal(origin)})")

        for spec in specs:
            self._require(spec)
            said = self._delta(spec).detail().select(F.element_at("properties", ORIGIN)).collect()[0][0]
            if said != origin:
                self._alone(spec, partial(say, spec))

    @contextmanager
    def _checked(self, spec: TableSpec, frame: DataFrame) -> Iterator[DataFrame]:
        """Hold the frame on disk, so that the check of its key and the write compute it once."""
        held = conform(frame, spec).persist(StorageLevel.DISK_ONLY)
        try:
            _require_unique(held, spec)
            yield held
        finally:
            held.unpersist()

    def _stored(self, spec: TableSpec) -> StoredTable:
        return StoredTable(self.spark, self.settings, spec)

    def _delta(self, spec: TableSpec) -> DeltaTable:
        return self._stored(spec).delta()

    def _require(self, spec: TableSpec) -> None:
        if not self.exists(spec):
            raise TableError(
                f"{spec.name}: not in the warehouse ({self.identifier(spec)}). Fix: run the job that writes it"
            )

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
        """Make the table as declared and write to it."""

        def ensure_and_write() -> None:
            self._stored(spec).ensure()
            write()

        self._alone(spec, ensure_and_write)

    def _alone(self, spec: TableSpec, act: Callable[[], None]) -> None:
        """Act on the table as its one writer; Spark's complaint then names the table.

        Where another job committed meanwhile it is tried again: jobs own rows, Delta compares files.
        """
        try:
            with self._held(spec):
                for left in reversed(range(CONFLICT_TRIES)):
                    try:
                        act()
                        return
                    except (PySparkException, Py4JJavaError) as error:
                        if not left or not lost_race(error):
                            raise
                        logger.info("%s: another job has just written to it, again: %s", spec.name, cause(error))
                        time.sleep(random.uniform(0.5, 5.0))
        except (PySparkException, Py4JJavaError) as error:
            raise _unwritten(spec, error) from error

    @contextmanager
    def _held(self, spec: TableSpec) -> Iterator[None]:
        """Let one writer at a time at a table in a local folder.

        A local file system has no atomic "create unless there", which Delta's log needs for two writers. HDFS, Azure's
        and Google's stores have it, and there Delta itself refuses the second commit. On S3 it does so on Databricks,
        or with `spark.delta.logStore.s3.impl` = io.delta.storage.S3DynamoDBLogStore; else run one job at a time there.
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


def _require_unique(held: DataFrame, spec: TableSpec) -> None:
    """Check the key; it is the first to compute the frame, and its rows may fill the disk of Spark's own files."""
    try:
        require_unique(held, spec)
    except (PySparkException, Py4JJavaError) as error:
        # What went wrong in a job's own code says it best itself.
        if FULL_DISK not in str(error):
            raise
        raise _unwritten(spec, error) from error


def _unwritten(spec: TableSpec, error: Exception) -> TableError:
    why = cause(error).rstrip(". ")
    fix = "make room on the disk" if FULL_DISK in str(error) else "mend the cause"
    return TableError(
        f"{spec.name}: nothing was written, the rows are as before: {why}. Fix: {fix} and run the job again"
    )


def _comparable(side: str, column: Column) -> str:
    """Spark compares no maps."""
    return f"to_json({side}.`{column.name}`)" if column.type.startswith("map") else f"{side}.`{column.name}`"


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
