"""What the benchmarks start from: a session with the local settings, and the receipts of the Complete Journey."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from pma.settings import load
from pma.sources.tables import PRODUCTS, PURCHASES, STORES
from pma.spark import spark_session
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from pma.workflow import main as workflow

MAIN = Path("warehouse")


def session(folder: Path) -> tuple[SparkSession, Warehouse]:
    """Return Spark as `make run` starts it, and an empty warehouse in the folder."""
    settings = load(["conf/local.yml"])
    spark = spark_session(settings.spark, "pma bench")
    return spark, Warehouse(spark, WarehouseSettings(path=str(folder / "warehouse")), "bench")


def journey(tables: Warehouse) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Return purchases, products and stores of the warehouse that `make run` filled, loading them if it has not."""
    loaded = Warehouse(tables.spark, WarehouseSettings(path=str(MAIN)), "bench")
    if not all(loaded.exists(spec) for spec in (PURCHASES, PRODUCTS, STORES)):
        workflow(["run", "conf/bundle/embeddings.job.yml", "--var", "conf=conf/local.yml", "--only", "load"])
    purchases, products, stores = (loaded.read(spec) for spec in (PURCHASES, PRODUCTS, STORES))
    return purchases, products, stores
