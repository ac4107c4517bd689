"""The job of attribution on a few files: from listings, orders and sessions to the credit of every session."""

import runpy
from decimal import Decimal

import pandas as pd
import pytest
import yaml

from pma.checks import QUARANTINE
from pma.marketing.tables import CONVERSIONS, EVENT_ATTRIBUTION, MODELS, SESSIONS
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse, fingerprint
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.marketing.journeys import AT, ORDER, UPLOAD, days, sessions_of, visit

LISTINGS = [("l1", "anna", "DE", AT, "900.10"), ("l2", "anna", "DE", AT + days(1), "50")]
ORDERS = [
    ("o1", "l1", "ben", "FR", AT + days(2), "900.10", "0"),
    ("o1", "l1", "ben", "FR", AT + days(2), "900.10", "0"),
    *[(f"o{n}", "l2", f"user {n}", "DE", AT, "10", "0") for n in range(2, 20)],
    ("o20", "l9", "ben", "FR", AT + days(3), "1", "0"),
]
VISITS = [visit("a", "anna", 3, "newsletter"), visit("b", "ben", 1, "seo"), visit("c", "ben", 0, "direct")]


@pytest.fixture
def written(spark, tmp_path):
    """Files and sessions as the job finds them, and a way to run it."""
    folder = tmp_path / "feeds"
    of_listing = ["listing_id", "user_id", "country", "created_at", "price"]
    of_order = ["order_id", "listing_id", "user_id", "country", "completed_at", "value", "refunded_value"]
    for name, rows, columns in (("listings", LISTINGS, of_listing), ("orders", ORDERS, of_order)):
        (folder / name).mkdir(parents=True)
        pd.DataFrame(rows, columns=columns).to_parquet(folder / name / "part.parquet", coerce_timestamps="us")
    tables = Warehouse(spark, WarehouseSettings(path=str(tmp_path / "warehouse")), run_id="test")
    given = sessions_of(spark, VISITS)
    # What attribution does not look at says nothing.
    stand_in = {"ended_at": "started_at", "session_date": "started_at", "source": "'any'", "medium": "'any'"}
    filled = {c.name: "1" if c.required else "null" for c in SESSIONS.columns if c.name not in given.columns} | stand_in
    columns = {name: filled.get(name, name) for name in SESSIONS.schema.names}
    cast = [f"cast({columns[c.name]} AS {c.dataType.simpleString()}) AS {c.name}" for c in SESSIONS.schema]
    tables.replace(SESSIONS, given.selectExpr(*cast))
    conf = tmp_path / "conf.yml"
    settings = {
        "spark": TEST_SPARK.model_dump(),
        "warehouse": {"path": str(tmp_path / "warehouse")},
        "feeds": {"folder": str(folder), "origin": "simulated marketplace", "max_refused_share": 0.06},
    }
    conf.write_text(yaml.safe_dump(settings))
    job = runpy.run_path(str(REPOSITORY / "jobs/attribution.py"))["main"]
    return tables, lambda: job(["--conf", str(conf)])


def test_the_job_credits_every_conversion_refuses_an_order_of_nothing_and_a_rerun_changes_nothing(written):
    tables, run = written
    run()
    rows = tables.read(EVENT_ATTRIBUTION).collect()
    sums = {}
    for row in rows:
        weight, value = sums.get((row["conversion_id"], row["model"]), (0, 0))
        sums[row["conversion_id"], row["model"]] = weight + row["weight"], value + row["value"]
    values = {"upload:l1": 0, "upload:l2": 0, "order:o1": Decimal("900.1"), **{f"order:o{n}": 10 for n in range(2, 20)}}
    assert sums == {(name, model): (1, value) for name, value in values.items() for model in MODELS}

    linear = [row for row in rows if row["model"] == "linear" and row["touches"]]
    assert sorted(
        (row["conversion_id"], row["session_id"], row["conversion_type"], row["value"]) for row in linear
    ) == [
        ("order:o1", "b", ORDER, Decimal("450.05")),
        ("order:o1", "c", ORDER, Decimal("450.05")),
        ("upload:l1", "a", UPLOAD, 0),
        ("upload:l2", "a", UPLOAD, 0),
    ]
    (refused,) = tables.read(QUARANTINE).collect()
    assert (refused["source_table"], refused["reasons"], refused["copies"]) == ("il.orders", ["unknown_listing"], 1)
    assert {row["data_origin"] for row in tables.read(CONVERSIONS).collect()} == {"simulated marketplace"}

    before = fingerprint(tables.read(EVENT_ATTRIBUTION)), fingerprint(tables.read(CONVERSIONS))
    run()
    assert (fingerprint(tables.read(EVENT_ATTRIBUTION)), fingerprint(tables.read(CONVERSIONS))) == before
    assert tables.read(QUARANTINE).count() == 1
