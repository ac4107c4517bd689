"""Spark as `make run` has it, and the warehouse that it left, only read."""

import pytest

from pma.settings import load
from pma.sources.tables import PURCHASES
from pma.spark import spark_session
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    ours = load([REPOSITORY / "conf/local.yml"]).spark
    conf = {**ours.conf, "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("spark") / "warehouse")}
    session = spark_session(ours.model_copy(update={"conf": conf}), "pma studies")
    yield session
    session.stop()


@pytest.fixture
def tables(spark):
    tables = Warehouse(spark, WarehouseSettings(path=str(REPOSITORY / "warehouse")), run_id="study")
    if not tables.exists(PURCHASES):
        pytest.skip("no purchases in warehouse/: `make run` loads them")
    return tables
