"""Ask the warehouse in SQL and print the rows: python -m pma.query --conf conf/local.yml "SELECT ... FROM bl.runs"."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pma.settings import load
from pma.spark import spark_session
from pma.warehouse import Warehouse


def main(argv: Sequence[str] | None = None) -> None:
    """Run each statement in a session that knows every table of the warehouse by its name."""
    parser = argparse.ArgumentParser(prog="python -m pma.query", description=(__doc__ or "").split(":")[0])
    parser.add_argument("sql", nargs="+", help="one or more statements")
    parser.add_argument("--conf", action="append", default=[], metavar="FILE", help="settings that name the warehouse")
    parser.add_argument("--rows", type=int, default=20, help="rows printed of each result")
    args = parser.parse_args(argv)
    settings = load(args.conf)
    spark = spark_session(settings.spark, "pma query")
    Warehouse(spark, settings.warehouse, "query").register()
    for sql in args.sql:
        spark.sql(sql).show(args.rows, truncate=False)


if __name__ == "__main__":
    main()
