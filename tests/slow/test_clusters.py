"""The real job on a cluster of two nodes, one of which is killed half-way: no fit is lost, and none differs."""

import re
import signal
import subprocess
import sys

import pandas as pd
import psutil
import pytest
import yaml
from deltalake import DeltaTable

from pma.mmm.input.calendar import records
from pma.mmm.input.tables import MMM_INPUT, MMM_READINESS
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.mmm.media_world import media_world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
GEOS = ("AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FR")
FIT = {
    "targets": ["uploads"],
    "methods": ["bayes"],
    "chains": 2,
    "tune": 500,
    "draws": 500,
    "kept_draws": 20,
    "land_seconds": 1.0,
}


@pytest.fixture(scope="module")
def inputs(spark, tmp_path_factory):
    """Write the input of eight geos into a warehouse of its own; a function of a name."""

    def write(name):
        folder = tmp_path_factory.mktemp(name)
        tables = Warehouse(spark, WarehouseSettings(path=str(folder / "warehouse")), run_id="before")
        rows = pd.concat([media_world(weeks=104, channels=4, seed=i, geo=geo).rows for i, geo in enumerate(GEOS)])
        rows = rows.assign(impressions=None, unit="count", gap=None, data_origin="a test", run_id="before")
        rows = rows[[column.name for column in MMM_INPUT.columns]]
        tables.replace(MMM_INPUT, spark.createDataFrame(records(rows), MMM_INPUT.schema))
        tables.replace(MMM_READINESS, spark.createDataFrame([], MMM_READINESS.schema))
        return folder

    return write


def start(folder, spark=None, **parallel):
    """Start the job; its log can be read line by line."""
    given = {
        "rules": str(REPOSITORY / "conf" / "rules"),
        "spark": {**TEST_SPARK.model_dump(), **(spark or {})},
        "warehouse": {"path": str(folder / "warehouse")},
        "parallel": {"max_failed_share": 0.0, "log_every_seconds": 1.0, **parallel},
        "mmm": {"fit": FIT},
    }
    (folder / "settings.yml").write_text(yaml.safe_dump(given))
    words = [sys.executable, "jobs/fit_mmm.py", "--conf", str(folder / "settings.yml")]
    return subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def until(job, pattern):
    """Read the job's log up to a line with the pattern, and return what it said till then."""
    said = []
    for line in job.stderr:
        said.append(line)
        if re.search(pattern, line):
            return said
    raise AssertionError(f"the job never said {pattern!r}: {''.join(said[-20:])}")


def summaries(folder):
    rows = DeltaTable(str(folder / "warehouse" / "bl" / "mmm_channel_summary")).to_pandas()
    return rows.drop(columns="run_id").sort_values(["geo", "channel"], ignore_index=True)


def ended_whole(job, folder):
    """The job ends well, with a fit of every geo."""
    rest = job.stderr.read()
    assert job.wait() == 0, rest[-3000:]
    runs = DeltaTable(str(folder / "warehouse" / "bl" / "mmm_runs")).to_pandas()
    assert sorted(runs["geo"]) == list(GEOS) and set(runs["status"]) <= {"ok", "flagged"}
    return rest


@pytest.fixture(scope="module")
def alone(inputs):
    """What one process gives."""
    folder = inputs("alone")
    ended_whole(start(folder, engine="serial"), folder)
    return summaries(folder)


def test_the_job_itself_is_killed_and_the_next_run_makes_what_is_missing(inputs, alone):
    folder = inputs("killed")
    job = start(folder, engine="joblib", workers=2)
    until(job, "st_il.mmm_landed: [1-7] rows written")
    job.kill()
    assert job.wait() == -signal.SIGKILL
    landed = DeltaTable(str(folder / "warehouse" / "st_il" / "mmm_landed")).to_pandas()
    assert 0 < len(landed) < len(GEOS)
    ended_whole(start(folder, engine="joblib", workers=2), folder)
    after = DeltaTable(str(folder / "warehouse" / "st_il" / "mmm_landed")).to_pandas()
    assert set(landed["run_id"]) < set(after["run_id"]) and sorted(after["geo"]) == list(GEOS)
    pd.testing.assert_frame_equal(alone, summaries(folder))


def test_ray_on_two_nodes_loses_one_and_no_fit(inputs, alone):
    from ray.cluster_utils import Cluster

    folder = inputs("ray")
    memory = 200 * 2**20
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": memory})
    try:
        second = cluster.add_node(num_cpus=1, object_store_memory=memory)
        cluster.wait_for_nodes()
        job = start(folder, engine="ray", ray_address=cluster.address)
        until(job, "st_il.mmm_landed: [1-7] rows written")
        cluster.remove_node(second, allow_graceful=False)
        ended_whole(job, folder)
    finally:
        cluster.shutdown()
    pd.testing.assert_frame_equal(alone, summaries(folder))


def test_spark_on_two_executors_loses_one_and_no_fit(inputs, alone):
    folder = inputs("spark")
    job = start(folder, spark={"master": "local-cluster[2,1,1024]"}, engine="pandas_udf", partitions=8)
    until(job, "pandas_udf running: [1-9]")
    executors = [
        process
        for process in psutil.Process(job.pid).children(recursive=True)
        if process.name() == "java" and any("CoarseGrainedExecutorBackend" in part for part in process.cmdline())
    ]
    assert len(executors) == 2
    executors[0].send_signal(signal.SIGKILL)
    ended_whole(job, folder)
    pd.testing.assert_frame_equal(alone, summaries(folder))
