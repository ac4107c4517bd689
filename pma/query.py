"""Ask the warehouse in SQL and print the rows: python -m pma.query --conf conf/local.yml "SELECT ... FROM bl.runs"."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from pma.settings import load
from pma.spark import literal, spark_session
from pma.tables import LAYERS, TableError, WarehouseSettings
from pma.views import View, create_views, full_name, read_views, readable, statement

logger = logging.getLogger(__name__)

# Where a session keeps which folder each of its table names stands for, as JSON.
REGISTERED = "spark.pma.registered"
# The same of its views, and the statement of each.
VIEWS = "spark.pma.views"


def register(spark: SparkSession, settings: WarehouseSettings, views: Sequence[View] = ()) -> None:
    """Make `SELECT ... FROM bl.customer_embeddings` work in this session for every table of a folder warehouse.

    The views whose tables are there work too; one that cannot be made is named in the log.
    """
    root = settings.path
    if root is None or "://" in root:
        return
    logs = sorted(log for layer in LAYERS for log in Path(root).resolve().glob(f"{layer}/*/_delta_log"))
    # A log without a commit is what a killed run began.
    folders = [log.parent for log in logs if any(log.glob("*.json"))]
    wanted = {f"{folder.parent.name}.`{folder.name}`": str(folder) for folder in folders}
    known: dict[str, str] = json.loads(spark.conf.get(REGISTERED, "{}") or "{}")
    # Names that the session knows from another warehouse give way, all of them; the files of that one stay.
    for name in [name for name, folder in known.items() if wanted.get(name) != folder]:
        spark.sql(f"DROP TABLE IF EXISTS {name}")
    for layer in sorted({folder.parent.name for folder in folders}):
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {layer}")
    for name, path in wanted.items():
        if known.get(name) != path:
            spark.sql(f"CREATE TABLE IF NOT EXISTS {name} USING DELTA LOCATION {literal(path)}")
    spark.conf.set(REGISTERED, json.dumps(wanted))
    _register_views(spark, settings, views)


def publish_views(spark: SparkSession, settings: WarehouseSettings, rules: str) -> None:
    """Give a folder's new tables their names, and make every view of the rules whose tables are there.

    Raises TableError, by the view's name, where Spark does not take its SQL.
    """
    views = read_views(rules)
    register(spark, settings, views)
    create_views(spark, settings, views)


def _register_views(spark: SparkSession, settings: WarehouseSettings, views: Sequence[View]) -> None:
    """Make the views that the session does not know as they are now, and drop those that are no longer so."""
    known: dict[str, str] = json.loads(spark.conf.get(VIEWS, "{}") or "{}")
    wanted = {view.name: statement(settings, view) for view in readable(spark, settings, views)}
    for name in [name for name, sql in known.items() if wanted.get(name) != sql]:
        spark.sql(f"DROP VIEW IF EXISTS {full_name(settings, name)}")
    for view in [view for view in views if view.name in wanted and known.get(view.name) != wanted[view.name]]:
        try:
            create_views(spark, settings, [view])
        except TableError as error:
            # A job that mends the table must not fail for a view of it.
            logger.warning("%s", error)
            del wanted[view.name]
    spark.conf.set(VIEWS, json.dumps(wanted))


def main(argv: Sequence[str] | None = None) -> None:
    """Run each statement in a session that knows every table of the warehouse by its name."""
    parser = argparse.ArgumentParser(prog="python -m pma.query", description=(__doc__ or "").split(":")[0])
    parser.add_argument("sql", nargs="+", help="one or more statements")
    parser.add_argument("--conf", action="append", default=[], metavar="FILE", help="settings that name the warehouse")
    parser.add_argument("--rows", type=int, default=20, help="rows printed of each result")
    args = parser.parse_args(argv)
    settings = load(args.conf)
    spark = spark_session(settings.spark, "pma query")
    register(spark, settings.warehouse, read_views(settings.rules))
    for sql in args.sql:
        spark.sql(sql).show(args.rows, truncate=False)


if __name__ == "__main__":
    main()
