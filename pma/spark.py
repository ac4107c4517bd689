"""The one way to a Spark session: on a laptop, under spark-submit, on Databricks and on EMR."""

from __future__ import annotations

import logging
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from pma.section import Section

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)

DELTA_CONF = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
# Every date and hour in the tables is read in one zone, whatever the machine's own is.
SESSION_CONF = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # Java compiles no longer method: what Spark makes of many rules would be interpreted, ten times slower.
    "spark.sql.codegen.hugeMethodLimit": "8000",
}
# Four tries of a task also on one machine: `local[N]` alone fails a job when one Python worker dies.
TASK_TRIES = 4
# Delta's names for a commit that another writer's came before, in whatever package the cluster's Delta has them.
CONFLICTS = {
    "DeltaConcurrentModificationException",
    "ConcurrentWriteException",
    "MetadataChangedException",
    "ProtocolChangedException",
    "ConcurrentAppendException",
    "ConcurrentDeleteReadException",
    "ConcurrentDeleteDeleteException",
    "ConcurrentTransactionException",
}
# What two writers add at once is there for the one that comes second, a new table's folder before its first commit too.
ADDED_TWICE = ("ALREADY_EXISTS]", "DUPLICATE_COLUMNS_FOUND]", "CREATE_TABLE_WITH_NON_EMPTY_LOCATION]")


class SparkSettings(Section):
    """How to start Spark where nobody started it; a cluster's own values win over `conf`."""

    master: str | None = Field(None, description="None leaves it to spark-submit; local[2] on a laptop")
    driver_memory: str | None = Field(None, description="heap of the driver, such as 3g; only where pma starts the JVM")
    conf: dict[str, str] = Field(default_factory=dict, description="further Spark properties")


def spark_session(settings: SparkSettings, app_name: str) -> SparkSession:
    """Return the running session, or start one that can read and write Delta.

    On Databricks, EMR or any spark-submit the cluster's session is taken, with our time zone. Elsewhere a local one is
    started; Delta's jars come from the first of: Spark's jars folder, `PMA_DELTA_JARS` (comma-separated paths), Maven.
    """
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    active = SparkSession.getActiveSession()
    if active is not None:
        for key, value in SESSION_CONF.items():
            active.conf.set(key, value)
        return active
    cluster = _cluster_conf()
    own = {key: value for key, value in settings.conf.items() if cluster is None or not cluster.contains(key)}
    builder = SparkSession.builder.appName(app_name)
    for key, value in {**SESSION_CONF, **own}.items():
        builder = builder.config(key, value)
    if not _cluster_brings_delta(cluster):
        builder = _with_delta(_with_master(builder, settings))
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _cluster_conf() -> SparkConf | None:
    """Return the properties of the Spark that was there before this process asked for one, if one was."""
    from pyspark import SparkConf, SparkContext

    if "PYSPARK_GATEWAY_PORT" in os.environ:
        # spark-submit's properties are those of the JVM that started this process: Python sees them once it joined.
        SparkContext._ensure_initialized()
        return SparkConf()
    context = SparkContext._active_spark_context
    return context.getConf() if context is not None else None


def _cluster_brings_delta(cluster: SparkConf | None) -> bool:
    """Databricks always does; EMR and spark-submit do when they name Delta's extension on the command line."""
    from pyspark import SparkContext

    submitted = os.environ.get("PYSPARK_SUBMIT_ARGS", "") + os.environ.get("SPARK_SUBMIT_OPTS", "")
    if "DATABRICKS_RUNTIME_VERSION" in os.environ or "DeltaSparkSessionExtension" in submitted:
        return True
    # A context that runs already is taken as it is.
    if SparkContext._active_spark_context is not None:
        return True
    return cluster is not None and "DeltaSparkSessionExtension" in (cluster.get("spark.sql.extensions", "") or "")


def _with_master(builder: SparkSession.Builder, settings: SparkSettings) -> SparkSession.Builder:
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return builder
    master, origin = settings.master, "spark.master"
    if not master:
        master, origin = os.environ.get("MASTER"), "the environment's MASTER, for spark.master is not set"
    if not master:
        master, origin = "local[*]", "all cores of this machine, for neither spark.master nor MASTER is set"
    logger.info("Spark's master is %s: %s", master, origin)
    if master.startswith("local[") and "," not in master:
        master = f"{master[:-1]},{TASK_TRIES}]"
    builder = builder.master(master)
    for key in ("spark.driver.host", "spark.driver.bindAddress"):
        builder = builder.config(key, "127.0.0.1")
    if settings.driver_memory:
        builder = builder.config("spark.driver.memory", settings.driver_memory)
    return builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")


def _with_delta(builder: SparkSession.Builder) -> SparkSession.Builder:
    for key, value in DELTA_CONF.items():
        builder = builder.config(key, value)
    if os.environ.get("PMA_DELTA_JARS"):
        return builder.config("spark.jars", os.environ["PMA_DELTA_JARS"])
    if any(spark_home().glob("jars/delta-spark_*.jar")):
        return builder
    from delta import configure_spark_with_delta_pip

    logger.info("Delta's jars are not on this machine: Spark fetches them from Maven (set PMA_DELTA_JARS to avoid it)")
    return configure_spark_with_delta_pip(builder)


def spark_home() -> Path:
    """Return the folder of the Spark that Python will start: SPARK_HOME, else the installed pyspark package."""
    if os.environ.get("SPARK_HOME"):
        return Path(os.environ["SPARK_HOME"])
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("pyspark is not installed here: pip install 'pma[spark]', or submit to a cluster")
    return Path(found.origin).parent


def cause(error: Exception) -> str:
    """Return the line of a complaint that says what went wrong: Delta's error class or the last cause, not a stack."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # After "An error occurred while calling ..." Java names the error; its last cause is what happened.
    telling = [line for line in lines if "[DELTA_" in line] or [x for x in lines if x.startswith(("Caused by: ", ": "))]
    found = telling[-1] if telling else lines[0] if lines else type(error).__name__
    return found.removeprefix("Caused by: ").removeprefix(": ")[:500]


def lost_race(error: Exception) -> bool:
    """Say whether Delta refused because another writer's commit came first: what was tried may be tried again.

    Java's classes are asked by name, those of the causes too: Delta's Python classes for them are raised only where
    something imported `delta.exceptions.captured`, which not every cluster's Delta has.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    while java is not None:
        names.add(java.getClass().getSimpleName())
        java = java.getCause()
    return bool(names & CONFLICTS) or any(condition in str(error) for condition in ADDED_TWICE)


def literal(text: str) -> str:
    """Return a text as Spark SQL writes it, in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
