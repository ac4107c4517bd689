"""Landing of judged rows: the good in their table, the refused in quarantine, and none lost."""

from __future__ import annotations

import logging

from py4j.protocol import Py4JJavaError
from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.checks import QUARANTINE, kept, quarantined, refused
from pma.spark import cause
from pma.tables import TableError, TableSpec
from pma.warehouse import Warehouse

logger = logging.getLogger(__name__)


def land(
    tables: Warehouse,
    spec: TableSpec,
    judged: DataFrame,
    max_refused_share: float,
    section: str = "sources",
    source: str | None = None,
    grow: bool = False,
) -> None:
    """Write the refused rows to `st_il.quarantine` and then replace the table by the kept ones.

    With `grow` a load brings more of the same: rows with new keys are added, those that are there stay as they are, and
    so do the refused ones of earlier loads.

    `judged` has the table's columns, and of each row `reasons` to refuse it, how it was `given`, and how many `copies`
    came. Raises TableError, with the table and its quarantine as they were, when the source cannot be read to its end,
    has no row at all, or too large a share of its rows is refused: then these stand beside them, `load_kept` false.
    Messages name the setting to mend: `section`, and in it the table's name, or `source` where its source has another.
    """
    is_bad = F.size("reasons") > 0
    place = f"{section}.{source or spec.table}"
    # Only a refused row is shown as it was given: the others are held without.
    shown = F.when(is_bad, F.col("given"))
    held = judged.select(*spec.schema.names, "reasons", "copies", shown.alias("given")).persist(StorageLevel.DISK_ONLY)
    try:
        try:
            sums = held.agg(F.sum("copies"), F.sum(F.when(is_bad, F.col("copies"))), F.count_if(~is_bad)).collect()[0]
        except (PySparkException, Py4JJavaError) as error:
            raise TableError(
                f"{spec.name}: its source cannot be read to its end ({cause(error)}); the table stays as it was. "
                f"Fix: {place}; in an expression of {place}.columns, try_cast gives null for what is not readable"
            ) from error
        total, bad, passed = (number or 0 for number in sums)
        if total == 0:
            raise TableError(f"{spec.name}: the source has no rows; the table stays as it was. Fix: {place}")
        why = (
            refused(held)
            .select("copies", F.explode("reasons").alias("reason"))
            .groupBy("reason")
            .agg(F.sum("copies"))
            .orderBy("reason")
            .collect()
        )
        whole = bad <= max_refused_share * total
        earlier = f"source_table = '{spec.name}'" + ("" if whole else " AND NOT load_kept")
        if bad or tables.has(QUARANTINE, earlier):
            rows = quarantined(refused(held), spec.name, whole, tables.run_id)
            _refuse(tables, rows, earlier, spec.name if whole and grow else None)
        logger.info(
            "%s: %d rows in, %d kept, %d equal to a kept one, %d refused %s",
            *(spec.name, total, passed, total - passed - bad, bad, dict(map(tuple, why))),
        )
        if not whole:
            raise TableError(
                f"{spec.name}: {bad} of {total} rows refused ({', '.join(f'{r[0]} {r[1]}' for r in why)}), more than "
                f"{section}.max_refused_share {max_refused_share:.0%}; the table stays as it was. "
                f"Fix: see st_il.quarantine, or the mapping {place}.columns"
            )
        if grow:
            tables.merge(spec, kept(held), update=False)
        else:
            tables.replace(spec, kept(held))
    finally:
        held.unpersist()


def _refuse(tables: Warehouse, rows: DataFrame, earlier: str, grows: str | None) -> None:
    """Put the refused rows in the place of the earlier ones; of a table that grows only those of a failed load go."""
    if grows is None or not tables.exists(QUARANTINE):
        tables.replace(QUARANTINE, rows, where=earlier)
        return
    failed = tables.read(QUARANTINE).where(f"source_table = '{grows}' AND NOT load_kept")
    tables.merge(QUARANTINE, rows, gone=failed.select(*QUARANTINE.key))
