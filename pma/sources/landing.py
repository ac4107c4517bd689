"""Landing of judged rows: the good in their table, the refused in quarantine, and none lost."""

from __future__ import annotations

import logging

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.checks import QUARANTINE, kept, quarantined, refused
from pma.tables import TableError, TableSpec
from pma.warehouse import Warehouse

logger = logging.getLogger(__name__)


def land(tables: Warehouse, spec: TableSpec, judged: DataFrame, max_refused_share: float) -> None:
    """Write the refused rows to `st_il.quarantine` and then replace the table by the kept ones.

    Raises TableError, with the table as it was, when there is no row at all or too large a share is refused.
    """
    held = judged.persist(StorageLevel.DISK_ONLY)
    try:
        total, bad = held.agg(F.count("*"), F.count_if(F.size("reasons") > 0)).collect()[0]
        if total == 0:
            raise TableError(
                f"{spec.name}: the source has no rows; the table stays as it was. Fix: sources.{spec.table}"
            )
        why = (
            refused(held)
            .select(F.explode("reasons").alias("reason"))
            .groupBy("reason")
            .count()
            .orderBy("reason")
            .collect()
        )
        earlier = f"source_table = '{spec.name}'"
        if bad or tables.has(QUARANTINE, earlier):
            tables.replace(QUARANTINE, quarantined(refused(held), spec.name, tables.run_id), where=earlier)
        logger.info("%s: %d rows in, %d kept, %d refused %s", spec.name, total, total - bad, bad, dict(map(tuple, why)))
        if bad > max_refused_share * total:
            raise TableError(
                f"{spec.name}: {bad} of {total} rows refused ({', '.join(f'{r[0]} {r[1]}' for r in why)}), more than "
                f"sources.max_refused_share {max_refused_share:.0%}; the table stays as it was. "
                f"Fix: see st_il.quarantine, or the mapping sources.{spec.table}.columns"
            )
        tables.replace(spec, kept(held))
    finally:
        held.unpersist()
