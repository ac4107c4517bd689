"""One lazy local Spark for the whole session, UTC, in a scratch folder of its own."""

import os
from pathlib import Path

import hypothesis
import pytest

from pma.settings import Settings
from pma.spark import SparkSettings, spark_session
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse

# What an example takes depends on what else the machine does: that is no property of the code.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

REPOSITORY = Path(__file__).parent.parent
TEST_SPARK = SparkSettings(
    master="local[2]",
    driver_memory="2g",
    conf={
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.databricks.delta.snapshotPartitions": "2",
        # Vacuum lists a folder in ten thousand tasks by default.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
        # A short-lived JVM compiles more than it computes: the first compiler alone takes half its processor time.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    },
)


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    scratch = tmp_path_factory.mktemp("spark")
    os.environ["SPARK_LOCAL_DIRS"] = str(scratch)
    conf = {**TEST_SPARK.conf, "spark.sql.warehouse.dir": str(scratch / "warehouse")}
    session = spark_session(TEST_SPARK.model_copy(update={"conf": conf}), "pma tests")
    yield session
    session.stop()


@pytest.fixture
def warehouse(spark, tmp_path):
    return Warehouse(spark, WarehouseSettings(path=str(tmp_path / "warehouse")), run_id="test")


@pytest.fixture
def settings():
    return Settings()
