"""What was planned beside what came of it so far."""

from datetime import date

import pandas as pd
import pytest

from pma.planning.actuals import days_of, plan_actuals
from pma.planning.words import actuals_text

MONTH, WEEKS = date(2026, 12, 1), [date(2026, 11, 30), date(2026, 12, 7), date(2026, 12, 14), date(2026, 12, 21)]
WHOLE = [*WEEKS, date(2026, 12, 28)]


def rows_of(weeks, of_week=70.0, unknown=(), without_value=(), uncounted=()):
    """A plan of two countries and channels, and weeks that have so much of everything.

    `unknown`: country, channel, week whose spend nobody knows; `without_value`: countries without a fit of value;
    `uncounted`: country, target, week of which nothing is known.
    """
    places = [(country, channel) for country in ("AT", "DE") for channel in ("one", "two")]
    plans = pd.DataFrame(
        [{"plan_id": "base", "month": MONTH, "country": a, "channel": b, "planned_spend": 310.0} for a, b in places]
    )
    expected = [("(all)", 620.0), ("AT", 310.0), ("DE", 310.0)]
    outlook = pd.DataFrame(
        [
            {"plan_id": "base", "month": MONTH, "country": country, "metric": metric, "reached": value}
            for country, value in expected
            for metric in ("uploads", "gmv")
            if metric == "uploads" or country not in without_value
        ]
    )
    outlook = outlook.assign(reached_p05=0.9 * outlook["reached"], reached_p95=1.1 * outlook["reached"])
    at = [(a, b, week) for a, b in places for week in weeks if (a, b, week) not in unknown]
    spend = pd.DataFrame(at, columns=["country", "channel", "week_start"]).assign(value=of_week)
    came = [(a, b, week) for a in ("AT", "DE") for b in ("uploads", "gmv") for week in weeks]
    came = [key for key in came if key not in uncounted]
    return plan_actuals(
        plans, outlook, spend, pd.DataFrame(came, columns=["country", "target", "week_start"]).assign(value=of_week)
    )


def test_a_month_that_is_over_was_as_expected_or_not():
    rows = rows_of(WHOLE).set_index(["country", "channel"])
    assert len(rows) == 3 + 2 + 4 and (rows["days_known"] == 31).all()
    whole = rows.loc[("(all)", "(all)")]
    assert whole["actual_spend"] == pytest.approx(4 * 310) and whole["spend_gap"] == pytest.approx(0)
    assert whole["actual_uploads"] == pytest.approx(620) and whole["uploads_as_expected"]
    assert pd.isna(rows["expected_uploads"][("AT", "one")])
    assert not rows_of(WHOLE, of_week=90.0).set_index(["country", "channel"])["gmv_as_expected"][("DE", "(all)")]


def test_a_month_that_goes_on_is_held_against_its_days_so_far_and_not_judged():
    row = rows_of(WEEKS[:2]).set_index(["country", "channel"]).loc[("AT", "(all)")]
    assert (row["days"], row["days_known"]) == (31, 13)
    assert row["planned_so_far"] == pytest.approx(620 * 13 / 31) and row["actual_spend"] == pytest.approx(2 * 130)
    assert row["expected_uploads"] == 310.0 and row["uploads_as_expected"] is None


def test_spend_that_is_not_known_is_no_money_saved():
    rows = rows_of(WEEKS[:2], unknown=[("AT", "one", WEEKS[1]), *(("AT", "two", week) for week in WEEKS)])
    rows = rows.set_index(["country", "channel"])
    half, none, whole = (rows.loc[key] for key in (("AT", "one"), ("AT", "two"), ("(all)", "(all)")))
    assert (half["planned_so_far"], half["actual_spend"]) == (pytest.approx(60), pytest.approx(60))
    assert none["planned_so_far"] == 0 and pd.isna(none["actual_spend"]) and pd.isna(none["spend_gap"])
    assert whole["planned_so_far"] == pytest.approx(60 + 2 * 130) == whole["actual_spend"] and whole["days_known"] == 13
    assert "320 EUR spent (what became of 200 more that was planned is not known)" in actuals_text(
        rows.reset_index(), "EUR"
    )


def test_value_of_countries_without_a_forecast_is_not_held_against_that_of_the_others():
    rows = rows_of(WHOLE, without_value=("AT",)).set_index(["country", "channel"])
    whole, without = rows.loc[("(all)", "(all)")], rows.loc[("AT", "(all)")]
    assert whole["actual_gmv"] == pytest.approx(310) and whole["actual_uploads"] == pytest.approx(620)
    assert without["actual_gmv"] == pytest.approx(310) and without["gmv_as_expected"] is None


def test_a_sum_of_which_a_week_is_missing_is_not_told_and_not_judged():
    rows = rows_of(WHOLE, uncounted=[("AT", "gmv", WEEKS[1])]).set_index(["country", "channel"])
    for place in (("AT", "(all)"), ("(all)", "(all)")):
        row = rows.loc[place]
        assert pd.isna(row["actual_gmv"]) and row["gmv_as_expected"] is None and row["uploads_as_expected"]
    assert rows.loc[("DE", "(all)"), "actual_gmv"] == pytest.approx(310)


def test_a_month_before_any_data_has_no_row_and_that_is_said():
    rows = rows_of([date(2026, 11, 16)])
    assert rows.empty and "nothing to compare" in actuals_text(rows, "EUR")
    said = actuals_text(rows_of(WEEKS[:2]), "EUR")
    assert "plan base, 2026-12, 13 of 31 days: 520 EUR spent, planned so far 520" in said
    assert "of the whole month 620 were expected (558 to 682)" in said


def test_days_of_a_month_in_weeks():
    assert days_of({date(2026, 11, 30), date(2026, 12, 28), date(2027, 1, 4)}, MONTH) == {WHOLE[0]: 6, WHOLE[-1]: 4}
