"""A plan from rows of tables: what it stands on, what it refuses, and that its rows add up."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from pma.planning.plan import Inputs, first_month, plan_budget, worth_of
from pma.planning.settings import PlanningSettings, PlanSettings, Scenario, Target
from pma.planning.words import plan_text
from tests.planning.plan_world import LAST_WEEK, posterior, weekly_spend

COUNTRIES = ["C0", "C1", "C2"]


def bridge():
    """An upload of C0 sells in C1 as well; elsewhere at home."""
    rows = [
        {
            "origin_country": o,
            "destination_country": d,
            "orders": 100,
            "orders_per_upload": share,
            "value_per_order": 500.0,
        }
        for o in COUNTRIES
        for d in COUNTRIES
        for share in [0.3 if o == d else 0.2 if (o, d) == ("C0", "C1") else 0.0]
    ]
    frame = pd.DataFrame(rows)
    frame["gmv_per_upload"] = frame["orders_per_upload"] * frame["value_per_order"]
    for name, of in (("p05", "gmv_per_upload"), ("orders_per_upload_p05", "orders_per_upload")):
        frame[name] = 0.9 * frame[of]
    for name, of in (("p95", "gmv_per_upload"), ("orders_per_upload_p95", "orders_per_upload")):
        frame[name] = 1.1 * frame[of]
    return frame


def inputs(status="ok", **kwargs):
    rows = posterior(targets=("gmv", "uploads"), draws=20, **kwargs)
    rows.loc[rows["target"] == "uploads", "coefficient"] /= 300.0
    fits = rows[["geo_level", "geo", "target", "method"]].drop_duplicates()
    spend = weekly_spend(rows)
    unpaid = spend.groupby(["country", "week_start"], as_index=False)["value"].count().assign(value=70.0)
    return Inputs(fits.assign(status=status, message="Read me."), rows, spend, unpaid, bridge())


def with_weeks(given):
    """The same with two years of weeks that are all alike, and an event in them."""
    starts = [LAST_WEEK - timedelta(weeks=n) for n in range(104)]
    weeks = (
        given.runs[["geo", "target"]]
        .rename(columns={"geo": "country"})
        .merge(pd.DataFrame({"week_start": starts}), how="cross")
    )
    level = np.where(weeks["target"] == "gmv", 40_000.0, 150.0)
    events = weeks.assign(event="black_friday", mean=np.where(weeks["week_start"] == date(2025, 11, 24), 70.0, 0.0))
    return replace(
        given,
        weeks=weeks.assign(actual=level, expected=level),
        events=events.assign(p05=events["mean"], p95=events["mean"]),
    )


def settings(**plan):
    return PlanningSettings(plan=PlanSettings(**plan))


def test_a_plan_is_next_months_money_of_every_cell_and_adds_up():
    planned = plan_budget(inputs(), settings())
    rows, whole = planned.rows, planned.whole.iloc[0]
    assert len(rows) == 9 and set(rows["month"]) == {date(2026, 12, 1)}
    cents = sum(Decimal(round(value * 100)) for value in rows["planned_spend"])
    assert cents == int(rows["current_spend"].sum() * 100)
    assert rows["response"].sum() == pytest.approx(whole["response"])
    assert rows["gain"].sum() == pytest.approx(whole["gain"]) and whole["gain"] > 0
    assert whole["p_better"] > 0.5 and 0 <= whole["gap"] < 0.01
    assert (rows["planned_spend"] <= 1.5 * rows["current_spend"] + 0.01).all()
    assert (
        rows.loc[rows["planned_spend"] > 1.49 * rows["current_spend"], "binding_constraint"]
        .eq("at most 50% from today")
        .all()
    )


def test_months_of_a_cell_add_up_to_its_whole():
    planned = plan_budget(inputs(), settings(months=2))
    assert planned.rows["response"].sum() == pytest.approx(planned.whole["response"].iloc[0])
    assert set(planned.rows["month"]) == {date(2026, 12, 1), date(2027, 1, 1)}


def test_an_upload_is_worth_what_it_becomes_everywhere():
    worth = worth_of(bridge(), COUNTRIES, "gmv", 4000, 1).set_index(["country", "target"])["draws"]
    assert worth["C0", "uploads"].mean() == pytest.approx(250.0, rel=0.01)
    assert worth["C2", "uploads"].mean() == pytest.approx(150.0, rel=0.01)
    assert (worth["C0", "gmv"] == 1.0).all()
    orders = worth_of(bridge(), COUNTRIES, "orders", 4000, 1).set_index(["country", "target"])["draws"]
    assert orders["C0", "uploads"].mean() == pytest.approx(0.5, rel=0.01)
    assert orders["C0", "gmv"][0] == pytest.approx(1 / 500)
    assert set(worth_of(bridge(), COUNTRIES, "uploads", 3, 1)["target"]) == {"uploads"}


def test_desired_uploads_are_those_that_come_anyway_and_those_that_are_bought():
    planned = plan_budget(inputs(), settings())
    row = planned.uploads.set_index("country").loc["C0"]
    assert row["uploads_anyway"] == pytest.approx(70.0 * 31 / 7)
    assert row["uploads"] == pytest.approx(row["uploads_anyway"] + row["uploads_paid"]) and row["uploads_paid"] > 0
    assert row["gmv_by_destination"] == pytest.approx(
        {"C0": 150 * row["uploads"], "C1": 100 * row["uploads"], "C2": 0.0}
    )


def test_flagged_fits_are_planned_with_only_where_that_is_asked_for():
    with pytest.raises(ValueError, match=r"6 are flagged.*use_flagged: true"):
        plan_budget(inputs(status="flagged"), settings())
    planned = plan_budget(inputs(status="flagged"), settings(use_flagged=True))
    assert any("6 of 6 fits are flagged" in note for note in planned.whole["notes"].iloc[0])


def test_a_fit_that_is_left_out_is_said():
    given = inputs()
    given.runs.loc[(given.runs["geo"] == "C1") & (given.runs["target"] == "gmv"), "status"] = "failed"
    planned = plan_budget(given, settings())
    assert planned.whole["notes"].iloc[0][0] == "C1 gmv is left out (failed): Read me."
    assert set(planned.responses.part.loc[planned.responses.part["country"] == "C1", "target"]) == {"uploads"}


def test_a_month_that_has_begun_is_refused():
    paid = inputs().paid
    assert first_month(paid, None) == date(2026, 12, 1)
    assert first_month(paid, "2027-02") == date(2027, 2, 1)
    with pytest.raises(ValueError, match="2026-11 has begun, the data go until 2026-11-30: name 2026-12 or later"):
        first_month(paid, "2026-11")


def test_a_bridge_without_a_country_is_refused():
    given = inputs()
    short = given.bridge[given.bridge["origin_country"] != "C2"]
    with pytest.raises(ValueError, match="no row of C2"):
        plan_budget(Inputs(given.runs, given.posterior, given.paid, given.unpaid, short), settings())


def test_money_beyond_what_was_ever_spent_is_said():
    planned = plan_budget(inputs(), settings(budget=200_000.0, max_change=None))
    assert not planned.rows["is_seen"].all()
    assert any("curves are a guess" in note for note in planned.whole["notes"].iloc[0])


def test_scenarios_stand_beside_the_plan():
    asked = settings().model_copy(update={"scenarios": (Scenario(name="more", budget_factor=1.1),)})
    planned = plan_budget(inputs(), asked)
    sums = planned.scenarios[planned.scenarios["country"].eq("(all)") & planned.scenarios["channel"].eq("(all)")]
    assert sums["scenario"].tolist() == ["base", "more"]
    assert sums["response"].iloc[0] == pytest.approx(planned.whole["response"].iloc[0])
    assert "more: " in plan_text(planned, "EUR")


def test_targets_and_the_frontier_stand_on_what_comes_anyway():
    goals = (
        Target(name="value", metric="gmv", goal=3 * 40_000 * 31 / 7 * 1.05),
        Target(name="uploads", metric="uploads", goal=1e6, country="C1", month="2026-12", probability=0.9),
    )
    asked = settings().model_copy(update={"targets": goals})
    planned = plan_budget(with_weeks(inputs()), asked)
    rows = planned.targets.set_index("target")
    assert rows["is_reachable"].to_dict() == {"value": True, "uploads": False}
    assert rows["p_hit"]["value"] == pytest.approx(0.5, abs=0.05) and rows["month"]["uploads"] == date(2026, 12, 1)
    told = planned.scenarios[(planned.scenarios["country"] == "(all)") & (planned.scenarios["channel"] == "(all)")]
    assert told["scenario"].tolist() == ["base", "target: value", "target: uploads"]
    assert told["spend"].tolist()[1:] == pytest.approx(rows["spend"].tolist())
    outlook = planned.outlook.set_index(["country", "metric"])
    frontier = planned.frontier.set_index(["budget_factor", "country", "metric"])
    assert len(outlook) == 4 * 3 and len(frontier) == 8 * 4 * 3
    assert outlook["reached"]["C1", "gmv"] == pytest.approx(frontier["reached"][1.0, "C1", "gmv"])
    assert "target value: " in plan_text(planned, "EUR") and "cannot be reached" in plan_text(planned, "EUR")


def test_without_weeks_of_the_past_there_is_a_plan_and_no_target():
    planned = plan_budget(inputs(), settings())
    assert planned.frontier.empty and planned.outlook.empty and planned.targets.empty
    asked = settings().model_copy(update={"targets": (Target(name="value", metric="gmv", goal=1.0),)})
    with pytest.raises(ValueError, match=r"bl.mmm_fit_weeks has no week of a country of the plan"):
        plan_budget(inputs(), asked)
    short = with_weeks(inputs())
    short = replace(short, weeks=short.weeks[short.weeks["week_start"] > LAST_WEEK - timedelta(weeks=10)])
    said = plan_budget(short, settings())
    assert said.frontier.empty and "no frontier of budgets: bl.mmm_fit_weeks has 10 weeks" in said.whole["notes"][0][-1]
    with pytest.raises(ValueError, match="has 10 weeks that all countries share"):
        plan_budget(short, asked)


def test_a_plan_of_uploads_knows_uploads_alone():
    goals = (Target(name="uploads", metric="uploads", goal=1.0),)
    planned = plan_budget(with_weeks(inputs()), settings(objective="uploads").model_copy(update={"targets": goals}))
    assert set(planned.frontier["metric"]) == {"uploads"} == set(planned.outlook["metric"])
    assert planned.scenarios["gmv_change"].isna().all() and planned.scenarios["uploads_change"].notna().all()


def test_scenarios_of_table_and_settings_stand_together_and_none_has_the_name_of_another():
    asked = settings().model_copy(update={"scenarios": (Scenario(name="later", events_moved={"black_friday": 2}),)})
    given = replace(with_weeks(inputs()), scenarios=(Scenario(name="less", budget_factor=0.9),))
    rows = plan_budget(given, asked).scenarios.set_index(["scenario", "country", "channel"])
    assert list(dict.fromkeys(rows.index.get_level_values(0))) == ["base", "later", "less"]
    # The event's 70 of value, and 70 uploads at what they become.
    assert rows["uploads_change"]["later", "C2", "(anyway)"] == pytest.approx(70.0)
    assert rows["gmv_change"]["later", "C2", "(anyway)"] == pytest.approx(70.0 + 70.0 * 150.0, rel=0.02)
    with pytest.raises(ValueError, match=r"scenario 'less' is in planning.scenarios or il.plan_scenarios twice"):
        plan_budget(replace(given, scenarios=2 * given.scenarios), asked)


def test_the_words_name_sum_gain_and_proof():
    said = plan_text(plan_budget(inputs(), settings()), "EUR")
    assert "plan base, 1 month(s) from 2026-12" in said and "better than today with probability" in said
    assert np.char.find(said, "no plan within the limits is worth more than") > 0
