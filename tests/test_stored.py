"""The stored shape of a table, held against its declaration."""

from dataclasses import replace

import pytest

from pma.tables import Column, TableError, WarehouseSettings
from tests.things import DDL, SPEC, frame, rows

CLUSTERED = replace(SPEC, cluster_by=("day", "thing"))


def comments(tables):
    schema = tables.spark.read.format("delta").load(tables.location(SPEC)).schema
    return {column.name: column.metadata["comment"] for column in schema}


def clustering(tables):
    return tables.spark.sql(f"DESCRIBE DETAIL {tables.identifier(SPEC)}").first()["clusteringColumns"]


def test_a_declared_nullable_column_is_added_and_old_rows_have_null(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    wider = replace(SPEC, columns=(*SPEC.columns, Column("note", "string", "what was said")))
    warehouse.merge(wider, frame(spark, ("b", 1, 2.0, "new"), ddl=DDL + ", note string"))
    assert rows(warehouse.read(wider)) == [("a", 1, 1.0, None), ("b", 1, 2.0, "new")]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            (*SPEC.columns[:2], Column("value", "string", "euros")),
            r"il\.things: .*retyped \['value \(double -> string\)'\]",
        ),
        (SPEC.columns[:2], r"il\.things: .*no longer declared \['value'\]"),
        ((*SPEC.columns, Column("more", "int", "x", required=True)), r"il\.things: .*new but never null \['more'\]"),
        (
            (*SPEC.columns[:2], Column("value", "double", "euros", required=True)),
            r"il\.things: .*differs from the declaration: now never null \['value'\]\. Fix: ",
        ),
    ],
)
def test_any_other_change_of_schema_is_refused_by_name(spark, warehouse, columns, message):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    with pytest.raises(TableError, match=message):
        warehouse.ensure(replace(SPEC, columns=columns, checks={}))


def test_a_column_that_may_be_null_from_now_on_is_refused_by_name(spark, warehouse):
    strict = replace(SPEC, columns=(*SPEC.columns[:2], replace(SPEC.columns[2], required=True)))
    warehouse.replace(strict, frame(spark, ("a", 1, 1.0)))
    with pytest.raises(
        TableError, match=r"il\.things: .*differs from the declaration: now nullable \['value'\]\. Fix: "
    ):
        warehouse.merge(SPEC, frame(spark, ("b", 1, None)))
    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0)]


@pytest.mark.parametrize("declared_later", [False, True])
def test_a_check_of_another_condition_under_the_same_name_is_refused_by_name(spark, warehouse, declared_later):
    warehouse.ensure(replace(SPEC, checks={}) if declared_later else SPEC)
    for _ in range(2):
        warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    laxer = replace(SPEC, checks={"value_not_negative": "value IS NULL OR value >= -5"})
    with pytest.raises(
        TableError, match=r"il\.things: .*: other checks \['value_not_negative \(.* -> .*-5\)'\]\. Fix: "
    ):
        warehouse.replace(laxer, frame(spark, ("a", 1, -2.0)))
    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0)]


def test_a_comment_that_is_worded_anew_becomes_the_stored_one_and_the_rows_stay(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    renamed = replace(SPEC, columns=(*SPEC.columns[:2], Column("value", "double", "the shop's euros, \\ and 'cents'")))
    warehouse.ensure(renamed)
    changed = warehouse.version(SPEC)
    warehouse.ensure(renamed)
    assert comments(warehouse) == {
        "thing": "which thing",
        "day": "day number",
        "value": "the shop's euros, \\ and 'cents'",
    }
    assert (warehouse.version(SPEC), rows(warehouse.read(SPEC))) == (changed, [("a", 1, 1.0)])


def test_a_table_is_clustered_as_declared_and_stays_so_when_its_rows_are_replaced(spark, warehouse):
    warehouse.ensure(CLUSTERED)
    made = clustering(warehouse)
    warehouse.replace(CLUSTERED, frame(spark, ("a", 1, 1.0)))
    warehouse.replace(CLUSTERED, frame(spark, ("a", 1, 2.0)), where="day = 1")
    warehouse.replace(CLUSTERED, frame(spark, ("b", 1, 3.0)))
    assert (made, clustering(warehouse)) == (["day", "thing"], ["day", "thing"])
    assert rows(warehouse.read(SPEC)) == [("b", 1, 3.0)]


@pytest.mark.parametrize("before", [(), ("thing",), ("thing", "day")])
def test_a_clustering_declared_later_becomes_the_stored_one_and_the_rows_stay(spark, warehouse, before):
    warehouse.replace(replace(SPEC, cluster_by=before), frame(spark, ("a", 1, 1.0)))
    warehouse.merge(CLUSTERED, frame(spark, ("b", 1, 2.0)))
    changed = warehouse.version(SPEC)
    warehouse.ensure(CLUSTERED)
    assert (warehouse.version(SPEC), clustering(warehouse)) == (changed, ["day", "thing"])
    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0), ("b", 1, 2.0)]


def test_a_clustering_that_is_no_longer_declared_is_taken_away(warehouse):
    warehouse.ensure(CLUSTERED)
    warehouse.ensure(SPEC)
    assert clustering(warehouse) == []


def test_the_name_of_a_table_of_a_catalog_holds_catalog_prefix_and_layer(warehouse):
    warehouse.settings = WarehouseSettings(path=None, catalog="dev", schema_prefix="ann_")
    assert warehouse.identifier(SPEC) == "`dev`.`ann_il`.`things`"
