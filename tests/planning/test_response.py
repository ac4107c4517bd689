"""What a plan brings, against the formula written out, and against itself where money moves a little."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pma.planning.response import horizon, known_spend, responses
from tests.planning.plan_world import FIRST, LAGS, counted, money_today, posterior, weekly_spend, world


def test_a_horizon_splits_months_over_weeks_by_days():
    over = horizon(date(2026, 12, 15), 2, LAGS)
    assert over.months == (date(2026, 12, 1), date(2027, 1, 1))
    # Monday before December 1, less four weeks of carry-over.
    assert over.weeks[over.before] == date(2026, 11, 30) and over.weeks[0] == date(2026, 11, 2)
    assert over.share.sum(axis=1) == pytest.approx([1.0, 1.0])
    first, shared = over.before, over.weeks.index(date(2026, 12, 28))
    assert over.share[0, first] == pytest.approx(6 / 31)
    assert over.share[:, shared] == pytest.approx([4 / 31, 3 / 31])
    assert len(over.weeks) - 1 - np.flatnonzero(over.share[1])[-1] == LAGS


def by_hand(rows, spend, over, plan):
    """What a plan of one month brings by part and draw: the formulas, week by week."""
    found = []
    for (geo, channel, _), draws in rows.groupby(["geo", "channel", "target"]):
        past = spend[(spend["country"] == geo) & (spend["channel"] == channel)].set_index("week_start")["value"]
        today = past.tail(4).mean()
        for row in draws.to_dict("records"):
            weights = row["adstock_first"] ** np.arange(row["lags"])
            weights /= weights.sum()
            worth = []
            for money in (plan, 0.0):
                series = []
                for w, week in enumerate(over.weeks):
                    planned = money * over.share[0, w]
                    before = past.get(week, 0.0) if w < over.before else 0.0
                    if w == over.before:
                        before = today * (over.months[0] - week).days / 7
                    series.append(planned + before)
                total = 0.0
                for t in range(over.before, len(series)):
                    level = sum(weights[lag] * series[t - lag] for lag in range(row["lags"])) / row["usual_spend"]
                    powered = (level / row["saturation_first"]) ** row["saturation_second"]
                    total += row["coefficient"] * powered / (1 + powered)
                worth.append(total)
            found.append(worth[0] - worth[1])
    return np.array(found)


@pytest.mark.parametrize("slope", [0.8, 1.6])
def test_a_plan_brings_what_the_formula_says(slope):
    rows = posterior(countries=2, channels=2, draws=3, slope=slope)
    spend = weekly_spend(rows)
    made = world(countries=2, channels=2, draws=3, slope=slope)
    found = made.by_draw(np.full((4, 1), 5000.0))
    assert found.ravel() == pytest.approx(by_hand(rows, spend, made.horizon, 5000.0), rel=1e-9)


@pytest.mark.parametrize("month", [None, 0, 1, 2])
def test_months_count_what_comes_on_their_days(month):
    """With what money of before brings in them, and months into each other; days of weeks that months share."""
    made = world(months=3, draws=3, slope=1.4, seed=4)
    money = np.array([0.7, 1.8, 1.2]) * money_today(made)
    inside = made.within(month)
    assert inside.by_draw(money) + inside.unplanned == pytest.approx(counted(made, money, month), rel=1e-9)
    assert inside.unplanned == pytest.approx(counted(made, 0 * money, month), rel=1e-9)


def test_what_comes_after_the_last_day_is_the_plans_and_not_counted():
    made = world(months=2, slope=0.9)
    money = money_today(made)
    whole, inside = made.by_draw(money), made.within().by_draw(money)
    assert (inside < whole).all() and (inside > 0.75 * whole).all()
    assert made.within(0).by_draw(money) + made.within(1).by_draw(money) == pytest.approx(inside)


def test_nothing_planned_brings_nothing_though_ads_of_before_work_on():
    made = world()
    assert made.by_draw(np.zeros((9, 1))) == pytest.approx(0.0)
    assert made.spent[:, made.horizon.before - 1].min() > 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.0, 3.0), st.sampled_from([0.9, 1.7]), st.booleans(), st.booleans())
def test_the_slope_is_what_a_little_more_money_brings(seed, times, slope, is_above, is_inside):
    made = world(months=2, seed=seed, slope=slope)
    made = made.within() if is_inside else made
    share = np.full(5, 0.2)
    plan = times * money_today(made) + 1.0
    worth = made.above(0 * plan, 2 * plan) if is_above else made.value_and_slope
    _, found = worth(plan, share)
    for m in range(2):
        step = np.zeros(plan.shape)
        step[:, m] = 1e-3 * plan[:, m]
        change = (worth(plan + step, share)[0] - worth(plan - step, share)[0]) / (2 * step[:, m])
        # A line's end is a kink of its own slope: none is as steep as twice its neighbours.
        assert found[:, m] == pytest.approx(change, rel=2e-2)


SEEN = st.none() | st.tuples(st.floats(0.0, 3.0), st.floats(0.0, 1.0))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.9, 1.3, 2.0]), st.sampled_from([0, 10]), st.booleans(), SEEN)
def test_the_curves_above_are_above_and_bend_down(seed, slope, halvings, is_inside, seen):
    """Between plans that lie within the most that was seen, times today's money, across it and beyond."""
    plain = world(months=2, seed=seed, slope=slope)
    plain = plain.within() if is_inside else plain
    today, random, share = money_today(plain), np.random.default_rng(seed), np.full(5, 0.2)
    times, discount = seen or (np.inf, 0.0)
    made = plain if seen is None else replace(plain, seen=times * today[:, 0] * 7 / 31, discount=discount)
    one, other = (random.uniform(0, 3, (9, 2)) * today for _ in range(2))
    low, high = np.minimum(one, other) * random.uniform(0, 1), np.maximum(one, other)
    above = made.above(low, high, halvings)
    for plan in (low, high, one, other):
        value, rise = above(plan, share)
        whole, within = (plain.value_and_slope(money, share)[0] for money in (plan, np.minimum(plan, times * today)))
        assert (value >= (1 - discount) * whole + discount * within - 1e-6).all()
        for further in (low, high, one, other):
            assert (above(further, share)[0] <= value + (rise * (further - plan)).sum(axis=1) + 1e-6).all()


@pytest.mark.parametrize("halvings", [0, 10])
def test_between_plans_beyond_what_was_seen_money_up_to_there_counts_as_it_is(halvings):
    """By hand: Hill's curve of half 1 and slope 2, of which a week has seen 0.2, between 0.4 and 0.5 a week."""
    hill = {"saturation_first": 1.0, "saturation_second": 2.0, "usual_spend": 1.0, "coefficient": 1.0}
    rows = posterior(countries=1, channels=1, draws=1).assign(**hill, lags=1)
    worth = pd.DataFrame({"country": ["C0"], "target": ["gmv"], "draws": [np.ones(1)]})
    spend = weekly_spend(rows).assign(value=0.0)
    plain = responses(rows, spend, horizon(date(2027, 2, 1), 1, 1), worth)
    made = replace(plain, seen=np.array([0.2]), discount=0.5)
    # Four whole weeks; x^2 / (1 + x^2), half of it at 0.2.
    low, high = np.array([[1.6]]), np.array([[2.0]])
    above = made.above(low, high, halvings)
    at_low, at_high = (float(above(money, np.ones(1))[0][0]) for money in (low, high))
    assert at_low == pytest.approx(2 * 0.16 / 1.16 + 2 * 0.04 / 1.04)
    assert at_high == pytest.approx(2 * 0.25 / 1.25 + 2 * 0.04 / 1.04)
    assert float(above(0.5 * (low + high), np.ones(1))[0][0]) == pytest.approx(0.5 * (at_low + at_high))


def test_where_curves_bend_down_nothing_is_above_them():
    made = world(slope=0.7)
    assert made.is_concave
    plan, share = money_today(made), np.full(5, 0.2)
    assert (made.above(0 * plan, plan)(plan, share)[0] == made.value_and_slope(plan, share)[0]).all()
    assert not world(slope=1.5).is_concave


def test_curves_above_in_blocks_are_those_of_all_at_once(monkeypatch):
    """Large plans find their lines block by block."""
    made, share = world(months=2, slope=1.8), np.full(5, 0.2)
    plan = money_today(made)
    whole = made.above(0 * plan, 2 * plan)(plan, share)
    monkeypatch.setattr("pma.planning.response._LINES_BYTES", 1)
    in_blocks = made.above(0 * plan, 2 * plan)(plan, share)
    assert in_blocks[0] == pytest.approx(whole[0]) and in_blocks[1] == pytest.approx(whole[1])


def test_a_week_of_which_nothing_is_known_carries_in_what_is_usual_and_none_where_a_cell_has_ended():
    rows = posterior(countries=1, channels=2)
    spend, cells = weekly_spend(rows), pd.DataFrame({"country": "C0", "channel": ["channel_0", "channel_1"]})
    weeks = sorted(set(spend["week_start"]))
    is_first = spend["channel"] == "channel_0"
    hole = spend[~(is_first & (spend["week_start"] == weeks[-2])) & ~(~is_first & spend["week_start"].isin(weeks[-4:]))]
    usual = spend.groupby("channel")["value"].first()
    found = known_spend(hole, cells, weeks[-5:])
    assert found[0] == pytest.approx([usual["channel_0"]] * 5)
    assert found[1] == pytest.approx([usual["channel_1"], 0, 0, 0, 0])


def test_fits_of_other_numbers_of_draws_are_refused():
    rows = posterior()
    fewer = rows[(rows["geo"] != "C1") | (rows["draw"] < 3)]
    worth = pd.DataFrame({"country": ["C0", "C1"], "target": "gmv", "draws": [np.ones(5)] * 2})
    with pytest.raises(ValueError, match="from 3 to 5 draws"):
        responses(fewer, weekly_spend(rows), horizon(FIRST, 1, LAGS), worth)
