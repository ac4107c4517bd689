"""One row per job run in `bl.runs`, whether it succeeded or failed, and the frame every job runs in."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
from pyspark.sql import SparkSession

from pma.delta_rs import FolderTables
from pma.query import register
from pma.settings import Settings, masked, parse
from pma.spark import spark_session
from pma.tables import Column, TableSpec
from pma.views import read_views
from pma.warehouse import Warehouse

logger = logging.getLogger("pma")

RUNS = TableSpec(
    name="bl.runs",
    grain="job run",
    key=("run_id",),
    columns=(
        Column("run_id", "string", "the workflow's run id, a dot, the job; a second try of a task overwrites its row"),
        Column("job", "string", "name of the job script", required=True),
        Column("code_version", "string", "git commit, `+changes` where the tree differs; `unknown` outside a checkout"),
        Column("config_hash", "string", "digest of all settings", required=True),
        Column("input_versions", "map<string,bigint>", "Delta version of every table read"),
        Column("started_at", "timestamp", "UTC", required=True),
        Column("ended_at", "timestamp", "UTC", required=True),
        Column("status", "string", "`succeeded` or `failed`", required=True),
        Column("message", "string", "the error of a failed run"),
        Column("rows", "map<string,bigint>", "rows written per table"),
    ),
    checks={"status_is_known": "status IN ('succeeded', 'failed')"},
)


@dataclass
class Run:
    """What a job has in hand: its settings, the session, the tables and its id."""

    job: str
    run_id: str
    settings: Settings
    spark: SparkSession
    tables: Warehouse
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class PlainRun:
    """What a job without Spark has in hand."""

    job: str
    run_id: str
    settings: Settings
    tables: FolderTables
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@contextmanager
def job_run(job: str, argv: Sequence[str] | None = None) -> Iterator[Run]:
    """Run a job's body: parse the command line, start the session, and write the run's row whatever happens.

    Raises whatever the body raises, after the row is written.
    """
    settings, run_id = _begun(job, argv)
    spark = spark_session(settings.spark, f"pma {job}")
    run = Run(job, run_id, settings, spark, Warehouse(spark, settings.warehouse, run_id))

    def record(row: tuple[Any, ...]) -> None:
        run.tables.merge(RUNS, spark.createDataFrame([row], RUNS.schema))

    with _recorded(run, record):
        register(spark, settings.warehouse, read_views(settings.rules))
        yield run


@contextmanager
def plain_run(job: str, argv: Sequence[str] | None = None) -> Iterator[PlainRun]:
    """The same for a job that starts no Spark: its tables are read and appended to by delta-rs."""
    settings, run_id = _begun(job, argv)
    run = PlainRun(job, run_id, settings, FolderTables(settings.warehouse, run_id))

    def record(row: tuple[Any, ...]) -> None:
        # A map is a list of pairs for Arrow.
        cells = [list(cell.items()) if isinstance(cell, dict) else cell for cell in row]
        run.tables.append(RUNS, pd.DataFrame([cells], columns=[column.name for column in RUNS.columns], dtype=object))

    with _recorded(run, record):
        yield run


def _begun(job: str, argv: Sequence[str] | None) -> tuple[Settings, str]:
    settings, shared = parse(argv, job)
    run_id = f"{shared or new_run_id()}.{job}"
    log_to_stderr(run_id)
    logger.info("settings %s: %s", settings.digest(), told(settings))
    return settings, run_id


@contextmanager
def _recorded(run: Run | PlainRun, record: Callable[[tuple[Any, ...]], None]) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    except BaseException as error:
        _record(run, record, "failed", f"{type(error).__name__}: {error}"[:2000])
        logger.error("failed after %.0f s: %s", time.monotonic() - started, error)
        raise
    _record(run, record, "succeeded", None)
    logger.info("succeeded in %.0f s", time.monotonic() - started)


def told(settings: Settings) -> str:
    """Return what differs from the defaults, as JSON for the log, without the secrets."""
    return json.dumps(masked(settings.model_dump(mode="json", exclude_defaults=True)))


def _record(run: Run | PlainRun, record: Callable[[tuple[Any, ...]], None], status: str, message: str | None) -> None:
    row = (
        run.run_id,
        run.job,
        code_version(),
        run.settings.digest(),
        run.tables.read_versions,
        run.started_at,
        datetime.now(UTC),
        status,
        message,
        run.tables.rows_written,
    )
    try:
        record(row)
    except Exception as error:
        # The job's own error matters more than its missing row; a success without its row is no success.
        logger.error("bl.runs: the row of run %s was not written: %s", run.run_id, error)
        if status == "succeeded":
            raise


def new_run_id() -> str:
    """Return an id that sorts by time: 20261122T131500-1a2b3c."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"


def code_version() -> str:
    """Return the commit of the code: PMA_CODE_VERSION where a deployment sets it, else git's answer."""
    if given := os.environ.get("PMA_CODE_VERSION"):
        return given
    here = Path(__file__).parent
    try:
        commit = _git(here, "rev-parse", "--short=12", "HEAD")
        return commit + ("+changes" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def log_to_stderr(run_id: str) -> None:
    """Send the log to standard error, each line with time and run id."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s {run_id} %(message)s", "%H:%M:%S"))
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
