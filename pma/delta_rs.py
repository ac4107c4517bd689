"""Tables of the warehouse where no Spark is, by delta-rs: on a Ray cluster, workers compute and the driver commits."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from pma.tables import TableError, TableSpec, WarehouseSettings

logger = logging.getLogger("pma")


class FolderTables:
    """Tables in a folder or bucket, read and appended to; remembers versions and numbers of rows, for `bl.runs`."""

    def __init__(self, settings: WarehouseSettings, run_id: str) -> None:
        """Raises TableError where the warehouse is a catalog: its tables have names and no folders."""
        if settings.path is None:
            raise TableError("warehouse.path: a catalog is written by Spark alone. Name a folder or bucket")
        self._root = settings.path if "://" in settings.path else str(Path(settings.path).resolve())
        self.run_id = run_id
        self.read_versions: dict[str, int] = {}
        self.rows_written: dict[str, int] = {}

    def exists(self, spec: TableSpec) -> bool:
        """Say whether the table is there."""
        from deltalake import DeltaTable

        return DeltaTable.is_deltatable(self._folder(spec))

    def read(self, spec: TableSpec, columns: list[str] | None = None) -> pd.DataFrame:
        """Return the table's rows, all declared columns unless some are named.

        Raises TableError where the table is not there.
        """
        table = self._table(spec)
        self.read_versions[spec.name] = table.version()
        named = columns or [column.name for column in spec.columns]
        rows: pd.DataFrame = table.to_pyarrow_table(columns=named).to_pandas()
        return rows

    def append(self, spec: TableSpec, rows: pd.DataFrame) -> None:
        """Append rows, whose columns are the declared ones, in one commit.

        Raises TableError where the table is not there, what delta-rs raises for a row that breaks a constraint.
        """
        import pyarrow as pa
        from deltalake import write_deltalake

        table = self._table(spec)
        schema = pa.schema(table.schema().to_arrow())
        # In pandas a null among whole numbers is not a number.
        known = rows.astype(object).where(rows.notna(), None)
        records = [{name: row[name] for name in schema.names} for row in known.to_dict("records")]
        write_deltalake(table, pa.Table.from_pylist(records, schema=schema), mode="append")
        self.rows_written[spec.name] = self.rows_written.get(spec.name, 0) + len(rows)
        logger.info("%s: %d rows written", spec.name, len(rows))

    def _table(self, spec: TableSpec):  # type: ignore[no-untyped-def]
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        try:
            return DeltaTable(self._folder(spec))
        except TableNotFoundError as error:
            raise TableError(
                f"{spec.name}: not in the warehouse ({self._folder(spec)}). Fix: run the job that writes it"
            ) from error

    def _folder(self, spec: TableSpec) -> str:
        return f"{self._root}/{spec.layer}/{spec.table}"
