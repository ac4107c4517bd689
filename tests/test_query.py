"""Tables asked in SQL by their names; `tests/jobs` asks the real ones through the command."""

import os
import subprocess

import pytest

from pma.query import register
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY
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


def test_a_folder_with_a_quote_in_its_name_holds_tables_like_any_other(spark, tmp_path):
    tables = Warehouse(spark, WarehouseSettings(path=str(tmp_path / "o'brien")), run_id="test")
    tables.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    register(spark, tables.settings)
    assert rows(spark.sql("SELECT thing, value FROM il.things")) == [("a", 1.0)]


@pytest.mark.parametrize("given", ["on the command line", "in the environment"])
def test_make_hands_the_statement_over_as_it_was_typed(given):
    sql = """SELECT 1 AS `values`,\n  regexp_replace("a$$b", 'b$', "it's $(id) `id` \\"$HOME") -- #"""
    # What the `make test` around this was given must not reach the inner make.
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    words = [f"Q={sql}"] if given == "on the command line" else []
    done = subprocess.run(
        ["make", "-s", "-o", "setup", "sql", "PY=printf '%s|'", "CONF=own.yml", "ARGS=", *words],
        cwd=REPOSITORY,
        env=own if words else {**own, "Q": sql},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"-m|pma.query|--conf|own.yml|{sql}|"
