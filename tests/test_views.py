"""Views as rules: read, made in a folder's session and in a catalog, and given up when their table goes."""

import pytest

from pma.query import register
from pma.tables import TableError, WarehouseSettings
from pma.views import View, create_views, read_views, statement
from pma.warehouse import Warehouse
from tests.things import SPEC, frame, rows

COUNTED = View(
    name="bl.counted",
    audience="ann's team",
    reads=("il.things",),
    sql="SELECT count(*) AS n FROM il.things AS t -- not il.things_too",
)


def test_a_catalog_gets_full_names_and_a_folder_plain_ones():
    catalog = WarehouseSettings(path=None, catalog="main", schema_prefix="ann_")
    assert statement(catalog, COUNTED) == (
        "CREATE OR REPLACE VIEW `main`.`ann_bl`.`counted` COMMENT 'for ann\\'s team' AS\n"
        "SELECT count(*) AS n FROM `main`.`ann_il`.`things` AS t -- not il.things_too"
    )
    assert statement(WarehouseSettings(), COUNTED).startswith("CREATE OR REPLACE VIEW `bl`.`counted`")


def test_a_session_knows_the_views_of_the_warehouse_that_was_registered_last(spark, tmp_path):
    first, second = (
        Warehouse(spark, WarehouseSettings(path=str(tmp_path / name)), run_id="test") for name in ("first", "second")
    )
    first.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    second.replace(SPEC, frame(spark, ("b", 1, 2.0), ("c", 1, 2.0)))
    spark.sql("CREATE SCHEMA IF NOT EXISTS bl")
    answers = []
    for tables in (first, second):
        register(spark, tables.settings, [COUNTED])
        answers.append(rows(spark.sql("SELECT n FROM bl.counted")))
    register(spark, second.settings, [COUNTED.model_copy(update={"sql": "SELECT max(thing) AS n FROM il.things"})])
    answers.append(rows(spark.sql("SELECT n FROM bl.counted")))
    register(spark, WarehouseSettings(path=str(tmp_path / "empty")), [COUNTED])
    assert answers == [[(1,)], [(2,)], [("c",)]]
    assert not spark.catalog.tableExists("bl.counted")


def test_a_view_that_cannot_be_made_is_named_and_stops_no_job_but_the_one_that_makes_it(spark, warehouse, caplog):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    spark.sql("CREATE SCHEMA IF NOT EXISTS bl")
    wrong = COUNTED.model_copy(update={"sql": "SELECT colour FROM il.things"})
    message = (
        r"bl\.counted: the view was not made: .*colour.* Fix: its SQL in views\.yml, or run the jobs that write il"
    )
    register(spark, warehouse.settings, [wrong])
    assert "bl.counted: the view was not made" in caplog.text
    with pytest.raises(TableError, match=message):
        create_views(spark, warehouse.settings, [wrong])
    assert create_views(spark, warehouse.settings, [COUNTED.model_copy(update={"reads": ("il.elsewhere",)})]) == []


def test_a_folder_of_rules_without_views_has_none_and_a_wrong_file_is_refused_by_name(tmp_path):
    assert read_views(tmp_path) == ()
    (tmp_path / "views.yml").write_text("version: 1\nviews: [{name: gold.x, audience: a, reads: [il.t], sql: x}]\n")
    with pytest.raises(TableError, match=r"views: .*views\.yml is not a list of views\. Fix: [\s\S]*views\.0\.name"):
        read_views(tmp_path)
