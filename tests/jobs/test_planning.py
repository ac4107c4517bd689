"""The jobs of planning on tables by hand: listings and orders of a known bridge, fits of a known form."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import yaml
from deltalake import DeltaTable

from jobs.plan_actuals import main as plan_actuals
from jobs.plan_budget import main as plan_budget
from jobs.upload_bridge import main as upload_bridge
from pma.marketing.tables import LISTINGS, ORDERS
from pma.mmm.input.tables import MMM_INPUT
from pma.mmm.tables import MMM_CONTRIBUTIONS, MMM_FIT_WEEKS, MMM_POSTERIOR, MMM_RUNS
from pma.planning.plan import plan_budget as plan_of_rows
from pma.planning.settings import PlanningSettings
from pma.planning.sources import plan_inputs, write_plan
from pma.planning.tables import (
    BUDGET_FRONTIER,
    BUDGET_PLAN,
    BUDGET_PLANS,
    DESIRED_UPLOADS,
    PLAN_ACTUALS,
    PLAN_OUTLOOK,
    PLAN_SCENARIOS,
    SCENARIOS,
    TARGETS,
    UPLOAD_BRIDGE,
)
from pma.tables import TableError, WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.planning.plan_world import LAST_WEEK, posterior, weekly_spend

COUNTRIES = ("C0", "C1", "C2")
END = LAST_WEEK + timedelta(days=6)
# Every day so many uploads a country; the first of ten sells at home, of C0 the second in C1, ten days later.
A_DAY, LAG, PRICE = 10, 10, 400


def uploaded():
    """Rows of il.listings and il.orders of half a year; what was uploaded of late has not sold yet."""
    listings, orders = [], []
    for country in COUNTRIES:
        for day in range(200):
            at = datetime.combine(END - timedelta(days=day), datetime.min.time()) + timedelta(hours=9)
            for number in range(A_DAY):
                name = f"{country}-{day}-{number}"
                listings.append((name, f"seller {name}", country, at, Decimal(PRICE)))
                place = country if number == 0 else "C1" if (country, number) == ("C0", 1) else None
                if place and day >= LAG:
                    sold = at + timedelta(days=LAG)
                    orders.append((f"order {name}", name, f"buyer {name}", place, sold, Decimal(PRICE), Decimal(0)))
    return listings, orders


def rows_of(spec, rows):
    """Records of dictionaries, in the order of the table."""
    return [tuple(row.get(name) for name in spec.schema.names) for row in rows]


@pytest.fixture(scope="module")
def planned(spark, tmp_path_factory):
    """A folder in which both jobs ran once."""
    folder = tmp_path_factory.mktemp("planning")
    tables = Warehouse(spark, WarehouseSettings(path=str(folder / "warehouse")), run_id="before")
    listings, orders = uploaded()
    tables.replace(LISTINGS, spark.createDataFrame(listings, LISTINGS.schema))
    tables.replace(ORDERS, spark.createDataFrame(orders, ORDERS.schema))
    said = {"data_origin": "a test", "run_id": "before"}
    draws = posterior(targets=("gmv", "uploads"), draws=20)
    draws.loc[draws["target"] == "uploads", "coefficient"] /= 300.0
    tables.replace(
        MMM_POSTERIOR,
        spark.createDataFrame(rows_of(MMM_POSTERIOR, draws.assign(**said).to_dict("records")), MMM_POSTERIOR.schema),
    )
    fits = draws[["geo_level", "geo", "target", "method"]].drop_duplicates().assign(status="ok", **said)
    tables.replace(MMM_RUNS, spark.createDataFrame(rows_of(MMM_RUNS, fits.to_dict("records")), MMM_RUNS.schema))
    spend = weekly_spend(draws).rename(columns={"country": "geo", "channel": "variable"})
    spend = spend.assign(geo_level="country", role="paid", unit="EUR", is_complete_week=True, **said)
    tables.replace(MMM_INPUT, spark.createDataFrame(rows_of(MMM_INPUT, spend.to_dict("records")), MMM_INPUT.schema))
    weeks = [LAST_WEEK - timedelta(weeks=w) for w in range(8)]
    unpaid = pd.DataFrame([{"geo": geo, "week_start": week, "mean": 70.0} for geo in COUNTRIES for week in weeks])
    unpaid = unpaid.assign(geo_level="country", target="uploads", method="bayes", component="baseline", kind="baseline")
    unpaid = unpaid.assign(p05=60.0, p50=70.0, p95=80.0, **said)
    tables.replace(
        MMM_CONTRIBUTIONS,
        spark.createDataFrame(rows_of(MMM_CONTRIBUTIONS, unpaid.to_dict("records")), MMM_CONTRIBUTIONS.schema),
    )
    past = fits[["geo_level", "geo", "target", "method"]].merge(
        pd.DataFrame({"week_start": [LAST_WEEK - timedelta(weeks=w) for w in range(100)]}), how="cross"
    )
    level = np.where(past["target"] == "gmv", 40_000.0, 150.0)
    past = past.assign(actual=level, expected=level, p05=level, p95=level, is_explained=True, **said)
    tables.replace(
        MMM_FIT_WEEKS, spark.createDataFrame(rows_of(MMM_FIT_WEEKS, past.to_dict("records")), MMM_FIT_WEEKS.schema)
    )
    asked = [("less, of a table", "budget_factor: 0.9", None), ("of another plan", "budget_factor: 2", "another")]
    tables.replace(PLAN_SCENARIOS, spark.createDataFrame(asked, PLAN_SCENARIOS.schema))
    upload_bridge(arguments(folder))
    plan_budget(arguments(folder))
    return folder


def arguments(folder, **plan):
    given = {
        "rules": str(REPOSITORY / "conf" / "rules"),
        "spark": TEST_SPARK.model_dump(),
        "warehouse": {"path": str(folder / "warehouse")},
        "feeds": {"origin": "a test"},
        "planning": {
            "plan": plan,
            "bridge": {"horizon_days": 60, "pair_orders": 1},
            "scenarios": [{"name": "more", "budget_factor": 1.1}],
            "targets": [
                {"name": "some uploads", "metric": "uploads", "goal": 1.02 * 3 * 150 * 31 / 7},
                {"name": "too much", "metric": "gmv", "goal": 1e9, "country": "C1", "probability": 0.8},
            ],
        },
    }
    (folder / "planning.yml").write_text(yaml.safe_dump(given))
    return ["--conf", str(folder / "planning.yml")]


def settings_of(folder):
    """The settings of planning that the jobs were given."""
    return PlanningSettings.model_validate(yaml.safe_load((folder / "planning.yml").read_text())["planning"])


def place(folder, spec):
    layer, name = spec.name.split(".")
    return str(folder / "warehouse" / layer / name)


def stored(folder, spec):
    return DeltaTable(place(folder, spec)).to_pandas()


def test_an_upload_becomes_what_it_became_though_the_last_ones_have_not_sold(planned):
    bridge = stored(planned, UPLOAD_BRIDGE).set_index(["origin_country", "destination_country"])
    assert len(bridge) == 9
    assert bridge["orders_per_upload"]["C2", "C2"] == pytest.approx(0.1, rel=0.02)
    assert bridge["gmv_per_upload"]["C0", "C1"] == pytest.approx(0.1 * PRICE, rel=0.02)
    assert bridge["median_lag_days"]["C0", "C0"] == LAG
    # Where nothing ever sold there is no lag: null in SQL, not a number that is none.
    lags = DeltaTable(place(planned, UPLOAD_BRIDGE)).to_pyarrow_table()["median_lag_days"]
    assert lags.null_count == (bridge["orders"] == 0).sum() > 0
    # Sold over uploaded is too little: a twentieth of the uploads are younger than a sale.
    assert bridge["orders"]["C2", "C2"] / bridge["uploads"]["C2", "C2"] == pytest.approx(0.095)


def test_the_plan_has_a_row_for_every_country_and_channel_and_spends_the_month_to_the_cent(planned):
    rows, whole = stored(planned, BUDGET_PLAN), stored(planned, BUDGET_PLANS).iloc[0]
    assert len(rows) == 9 and set(rows["month"]) == {date(2026, 12, 1)}
    assert sum(rows["planned_spend"]) == whole["planned_spend"] == Decimal(int(rows["current_spend"].sum() * 100)) / 100
    assert whole["gain"] > 0 and 0 <= whole["gap"] < 0.01 and set(rows["data_origin"]) == {"a test"}


def test_uploads_to_aim_for_and_what_they_become(planned):
    row = stored(planned, DESIRED_UPLOADS).set_index("country").loc["C0"]
    becomes = dict(row["gmv_by_destination"])
    assert row["uploads"] > row["uploads_anyway"] == pytest.approx(70 * 31 / 7)
    assert becomes["C1"] == pytest.approx(0.1 * PRICE * row["uploads"], rel=0.02)


def test_scenarios_stand_beside_it(planned):
    sums = stored(planned, SCENARIOS).query("country == '(all)' and channel == '(all)'").set_index("scenario")
    assert sums["spend"]["more"] == pytest.approx(1.1 * sums["spend"]["base"], rel=1e-6)
    assert sums["change"]["more"] > 0 and sums["change"]["base"] == 0


def test_scenarios_of_the_table_are_planned_too(planned):
    names = set(stored(planned, SCENARIOS)["scenario"])
    assert names == {"base", "more", "less, of a table", "target: some uploads", "target: too much"}


def test_a_target_has_its_least_money_or_the_most_that_can_be(planned):
    rows = stored(planned, TARGETS).set_index("target")
    assert rows["is_reachable"].to_dict() == {"some uploads": True, "too much": False}
    row = rows.loc["some uploads"]
    assert row["p_hit"] >= 0.5 > row["p_hit_today"] and row["reached_p50"] == pytest.approx(row["goal"], rel=5e-3)
    told = stored(planned, SCENARIOS).query("scenario == 'target: some uploads' and channel != '(all)'")
    cells = told[told["country"] != "(all)"]
    assert Decimal(round(100 * cells["spend"].sum())) / 100 == row["spend"]
    assert "cannot be reached with a probability of 80%" in rows["message"]["too much"]


def test_the_frontier_rises_and_the_outlook_is_the_plans(planned):
    frontier = stored(planned, BUDGET_FRONTIER).query("country == '(all)' and metric == 'gmv'")
    frontier = frontier.sort_values("budget_factor")
    assert frontier["response"].is_monotonic_increasing and len(frontier) == 8
    outlook = stored(planned, PLAN_OUTLOOK).query("country == '(all)' and metric == 'gmv'").iloc[0]
    assert outlook["reached"] == pytest.approx(frontier.set_index("budget_factor")["reached"][1.0])
    assert outlook["spend"] == pytest.approx(float(stored(planned, BUDGET_PLANS).iloc[0]["planned_spend"]))


def test_a_plan_of_another_name_stands_beside_the_first_and_the_same_again_changes_nothing(planned):
    before = stored(planned, BUDGET_PLAN)
    plan_budget(arguments(planned, plan_id="more money", budget=60_000.0))
    rows = stored(planned, BUDGET_PLAN)
    assert set(rows["plan_id"]) == {"base", "more money"}
    plan_budget(arguments(planned))
    again, same = (
        frame[frame["plan_id"] == "base"].sort_values(["country", "channel"], ignore_index=True).drop(columns="run_id")
        for frame in (stored(planned, BUDGET_PLAN), before)
    )
    pd.testing.assert_frame_equal(again, same)
    assert np.isclose(float(sum(rows.loc[rows["plan_id"] == "more money", "planned_spend"])), 60_000.0)


def test_a_plan_that_cannot_be_writes_nothing(planned):
    before = stored(planned, BUDGET_PLANS)
    limits = [{"name": "a floor", "countries": ["C0"], "floor": 2000.0}]
    with pytest.raises(ValueError, match=r"no plan keeps to all limits.*'a floor'"):
        plan_budget(arguments(planned, plan_id="broken", budget=1000.0, max_change=None, limits=limits))
    assert len(stored(planned, BUDGET_PLANS)) == len(before)


def test_a_shorter_plan_leaves_no_month_of_the_longer_one(planned):
    plan_budget(arguments(planned, plan_id="long", months=2))
    plan_budget(arguments(planned, plan_id="long"))
    for spec in (BUDGET_PLAN, DESIRED_UPLOADS, PLAN_OUTLOOK):
        rows = stored(planned, spec)
        assert set(rows.loc[rows["plan_id"] == "long", "month"]) == {date(2026, 12, 1)}


def test_rows_that_do_not_fit_their_table_are_said_before_anything_is_written(planned, spark):
    tables = Warehouse(spark, WarehouseSettings(path=str(planned / "warehouse")), run_id="broken")
    given = settings_of(planned)
    made = plan_of_rows(plan_inputs(tables), given.model_copy(update={"scenarios": (), "targets": ()}))
    with pytest.raises(KeyError, match="reached"):
        write_plan(tables, replace(made, outlook=made.outlook.drop(columns="reached")), "a test")
    twice = pd.concat([made.scenarios, made.scenarios.iloc[:1]])
    with pytest.raises(TableError, match=r"bl.scenarios would have a row twice: plan_id \w+, scenario base"):
        write_plan(tables, replace(made, scenarios=twice), "a test")
    for spec in (BUDGET_PLAN, BUDGET_PLANS, PLAN_OUTLOOK):
        assert "broken" not in set(stored(planned, spec)["run_id"]), spec.name


def test_the_job_and_the_call_give_the_same_plan(planned, spark):
    plan_budget(arguments(planned))
    tables = Warehouse(spark, WarehouseSettings(path=str(planned / "warehouse")), run_id="call")
    made = plan_of_rows(plan_inputs(tables), settings_of(planned)).rows.sort_values(["country", "channel"])
    rows = stored(planned, BUDGET_PLAN).query("plan_id == 'base'").sort_values(["country", "channel"])
    assert [Decimal(round(100 * one)) / 100 for one in made["planned_spend"]] == rows["planned_spend"].tolist()
    for name in ("response", "response_p05", "gain", "marginal_return"):
        assert made[name].to_numpy() == pytest.approx(rows[name].to_numpy())


def test_plan_against_actual_has_no_rows_until_there_is_a_day_and_then_those_of_its_days(planned, spark, capsys):
    """Last in this file: it adds weeks after which no plan of December can be made."""
    plan_actuals(arguments(planned))
    assert stored(planned, PLAN_ACTUALS).empty and "nothing to compare" in capsys.readouterr().out
    tables = Warehouse(spark, WarehouseSettings(path=str(planned / "warehouse")), run_id="after")
    week = date(2026, 11, 30)
    said = {
        "geo_level": "country",
        "week_start": week,
        "is_complete_week": True,
        "data_origin": "a test",
        "run_id": "x",
    }
    rows = [
        {"geo": geo, "variable": name, "role": role, "value": value, "unit": "EUR", **said}
        for geo in COUNTRIES
        for name, role, value in (("channel_0", "paid", 70.0), ("uploads", "target", 140.0), ("gmv", "target", 7000.0))
    ]
    frame = spark.createDataFrame(rows_of(MMM_INPUT, rows), MMM_INPUT.schema)
    tables.replace(MMM_INPUT, frame, where=f"week_start = '{week}'")
    plan_actuals(arguments(planned))
    rows = stored(planned, PLAN_ACTUALS)
    row = rows[rows["plan_id"] == "base"].set_index(["country", "channel"]).loc[("C0", "(all)")]
    assert (row["days"], row["days_known"]) == (31, 6) and row["actual_spend"] == pytest.approx(60.0)
    assert row["actual_uploads"] == pytest.approx(120.0) and row["expected_uploads"] > 0
    assert "6 of 31 days: 180 EUR spent" in capsys.readouterr().out
