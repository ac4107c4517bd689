"""A table as it is stored: its name and folder, and its shape held against the declaration."""

from __future__ import annotations

import shutil
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from pma.spark import literal
from pma.tables import TableError, TableSpec, WarehouseSettings

# Deletion vectors off: delta-rs, DuckDB and Ray read the same files. Retention: a week of undo, a month of history.
PROPERTIES = {
    "delta.enableDeletionVectors": "false",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
}
# Delta keeps a CHECK constraint as the property of this name.
CONSTRAINT = "delta.constraints."


class StoredTable:
    """One declared table, where the settings of the warehouse put it."""

    def __init__(self, spark: SparkSession, settings: WarehouseSettings, spec: TableSpec) -> None:
        self.spark = spark
        self.settings = settings
        self.spec = spec

    @property
    def schema(self) -> str:
        """The schema that holds the table; only where the warehouse is a catalog."""
        catalog = f"`{self.settings.catalog}`." if self.settings.catalog else ""
        return f"{catalog}`{self.settings.schema_prefix}{self.spec.layer}`"

    @property
    def identifier(self) -> str:
        """The name that SQL knows the table by."""
        if self.settings.path is not None:
            return f"delta.`{self.location}`"
        return f"{self.schema}.`{self.spec.table}`"

    @property
    def location(self) -> str:
        """The folder of the table; raises TableError where the warehouse is a catalog."""
        if self.settings.path is None:
            raise TableError(f"{self.spec.name}: lives in a catalog, not in a folder")
        root = self.settings.path
        return f"{root if '://' in root else Path(root).resolve()}/{self.spec.layer}/{self.spec.table}"

    def exists(self) -> bool:
        """Say whether the table has at least one commit."""
        if self.settings.path is None:
            return self.spark.catalog.tableExists(self.identifier.replace("`", ""))
        if "://" in self.settings.path:
            return DeltaTable.isDeltaTable(self.spark, self.location)
        # A run killed before the first commit leaves an empty log, which Delta takes for a table.
        return any(Path(self.location, "_delta_log").glob("*.json"))

    def delta(self) -> DeltaTable:
        """Return Delta's own handle of the table."""
        if self.settings.path is None:
            return DeltaTable.forName(self.spark, self.identifier.replace("`", ""))
        return DeltaTable.forPath(self.spark, self.location)

    def ensure(self) -> None:
        """Create the table as declared, or give what is there the declared shape.

        Raises TableError, by name, for a difference that would change rows or refuse those that are there.
        """
        if not self.exists():
            self._create()
        there = self.delta().toDF().schema
        detail = self.delta().detail().select("properties", "clusteringColumns").collect()[0]
        # By name in small letters, as Delta keeps them.
        constraints = {
            key.removeprefix(CONSTRAINT): condition
            for key, condition in detail["properties"].items()
            if key.startswith(CONSTRAINT)
        }
        self._require_alike(there, constraints)
        for change in self._changes(there, constraints, tuple(detail["clusteringColumns"] or ())):
            self.spark.sql(f"ALTER TABLE {self.identifier} {change}")

    def _create(self) -> None:
        spec = self.spec
        builder = DeltaTable.createIfNotExists(self.spark).comment(f"one row per {spec.grain}")
        if self.settings.path is None:
            self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {self.schema}")
            builder = builder.tableName(self.identifier.replace("`", ""))
        else:
            builder = builder.location(self.location)
            if "://" not in self.settings.path:
                # Without a commit the log holds at most what a killed run began; Delta would take it for a table.
                shutil.rmtree(Path(self.location, "_delta_log"), ignore_errors=True)
        for column in spec.columns:
            nullable = column.name not in spec.required
            builder = builder.addColumn(column.name, column.type, nullable=nullable, comment=column.comment)
        constraints = {f"{CONSTRAINT}{name.lower()}": condition for name, condition in spec.checks.items()}
        for key, value in {**PROPERTIES, **constraints}.items():
            builder = builder.property(key, value)
        if spec.cluster_by:
            builder = builder.clusterBy(*spec.cluster_by)
        builder.execute()

    def _require_alike(self, there: StructType, constraints: dict[str, str]) -> None:
        """Raise TableError for every difference that `_changes` does not mend."""
        spec = self.spec
        found = {column.name: column.dataType.simpleString() for column in there}
        declared = {column.name: column.dataType.simpleString() for column in spec.schema}
        nullable = {column.name: column.nullable for column in there}
        differences = {
            "no longer declared": [name for name in found if name not in declared],
            "retyped": [f"{n} ({found[n]} -> {t})" for n, t in declared.items() if found.get(n, t) != t],
            "new but never null": [name for name in declared if name not in found and name in spec.required],
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

    def _changes(self, there: StructType, constraints: dict[str, str], clustered: tuple[str, ...]) -> list[str]:
        """Return what ALTER TABLE has to do until the table is as declared; no row is touched."""
        spec = self.spec
        comments = {column.name: column.metadata.get("comment", "") for column in there}
        changes = []
        for column in spec.columns:
            comment = f"COMMENT {literal(column.comment)}"
            if column.name not in comments:
                changes.append(f"ADD COLUMNS (`{column.name}` {column.type} {comment})")
            elif comments[column.name] != column.comment:
                changes.append(f"ALTER COLUMN `{column.name}` {comment}")
        for name, condition in spec.checks.items():
            if name.lower() not in constraints:
                changes.append(f"ADD CONSTRAINT `{name}` CHECK ({condition})")
        if clustered != spec.cluster_by:
            columns = ", ".join(f"`{name}`" for name in spec.cluster_by)
            changes.append(f"CLUSTER BY {f'({columns})' if columns else 'NONE'}")
        return changes


def _unspaced(condition: str) -> str:
    """ALTER TABLE keeps a condition with spaces of its own between the words."""
    return "".join(condition.split())
