"""The table of the warehouse's tests, and its rows."""

from pma.tables import Column, TableSpec

SPEC = TableSpec(
    name="il.things",
    grain="thing x day",
    key=("thing", "day"),
    columns=(
        Column("thing", "string", "which thing"),
        Column("day", "int", "day number"),
        Column("value", "double", "euros"),
    ),
    checks={"value_not_negative": "value IS NULL OR value >= 0"},
)
DDL = "thing string, day int, value double"


def rows(frame):
    return sorted(tuple(row) for row in frame.collect())


def frame(spark, *given, ddl=DDL):
    return spark.createDataFrame(list(given), ddl)
