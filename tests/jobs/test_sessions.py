"""The job of sessions on a few files: from events as they come to sessions, and what a second load adds."""

import runpy

import pandas as pd
import pytest
import yaml

from pma.checks import QUARANTINE
from pma.marketing.tables import EVENTS, IDENTITIES, SESSIONS
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse, fingerprint
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.marketing.clicks import event

GOOGLE = "?utm_source=google&utm_medium=cpc&utm_campaign=DE_gads_search_brand_demand_01&gclid=G"


@pytest.fixture
def feed(spark, tmp_path):
    """The warehouse, and a way to write events as files and run the job on them."""
    tables = Warehouse(spark, WarehouseSettings(path=str(tmp_path / "warehouse")), run_id="test")
    settings = {
        "spark": TEST_SPARK.model_dump(),
        "warehouse": {"path": str(tmp_path / "warehouse")},
        "feeds": {"folder": str(tmp_path), "max_refused_share": 0.5},
        "rules": str(REPOSITORY / "conf/rules"),
    }
    conf = tmp_path / "conf.yml"
    conf.write_text(yaml.safe_dump(settings))
    job = runpy.run_path(str(REPOSITORY / "jobs/sessions.py"))["main"]

    def load(events):
        (tmp_path / "events").mkdir(exist_ok=True)
        pd.DataFrame(events).to_parquet(tmp_path / "events" / "part.parquet", coerce_timestamps="us")
        job(["--conf", str(conf)])

    return tables, load


def test_a_second_load_with_late_events_makes_their_devices_anew_and_a_third_changes_nothing(feed):
    tables, load = feed
    first = [
        event("a2", 20),
        event("b1", 0, device="d2", user_id="u1"),
        event(None, 1),
        event("b1", 0, device="d2", user_id="u1"),
    ]
    load(first)

    def sessions():
        rows = tables.read(SESSIONS).collect()
        return sorted((r.anonymous_id, r.user_id, r.channel, r.events) for r in rows)

    assert sessions() == [("d1", None, "direct", 1), ("d2", "u1", "direct", 1)]
    load([*first, event("a1", 10, GOOGLE)])
    assert sessions() == [("d1", None, "google_search_brand", 2), ("d2", "u1", "direct", 1)]
    before = {spec.name: fingerprint(tables.read(spec)) for spec in (EVENTS, IDENTITIES, SESSIONS)}
    load(first)
    assert {spec.name: fingerprint(tables.read(spec)) for spec in (EVENTS, IDENTITIES, SESSIONS)} == before
    (refused,) = tables.read(QUARANTINE).collect()
    assert (refused.source_table, refused.reasons, refused.copies) == ("st_il.st_events", ["missing_event_id"], 1)
