"""The weekly plan of campaigns on real Spark and Delta, from tables of a small world whose campaigns are known."""

from contextlib import redirect_stdout
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest
import yaml
from deltalake import DeltaTable

from jobs.plan_campaigns import main as plan_campaigns_job
from pma.marketing.tables import AD_SPEND, CAMPAIGNS, EXCHANGE_RATES
from pma.marketing.weekly_tables import WEEKLY_GROWTH
from pma.mmm.input.tables import MMM_INPUT
from pma.mmm.tables import MMM_CONTRIBUTIONS, MMM_POSTERIOR, MMM_RUNS
from pma.planning.campaigns import plan_campaigns
from pma.planning.plan import Inputs, plan_budget
from pma.planning.settings import PlanningSettings, PlanSettings
from pma.planning.sources import write_plan
from pma.planning.tables import BUDGET_PLAN, CAMPAIGN_PLAN, UPLOAD_BRIDGE
from pma.tables import TableError, WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.jobs.growth_rows import growth_row
from tests.planning.campaign_world import AS_OF, fits, inputs

SAID = {"data_origin": "a test", "run_id": "before"}
# In Swiss francs: one campaign's account.
FRANCS, RATE = "C1-channel_1-0", Decimal("1.25")


def put(tables, spec, rows):
    """Write records; what is not said of a row is null."""
    tuples = [tuple(row.get(name) for name in spec.schema.names) for row in rows]
    tables.replace(spec, tables.spark.createDataFrame(tuples, spec.schema))


def spend_rows(world):
    """Rows of il.ad_spend of four weeks, and of one day long ago."""
    goals = world.campaigns.set_index("campaign_id")
    for row in world.daily.to_dict("records"):
        local = Decimal(str(round(row["spend"], 4)))
        rate = RATE if row["campaign_id"] == FRANCS else Decimal(1)
        yield {
            **row,
            "account_id": "one",
            "management_region": "DACH",
            "country_rule": "export",
            "channel_rule": "a rule",
            "campaign_goal": goals["campaign_goal"][row["campaign_id"]],
            "currency": "CHF" if row["campaign_id"] == FRANCS else "EUR",
            "spend_local": local,
            "spend": local * rate,
            "run_id": "before",
        }


def growth_rows(world):
    """Rows of the weekly report: all spend and credit of each campaign in the last four weeks, evenly."""
    for row in world.credit.to_dict("records"):
        for week in range(4):
            found = {name: Decimal(str(row[name] / 4)) for name in ("uploads", "orders", "spend")}
            yield growth_row(
                row["country"],
                AS_OF - timedelta(weeks=week + 1),
                channel=row["channel"],
                campaign_id=row["campaign_id"],
                sales_ads_u_shape=round(found["uploads"], 12),
                orders_u_shape=round(found["orders"], 12),
                spend=round(found["spend"], 6),
            )


@pytest.fixture(scope="module")
def warehouse(spark, tmp_path_factory):
    """A folder with a monthly plan and what is known of campaigns."""
    folder = tmp_path_factory.mktemp("campaigns")
    tables = Warehouse(spark, WarehouseSettings(path=str(folder / "warehouse")), run_id="before")
    given = fits()
    world = inputs(given)
    put(tables, MMM_POSTERIOR, given.posterior.assign(**SAID).to_dict("records"))
    put(tables, MMM_RUNS, given.runs.assign(**SAID).to_dict("records"))
    paid = given.paid.rename(columns={"country": "geo", "channel": "variable"})
    paid = paid.assign(geo_level="country", role="paid", unit="EUR", is_complete_week=True, **SAID)
    put(tables, MMM_INPUT, paid.to_dict("records"))
    bridge = given.bridge.assign(uploads=1000, orders=100, horizon_days=180, **SAID)
    put(tables, UPLOAD_BRIDGE, bridge.to_dict("records"))
    tables.ensure(MMM_CONTRIBUTIONS)
    unpaid = given.paid.groupby(["country", "week_start"], as_index=False)["value"].count()
    monthly = Inputs(given.runs, given.posterior, given.paid, unpaid, given.bridge)
    write_plan(tables, plan_budget(monthly, PlanningSettings(plan=PlanSettings(max_change=None))), "a test")
    put(tables, CAMPAIGNS, world.campaigns.assign(channel="any").to_dict("records"))
    put(tables, AD_SPEND, spend_rows(world))
    put(tables, EXCHANGE_RATES, [{"date": AS_OF - timedelta(days=1), "currency": "CHF", "rate": RATE}])
    tables.replace(WEEKLY_GROWTH, spark.createDataFrame(list(growth_rows(world)), WEEKLY_GROWTH.schema))
    with (folder / "said").open("w") as said, redirect_stdout(said):
        plan_campaigns_job(arguments(folder))
    return folder


def arguments(folder, plan_id="base", **campaigns):
    tree = {
        "rules": str(REPOSITORY / "conf" / "rules"),
        "spark": TEST_SPARK.model_dump(),
        "warehouse": {"path": str(folder / "warehouse")},
        "feeds": {"origin": "a test"},
        "planning": {"plan": {"plan_id": plan_id}, "campaigns": campaigns},
    }
    (folder / "campaigns.yml").write_text(yaml.safe_dump(tree))
    return ["--conf", str(folder / "campaigns.yml")]


def stored(folder, spec):
    return DeltaTable(str(folder / "warehouse" / spec.name.replace(".", "/"))).to_pandas()


def test_campaigns_and_weeks_of_a_channel_add_up_to_its_month_to_the_cent(warehouse):
    rows, months = stored(warehouse, CAMPAIGN_PLAN), stored(warehouse, BUDGET_PLAN)
    key = ["plan_id", "month", "country", "channel"]
    assert len(rows) == 60 and set(rows["month"]) == {date(2026, 12, 1)}
    assert rows.groupby(key)["budget"].sum().to_dict() == months.set_index(key)["planned_spend"].to_dict()
    assert set(rows["data_origin"]) == {"a test"} and (rows["uploads"] > 0).all()


def test_money_is_told_in_the_accounts_currency_too(warehouse):
    rows = stored(warehouse, CAMPAIGN_PLAN).set_index("campaign_id")
    assert set(rows.loc[FRANCS, "currency"]) == {"CHF"} and set(rows["currency"]) == {"CHF", "EUR"}
    for local, budget in rows.loc[FRANCS, ["budget_local", "budget"]].itertuples(index=False):
        assert abs(local * RATE - budget) <= Decimal("0.01")


def test_before_the_month_begins_nothing_of_it_is_spent_and_all_days_are_left(warehouse):
    rows = stored(warehouse, CAMPAIGN_PLAN)
    assert set(rows["spent"]) == set(rows["spent_local"]) == {Decimal("0.00")}
    left = rows.groupby("week_start")["days_left"].agg(set)
    assert left.to_dict() == {date(2026, 12, day): {days} for day, days in ((1, 6), (7, 7), (14, 7), (21, 7), (28, 4))}


def test_a_call_in_python_gives_what_the_job_gives(warehouse):
    given = fits()
    world = inputs(given)
    francs = world.daily["campaign_id"] == FRANCS
    world.daily["spend"] = world.daily["spend"].round(4).where(~francs, 1.25 * world.daily["spend"].round(4))
    world.accounts.loc[world.accounts["campaign_id"] == FRANCS, "currency"] = "CHF"
    world.credit["most_week"] = world.credit["spend"] / 4
    # The month before the data begin is none: the first day of an account is that of its first row.
    world.accounts["first_day"] = AS_OF - timedelta(days=28)
    months = stored(warehouse, BUDGET_PLAN)
    rows = plan_campaigns(given, type(world)(**{**vars(world), "months": months}), PlanningSettings())
    both = [
        frame.sort_values(["country", "channel", "campaign_id", "week_start"], ignore_index=True).assign(
            budget=lambda one: one["budget"].astype(float)
        )
        for frame in (rows, stored(warehouse, CAMPAIGN_PLAN))
    ]
    names = ["campaign_id", "week_start", "budget", "uploads", "response", "binding_constraint"]
    pd.testing.assert_frame_equal(both[0][names], both[1][names], rtol=1e-4, atol=0.011)


def test_the_same_again_changes_nothing_and_a_plan_that_is_not_there_writes_nothing(warehouse):
    before = stored(warehouse, CAMPAIGN_PLAN)
    # The day after the data is what counts as today where no day is named.
    plan_campaigns_job(arguments(warehouse, as_of=str(AS_OF)))
    with pytest.raises(TableError, match=r"bl\.budget_plans has no plan 'another'.*Run plan_budget"):
        plan_campaigns_job(arguments(warehouse, plan_id="another"))
    again, same = (
        frame.sort_values(["campaign_id", "week_start"], ignore_index=True).drop(columns="run_id")
        for frame in (stored(warehouse, CAMPAIGN_PLAN), before)
    )
    pd.testing.assert_frame_equal(again, same)


def test_the_log_compares_uploads_with_the_aim(warehouse):
    said = (warehouse / "said").read_text()
    assert "over 12 campaigns and 5 weeks from 2026-12-01" in said
    assert "C0: " in said and " uploads expected, " in said and " aimed for" in said
