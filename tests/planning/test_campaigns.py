"""The weekly plan from rows of tables: sums to the cent, who gets nothing, how fast money moves, months begun."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pma.planning.campaign_curves import by_weeks, campaign_responses
from pma.planning.campaign_words import campaigns_text
from pma.planning.campaigns import placed_campaigns, plan_campaigns, planned_responses
from pma.planning.efficiency import efficiencies
from pma.planning.settings import NewCampaign
from pma.planning.tables import UNPLACED
from pma.planning.weeks import month_weeks, week_shares
from tests.planning.campaign_world import AS_OF, DECEMBER, as_if, changed, fits, inputs, named, settings

CELL = ["country", "channel"]
KEY = [*CELL, "campaign_id"]


def cents(money):
    return np.rint(100 * pd.to_numeric(money)).astype(np.int64)


def sums(rows):
    """Whole cents by country, channel and month."""
    return cents(rows["budget"]).groupby([rows["country"], rows["channel"], rows["month"]]).sum().to_dict()


def asked(given_inputs):
    months = given_inputs.months
    return {
        (row["country"], row["channel"], row["month"]): int(row["planned_spend"] * 100)
        for row in months.to_dict("records")
    }


@pytest.fixture(scope="module")
def world():
    return fits()


@st.composite
def problems(draw):
    return {
        "seed": draw(st.integers(0, 10**6)),
        "campaigns": draw(st.integers(1, 5)),
        "factor": draw(st.sampled_from([0.0, 0.0001, 0.3, 0.9, 1.0, 1.3, 5.0])),
        "change": draw(st.sampled_from([None, 0.0, 0.2])),
        "least": draw(st.sampled_from([0.0, 5.0, 300.0])),
        "day": draw(st.sampled_from([AS_OF, date(2026, 12, 10), date(2026, 12, 31)])),
        "closed": draw(st.integers(0, 4)),
    }


@hypothesis_settings(max_examples=60, deadline=None)
@given(problems())
def test_campaigns_and_weeks_add_up_to_the_month_to_the_cent(world, problem):
    tables = as_if(inputs(world, problem["campaigns"], problem["factor"], seed=problem["seed"]), problem["day"])
    closed = sorted(tables.campaigns["campaign_id"])[: problem["closed"]]
    tables.campaigns.loc[tables.campaigns["campaign_id"].isin(closed), "campaign_status"] = "paused"
    rows = plan_campaigns(
        world, tables, settings(max_weekly_change=problem["change"], least_daily={"google": problem["least"]})
    )
    found, planned = sums(rows), asked(tables)
    spent = tables.daily[tables.daily["date"] >= DECEMBER]
    by_cell = spent.groupby(CELL)["spend"].sum().to_dict()
    for key, amount in planned.items():
        gone = 100 * by_cell.get(key[:2], 0.0)
        if gone <= amount - 100:
            assert found[key] == amount
        elif gone > amount + 100:
            # What is spent is spent: nothing more is planned.
            assert found[key] == pytest.approx(gone, abs=100)
    assert (rows["budget"] >= 0).all() and not rows.duplicated(["week_start", *KEY]).any()


def test_at_todays_mix_campaigns_bring_what_their_channel_brings_draw_by_draw(world):
    tables = inputs(world)
    made = planned_responses(world, tables, settings())
    campaigns = placed_campaigns(tables, made, np.full((4, 1), 100), settings().campaigns)
    ratio = {
        target: efficiencies(campaigns, campaigns[name].to_numpy(), made.first.shape[1], 1, target)
        for target, name in (("uploads", "uploads"), ("gmv", "orders"))
    }
    weeks = month_weeks(made.horizon.months, AS_OF)
    cell, share = campaigns["cell"].to_numpy(), campaigns["share"].to_numpy()
    over = by_weeks(made.horizon, weeks, week_shares(weeks, made.horizon.weeks))
    brings = campaign_responses(made, cell, share, ratio, over)
    for factor in (0.1, 1.0, 7.0):
        month = factor * 1000.0 * np.arange(1, 5)
        by_week = share[:, None] * month[cell][:, None] * weeks["days"].to_numpy() / 31
        together = np.zeros((made.first.shape[1], 4))
        np.add.at(together.T, cell, brings.by_cell(by_week).T)
        np.testing.assert_allclose(together, made.by_cell(month[:, None]), rtol=1e-9)


def test_rows_say_what_today_costs_and_what_money_brings(world):
    rows = plan_campaigns(world, inputs(world, factor=1.2), settings())
    one = rows[rows["campaign_id"] == "C0-channel_0-0"]
    assert one["week_start"].tolist() == [date(2026, 12, d) for d in (1, 7, 14, 21, 28)]
    assert one["week_end"].tolist() == [date(2026, 12, d) for d in (6, 13, 20, 27, 31)]
    assert set(one["campaign_name"]) == {"name of C0-channel_0-0"} and set(one["campaign_goal"]) == {"supply"}
    np.testing.assert_allclose(one["current_budget"] / one["current_budget"].iloc[1], np.array([6, 7, 7, 7, 4]) / 7)
    assert (rows["response_p05"] < rows["response_p50"]).all() and (rows["response_p50"] < rows["response_p95"]).all()
    assert (rows["uploads"] > 0).all() and (rows["marginal_return"] > 0).all()
    assert set(rows["plan_id"]) == {"base"} and (rows["budget_local"] == rows["budget"]).all()


def test_the_plan_brings_no_less_than_todays_mix_within_the_same_limits(world):
    tables = inputs(world)
    free = plan_campaigns(world, tables, settings(max_weekly_change=None))
    fixed = plan_campaigns(world, tables, settings(max_weekly_change=0.0))
    np.testing.assert_allclose(fixed["budget"], fixed["current_budget"], atol=0.011)
    assert free["response"].sum() > fixed["response"].sum()


def test_money_moves_from_week_to_week_as_much_as_asked_for_and_no_more(world):
    rows = plan_campaigns(world, inputs(world, factor=1.15), settings(max_weekly_change=0.2, target_bidding=()))
    rows = rows.assign(days=[(e - s).days + 1 for s, e in zip(rows["week_start"], rows["week_end"], strict=True)])
    for _, one in rows.groupby(KEY):
        daily = (one["budget"] / one["days"]).to_numpy()
        before = np.concatenate([[one["current_budget"].iloc[0] / one["days"].iloc[0]], daily[:-1]])
        assert (np.abs(daily / before - 1) <= 0.2 + 0.02 / one["budget"]).all()
    assert "at most 20% more a week" in set(rows["binding_constraint"])


def test_a_limit_that_the_months_money_breaks_gives_way_as_little_as_it_must(world):
    rows = plan_campaigns(world, inputs(world, factor=3.0), settings(max_weekly_change=0.2, target_bidding=()))
    why = set(rows["binding_constraint"])
    assert len(why) == 1 and why.pop().endswith("more a week; 20% does not reach the month's money")
    length = np.array([6, 7, 7, 7, 4]) / 7
    one = rows[rows["campaign_id"] == "C0-channel_0-0"]
    steps = (one["budget"] / length).to_numpy() / (one["current_budget"].iloc[1])
    change = steps[0] - 1
    # All five steps are the same, and smaller ones would not reach three times today's money.
    np.testing.assert_allclose(steps, (1 + change) ** np.arange(1, 6), rtol=1e-3)
    assert (steps * length).sum() == pytest.approx(3.0 * length.sum(), rel=1e-3)


@pytest.mark.parametrize("status", ["paused", "ended", "deleted"])
def test_what_is_not_open_gets_nothing(world, status):
    tables = changed(inputs(world), "campaigns", named("C0-channel_0-0"), campaign_status=status)
    rows = plan_campaigns(world, tables, settings())
    assert "C0-channel_0-0" not in set(rows["campaign_id"]) and sums(rows) == asked(tables)


def test_a_campaign_of_no_known_status_is_open_while_it_spends(world):
    tables = changed(inputs(world), "campaigns", named("C0-channel_0-0"), campaign_status="unknown")
    assert "C0-channel_0-0" in set(plan_campaigns(world, tables, settings())["campaign_id"])
    asleep = replace(tables, daily=tables.daily[tables.daily["campaign_id"] != "C0-channel_0-0"])
    assert "C0-channel_0-0" not in set(plan_campaigns(world, asleep, settings())["campaign_id"])


def test_money_of_a_channel_without_an_open_campaign_is_not_lost_but_said(world):
    tables = inputs(world)
    here = (tables.campaigns["campaign_id"].str.startswith("C1-channel_1-")).to_numpy()
    tables.campaigns.loc[here, "campaign_status"] = "paused"
    rows = plan_campaigns(world, tables, settings())
    mine = rows[(rows["country"] == "C1") & (rows["channel"] == "channel_1")]
    assert set(mine["campaign_id"]) == {UNPLACED} and len(mine) == 5 and sums(rows) == asked(tables)
    assert set(mine["binding_constraint"]) == {"no campaign of the channel is open"}
    assert (mine["uploads"] == 0).all() and set(mine["ad_platform"]) == {"(none)"}


def test_where_nothing_is_open_all_money_is_said(world):
    tables = inputs(world)
    tables.campaigns["campaign_status"] = "deleted"
    rows = plan_campaigns(world, tables, settings())
    assert set(rows["campaign_id"]) == {UNPLACED} and sums(rows) == asked(tables)


def test_a_new_campaign_begins_with_its_share_at_what_is_usual(world):
    new = NewCampaign(
        campaign_id="next", country="C0", channel="channel_0", ad_platform="google", share=0.25, currency="CHF"
    )
    rows = plan_campaigns(world, inputs(world), settings(new=(new,)))
    mine, channel = (
        rows[rows["campaign_id"] == "next"],
        rows[(rows["country"] == "C0") & (rows["channel"] == "channel_0")],
    )
    assert set(mine["campaign_status"]) == {"new"} and (mine["current_budget"] == 0).all()
    assert mine["budget"].sum() / channel["budget"].sum() == pytest.approx(0.25 / 1.25, rel=0.5)
    np.testing.assert_allclose(mine["budget_local"], mine["budget"] / 1.25, atol=0.006)
    assert mine["uploads"].sum() > 0


def test_a_campaign_that_bids_by_a_target_gets_no_more_than_it_ever_spent_and_a_bit(world):
    tables = inputs(world, factor=2.5)
    rows = plan_campaigns(world, tables, settings(max_weekly_change=0.2))
    most = tables.credit.set_index("campaign_id")["most_week"]
    for campaign, one in rows.groupby("campaign_id"):
        days = np.array([(e - s).days + 1 for s, e in zip(one["week_start"], one["week_end"], strict=True)])
        weekly = 7 * one["budget"] / days
        assert (weekly <= 1.2 * most[campaign] + 0.05).all() or set(one["bidding_type"]) != {"target_cpa"}
        if set(one["bidding_type"]) == {"target_cpa"}:
            assert "target_cpa: it would not spend more than it ever did, and a bit" in set(one["binding_constraint"])
    assert sums(rows) == asked(tables)


def test_money_that_targets_would_not_let_be_spent_is_not_placed(world):
    tables = inputs(world, factor=10.0)
    tables.campaigns["bidding_type"] = "cost_cap"
    rows = plan_campaigns(world, tables, settings())
    lost = rows[rows["campaign_id"] == UNPLACED]
    assert sums(rows) == asked(tables) and lost["budget"].sum() > 0.7 * rows["budget"].sum()
    assert set(lost["binding_constraint"]) == {"all its campaigns bid by a target and would not spend it"}


def test_no_campaign_gets_less_than_its_platform_takes_and_the_least_worthy_are_off(world):
    tables = inputs(world, factor=0.4)
    least = 0.9 * tables.daily["spend"].min()
    rows = plan_campaigns(world, tables, settings(max_weekly_change=None, least_daily={"google": least}))
    days = np.array([(e - s).days + 1 for s, e in zip(rows["week_start"], rows["week_end"], strict=True)])
    assert ((rows["budget"] == 0) | (rows["budget"] / days >= least - 0.01)).all()
    usual = tables.daily["spend"].max() * 0.99
    few = plan_campaigns(world, tables, settings(max_weekly_change=None, least_daily={"google": usual}))
    off = few[few["binding_constraint"].str.startswith("off: ", na=False)]
    assert (off["budget"] == 0).all() and sums(few) == asked(tables)


def test_in_a_month_that_has_begun_what_is_spent_counts(world):
    day = date(2026, 12, 16)
    tables = as_if(inputs(world), day)
    rows = plan_campaigns(world, tables, settings())
    assert sums(rows) == asked(tables)
    one = rows[rows["campaign_id"] == "C0-channel_0-0"].set_index("week_start")
    daily = tables.daily.set_index("campaign_id")["spend"]["C0-channel_0-0"].iloc[0]
    assert one["binding_constraint"][date(2026, 12, 1)] == one["binding_constraint"][date(2026, 12, 7)] == "spent"
    assert one["budget"][date(2026, 12, 7)] == pytest.approx(7 * daily, abs=0.006)
    # Two days of the third week are over: what it has left is within the limits of today's money.
    left = one["budget"][date(2026, 12, 14)] - 2 * daily
    assert 0.8 * 5 * daily - 0.02 <= left <= 1.2 * 5 * daily + 0.02


@pytest.mark.parametrize(("currency", "rate"), [("EUR", 1), ("CHF", Decimal("1.25"))])
def test_of_a_week_that_has_begun_it_is_told_what_is_spent_and_which_days_are_left(world, currency, rate):
    """By hand: 50.00 a day until Tuesday the 15th and as much on, of a month's 31 x 50.00."""
    tables = as_if(inputs(world, campaigns=1), date(2026, 12, 16))
    tables.daily["spend"], tables.months["planned_spend"] = 50.0, Decimal("1550.00")
    tables.accounts["currency"] = currency
    rows = plan_campaigns(world, tables, settings(max_weekly_change=0.0))
    money = {"spent": [300, 350, 100, 0, 0], "budget": [300, 350, 350, 350, 200]}
    for (_, one), _ in zip(rows.groupby(KEY), range(4), strict=True):
        assert one["week_start"].tolist() == [date(2026, 12, d) for d in (1, 7, 14, 21, 28)]
        assert one["days_left"].tolist() == [0, 0, 5, 7, 4]
        for name, asked_for in money.items():
            np.testing.assert_allclose(one[name], asked_for, atol=1e-9)
            np.testing.assert_allclose(one[f"{name}_local"], np.array(asked_for) / float(rate), atol=1e-9)


@pytest.mark.parametrize("factor", [0.3, 1.07])
def test_what_is_left_of_a_week_is_right_to_the_cent_in_the_accounts_currency(world, factor):
    """A unit of the account's is worth 1.37, so that no sum is round."""
    tables = as_if(inputs(world, factor=factor), date(2026, 12, 16))
    tables = replace(tables, rates=pd.DataFrame({"currency": ["CHF"], "rate": [1.37]}))
    tables.accounts["currency"] = "CHF"
    rows = plan_campaigns(world, tables, settings())
    left, local = cents(rows["budget"]) - cents(rows["spent"]), cents(rows["budget_local"]) - cents(rows["spent_local"])
    assert (left >= 0).all() and (cents(rows["spent_local"]) >= 0).all()
    np.testing.assert_allclose(local, left / 1.37, atol=0.5 + 1e-6)
    np.testing.assert_allclose(rows["budget_local"], rows["budget"] / 1.37, atol=0.005 + 1e-8)
    np.testing.assert_allclose(rows["spent_local"], rows["spent"] / 1.37, atol=0.01 + 1e-8)
    assert (rows.loc[rows["days_left"] == 0, "spent_local"] == rows.loc[rows["days_left"] == 0, "budget_local"]).all()
    assert (rows.loc[rows["week_start"] > date(2026, 12, 16), "spent"] == 0).all()


def test_a_month_whose_money_is_spent_has_nothing_left(world):
    tables = as_if(inputs(world, factor=0.3), date(2026, 12, 16))
    rows = plan_campaigns(world, tables, settings())
    later = rows[rows["week_start"] > date(2026, 12, 16)]
    assert (later["budget"] == 0).all()
    assert later["binding_constraint"].str.startswith("the month's money is spent, and ").all()


def test_a_campaign_that_was_paused_in_the_month_keeps_what_it_spent(world):
    tables = as_if(inputs(world), date(2026, 12, 9))
    tables = changed(tables, "campaigns", named("C0-channel_0-0"), campaign_status="paused")
    rows = plan_campaigns(world, tables, settings())
    mine = rows[rows["campaign_id"] == "C0-channel_0-0"]
    assert mine["week_start"].tolist() == [date(2026, 12, 1), date(2026, 12, 7)] and sums(rows) == asked(tables)
    assert mine["binding_constraint"].tolist() == ["spent", "spent; the campaign is paused"]


def test_when_the_month_is_over_what_is_left_is_not_placed(world):
    tables = as_if(inputs(world, factor=1.5), date(2027, 1, 2))
    rows = plan_campaigns(world, tables, settings())
    lost = rows[rows["campaign_id"] == UNPLACED]
    assert sums(rows) == asked(tables) and set(lost["binding_constraint"]) == {"the month is over"}
    assert (rows["days_left"] == 0).all() and (lost["spent"] == 0).all()


def test_of_two_months_the_one_that_is_over_has_no_days_left(world):
    tables = as_if(inputs(world, factor=1.5, months=(DECEMBER, date(2027, 1, 1))), date(2027, 1, 2))
    rows = plan_campaigns(world, tables, settings())
    assert "the month is over" in set(rows["binding_constraint"])
    left = rows.groupby("week_start")["days_left"].agg(["min", "max"])
    # January begins on a Friday, which is over.
    assert left.values.tolist() == [[0, 0]] * 5 + [[2, 2]] + [[7, 7]] * 4


def test_months_follow_each_other(world):
    tables = inputs(world, factor=1.1, months=(DECEMBER, date(2027, 1, 1)))
    rows = plan_campaigns(world, tables, settings(target_bidding=()))
    assert sums(rows) == asked(tables) and rows["week_start"].nunique() == 10
    one = rows[rows["campaign_id"] == "C0-channel_0-0"].reset_index(drop=True)
    daily = one["budget"] / [(e - s).days + 1 for s, e in zip(one["week_start"], one["week_end"], strict=True)]
    assert (np.abs(daily / daily.shift() - 1).dropna() <= 0.2 + 1e-3).all()


def test_a_campaign_in_two_countries_has_a_budget_in_each(world):
    tables = inputs(world)
    for table in ("daily", "credit", "accounts", "campaigns"):
        rows = getattr(tables, table)
        tables = replace(tables, **{table: rows.replace({"C1-channel_0-0": "C0-channel_0-0"})})
    rows = plan_campaigns(world, tables, settings())
    mine = rows[rows["campaign_id"] == "C0-channel_0-0"]
    assert set(mine["country"]) == {"C0", "C1"} and sums(rows) == asked(tables)


def test_what_each_row_says_hangs_on_no_order_of_rows(world):
    tables = inputs(world, factor=1.3)
    mixed = {
        name: getattr(tables, name).sample(frac=1.0, random_state=1).reset_index(drop=True)
        for name in ("months", "campaigns", "daily", "accounts", "credit")
    }
    shuffled = replace(world, posterior=world.posterior.sample(frac=1.0, random_state=2))
    pd.testing.assert_frame_equal(
        plan_campaigns(shuffled, replace(tables, **mixed), settings()), plan_campaigns(world, tables, settings())
    )


def test_a_plan_of_uploads_counts_uploads_alone(world):
    rows = plan_campaigns(world, replace(inputs(world), objective="uploads"), settings())
    np.testing.assert_allclose(rows["response"], rows["uploads"])


def test_words_name_the_aim_the_moves_and_what_could_not_be_placed_or_is_overspent(world):
    tables = as_if(inputs(world, factor=0.9), date(2026, 12, 16))
    tables.campaigns.loc[tables.campaigns["campaign_id"].str.startswith("C1-channel_1-"), "campaign_status"] = "paused"
    over = (tables.months["country"] == "C0") & (tables.months["channel"] == "channel_1")
    tables.months.loc[over, "planned_spend"] = Decimal("1.00")
    rows = plan_campaigns(world, tables, settings())
    said = campaigns_text(rows, tables.desired, "EUR")
    assert "uploads expected, 10 aimed for" in said and "name of C0-channel_0-" in said
    lost = rows.loc[rows["campaign_id"] == UNPLACED, "budget"].sum()
    assert f"C1 channel_1: {lost:,.2f} are not placed, no campaign of the channel is open" in said
    assert "C0 channel_1: the month's money is spent, and " in said


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda t: replace(t, months=t.months.iloc[:0]), "no plan 'base'.*Run plan_budget"),
        (
            lambda t: changed(t, "months", lambda r: r["channel"] == "channel_0", channel="radio"),
            "radio in 2026-12, of which no fit may be used any more",
        ),
        (
            lambda t: changed(t, "accounts", named("C0-channel_0-0"), currency="NOK"),
            "C0-channel_0-0 of C0 channel_0 is paid in NOK, of which il.exchange_rates has no rate",
        ),
        (
            lambda t: replace(t, accounts=t.accounts.drop(index=0)),
            "paid in a currency that il.ad_spend does not name",
        ),
        (
            lambda t: changed(t, "daily", named("C0-channel_0-1"), spend=np.nan),
            "28 rows of the last weeks without money in EUR, of campaign C0-channel_0-1",
        ),
        (
            lambda t: replace(t, accounts=pd.concat([t.accounts, t.accounts.iloc[:1].assign(account_id="two")])),
            "is in C0 channel_0 from 2 accounts",
        ),
        (
            lambda t: replace(
                t,
                daily=pd.concat([t.daily, t.daily.iloc[:1].assign(ad_platform="meta")], ignore_index=True),
                accounts=pd.concat([t.accounts, t.accounts.iloc[:1].assign(ad_platform="meta")], ignore_index=True),
            ),
            r"campaign C0-channel_0-0 of C0 channel_0 is there twice \(google, meta\)",
        ),
    ],
)
def test_what_cannot_be_planned_is_refused_with_its_fix(world, broken, message):
    with pytest.raises(ValueError, match=message):
        plan_campaigns(world, broken(inputs(world)), settings())


def test_a_new_campaign_of_a_channel_that_nobody_has_fitted_is_refused(world):
    new = NewCampaign(campaign_id="next", country="C0", channel="radio", ad_platform="sheet")
    with pytest.raises(ValueError, match=r"planning\.campaigns\.new has next of C0 radio, of which no fit is there"):
        plan_campaigns(world, inputs(world), settings(new=(new,)))


def test_a_campaign_that_began_a_week_ago_counts_by_its_own_days(world):
    tables = inputs(world)
    young = tables.daily["campaign_id"].eq("C0-channel_0-0") & (tables.daily["date"] < AS_OF - timedelta(days=7))
    tables = replace(tables, daily=tables.daily[~young])
    tables = changed(tables, "accounts", named("C0-channel_0-0"), first_day=AS_OF - timedelta(days=7))
    one = plan_campaigns(world, tables, settings()).query("campaign_id == 'C0-channel_0-0'")
    daily = tables.daily.set_index("campaign_id")["spend"]["C0-channel_0-0"].iloc[0]
    assert one["current_budget"].iloc[1] == pytest.approx(7 * daily)
