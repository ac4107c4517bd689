"""A plan from rows of tables: what it stands on, what it refuses, and that its rows add up."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from pma.planning.limits import InfeasibleError
from pma.planning.plan import Inputs, first_month, plan_budget, worth_of
from pma.planning.settings import Limit, PlanningSettings, PlanSettings, Scenario, Target
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


def test_a_plan_of_margin_goes_where_more_is_left_of_a_sale():
    """C1 keeps twice as much of a sale as the others: an upload of C0 is worth what is left where it sells."""
    left = {"C0": 0.1, "C1": 0.2, "C2": 0.1}
    worth = worth_of(bridge(), COUNTRIES, "margin", 4000, 1, left).set_index(["country", "target"])["draws"]
    assert worth["C1", "gmv"] == pytest.approx(0.2)
    assert worth["C0", "uploads"].mean() == pytest.approx(0.1 * 0.3 * 500 + 0.2 * 0.2 * 500, rel=0.01)
    by_margin, by_value = (
        plan_budget(with_weeks(inputs()), settings(objective=one, margin=left)) for one in ("margin", "gmv")
    )
    # What is counted month by month is value, orders and uploads: nobody counts margin.
    assert set(by_margin.frontier["metric"]) == {"gmv", "orders", "uploads"}
    by_margin, by_value = (one.rows.groupby("country")["planned_spend"].sum() for one in (by_margin, by_value))
    assert by_margin["C1"] > by_value["C1"]
    with pytest.raises(ValueError, match=r"planning.plan.margin has no share for C2"):
        plan_budget(inputs(), settings(objective="margin", margin={"C0": 0.1, "C1": 0.1}))


def test_money_beyond_what_was_seen_is_said_counts_less_or_is_refused():
    marked, discounted, refused = (
        plan_budget(inputs(), settings(budget=60_000.0, max_change=None, spend_all=False, beyond_seen=how))
        for how in ("marked", "discounted", "refused")
    )
    assert not marked.rows["is_seen"].all()
    assert any("curves are a guess there" in note for note in marked.whole["notes"].iloc[0])
    beyond = [
        (one.rows["planned_spend"] - one.rows["most_seen"]).clip(lower=0).sum() for one in (marked, discounted, refused)
    ]
    assert beyond[2] <= 0.01 * len(refused.rows) and beyond[0] > 0
    assert refused.rows["binding_constraint"].eq("no more than was ever seen").any()
    assert discounted.whole["response"].iloc[0] < marked.whole["response"].iloc[0]
    assert any("it counts 50% less" in note for note in discounted.whole["notes"].iloc[0])
    # Half of what lies beyond counts, by hand: the curves at the plan and at what was seen.
    made, money = discounted.responses, discounted.plan.money
    inside = np.minimum(money, discounted.rows["most_seen"].to_numpy()[:, None])
    plain = marked.responses
    assert made.objective(money) == pytest.approx(0.5 * (plain.objective(money) + plain.objective(inside)))


def test_a_scenario_that_no_plan_can_keep_to_is_said_and_the_plan_stands():
    asked = PlanningSettings(
        plan=PlanSettings(),
        scenarios=(
            Scenario(name="one off", channels_off=("channel_1", "channel_2")),
            Scenario(name="too little", limits=(Limit(name="all of it", ceiling=1.0),)),
        ),
    )
    planned = plan_budget(inputs(), asked)
    assert set(planned.scenarios["scenario"]) == {"base", "one off"}
    (said,) = [note for note in planned.whole["notes"].iloc[0] if "has no plan" in note]
    assert said.startswith("scenario 'too little' has no plan") and "'all of it'" in said
    # Two of three channels are off: the third has all of their money, and stays as near to that as it would to today's.
    off = planned.scenarios.set_index(["scenario", "country", "channel"]).loc["one off"]
    assert off.loc[("(all)", "channel_0"), "spend"] == pytest.approx(planned.whole["planned_spend"].iloc[0], abs=0.02)


def test_fits_without_draws_and_money_without_a_fit_are_said():
    given = inputs()
    is_gone = (given.posterior["geo"] == "C1") & (given.posterior["target"] == "uploads")
    more = given.paid[given.paid["channel"] == "channel_0"].assign(channel="radio", value=50.0)
    planned = plan_budget(
        replace(given, posterior=given.posterior[~is_gone], paid=pd.concat([given.paid, more])), settings()
    )
    notes = planned.whole["notes"].iloc[0]
    assert "C1 uploads have no draws in bl.mmm_posterior and are left out: run fit_mmm" in notes
    (said,) = [note for note in notes if "is not in the plan" in note]
    assert said.startswith("150 a week") and "C0 radio, C1 radio, C2 radio" in said


def test_a_week_that_nobody_knows_is_no_week_without_spend():
    given = inputs()
    of_cell = (given.paid["country"] == "C0") & (given.paid["channel"] == "channel_0")
    unknown = of_cell & (given.paid["week_start"] > LAST_WEEK - timedelta(weeks=2))
    rows = [
        plan_budget(one, settings()).rows.set_index(["country", "channel"]).loc[("C0", "channel_0"), "current_spend"]
        for one in (given, replace(given, paid=given.paid[~unknown]))
    ]
    assert rows[0] == pytest.approx(rows[1])


@pytest.mark.parametrize("wrong", [{"inflation": {"tv": -1.0}}, {"inflation": {"tv": float("nan")}}])
def test_a_price_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="inflation"):
        Scenario(name="wrong", **wrong)
    with pytest.raises(ValueError, match="margin"):
        PlanSettings(margin={"DE": 30.0})


@pytest.mark.parametrize("objective", ["gmv", "uploads"])
def test_a_budget_of_zero_is_a_plan_of_nothing(objective):
    planned = plan_budget(inputs(), settings(budget=0.0, max_change=None, objective=objective))
    assert (planned.rows["planned_spend"] == 0).all() and planned.whole["response"].iloc[0] == pytest.approx(0.0)


@pytest.mark.parametrize("budget", [-1.0, float("nan"), float("inf"), {"2026-12": float("nan")}])
def test_a_budget_that_is_no_amount_of_money_is_refused(budget):
    with pytest.raises(ValueError, match="budget"):
        settings(budget=budget)


def test_where_all_cells_are_fixed_the_plan_is_what_was_fixed():
    fixed = tuple(
        Limit(countries=(country,), channels=(f"channel_{c}",), floor=100.0 + c, ceiling=100.0 + c)
        for country in COUNTRIES
        for c in range(3)
    )
    planned = plan_budget(inputs(), settings(limits=fixed, budget=909.0, max_change=None))
    assert planned.rows.set_index(["country", "channel"])["planned_spend"]["C1", "channel_2"] == pytest.approx(102.0)
    assert planned.whole["gap"].iloc[0] == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(InfeasibleError, match=r"budget of 2026-12"):
        plan_budget(inputs(), settings(limits=fixed, budget=1000.0, max_change=None))


@pytest.mark.parametrize(("times", "gets"), [(5.0, True), (1e-3, False)])
def test_a_channel_that_never_spent_gets_money_where_its_curve_is_steep_and_is_said_to_be_a_guess(times, gets):
    """The one that brings five times as much gets some of the money, and one that brings next to nothing none."""
    given = inputs(slope=0.8)
    at = (given.posterior["geo"] == "C0") & (given.posterior["channel"] == "channel_0")
    curves = given.posterior.assign(coefficient=given.posterior["coefficient"] * np.where(at, times, 1.0))
    without = given.paid[~((given.paid["country"] == "C0") & (given.paid["channel"] == "channel_0"))]
    planned = plan_budget(replace(given, posterior=curves, paid=without), settings(max_change=None))
    row = planned.rows.set_index(["country", "channel"]).loc[("C0", "channel_0")]
    assert row["current_spend"] == 0 and row["most_seen"] == 0
    assert (row["planned_spend"] > 100.0) == gets and row["is_seen"] != gets
    assert any("curves are a guess there" in note for note in planned.whole["notes"].iloc[0]) or not gets


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


def test_a_country_whose_uploads_without_media_nobody_knows_is_refused():
    given = inputs()
    short = replace(given, unpaid=given.unpaid[given.unpaid["country"] != "C1"])
    with pytest.raises(ValueError, match=r"bl\.mmm_contributions has no uploads .* of C1, .* Run fit_mmm"):
        plan_budget(short, settings())


def test_a_budget_that_has_no_plan_is_said():
    given = with_weeks(inputs())
    floor = Limit(name="a floor", floor=0.8 * plan_budget(given, settings()).whole["current_spend"].iloc[0])
    planned = plan_budget(given, PlanningSettings(plan=PlanSettings(limits=(floor,)), frontier=(0.5, 0.75, 1.25)))
    assert set(planned.frontier["budget_factor"]) == {1.0, 1.25}
    (said,) = [note for note in planned.whole["notes"].iloc[0] if "frontier" in note]
    assert said.startswith("the frontier has no plan of 50% and 75% of the money") and "'a floor'" in said


def test_flagged_fits_are_planned_with_only_where_that_is_asked_for():
    with pytest.raises(ValueError, match=r"6 are flagged.*use_flagged: true"):
        plan_budget(inputs(status="flagged"), settings())
    planned = plan_budget(inputs(status="flagged"), settings(use_flagged=True))
    assert any("6 of 6 fits are flagged" in note for note in planned.whole["notes"].iloc[0])


def test_where_fits_are_flagged_money_moves_in_small_steps():
    given = inputs()
    runs = given.runs.assign(status=["flagged" if geo == "C1" else "ok" for geo in given.runs["geo"]])
    rows = plan_budget(replace(given, runs=runs), settings(use_flagged=True)).rows
    change = rows["planned_spend"] / rows["current_spend"] - 1
    of_flagged = rows["country"] == "C1"
    assert change[of_flagged].abs().max() <= 0.2 + 1e-4 < change[~of_flagged].abs().max()
    held = rows.loc[of_flagged & (change.abs() > 0.199), "binding_constraint"]
    assert held.eq("at most 20% from today where fits are in doubt").all()


def test_a_fit_that_is_left_out_is_said():
    given = inputs()
    given.runs.loc[(given.runs["geo"] == "C1") & (given.runs["target"] == "gmv"), "status"] = "failed"
    planned = plan_budget(given, settings())
    assert planned.whole["notes"].iloc[0][0] == "C1 gmv is left out (failed): Read me."
    assert set(planned.responses.part.loc[planned.responses.part["country"] == "C1", "target"]) == {"uploads"}


def test_a_country_that_lacks_a_fit_of_value_moves_in_small_steps_and_that_is_said():
    given = inputs()
    runs = given.runs[~((given.runs["geo"] == "C1") & (given.runs["target"] == "gmv"))]
    planned = plan_budget(replace(given, runs=runs), settings())
    change = (planned.rows["planned_spend"] / planned.rows["current_spend"] - 1).abs()
    assert change[planned.rows["country"] == "C1"].max() <= 0.2 + 1e-4
    assert any("C1 has no fit of gmv; what its ads bring" in note for note in planned.whole["notes"].iloc[0])


def test_a_cell_of_whose_last_weeks_nothing_is_known_is_named_with_its_money():
    given = inputs()
    is_gone = (given.paid["country"] == "C1") & (given.paid["channel"] == "channel_2")
    paid = given.paid[~(is_gone & (given.paid["week_start"] > LAST_WEEK - timedelta(weeks=4)))]
    planned = plan_budget(replace(given, paid=paid), settings())
    money = given.paid.loc[is_gone, "value"].iloc[0]
    said = f"nothing of the last 4 weeks of C1 channel_2 ({money:,.0f} a week until 2026-10-26)"
    assert sum(said in note for note in planned.whole["notes"].iloc[0]) == 1
    known = planned.rows.set_index(["country", "channel"])
    assert known["planned_spend"]["C1", "channel_2"] == 0.0 == known["current_spend"]["C1", "channel_2"]


def test_a_move_is_better_in_so_many_draws_as_it_brings_more_than_that_money_elsewhere():
    """By hand, of one month: what the curves say of the cell's move, and of one percent more of all money."""
    planned = plan_budget(inputs(spread=0.3), settings())
    made, money, today = planned.responses, planned.plan.money, planned.current
    gained = made.by_cell(money) - made.by_cell(today)
    rate = (made.objective(1.001 * money) - made.objective(money)) / (0.001 * money.sum())
    moved = (money - today)[:, 0]
    assert planned.rows["p_better"].to_numpy() == pytest.approx((gained > rate[:, None] * moved).mean(axis=0), abs=0.06)
    assert planned.rows["p_better"].mean() > 0.6
    still = plan_budget(inputs(), settings(max_change=0.0)).rows
    assert still["p_better"].isna().all()


def test_names_that_are_nowhere_and_months_that_are_none_are_refused_by_their_place():
    with pytest.raises(ValueError, match=r"planning.plan.careful_countries names XX, which no fit has. There are C0"):
        plan_budget(inputs(), settings(careful_countries=("XX",)))
    off = settings().model_copy(update={"scenarios": (Scenario(name="off", countries_off=("XX",)),)})
    with pytest.raises(ValueError, match=r"scenario 'off': limit 'off: off' .* names country XX"):
        plan_budget(inputs(), off)
    with pytest.raises(ValueError, match="first_month"):
        settings(first_month="December")


@pytest.mark.parametrize("name", ["base", "target: value"])
def test_a_scenario_has_no_name_of_the_plans_own_rows(name):
    goals = (Target(name="value", metric="gmv", goal=3 * 40_000 * 31 / 7),)
    asked = settings().model_copy(update={"targets": goals, "scenarios": (Scenario(name=name),)})
    with pytest.raises(ValueError, match=f"scenario '{name}': bl.scenarios has the plan and its targets under this"):
        plan_budget(with_weeks(inputs()), asked)


def test_where_nothing_is_spent_today_a_budget_is_planned_and_proved_all_the_same():
    given = inputs()
    rows = plan_budget(replace(given, paid=given.paid.assign(value=0.0)), settings(budget=5000.0, max_change=None))
    whole = rows.whole.iloc[0]
    assert whole["response"] > 0 and whole["most"] > 0 and 0 <= whole["gap"] < 0.01


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
        Target(name="value", metric="gmv", goal=3 * 40_000 * 31 / 7 * 1.02),
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


def test_a_plan_of_margin_still_has_its_frontier_in_value_orders_and_uploads():
    goals = (Target(name="value", metric="gmv", goal=3 * 40_000 * 31 / 7),)
    asked = settings(objective="margin", margin=dict.fromkeys(COUNTRIES, 0.2)).model_copy(update={"targets": goals})
    planned = plan_budget(with_weeks(inputs()), asked)
    assert set(planned.frontier["metric"]) == set(planned.outlook["metric"]) == {"gmv", "orders", "uploads"}
    told = planned.scenarios.set_index(["scenario", "country", "channel"]).loc[("target: value", "(all)", "(all)")]
    assert told["change"] == pytest.approx(0.2 * told["gmv_change"])


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
    assert "it is proved to be within 0.0" in said and "quantile" not in said
    said = plan_text(plan_budget(inputs(), settings(quantile=0.1)), "EUR")
    assert "of the best that the limits allow; the proof of a quantile is wide" in said
