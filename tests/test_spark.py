import os
import subprocess
import sys

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pma.spark import DELTA_CONF, spark_home, spark_session
from tests.conftest import REPOSITORY, TEST_SPARK

FEW_TASKS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
}
TELLING = """
import runpy
from pyspark.sql import SparkSession
runpy.run_path("jobs/maintain.py", run_name="__main__")
spark = SparkSession.getActiveSession()
print(f"session: {spark.sparkContext.master}, {spark.conf.get('spark.sql.shuffle.partitions')} partitions")
"""


@pytest.fixture
def cluster(tmp_path):
    """The home of a Spark without Delta, and Delta's jars beside it: a cluster names them on the command line."""
    home = tmp_path / "spark"
    (home / "jars").mkdir(parents=True)
    for entry in spark_home().iterdir():
        if entry.name != "jars":
            (home / entry.name).symlink_to(entry)
    jars = list((spark_home() / "jars").iterdir())
    delta = [jar for jar in jars if jar.name.startswith("delta-")]
    for jar in set(jars) - set(delta):
        (home / "jars" / jar.name).symlink_to(jar)
    return home, delta


def test_a_job_submitted_to_a_cluster_takes_its_spark_and_its_delta(cluster, tmp_path):
    home, delta = cluster
    tables = tmp_path / "warehouse"
    stores = pa.table({"store_id": ["s1"], "state": ["TX"], "is_standin": [True]})
    write_deltalake(str(tables / "il/stores"), stores)
    conf = tmp_path / "cluster.yml"
    # A master that would fail, more memory than there is, other partitions: the cluster's own must be taken.
    foreign = "{master: 'spark://nowhere:1', driver_memory: 900g, conf: {spark.sql.shuffle.partitions: '7'}}"
    conf.write_text(f"{{warehouse: {{path: {tables}}}, spark: {foreign}}}")
    script = tmp_path / "maintain_and_tell.py"
    script.write_text(TELLING)
    options = ["--master", "local[1]", "--driver-memory", "1g", "--jars", ",".join(map(str, delta))]
    for key, value in {**DELTA_CONF, **FEW_TASKS}.items():
        options += ["--conf", f"{key}={value}"]

    done = subprocess.run(
        [home / "bin/spark-submit", *options, script, "--conf", conf, "--run-id", "r1"],
        cwd=REPOSITORY,
        env={**os.environ, "SPARK_HOME": str(home), "PMA_CODE_VERSION": "v1"},
        capture_output=True,
        text=True,
        check=False,
    )

    # spark-submit hands all that a job's Python says to its own standard output.
    assert done.returncode == 0, done.stdout + done.stderr
    assert "il.stores: 1 files before maintenance" in done.stdout
    assert "session: local[1], 2 partitions" in done.stdout
    # What pma says where it starts Spark, or looks for Delta, itself.
    assert "Spark's master is" not in done.stdout
    assert "Delta's jars are not on this machine" not in done.stdout
    (row,) = DeltaTable(str(tables / "bl/runs")).to_pyarrow_table().to_pylist()
    told = {key: row[key] for key in ("run_id", "job", "code_version", "status", "message", "rows", "input_versions")}
    assert told == {
        "run_id": "r1.maintain",
        "job": "maintain",
        "code_version": "v1",
        "status": "succeeded",
        "message": None,
        "rows": [],
        "input_versions": [],
    }


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"MASTER": "local[1]"}, "Spark's master is local[1]: the environment's MASTER, for spark.master is not set"),
        ({}, "Spark's master is local[*]: all cores of this machine, for neither spark.master nor MASTER is set"),
    ],
)
def test_a_master_that_the_settings_do_not_name_is_said_in_the_log(environment, said):
    script = """
import logging
from pma.spark import SparkSettings, spark_session
logging.basicConfig(level=logging.INFO)
spark_session(SparkSettings(driver_memory="1g"), "said").stop()
"""
    own = {key: value for key, value in os.environ.items() if key != "MASTER"}
    done = subprocess.run(
        [sys.executable, "-c", script], env={**own, **environment}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, said in done.stderr) == (0, True), done.stderr


def test_a_session_that_is_there_is_taken_and_reads_dates_in_our_zone(spark):
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    assert spark_session(TEST_SPARK, "mine") is spark
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
