"""Spark as `make run` has it, the warehouse that it left, only read; and the table of bars that studies end with."""

from typing import NamedTuple

import pytest

from pma.settings import load
from pma.sources.tables import PURCHASES
from pma.spark import spark_session
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY

JUDGED = pytest.StashKey[list]()


class Line(NamedTuple):
    """A line of the table; `bar` and `holds` are None of a number that stands beside the others."""

    what: str
    bar: str | None
    measured: str
    holds: bool | None

    @property
    def verdict(self):
        return "" if self.holds is None else "holds" if self.holds else "MISSED"


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


@pytest.fixture
def judge(request):
    """Take lines (what, bar, measured, holds) into the table that ends the run; the test fails where a bar is missed.

    Called once by a test, with all its lines: one that is missed hides no other.
    """

    def taken(*lines):
        # A comparison of numpy's is no bool of Python's.
        found = [Line(*said, None if holds is None else bool(holds)) for *said, holds in lines]
        request.config.stash.setdefault(JUDGED, []).extend(found)
        missed = [f"{line.what}: {line.measured}, bar {line.bar}" for line in found if line.holds is False]
        assert not missed, "; ".join(missed)

    return taken


def pytest_terminal_summary(terminalreporter, config):
    lines = config.stash.get(JUDGED, [])
    if lines:
        terminalreporter.section("bars")
        terminalreporter.write_line("| what | bar | measured | verdict |\n|---|---|---|---|")
        for line in lines:
            terminalreporter.write_line(f"| {line.what} | {line.bar or ''} | {line.measured} | {line.verdict} |")
