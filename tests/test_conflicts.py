"""Writes that lose a race: another program commits to the same table while they run."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from delta.tables import DeltaOptimizeBuilder, DeltaTable, DeltaTableBuilder
from deltalake import CommitProperties, Transaction, write_deltalake
from deltalake import DeltaTable as RustTable
from pyspark.errors import AnalysisException

from pma.spark import CONFLICTS, lost_race
from pma.tables import Column, TableError, WarehouseSettings
from pma.warehouse import CONFLICT_TRIES, Warehouse
from tests.things import DDL, SPEC, frame, rows


@pytest.fixture
def again(monkeypatch):
    """The pauses of writes that began again; what they write is computed within the write, where the rival comes in."""
    pauses = []
    monkeypatch.setattr("pma.warehouse.time", SimpleNamespace(sleep=pauses.append))
    monkeypatch.setattr("pma.warehouse.require_unique", lambda frame, spec: None)
    return pauses


def beaten(spark, *given, by):
    """Rows that are computed once: meanwhile `by` commits, out of a process that does not know our lock."""

    def through(batches):
        by()
        yield from batches

    return frame(spark, *given).coalesce(1).mapInPandas(through, DDL)


def raised_in_java(spark, name, message="[DELTA_X] lost"):
    """Raise one of Delta's own exceptions as a call into Java does."""
    spark._jvm.scala.util.Failure(getattr(spark._jvm.io.delta.exceptions, name)(message)).get()


def test_a_replacement_that_lost_to_another_commit_is_written_again(spark, warehouse, again):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0), ("a", 2, 1.0)))
    where = warehouse.location(SPEC)

    def rival():
        RustTable(where).update(new_values={"value": 50.0}, predicate="day = 1")

    warehouse.rows_written.clear()
    warehouse.replace(SPEC, beaten(spark, ("b", 2, 2.0), by=rival), where="day = 2")

    assert rows(warehouse.read(SPEC)) == [("a", 1, 50.0), ("b", 2, 2.0)]
    assert (len(again), warehouse.rows_written) == (1, {"il.things": 1})


def test_a_merge_that_lost_to_another_commit_is_written_again(spark, warehouse, again):
    warehouse.merge(SPEC, frame(spark, ("a", 1, 1.0), ("b", 1, 1.0)))
    where = warehouse.location(SPEC)

    def rival():
        RustTable(where).update(new_values={"value": 50.0}, predicate="thing = 'b'")

    warehouse.rows_written.clear()
    warehouse.merge(SPEC, beaten(spark, ("a", 1, 3.0), ("c", 1, 4.0), by=rival))

    assert rows(warehouse.read(SPEC)) == [("a", 1, 3.0), ("b", 1, 50.0), ("c", 1, 4.0)]
    assert (len(again), warehouse.rows_written) == (1, {"il.things": 2})


def test_a_batch_that_another_job_appended_meanwhile_is_there_once(spark, warehouse, again):
    warehouse.append_once(SPEC, frame(spark, ("a", 1, 1.0)), app_id="load", version=1)
    where = warehouse.location(SPEC)
    batch = frame(spark, ("a", 2, 2.0)).toArrow()

    def rival():
        done = CommitProperties(app_transactions=[Transaction("load", 2)])
        write_deltalake(where, batch, mode="append", commit_properties=done)

    warehouse.rows_written.clear()
    warehouse.append_once(SPEC, beaten(spark, ("a", 2, 2.0), by=rival), app_id="load", version=2)

    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0), ("a", 2, 2.0)]
    assert (len(again), warehouse.rows_written) == (1, {"il.things": 0})


def test_a_write_that_lost_to_a_change_of_the_table_itself_is_held_against_its_declaration_again(
    spark, warehouse, again
):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    where = warehouse.location(SPEC)

    def rival():
        RustTable(where).alter.set_table_properties({"delta.logRetentionDuration": "interval 40 days"})

    warehouse.replace(SPEC, beaten(spark, ("b", 1, 1.0), by=rival))
    assert (len(again), rows(warehouse.read(SPEC))) == (1, [("b", 1, 1.0)])


def all_at_once(acts):
    """Begin acts in one thread each at the same moment, and return what they raised."""
    gate, raised = threading.Barrier(len(acts)), []

    def go(act):
        gate.wait()
        try:
            act()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=go, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_three_that_make_one_table_of_a_catalog_and_widen_it_all_end_well(spark, again):
    made = replace(SPEC, name="il.raced_things")
    wider = replace(
        made,
        columns=(*SPEC.columns, Column("note", "string", "what was said")),
        checks={**SPEC.checks, "day_is_known": "day > 0"},
    )
    rivals = [Warehouse(spark, WarehouseSettings(path=None), run_id=f"rival-{n}") for n in (1, 2, 3)]
    try:
        assert all_at_once([lambda tables=tables: tables.ensure(made) for tables in rivals]) == []
        assert all_at_once([lambda tables=tables: tables.ensure(wider) for tables in rivals]) == []
        assert rivals[0].version(wider) == 2
        assert rows(rivals[0].read(wider)) == []
    finally:
        spark.sql("DROP TABLE IF EXISTS il.raced_things PURGE")


def test_a_table_that_a_rival_made_first_is_written_to(spark, warehouse, again, monkeypatch):
    real = DeltaTableBuilder.execute

    def beaten_to_it(builder):
        real(builder)
        monkeypatch.setattr(DeltaTableBuilder, "execute", real)
        raised_in_java(spark, "ProtocolChangedException")

    monkeypatch.setattr(DeltaTableBuilder, "execute", beaten_to_it)
    warehouse.replace(SPEC, frame(spark, ("a", 1, 2.0)))
    assert (len(again), rows(warehouse.read(SPEC))) == (1, [("a", 1, 2.0)])
    assert warehouse.version(SPEC) == 1


def test_maintenance_that_lost_to_another_commit_is_done_again(spark, warehouse, again, monkeypatch):
    for day in range(2):
        warehouse.append_once(SPEC, frame(spark, ("a", day, 1.0)), app_id="days", version=day)
    real = DeltaOptimizeBuilder.executeCompaction

    def beaten_to_it(builder):
        monkeypatch.setattr(DeltaOptimizeBuilder, "executeCompaction", real)
        raised_in_java(spark, "ConcurrentDeleteReadException")

    monkeypatch.setattr(DeltaOptimizeBuilder, "executeCompaction", beaten_to_it)
    # Spark lists a folder in ten thousand tasks to vacuum it.
    monkeypatch.setattr(DeltaTable, "vacuum", lambda table, hours: None)
    warehouse.settings = warehouse.settings.model_copy(update={"optimize_min_files": 2})
    warehouse.maintain(SPEC)
    assert (len(again), len(RustTable(warehouse.location(SPEC)).file_uris())) == (1, 1)


def test_a_write_that_loses_every_time_names_its_table(spark, warehouse, again, monkeypatch):
    warehouse.ensure(SPEC)
    monkeypatch.setattr(warehouse, "_save", lambda *given: raised_in_java(spark, "ConcurrentAppendException"))
    with pytest.raises(TableError, match=r"il\.things: nothing was written, .*\[DELTA_X\] lost"):
        warehouse.replace(SPEC, frame(spark, ("a", 1, 2.0)))
    assert len(again) == CONFLICT_TRIES - 1


@pytest.mark.parametrize("name", sorted(CONFLICTS - {"DeltaConcurrentModificationException"}))
def test_each_of_deltas_conflicts_is_a_lost_race_also_inside_another_error(spark, name):
    with pytest.raises(Exception, match="lost") as bare:
        raised_in_java(spark, name)
    conflict = getattr(spark._jvm.io.delta.exceptions, name)("lost")
    aborted = spark._jvm.java.lang.RuntimeException("job aborted", conflict)
    with pytest.raises(Exception, match="job aborted") as wrapped:
        spark._jvm.scala.util.Failure(aborted).get()
    assert lost_race(bare.value)
    assert lost_race(wrapped.value)


def test_what_another_writer_added_first_is_a_lost_race_and_other_errors_are_none(spark, warehouse):
    warehouse.ensure(SPEC)
    table = warehouse.identifier(SPEC)
    for again in ("ADD COLUMNS (day int)", "ADD CONSTRAINT value_not_negative CHECK (value >= 0)"):
        with pytest.raises(AnalysisException) as error:
            spark.sql(f"ALTER TABLE {table} {again}")
        assert lost_race(error.value)
    with pytest.raises(AnalysisException) as error:
        spark.sql(f"ALTER TABLE {table} ALTER COLUMN colour COMMENT 'none'")
    assert not lost_race(error.value)
    with pytest.raises(Exception, match="no such thing") as broken:
        spark._jvm.scala.util.Failure(spark._jvm.java.lang.RuntimeException("no such thing")).get()
    assert not lost_race(broken.value)
