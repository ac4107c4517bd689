import fcntl
import json
import multiprocessing
import shutil
import subprocess
from pathlib import Path

import pytest
from delta.tables import DeltaOptimizeBuilder, DeltaTable, DeltaTableBuilder
from deltalake import DeltaTable as RustTable
from pyspark.sql import functions as F

from pma.tables import TableError, WarehouseSettings, document
from pma.warehouse import Warehouse, fingerprint
from tests.things import DDL, SPEC, frame, rows


def test_a_table_lives_under_layer_and_name_and_plain_python_reads_it(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 2.0), ("b", 1, None)))
    folder = Path(warehouse.settings.path) / "il" / "things"
    read = RustTable(str(folder)).to_pyarrow_table().to_pylist()
    assert sorted(read, key=lambda r: r["thing"]) == [
        {"thing": "a", "day": 1, "value": 2.0},
        {"thing": "b", "day": 1, "value": None},
    ]


def test_columns_carry_comments_and_keys_are_not_null(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 2.0)))
    schema = warehouse.spark.read.format("delta").load(warehouse.location(SPEC)).schema
    assert [(c.name, c.metadata["comment"]) for c in schema] == [(c.name, c.comment) for c in SPEC.columns]
    metadata = json.loads(RustTable(warehouse.location(SPEC)).schema().to_json())
    assert [(f["name"], f["nullable"]) for f in metadata["fields"]] == [
        ("thing", False),
        ("day", False),
        ("value", True),
    ]


def test_replace_where_changes_only_the_rows_it_names(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0), ("a", 2, 2.0)))
    warehouse.replace(SPEC, frame(spark, ("a", 2, 5.0), ("b", 2, 6.0)), where="day = 2")
    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0), ("a", 2, 5.0), ("b", 2, 6.0)]


def test_replace_where_refuses_rows_outside_its_own(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    with pytest.raises(TableError, match=r"il\.things: nothing was written.*day = 2"):
        warehouse.replace(SPEC, frame(spark, ("a", 3, 5.0)), where="day = 2")
    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0)]


def test_merge_updates_known_keys_and_inserts_new_ones_and_a_rerun_changes_nothing(spark, warehouse):
    warehouse.merge(SPEC, frame(spark, ("a", 1, 1.0), ("b", 1, 1.0)))
    for _ in range(2):
        warehouse.merge(SPEC, frame(spark, ("b", 1, 7.0), ("c", 1, 8.0)))
        assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0), ("b", 1, 7.0), ("c", 1, 8.0)]


def test_a_merge_that_changes_nothing_notes_no_rows(spark, warehouse):
    warehouse.merge(SPEC, frame(spark, ("a", 1, 1.0), ("b", 1, 1.0)))
    assert warehouse.rows_written == {"il.things": 2}
    again = Warehouse(spark, warehouse.settings, run_id="again")
    again.merge(SPEC, frame(spark, ("a", 1, 1.0), ("b", 1, 1.0)))
    assert again.rows_written == {"il.things": 0}


def test_merge_without_update_keeps_what_is_there(spark, warehouse):
    warehouse.merge(SPEC, frame(spark, ("a", 1, 1.0)))
    warehouse.merge(SPEC, frame(spark, ("a", 1, 9.0), ("b", 1, 2.0)), update=False)
    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0), ("b", 1, 2.0)]


def test_merge_deletes_the_keys_that_are_gone_and_not_in_the_frame_in_the_same_commit(spark, warehouse):
    warehouse.merge(SPEC, frame(spark, ("a", 1, 1.0), ("b", 1, 1.0), ("c", 1, 1.0), ("d", 1, 4.0)))
    before = warehouse.version(SPEC)
    gone = frame(spark, ("a", 1), ("a", 1), ("b", 1), ("never there", 1), ddl="thing string, day int")
    warehouse.merge(SPEC, frame(spark, ("b", 1, 7.0), ("e", 1, 5.0)), gone=gone)
    assert warehouse.version(SPEC) == before + 1
    warehouse.merge(SPEC, frame(spark, ("b", 1, 7.0), ("e", 1, 5.0)), gone=gone)
    assert rows(warehouse.read(SPEC)) == [("b", 1, 7.0), ("c", 1, 1.0), ("d", 1, 4.0), ("e", 1, 5.0)]
    assert warehouse.rows_written == {"il.things": 4 + 2}


def test_append_once_ignores_the_same_batch_again(spark, warehouse):
    for _ in range(2):
        warehouse.append_once(SPEC, frame(spark, ("a", 1, 1.0)), app_id="load", version=1)
    warehouse.append_once(SPEC, frame(spark, ("a", 2, 1.0)), app_id="load", version=2)
    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0), ("a", 2, 1.0)]


@pytest.mark.parametrize(
    ("given", "ddl", "message"),
    [
        (("a", 1), "thing string, day int", r"il\.things: .* missing \['value'\]"),
        (("a", 1, 1.0, 2), DDL + ", more int", r"il\.things: .* undeclared \['more'\]"),
        (("a", 1, "x"), "thing string, day int, value string", r"il\.things: .* value is string, declared double"),
    ],
)
def test_a_frame_that_differs_from_the_declaration_is_refused_by_name(spark, warehouse, given, ddl, message):
    with pytest.raises(TableError, match=message):
        warehouse.replace(SPEC, frame(spark, given, ddl=ddl))


def test_two_rows_of_one_key_are_refused_and_the_old_rows_stay(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    with pytest.raises(
        TableError, match=r"il\.things: key \('thing', 'day'\) is not unique, for example thing=b, day=1"
    ):
        warehouse.replace(SPEC, frame(spark, ("b", 1, 1.0), ("b", 1, 2.0)))
    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0)]


def test_a_row_that_breaks_a_check_or_lacks_its_key_is_refused_and_the_old_rows_stay(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    with pytest.raises(
        TableError, match=r"il\.things: nothing was written.*value_not_negative.*\. Fix: mend the cause"
    ):
        warehouse.replace(SPEC, frame(spark, ("a", 1, -1.0)))
    with pytest.raises(
        TableError, match=r"il\.things: nothing was written.*NOT NULL constraint violated for column: thing"
    ):
        warehouse.replace(SPEC, frame(spark, (None, 1, 1.0)))
    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0)]


@pytest.mark.parametrize(
    ("builder", "method", "act"),
    [(DeltaTableBuilder, "execute", "ensure"), (DeltaOptimizeBuilder, "executeCompaction", "maintain")],
)
def test_a_table_is_made_and_maintained_by_one_at_a_time(spark, warehouse, monkeypatch, builder, method, act):
    if act == "maintain":
        for day in range(2):
            warehouse.append_once(SPEC, frame(spark, ("a", day, 1.0)), app_id="days", version=day)
        warehouse.settings = warehouse.settings.model_copy(update={"optimize_min_files": 2})
    real, refused = getattr(builder, method), []

    def execute(self):
        with (Path(warehouse.settings.path) / ".locks" / "il.things").open("w") as rival:
            try:
                fcntl.flock(rival, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                refused.append("rival")
        return real(self)

    monkeypatch.setattr(builder, method, execute)
    # Spark lists a folder in ten thousand tasks to vacuum it.
    monkeypatch.setattr(DeltaTable, "vacuum", lambda table, hours: None)
    getattr(warehouse, act)(SPEC)
    assert refused == ["rival"]


def test_maintenance_that_fails_names_its_table(warehouse):
    with pytest.raises(TableError, match=r"il\.things: .* Fix: .* run the job again"):
        warehouse.maintain(SPEC)


def test_a_table_that_is_not_there_is_named_with_the_fix(warehouse):
    with pytest.raises(TableError, match=r"il\.things: not in the warehouse .* Fix: run the job that writes it"):
        warehouse.read(SPEC)


def test_reading_notes_the_version_and_writing_the_rows(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0), ("b", 1, 1.0)))
    before = warehouse.version(SPEC)
    warehouse.read(SPEC)
    assert (warehouse.read_versions, warehouse.rows_written) == ({"il.things": before}, {"il.things": 2})


def test_a_table_that_is_dropped_and_made_again_has_another_id(spark, warehouse):
    with pytest.raises(TableError, match=r"il\.things: not in the warehouse"):
        warehouse.table_id(SPEC)
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    first = warehouse.table_id(SPEC)
    warehouse.replace(SPEC, frame(spark, ("a", 1, 2.0)))
    assert warehouse.table_id(SPEC) == first == str(RustTable(warehouse.location(SPEC)).metadata().id)
    shutil.rmtree(warehouse.location(SPEC))
    warehouse.replace(SPEC, frame(spark, ("a", 1, 3.0)))
    assert warehouse.table_id(SPEC) != first


def test_a_frame_read_from_a_table_may_replace_it(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0), ("b", 1, 1.0)))
    warehouse.replace(SPEC, warehouse.read(SPEC).where("thing = 'a'"))
    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0)]


def test_leftovers_of_a_killed_write_are_not_read_and_do_not_hinder_the_next(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    folder = Path(warehouse.location(SPEC))
    whole = next(folder.glob("*.parquet"))
    (folder / "part-00000-half.snappy.parquet").write_bytes(whole.read_bytes()[:100])
    (folder / "_delta_log" / ".00000000000000000009.json.tmp").write_text('{"add":')
    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0)]
    warehouse.replace(SPEC, frame(spark, ("b", 1, 1.0)))
    assert rows(warehouse.read(SPEC)) == [("b", 1, 1.0)]


def test_a_kill_before_the_first_commit_leaves_a_folder_that_the_next_run_uses(spark, warehouse):
    log = Path(warehouse.location(SPEC)) / "_delta_log"
    log.mkdir(parents=True)
    (log / ".00000000000000000000.json.1.tmp").write_text("{")
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    assert rows(warehouse.read(SPEC)) == [("a", 1, 1.0)]


def test_maintenance_compacts_and_keeps_every_row(spark, warehouse):
    for day in range(3):
        warehouse.append_once(SPEC, frame(spark, ("a", day, 1.0)), app_id="days", version=day)
    warehouse.settings = warehouse.settings.model_copy(update={"optimize_min_files": 2})
    warehouse.maintain(SPEC)
    assert len(RustTable(warehouse.location(SPEC)).file_uris()) == 1
    assert rows(warehouse.read(SPEC)) == [("a", day, 1.0) for day in range(3)]


def test_the_fingerprint_depends_on_rows_and_not_on_their_order(spark):
    one = frame(spark, ("a", 1, 1.0), ("b", 1, 1.0))
    assert fingerprint(one) == fingerprint(one.orderBy("thing", ascending=False).repartition(2))
    assert fingerprint(one) != fingerprint(frame(spark, ("a", 1, 1.0), ("b", 1, 1.5)))
    assert fingerprint(one) != fingerprint(one.union(one))


def test_the_page_of_tables_is_true():
    from pma.catalogue import TABLES

    page = Path(__file__).parent.parent / "docs" / "tables.md"
    assert page.read_text() == document(TABLES), "run `make docs`"


def _append_from_another_process(location, day):
    from pma.spark import SparkSettings, spark_session
    from pma.tables import WarehouseSettings
    from pma.warehouse import Warehouse

    spark = spark_session(SparkSettings(master="local[1]", driver_memory="1g"), "rival")
    tables = Warehouse(spark, WarehouseSettings(path=location), run_id=f"rival-{day}")
    tables.append_once(SPEC, spark.createDataFrame([("a", day, 1.0)], DDL), app_id="same", version=1)
    tables.merge(SPEC, spark.createDataFrame([("m", 1, 1.0), ("m", 10 + day, 1.0)], DDL))


def test_two_runs_at_once_lose_nothing_and_write_nothing_twice(spark, warehouse):
    context = multiprocessing.get_context("spawn")
    rivals = [context.Process(target=_append_from_another_process, args=(warehouse.settings.path, d)) for d in (1, 2)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(300)
    assert [rival.exitcode for rival in rivals] == [0, 0]
    found = rows(warehouse.read(SPEC))
    assert [row for row in found if row[0] == "m"] == [("m", 1, 1.0), ("m", 11, 1.0), ("m", 12, 1.0)]
    assert len([row for row in found if row[0] == "a"]) == 1


def test_a_table_says_where_its_rows_come_from_and_says_it_once(spark, warehouse):
    with pytest.raises(TableError, match=r"il\.things: not in the warehouse"):
        warehouse.say_origin("a simulated marketplace", SPEC)
    warehouse.replace(SPEC, frame(spark, ("a", 1, 1.0)))
    versions = []
    for origin in ("the till's files", "a simulated marketplace", "a simulated marketplace"):
        warehouse.say_origin(origin, SPEC)
        versions.append(warehouse.version(SPEC))
    said = spark.sql(f"SHOW TBLPROPERTIES {warehouse.identifier(SPEC)} ('pma.data_origin')").collect()
    assert [row["value"] for row in said] == ["a simulated marketplace"]
    assert versions[1] == versions[0] + 1 == versions[2]
    # A later write of the job keeps it.
    warehouse.replace(SPEC, frame(spark, ("b", 1, 1.0)))
    assert "a simulated marketplace" in str(spark.sql(f"SHOW TBLPROPERTIES {warehouse.identifier(SPEC)}").collect())


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 4 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a full disk needs the right to mount one: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_leaves_the_rows_as_they_were(spark, tiny_disk):
    tables = Warehouse(spark, WarehouseSettings(path=str(tiny_disk)), run_id="test")
    tables.replace(SPEC, frame(spark, ("a", 1, 2.0)))
    too_many = spark.range(300_000).select(
        F.sha2(F.col("id").cast("string"), 256).alias("thing"), F.lit(1).alias("day"), F.lit(1.0).alias("value")
    )

    with pytest.raises(
        TableError, match=r"il\.things: nothing was written, the rows are as before: .*No space left.* Fix: make room "
    ):
        tables.replace(SPEC, too_many)

    assert rows(tables.read(SPEC)) == [("a", 1, 2.0)]


def test_rows_that_fill_the_disk_of_sparks_own_files_are_refused_by_the_tables_name(spark, warehouse):
    warehouse.replace(SPEC, frame(spark, ("a", 1, 2.0)))
    # As Java says it of any disk, its own scratch too, while the rows are computed.
    full = frame(spark, ("b", 1, 2.0)).withColumn("day", F.raise_error(F.lit("No space left on device")).cast("int"))

    with pytest.raises(TableError, match=r"il\.things: nothing was written.*No space left.*Fix: make room on the disk"):
        warehouse.replace(SPEC, full)
    with pytest.raises(Exception, match="no price"):
        broken = frame(spark, ("b", 1, 2.0)).withColumn("day", F.raise_error(F.lit("no price")).cast("int"))
        warehouse.replace(SPEC, broken)

    assert rows(warehouse.read(SPEC)) == [("a", 1, 2.0)]
