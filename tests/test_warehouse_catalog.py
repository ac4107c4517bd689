"""The same warehouse where its tables live in Spark's catalog, and not in a folder."""

from dataclasses import replace

import pytest

from pma.tables import Column, TableError, WarehouseSettings
from pma.warehouse import Warehouse
from tests.things import DDL, SPEC, frame, rows

CATALOGUED = replace(SPEC, name="il.catalogued_things", cluster_by=("day",))
DECLARED = [("thing", False, "which thing"), ("day", False, "day number"), ("value", True, "euros")]


def described(spark):
    """Name, whether it may be null, and comment of each column, as the catalog has them."""
    schema = spark.table("il.catalogued_things").schema
    return [(column.name, column.nullable, column.metadata["comment"]) for column in schema]


@pytest.fixture
def catalog(spark):
    """Tables of Spark's own catalog, dropped afterwards."""
    tables = Warehouse(spark, WarehouseSettings(path=None), run_id="test")
    yield tables
    spark.sql("DROP TABLE IF EXISTS il.catalogued_things PURGE")


def test_a_catalog_knows_a_table_from_its_first_write_on(spark, catalog):
    assert not catalog.exists(CATALOGUED)
    with pytest.raises(TableError, match=r"il\.catalogued_things: not in the warehouse \(`il`\.`catalogued_things`\)"):
        catalog.read(CATALOGUED)

    catalog.ensure(CATALOGUED)

    assert (catalog.exists(CATALOGUED), catalog.version(CATALOGUED)) == (True, 0)
    assert rows(catalog.read(CATALOGUED)) == []
    assert catalog.read_versions == {"il.catalogued_things": 0}
    assert described(spark) == DECLARED


def test_a_table_of_a_catalog_is_replaced_as_a_whole_or_where_said_and_stays_as_declared(spark, catalog):
    catalog.replace(CATALOGUED, frame(spark, ("x", 9, 9.0)))
    catalog.replace(CATALOGUED, frame(spark, ("a", 1, 1.0), ("a", 2, 2.0)))
    catalog.replace(CATALOGUED, frame(spark, ("a", 2, 5.0), ("b", 2, 6.0)), where="day = 2")
    with pytest.raises(TableError, match=r"il\.catalogued_things: nothing was written.*day = 2"):
        catalog.replace(CATALOGUED, frame(spark, ("a", 3, 5.0)), where="day = 2")
    with pytest.raises(TableError, match=r"il\.catalogued_things: nothing was written.*value_not_negative"):
        catalog.replace(CATALOGUED, frame(spark, ("a", 1, -1.0)))

    assert rows(catalog.read(CATALOGUED)) == [("a", 1, 1.0), ("a", 2, 5.0), ("b", 2, 6.0)]
    assert catalog.rows_written == {"il.catalogued_things": 5}
    assert described(spark) == DECLARED


def test_a_table_of_a_catalog_is_merged_by_key_and_gets_new_columns(spark, catalog):
    catalog.merge(CATALOGUED, frame(spark, ("a", 1, 1.0), ("b", 1, 1.0)))
    for _ in range(2):
        catalog.merge(CATALOGUED, frame(spark, ("b", 1, 7.0), ("c", 1, 8.0)))
    wider = replace(CATALOGUED, columns=(*SPEC.columns, Column("note", "string", "what was said")))
    catalog.merge(wider, frame(spark, ("d", 1, 2.0, "new"), ddl=DDL + ", note string"))
    assert rows(catalog.read(wider)) == [
        ("a", 1, 1.0, None),
        ("b", 1, 7.0, None),
        ("c", 1, 8.0, None),
        ("d", 1, 2.0, "new"),
    ]
    assert catalog.rows_written == {"il.catalogued_things": 5}
    with pytest.raises(TableError, match=r"il\.catalogued_things: .*no longer declared \['note'\]"):
        catalog.ensure(CATALOGUED)


def test_a_table_of_a_catalog_takes_a_batch_once_and_is_maintained(spark, catalog):
    for day in (1, 2, 2):
        catalog.append_once(CATALOGUED, frame(spark, ("a", day, 1.0)), app_id="load", version=day)
    assert catalog.rows_written == {"il.catalogued_things": 2}
    catalog.settings = catalog.settings.model_copy(update={"optimize_min_files": 2})
    catalog.maintain(CATALOGUED)
    detail = spark.sql("DESCRIBE DETAIL il.catalogued_things").first()
    assert (detail["numFiles"], rows(catalog.read(CATALOGUED))) == (1, [("a", 1, 1.0), ("a", 2, 1.0)])


def test_a_prefix_keeps_the_tables_of_two_people_of_one_catalog_apart(spark, catalog):
    anns = Warehouse(spark, WarehouseSettings(path=None, schema_prefix="ann_"), run_id="test")
    try:
        anns.replace(CATALOGUED, frame(spark, ("a", 1, 1.0)))
        assert rows(spark.table("ann_il.catalogued_things")) == [("a", 1, 1.0)]
        assert not catalog.exists(CATALOGUED)
        catalog.replace(CATALOGUED, frame(spark, ("b", 1, 2.0)))
        assert (rows(anns.read(CATALOGUED)), rows(catalog.read(CATALOGUED))) == ([("a", 1, 1.0)], [("b", 1, 2.0)])
    finally:
        spark.sql("DROP SCHEMA IF EXISTS ann_il CASCADE")


def test_a_prefix_that_no_schema_may_have_is_refused():
    with pytest.raises(ValueError, match=r"schema_prefix[\s\S]*should match pattern"):
        WarehouseSettings(path=None, schema_prefix="ann-lee`.")


def test_a_folder_ignores_the_prefix(tmp_path, spark):
    plain, prefixed = (
        Warehouse(spark, WarehouseSettings(path=str(tmp_path), schema_prefix=prefix), run_id="test")
        for prefix in ("", "ann_")
    )
    assert plain.identifier(CATALOGUED) == prefixed.identifier(CATALOGUED)


def test_a_table_of_a_catalog_is_clustered_and_commented_as_declared_last(spark, catalog):
    catalog.replace(CATALOGUED, frame(spark, ("a", 1, 1.0)))
    assert spark.sql("DESCRIBE DETAIL il.catalogued_things").first()["clusteringColumns"] == ["day"]
    anew = replace(
        CATALOGUED, cluster_by=("thing",), columns=(*SPEC.columns[:2], Column("value", "double", "it's euros"))
    )
    catalog.ensure(anew)
    assert spark.sql("DESCRIBE DETAIL il.catalogued_things").first()["clusteringColumns"] == ["thing"]
    assert described(spark) == [*DECLARED[:2], ("value", True, "it's euros")]
