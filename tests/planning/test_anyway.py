"""What comes without the plan's money: exact where the past repeats itself, and as unsure as it was."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from pma.planning.anyway import anyway, forecast, past_worth, with_probability
from pma.planning.outlook import outlook_rows
from pma.planning.response import horizon
from tests.planning.plan_world import LAST_WEEK, counted, money_today, posterior, weekly_spend, world

OVER = horizon(date(2026, 12, 1), 2, 4)


def weeks_back(count):
    return [LAST_WEEK - timedelta(weeks=count - 1 - n) for n in range(count)]


def day_sum(of_week, month):
    """A weekly series spread over days alike, summed over a month."""
    days = pd.date_range(month, periods=pd.Timestamp(month).days_in_month)
    return sum(of_week((day - pd.Timestamp(LAST_WEEK)).days // 7) / 7 for day in days)


def test_a_season_that_repeats_itself_on_a_straight_trend_is_forecast_to_the_unit():
    def of_week(n):
        return 500 + 100 * np.sin(2 * np.pi * n / 52) + 2 * n

    weeks = weeks_back(120)
    came = np.array([[of_week(n - 119) for n in range(120)]])
    found = forecast(came, came, np.zeros((1, 3, 120)), weeks, OVER, ("C0",))
    for m, month in enumerate(OVER.months):
        assert found.comes[0, :, m] == pytest.approx(day_sum(of_week, month))
    assert found.misses == pytest.approx(0, abs=1e-9)
    assert found.rule.startswith("the same weeks a year ago")


def test_a_short_past_is_like_its_last_weeks_and_too_short_a_one_is_refused():
    came = np.full((1, 40), 70.0)
    found = forecast(came, came, np.zeros((1, 2, 40)), weeks_back(40), OVER, ("C0",))
    assert found.comes[0, 0] == pytest.approx([310.0, 310.0]) and found.rule.startswith("the mean of the last 13 weeks")
    with pytest.raises(ValueError, match="12 weeks that all countries share: too few"):
        forecast(came[:, :12], came[:, :12], np.zeros((1, 2, 12)), weeks_back(12), OVER, ("C0",))


def test_what_is_reached_with_a_probability_is_reached_as_often():
    """Worlds with chance in every week: how often the month to come is as good as was said at 80 %."""
    random, hits, month = np.random.default_rng(3), [], horizon(date(2026, 12, 1), 1, 4)
    usual = 100 + 20 * np.sin(2 * np.pi * np.arange(166) / 52)
    for _ in range(500):
        came = usual + 15 * random.standard_normal(166)
        past = (came[None, :156], usual[None, :156], np.zeros((1, 1, 156)))
        found = forecast(*past, weeks_back(156), month, ("C0",))
        said = with_probability(found.reached(np.zeros(1)), 0.8)
        hits.append(day_sum(lambda n, came=came: came[155 + n], month.months[0]) >= said)
    assert np.mean(hits) == pytest.approx(0.8, abs=0.05)


def test_chance_that_countries_share_does_not_even_out():
    random, usual = np.random.default_rng(5), np.full((4, 1500), 100.0)
    spread = []
    for size in ((4, 1500), (1, 1500)):
        came = usual + 20 * random.standard_normal(size)
        found = forecast(came, usual, np.zeros((4, 1, 1500)), weeks_back(1500), OVER, tuple("ABCD"))
        spread.append(found.reached(np.zeros(1)).std())
    assert spread[1] == pytest.approx(2 * spread[0], rel=0.15)


def of_weeks(level, made, weeks=130):
    """Rows of bl.mmm_fit_weeks of countries that count the same in every week."""
    rows = [
        {"country": country, "target": target, "week_start": week, "actual": level, "expected": level}
        for country in sorted(set(made.cells["country"]))
        for target in ("gmv", "uploads")
        for week in weeks_back(weeks)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("months", [1, 2])
def test_money_as_today_counts_what_there_is_today_whatever_a_draw_says_of_media(months):
    made = world(draws=60, spread=0.4, seed=1, months=months)
    spend = weekly_spend(posterior(draws=60, spread=0.4, seed=1))
    comes = anyway(made, of_weeks(50_000.0, made), spend, {"gmv": made.worth})["gmv"]
    days = sum(pd.Timestamp(month).days_in_month for month in made.horizon.months)
    reached = comes.reached(made.within().objective(money_today(made)))
    assert reached == pytest.approx(3 * 50_000 * days / 7)
    assert made.objective(money_today(made)).std() > 0.01 * reached.mean()


def test_without_money_the_months_still_count_what_earlier_ads_bring():
    """By hand: what came less media's part of it, and what the curves still say of the money of before."""
    made = world(draws=5, spread=0.4, seed=1, months=2)
    spend = weekly_spend(posterior(draws=5, spread=0.4, seed=1))
    comes = anyway(made, of_weeks(50_000.0, made), spend, {"gmv": made.worth})["gmv"]
    today, nothing = money_today(made), 0 * money_today(made)
    for m in range(2):
        lost = (counted(made, today, m) - counted(made, nothing, m)).sum(axis=0)
        assert comes.comes[..., m].sum(axis=0) == pytest.approx(3 * 50_000 * 31 / 7 - lost)


def test_sales_of_uploads_that_money_brings_are_counted_once_in_fits_of_value():
    """Other fits of uploads, and another worth of an upload, change no forecast of value."""
    both = {"targets": ("gmv", "uploads"), "draws": 5, "seed": 1}
    made, spend = world(**both), weekly_spend(posterior(**both))
    is_value = (made.part["target"] == "gmv").to_numpy()[:, None]
    found, value_alone, of_uploads = (
        anyway(made, of_weeks(50_000.0, made), spend, {metric: worth})[metric].comes
        for metric, worth in (
            ("gmv", made.worth),
            ("gmv", np.where(is_value, made.worth, 0.0)),
            ("uploads", np.where(is_value, 0.0, 1.0)),
        )
    )
    assert (found == value_alone).all() and not np.allclose(found, of_uploads)


def test_a_country_without_a_fit_of_value_counts_none_rather_than_nothing():
    """Its value is not known: neither is it zero, nor is it in the sum of all."""
    both = {"targets": ("gmv", "uploads"), "draws": 5, "seed": 1}
    whole, spend = world(**both), weekly_spend(posterior(**both))
    part = whole.part
    made = whole.of_parts(~((part["country"] == "C1") & (part["target"] == "gmv")).to_numpy())
    comes = anyway(made, of_weeks(50_000.0, whole), spend, {"gmv": made.worth, "uploads": made.worth})
    assert comes["gmv"].countries == ("C0", "C2") and comes["uploads"].countries == ("C0", "C1", "C2")
    everywhere = anyway(whole, of_weeks(50_000.0, whole), spend, {"gmv": whole.worth})["gmv"]
    assert comes["gmv"].comes == pytest.approx(everywhere.comes[[0, 2]])
    rows = outlook_rows(made, money_today(made), {"gmv": made.worth}, {"gmv": comes["gmv"]})
    assert list(rows["country"]) == ["(all)", "C0", "C2"]
    assert rows["reached"].iloc[0] == pytest.approx(rows["reached"].iloc[1:].sum())


def test_what_past_money_brought_is_what_the_curves_say():
    """Against the responses themselves: what a week's worth of steady money brings in the long run."""
    made = world(draws=3, seed=2)
    spend = weekly_spend(posterior(draws=3, seed=2))
    countries = ("C0", "C1", "C2")
    found = past_worth(made, spend, weeks_back(8), countries, {"gmv": made.worth})["gmv"]
    usual = made.spent[:, [0]] / made.usual[made.part.sort_values("cell").index.to_numpy()][:, None]
    curve = made.coefficient * usual**made.second / (usual**made.second + made.first**made.second)
    for s, country in enumerate(countries):
        mine = (made.part["country"] == country).to_numpy()
        assert found[s] == pytest.approx(np.repeat(curve[mine].sum(axis=0)[:, None], 8, axis=1))


def test_a_channel_of_whose_last_weeks_nothing_is_known_is_left_to_what_comes_anyway():
    made = world(draws=3, seed=2)
    spend = weekly_spend(posterior(draws=3, seed=2))
    is_gone = (spend["country"] == "C1") & (spend["week_start"] > LAST_WEEK - timedelta(weeks=4))
    found, whole = (
        past_worth(made, rows, weeks_back(8), ("C0", "C1", "C2"), {"gmv": made.worth})["gmv"]
        for rows in (spend[~is_gone], spend)
    )
    assert (found[1] == 0).all() and found[0] == pytest.approx(whole[0])
