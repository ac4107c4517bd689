"""Tables asked in SQL by their names; `tests/jobs` asks the real ones through the command."""

from pma.query import register
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.things import SPEC, frame, rows


def test_registered_tables_answer_plain_sql(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    register(spark, warehouse.settings)
    assert rows(spark.sql("SELECT thing, value FROM il.things")) == [("a", 1.0)]


def test_names_follow_the_warehouse_that_was_registered_last_and_no_file_is_lost(spark, tmp_path):
    first, second, empty = (
        Warehouse(spark, WarehouseSettings(path=str(tmp_path / name)), run_id="test")
        for name in ("first", "second", "empty")
    )
    first.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    second.replace(SPEC, frame(spark, ("b", 1, 2.0)))
    named = []
    for tables in (first, second):
        register(spark, tables.settings)
        named.append(rows(spark.sql("SELECT * FROM il.things")))
    register(spark, empty.settings)

    assert named == [[("a", 1, 1.0)], [("b", 1, 2.0)]]
    assert not spark.catalog.tableExists("il.things")
    assert rows(first.read(SPEC)) == [("a", 1, 1.0)]
    assert rows(second.read(SPEC)) == [("b", 1, 2.0)]
