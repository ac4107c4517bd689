from datetime import UTC, datetime

import pytest
from deltalake import DeltaTable

from pma.runs import job_run, told
from pma.settings import Settings
from pma.tables import Column, TableSpec

THINGS = TableSpec(
    name="il.things",
    grain="thing",
    key=("thing",),
    columns=(Column("thing", "string", "which thing"), Column("value", "double", "euros")),
)


@pytest.fixture
def conf(tmp_path, monkeypatch):
    """A settings file of a warehouse of its own, for code of a known version."""
    monkeypatch.setenv("PMA_CODE_VERSION", "v1")
    path = tmp_path / "own.yml"
    path.write_text(f"warehouse: {{path: {tmp_path / 'warehouse'}}}")
    return path


def runs(conf):
    """The rows of bl.runs without their times and settings' digest, which are checked here, by run id."""
    found = DeltaTable(str(conf.parent / "warehouse/bl/runs")).to_pyarrow_table().to_pylist()
    for row in found:
        started, ended = row.pop("started_at"), row.pop("ended_at")
        assert started <= ended <= datetime.now(UTC)
        assert len(row.pop("config_hash")) == 12
        row["input_versions"], row["rows"] = dict(row["input_versions"]), dict(row["rows"])
    return sorted(found, key=lambda row: row["run_id"])


def write_and_read(run):
    run.tables.replace(THINGS, run.spark.createDataFrame([("a", 1.0), ("b", None)], "thing string, value double"))
    run.tables.read(THINGS)


def test_a_job_that_ends_well_and_one_that_fails_each_leave_one_row(spark, conf):
    with job_run("good", ["--conf", str(conf), "--run-id", "r1"]) as run:
        write_and_read(run)
    with (
        pytest.raises(ValueError, match="no such thing"),
        job_run("worse", ["--conf", str(conf), "--run-id", "r1"]) as run,
    ):
        run.tables.read(THINGS)
        raise ValueError("no such thing")

    assert runs(conf) == [
        {
            "run_id": "r1.good",
            "job": "good",
            "code_version": "v1",
            "input_versions": {"il.things": 1},
            "status": "succeeded",
            "message": None,
            "rows": {"il.things": 2},
        },
        {
            "run_id": "r1.worse",
            "job": "worse",
            "code_version": "v1",
            "input_versions": {"il.things": 1},
            "status": "failed",
            "message": "ValueError: no such thing",
            "rows": {},
        },
    ]


def test_a_second_try_of_a_task_overwrites_the_row_of_the_first(spark, conf):
    with pytest.raises(KeyboardInterrupt), job_run("load", ["--conf", str(conf), "--run-id", "r1"]) as run:
        write_and_read(run)
        raise KeyboardInterrupt
    with job_run("load", ["--conf", str(conf), "--run-id", "r1"]):
        pass

    assert runs(conf) == [
        {
            "run_id": "r1.load",
            "job": "load",
            "code_version": "v1",
            "input_versions": {},
            "status": "succeeded",
            "message": None,
            "rows": {},
        }
    ]


def test_a_job_that_fails_before_its_own_first_line_leaves_its_row(spark, conf):
    log = conf.parent / "warehouse" / "bl" / "broken" / "_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000000.json").write_text("{")

    with pytest.raises(Exception, match="broken"), job_run("load", ["--conf", str(conf), "--run-id", "r1"]):
        pass

    (row,) = runs(conf)
    assert (row["run_id"], row["status"], "broken" in row["message"]) == ("r1.load", "failed", True)


def test_runs_outside_a_workflow_have_ids_of_their_own(spark, conf):
    for _ in range(2):
        with job_run("load", ["--conf", str(conf)]):
            pass
    ids = [row["run_id"] for row in runs(conf)]
    assert len(set(ids)) == 2
    assert all(name.endswith(".load") for name in ids)


def test_the_log_tells_the_settings_without_their_secrets_wherever_they_stand():
    options = {"url": "jdbc:x://host?password=hush", "dbtable": "receipts", "user": "ann", "password": "hush"}
    conf = {
        "spark.hadoop.fs.s3a.secret.key": "hush",
        "spark.driver.extraJavaOptions": "-Djavax.net.ssl.trustStorePassword=hush",
        "spark.hadoop.proxy": "http://ann:hush@proxy:80",
        "spark.sql.shuffle.partitions": "7",
    }
    settings = Settings.model_validate(
        {"sources": {"purchases": {"format": "jdbc", "options": options}}, "spark": {"conf": conf}}
    )

    said = told(settings)

    assert "hush" not in said
    assert '"dbtable": "receipts"' in said
    assert '"spark.sql.shuffle.partitions": "7"' in said
    assert '"spark.hadoop.fs.s3a.secret.key": "(not shown)"' in said
    assert (settings.sources.purchases.options, settings.spark.conf) == (options, conf)
