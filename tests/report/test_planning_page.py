"""The page of a plan as a reader meets it: text and tables are read back from the HTML and compared with the rows."""

import re
import sys
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from pma.report.lanes import Scale
from pma.report.planning_curves import frontier_of, hit, largest_curves, response
from pma.report.planning_page import NO_CAMPAIGNS, WEEKS_OVER, planning_page, planning_text
from pma.report.planning_pictures import hit_lines
from pma.report.planning_rows import plan_rows
from pma.report.planning_words import Unit, about, chance, days_name, held, month_name, opening
from tests.report.planning_world import (
    EASY,
    FAR,
    FLAGGED,
    LIMIT,
    MONTH,
    SHARED,
    WEEKS,
    begun,
    campaign,
    cell,
    frame,
    market,
    over,
    rows,
    target,
    whole,
    without,
)
from tests.report.test_growth_page import EVIL, Page


@pytest.fixture(scope="module")
def html():
    return planning_page(rows(), "EUR")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def table(page, head):
    """The one table whose first column has this head."""
    [found] = [page.rows(n) for n in range(len(page.tables)) if head in page.rows(n)]
    return found


def test_it_says_first_what_the_plan_is_worth_then_where_money_moves_then_what_to_type_in(page):
    said = ("1,000.00 EUR for December 2026, as much as today costs", "It is a simulation: no number on it is", FLAGGED)
    parts = ("Where money moves", "What to type in", "What more or less money would bring", "What a budget reaches")
    parts += ("Targets", "What if", "Uploads to aim for", "Campaigns by week", "How to read this page")
    order = [page.text.index(words) for words in (*said, *parts)]
    assert order == sorted(order)
    assert (
        "It brings about 5,000 EUR of order value (4,400 to 5,600): 200 more than today's split (+100 to +300). The "
        "probability that it is better than today's is over 99 %. It is proved that the plan is within 0.12 % of the "
        "best split within the limits."
    ) in page.text


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"gap": 0.4}, "It is proved that the plan is within 40.00 % of the best split within the limits."),
        (
            {"gap": 0.4, "quantile": 0.2},
            "It is proved that the plan is within 40.00 % of the best split within the limits; what can be proved of a "
            "quantile is wide, and the plan may be much nearer.",
        ),
        ({"gap": 1.3}, "How near the plan is to the best split within the limits is not proved."),
    ],
)
def test_what_is_proved_is_a_share_of_the_best(said, sentence):
    assert opening(whole(planned_spend=1000.0, **said), [MONTH], Unit("gmv", "EUR"))[-1] == sentence


def test_the_largest_moves_stand_in_sentences_and_so_does_what_holds_them(page):
    for said in (
        "More money, EUR: DE google_pmax +100, FR meta_prospecting +50.",
        "Less money, EUR: FR google_pmax −150.",
        f"2 budgets are held by “{LIMIT}”; 2 budgets are free to move: in each, one more EUR brings about 5.0 EUR.",
        "Beyond all that was ever spent there, so go step by step: FR meta_prospecting.",
    ):
        assert said in page.text


def test_countries_and_channels_have_both_amounts_the_largest_first(page):
    assert list(table(page, "Country")) == ["Country", "DE", "FR"]
    assert table(page, "Country")["DE"] == ["700now 600", "+100+16.7 %", ""]
    channels = page.rows(1)
    assert list(channels) == ["Channel", "google_pmax", "tv", "meta_prospecting"]
    assert channels["google_pmax"] == ["450now 500", "−50−10 %", ""]


def test_every_country_and_channel_has_its_money_its_change_and_a_mark_where_nobody_has_been(page):
    assert page.rows(2) == {
        "Channel": ["DE", "FR", "All"],
        "google_pmax": ["300+50 %", "150−50 %", "450−10 %"],
        "tv": ["4000 %", "–", "4000 %"],
        "meta_prospecting": ["–", "150 !+50 %", "150+50 %"],
        "All channels": ["700+16.7 %", "300−25 %", "1,0000 %"],
    }


def test_moves_say_from_what_to_what_what_that_brings_and_what_holds_it(page):
    assert table(page, "Where") == {
        "Where": ["Change, EUR", "It brings, EUR", "Right with", "One more EUR brings", "What holds it"],
        "FR google_pmax": ["−150300 to 150", "−750−760 to −740", "80 %", "3.0", f"{LIMIT}; would give more away"],
        "DE google_pmax": ["+100200 to 300", "+500+490 to +510", "80 %", "6.0", f"{LIMIT}; would take more"],
        "FR meta_prospecting": ["+50 !100 to 150", "+250+240 to +260", "80 %", "5.0", "shares the budget"],
        "DE tv": ["0400 to 400", "0−10.0 to +10.0", "–", "5.0", "shares the budget"],
    }


def test_targets_have_their_money_and_the_probabilities_of_three_plans(page):
    [found] = [page.rows(n) for n in range(len(page.tables)) if "Target" in page.rows(n)]
    assert found["Target"] == ["Goal", "Least money, EUR", "Reaches", "that money", "the plan", "today's money"]
    assert found[f"easy{EASY}"] == [
        *("9,000EUR of order value; all countries", "800−200", "9,0008,100 to 9,900", "80 %", "85 %", "70 %"),
    ]
    assert found[f"far{FAR}"] == [
        *("500uploads; DE", "out of reach 800the most is 420", "500450 to 550", "40 %", "10 %", "under 1 %"),
    ]


def test_scenarios_stand_beside_the_plan_but_those_that_are_targets(page):
    assert table(page, "Scenario") == {
        "Scenario": ["Against the plan, EUR", "", "Money, EUR", "Brings per EUR", "Orders", "Uploads"],
        "without tvMost moved: tv −400 EUR; DE −100 EUR.": [
            *("−300−350 to −250", "", "1,0000", "4.5−0.50", "–", "−30.0−35.0 to −25.0"),
        ],
    }


def test_uploads_stand_with_what_they_become_where(page):
    assert table(page, "From") == {
        "From": ["Uploads to aim for", "By campaigns", "DE", "FR", "All"],
        "DE": ["400100 by paid media, 300 anyway", "50.0of 100 aimed for", "12,000", "4,000", "16,000"],
        "FR": ["80.020.0 by paid media, 60.0 anyway", "40.0of 20.0 aimed for", "–", "–", "0"],
    }


def test_uploads_by_campaigns_are_of_the_plans_months_and_of_countries_whose_campaigns_are_planned():
    own = [campaign("11", "DE", "google_pmax", "google", "1.00", week) for week in (0, 1)]
    earlier = campaign("11", "DE", "tv", "google", "1.00", month=date(2026, 11, 1), week_start=date(2026, 11, 23))
    found = table(Page(planning_page(rows(campaigns=frame("campaigns", [*own, earlier])), "EUR")), "From")
    assert (found["DE"][1], found["FR"][1]) == ("20.0of 100 aimed for", "–")
    for none in (without("campaigns"), rows(campaigns=frame("campaigns", [earlier]))):
        assert table(Page(planning_page(none, "EUR")), "From")["From"] == ["Uploads to aim for", "DE", "FR", "All"]


def test_campaigns_stand_by_country_and_channel_with_their_weeks(page):
    found = [page.rows(n) for n in range(len(page.tables)) if "Channel, campaign" in page.rows(n)]
    assert found[0] == {
        "Channel, campaign": ["Now, a week", "1 to 6 Dec", "7 to 13 Dec", "A day, 1 to 6 Dec"],
        "google_pmax": ["280", "126", "70", ""],
        "DE_11google · supply · cpc": ["70", "60", "70", "10.00 EUR"],
        "a new onegoogle · supply · cpc · new": ["70", "42", "–", "7.00 EUR"],
        "DE_13google · supply · cpc · paused": ["70", "24", "–", "4.00 EUR"],
        "DE_12google · supply · cpc": ["70", "0", "–", "0.00 EUR"],
    }
    assert "FR_21meta · supply · cpc · held by: at most 20% a week" in found[1]
    assert "Money of the month that no campaign here has, EUR: google_pmax 104, tv 400." in page.text


def test_what_no_file_can_set_is_named(page):
    assert "google_ads_budgets.csv: daily budgets of 1 to 6 Dec for 1 campaigns of Google Ads" in page.text
    assert "To be made by hand first, 1: a new one." in page.text and "To be paused, 1: DE_12." in page.text
    assert "In no file, so to be typed in by hand: FR_31 (tiktok)." in page.text
    own = [campaign("14", "DE", "tv", "google", "1.00", status="unknown", campaign_name=None)]
    shown = Page(planning_page(rows(campaigns=frame("campaigns", own)), "EUR")).text
    assert "In no file, so to be typed in by hand: 14 (google, status unknown)." in shown


def test_a_week_in_progress_has_the_daily_budget_of_the_days_that_are_left():
    own = [begun("11", "DE", "google_pmax", "google", "30.00", "250.04", 5)]
    own += [begun("31", "DE", "tiktok", "tiktok", "10.00", "50.00", 5, currency="HUF", spent_local=Decimal("4000"))]
    own[1]["budget_local"] = Decimal("24004.00")
    own += [begun("(unplaced)", "DE", "tv", "(none)", "0.00", "20.00", 5, status="unknown", campaign_name=None)]
    page = Page(planning_page(rows(campaigns=frame("campaigns", own)), "EUR"))
    found = table(page, "Channel, campaign")
    assert found["Channel, campaign"] == ["Now, a week", "7 to 13 Dec", "A day, 9 to 13 Dec"]
    assert found["DE_11google · supply · cpc"] == ["60", "280", "50.00 EUR"]
    # 20,004 forints are left, and no platform takes their cents.
    assert found["DE_31tiktok · supply · cpc"] == ["60", "60", "4,000 HUF"]
    assert [cells for name, cells in found.items() if name.startswith("(unplaced)")] == [["60", "20", "–"]]
    assert "google_ads_budgets.csv: daily budgets of 9 to 13 Dec for 1 campaigns of Google Ads" in page.text


def test_weeks_of_a_month_that_is_over_are_not_ahead_whatever_was_not_placed_of_it():
    campaigns = market()["campaigns"]
    campaigns = over(over(campaigns, WEEKS[0][0]), WEEKS[1][0])
    lost = campaign("(unplaced)", "DE", "tv", "(none)", "9.00", 1, days_left=0, binding_constraint="the month is over")
    plan = rows(campaigns=pd.concat([campaigns, frame("campaigns", [lost])]))
    page = Page(planning_page(plan, "EUR"))
    assert WEEKS_OVER in page.text and "daily budgets of" not in page.text
    assert planning_text(plan, "EUR").splitlines()[-1] == WEEKS_OVER
    found = next(page.rows(n) for n in range(len(page.tables)) if "Channel, campaign" in page.rows(n))
    assert found["DE_11google · supply · cpc · held by: spent"] == ["70", "60", "70", "–"]


def test_pictures_have_a_title_and_the_page_needs_nothing_else(html, page):
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert [one["alt"] for one in images] == [
        "DE tv: order value a week by money a week",
        "DE google_pmax: order value a week by money a week",
        "FR google_pmax: order value a week by money a week",
        "EUR of order value by budget, with all that comes without paid media",
        "How likely a budget is to reach each target",
    ]
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base"} == set()
    assert not re.search(r"https?:|url\(|@import", re.sub(r'src="data:[^"]*"', "", html))
    assert len(re.findall(r'class="scroll"><table>', html)) == len(page.tables)


def test_weeks_that_are_over_are_left_out_and_money_of_another_month_is_not_this_ones():
    """The month that has begun is planned on beside the plan's own."""
    given = market()
    first = min(given["campaigns"]["week_start"])
    campaigns = over(given["campaigns"], first)
    earlier = campaigns[campaigns["week_start"] > first].assign(
        month=date(2026, 11, 1), week_start=date(2026, 11, 23), budget=Decimal("9999.00")
    )
    shown = Page(planning_page(plan_rows(**{**given, "campaigns": pd.concat([campaigns, earlier])}), "EUR")).text
    plain = Page(planning_page(plan_rows(**{**given, "campaigns": campaigns}), "EUR")).text
    assert "1 to 6 Dec" not in plain.split("Campaigns by week")[1] and "A day, 7 to 13 Dec" in plain
    left = "Money of the month that no campaign here has"
    told, alone = ([part.split(".")[0] for part in text.split(left)[1:]] for text in (shown, plain))
    assert told == alone and alone


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("targets", "No target was set: planning.targets names them."),
        ("frontier", "No other budget was planned yet: run plan_budget on fits whose weeks are in bl.mmm_fit_weeks."),
        ("campaigns", NO_CAMPAIGNS),
        ("scenarios", "No scenario was planned: planning.scenarios names them."),
        ("uploads", "The plan stands on no fit of uploads, so there are none to aim for."),
        ("curves", "There are no curves of the fits that the plan stands on: run fit_mmm."),
    ],
)
def test_what_has_no_rows_is_left_out_with_a_sentence(page, missing, said):
    assert said not in page.text and said in Page(planning_page(without(missing), "EUR")).text


def test_without_matplotlib_the_page_is_there_without_pictures(monkeypatch):
    monkeypatch.setattr("pma.report.planning_page.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    shown = Page(planning_page(rows(), "EUR"))
    assert "Pictures are left out: matplotlib is not installed." in shown.text
    assert "img" not in {tag for tag, _ in shown.tags} and table(shown, "Scenario")


def test_equal_rows_in_any_order_give_equal_bytes(html):
    turned = {name: one.iloc[::-1].reset_index(drop=True) for name, one in market().items()}
    assert planning_page(plan_rows(**turned), "EUR") == html


def test_names_and_notes_are_text_and_never_markup():
    said = frame("whole", [whole(notes=[EVIL], data_origin=EVIL)])
    cells = frame("budget", [cell(EVIL, EVIL, 100.0, 50.0, EVIL)])
    names = {"targets": frame("targets", [target(EVIL, "gmv", EVIL, 10.0, EVIL)])}
    names |= {name: market()[name].replace({"DE_11": EVIL, "without tv": EVIL}) for name in ("campaigns", "scenarios")}
    shown = planning_page(rows(whole=said, budget=cells, **names), "EUR")
    assert EVIL not in shown and "&lt;script&gt;" in shown


def test_months_add_up_and_a_move_says_of_which_month_it_is():
    later = MONTH.replace(year=2027, month=1)
    budget = [cell("DE", "tv", 100.0, 150.0), {**cell("DE", "tv", 100.0, 80.0), "month": later}]
    shown = Page(planning_page(rows(budget=frame("budget", budget)), "EUR"))
    assert "1,000.00 EUR for December 2026 to January 2027" in shown.text
    assert shown.rows(0)["DE"] == ["230now 200", "+30+15 %", ""]
    assert list(table(shown, "Where")) == ["Where", "DE tvDec 2026", "DE tvJan 2027"]


def test_a_plan_for_uploads_speaks_of_uploads():
    shown = Page(planning_page(rows(whole=frame("whole", [whole(objective="uploads", risk=0.1)])), "EUR"))
    assert "so that it brings the most uploads, counting the worst 10 % of cases alone." in shown.text
    assert "1,000 EUR more bring" in table(shown, "Where")["Where"]


def test_the_text_for_a_terminal_says_the_same(page):
    lines = planning_text(rows(), "EUR").splitlines()
    assert lines[0].startswith("Plan for December 2026, base: 1,000.00 EUR for December 2026, as much as today costs")
    assert lines[2:] == [
        "More money, EUR: DE google_pmax +100, FR meta_prospecting +50.",
        "Less money, EUR: FR google_pmax −150.",
        *(FLAGGED, EASY, FAR),
        "Daily budgets to upload: Google Ads 1, Meta 1",
    ]
    assert planning_text(without("campaigns"), "EUR").splitlines()[-1] == NO_CAMPAIGNS


def test_a_cells_curve_is_that_of_value_and_of_uploads_at_what_they_become():
    found = response(rows(), "DE", "google_pmax", "gmv")
    # 100 a week bring 100 of value, and 2 uploads that become 30 in DE and 10 in FR each.
    assert found.set_index("spend")["mean"].to_dict() == {0.0: 0.0, 50.0: 90.0, 100.0: 180.0, 150.0: 270.0}
    assert found["low"].iloc[2] == pytest.approx(180 - np.hypot(30, 24))
    assert found["high"].iloc[2] == pytest.approx(180 + np.hypot(40, 32))
    assert response(rows(), "DE", "google_pmax", "uploads")["mean"].tolist() == [0.0, 1.0, 2.0, 3.0]
    # 400 is what an order is worth: 100 of value are a quarter of one, an upload becomes a tenth.
    assert response(rows(), "DE", "google_pmax", "orders")["mean"].iloc[2] == pytest.approx(0.25 + 0.2)


def test_points_on_curves_are_money_by_the_week_the_largest_cells_first():
    found = largest_curves(rows(), "gmv", 2)
    assert [(one.country, one.channel) for one in found] == [("DE", "tv"), ("DE", "google_pmax")]
    assert found[1].today == pytest.approx(200 * 7 / 31) and found[1].planned == pytest.approx(300 * 7 / 31)
    assert found[1].at(75.0) == pytest.approx(135.0)


def test_the_probability_of_a_goal_is_that_of_the_normal_where_what_is_reached_is_normal():
    frontier = frontier_of(rows(), "gmv", "(all)")
    budgets, chances = hit(frontier, 9300.0)
    expected = ndtr((6000 + 3 * budgets - 9300) / 500)
    assert chances == pytest.approx(expected, abs=1e-6) and chances[0] < 1e-6 < chances[-1]


@given(goal=st.floats(1.0, 40000.0))
def test_more_budget_never_makes_a_goal_less_likely(goal):
    _, chances = hit(frontier_of(rows(), "gmv", "(all)"), goal)
    assert (np.diff(chances) >= -1e-12).all() and (chances >= 0).all() and (chances <= 1).all()


def test_a_certain_outcome_is_reached_or_not():
    flat = frontier_of(rows(), "gmv", "(all)")
    flat = flat.assign(**{name: 9000.0 for name in flat.columns if name.startswith("reached")})
    assert (set(hit(flat, 8000.0)[1]), set(hit(flat, 9001.0)[1])) == ({1.0}, {0.0})


def test_only_targets_that_the_frontier_knows_have_a_line():
    later = MONTH.replace(year=2027, month=1)
    several = [cell("DE", "tv", 1.0, 1.0), {**cell("DE", "tv", 1.0, 1.0), "month": later}]
    told = [target("all", "gmv", "(all)", 9000.0, EASY), target("of one", "gmv", "(all)", 9.0, EASY, month=MONTH)]
    told += [target("a ratio", "roas", "(all)", 3.0, EASY), target("here", "gmv", "DE", 3.0, EASY)]
    found = rows(budget=frame("budget", several), targets=frame("targets", told))
    assert [name for name, _, _ in hit_lines(found)] == ["all"]
    assert [name for name, _, _ in hit_lines(rows(targets=frame("targets", told)))] == ["all", "of one"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1845744.0, "1,850,000"),
        (38391.1, "38,400"),
        (12.345, "12.3"),
        (-86064.9, "−86,100"),
        (0.0, "0"),
        (999.9, "1,000"),
    ],
)
def test_estimates_have_three_digits(value, said):
    assert about(value) == said and about(float("nan")) == "–"


def test_words_for_time_chance_and_limits():
    assert [days_name(*week) for week in WEEKS] == ["1 to 6 Dec", "7 to 13 Dec"]
    assert days_name(WEEKS[0][0].replace(day=28), MONTH.replace(year=2027, month=1, day=3)) == "28 Dec to 3 Jan"
    assert days_name(MONTH, MONTH) == "1 Dec" and month_name([MONTH]) == "December 2026"
    assert [chance(one) for one in (0.0, 0.5, 1.0, float("nan"))] == ["under 1 %", "50 %", "over 99 %", "–"]
    budget = [cell("DE", "tv", 1.0, 1.0, reason) for reason in (None, SHARED, f"a cap, {SHARED}")]
    assert held(budget, Unit("gmv", "EUR")) == [
        "1 budget is held by “a cap”",
        "1 budget is held by nothing",
        "1 budget is free to move: in each, one more EUR brings about 5.0 EUR",
    ]


def test_a_place_on_a_line_is_within_it():
    assert [Scale(0.0, 200.0).at(value) for value in (-5.0, 0.0, 50.0, 200.0, 500.0)] == [0.0, 0.0, 25.0, 100.0, 100.0]
    assert Scale(3.0, 3.0).at(3.0) == 0.0
