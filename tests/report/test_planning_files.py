"""The spreadsheet opened again by another library, and the files of the ad platforms, row by row."""

import csv
import io
import re
import sys
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pma.report.planning_page import write_plan_report
from pma.report.planning_platforms import (
    GOOGLE_COLUMNS,
    META_COLUMNS,
    google_csv,
    meta_csvs,
    next_budgets,
    platform_files,
    to_type,
)
from pma.report.planning_rows import plan_rows
from pma.report.planning_sheets import SHEETS, workbook
from pma.report.planning_weeks import daily
from pma.report.settings import ReportSettings
from tests.report.planning_world import EASY, FLAGGED, LIMIT, begun, campaign, frame, market, over, rows, without

# What the templates of Google Ads (campaigns) and of Ads Manager begin with.
GOOGLE_TEMPLATE = (
    *("Row Type", "Action", "Campaign status", "Customer ID", "Campaign ID", "Campaign", "Campaign type", "Networks"),
    *("Budget", "Delivery method", "Budget type", "Bid strategy type", "Bid strategy"),
)
META_TEMPLATE = (
    *("Campaign ID", "Campaign Name", "Campaign Status", "Special Ad Categories", "Special Ad Category Country"),
    *("Campaign Objective", "Buying Type", "Campaign Spend Limit", "Campaign Daily Budget", "Campaign Lifetime Budget"),
)


def opened(plan):
    """Sheets by name; each a list of rows without the cells that are empty at the end."""
    book = openpyxl.load_workbook(io.BytesIO(workbook(plan, "EUR")))
    return {sheet.title: [list(line) for line in sheet.iter_rows(values_only=True)] for sheet in book.worksheets}, book


@pytest.fixture(scope="module")
def book():
    return opened(rows())


def read(text):
    return list(csv.reader(io.StringIO(text)))


def test_the_first_sheet_says_what_it_is_and_how_to_use_it(book):
    sheets, _ = book
    assert list(sheets) == ["Read me", *SHEETS]
    said = [line[0] for line in sheets["Read me"]]
    assert said[0] == "Plan for December 2026" and "It is a simulation" in said[1]
    assert said[2].startswith("1,000.00 EUR for December 2026") and FLAGGED in said
    assert said[-1] == "Made by plan_budget, run R1.plan_budget, plan base."


def test_the_month_has_a_row_for_every_country_and_channel(book):
    head, *lines = book[0]["Monthly"]
    assert head == [
        *("Month", "Country", "Channel", "Today, EUR", "Planned, EUR", "Change", "Change, share"),
        *("Brings, EUR of order value", "at least (5 %)", "at most (95 %)"),
        *("Against today", "at least (5 %)", "at most (95 %)", "The move is right with"),
        *("One more EUR brings", "Most that any weeks have seen", "Beyond it", "What holds it"),
    ]
    day = datetime(2026, 12, 1)
    assert lines[0] == [
        *(day, "DE", "google_pmax", 200, 300, 100, 0.5, 1500, 1490, 1510, 500, 490, 510, 0.8, 6, 500, "no", LIMIT),
    ]
    assert [line[:5] + line[-2:] for line in lines[1:]] == [
        [day, "DE", "tv", 400, 400, "no", "shares the budget"],
        [day, "FR", "google_pmax", 300, 150, "no", LIMIT],
        [day, "FR", "meta_prospecting", 100, 150, "yes", "shares the budget"],
    ]


def test_a_campaign_has_one_row_with_its_daily_budgets_whatever_its_countries(book):
    head, *lines = book[0]["Weekly"]
    assert head == [
        *("Platform", "Account", "Campaign ID", "Campaign", "Country", "Channel", "Status", "Goal", "Bidding"),
        *("Currency", "A day, 1 to 6 Dec", "A day, 7 to 13 Dec", "Week, 1 to 6 Dec", "Week, 7 to 13 Dec"),
        *("All weeks", "Uploads it should bring", "What holds it"),
    ]
    facts = ["enabled", "supply", "cpc", "EUR"]
    assert lines[0] == [
        *("google", "1234567890", "11", "DE_11", "DE, FR", "google_pmax", *facts),
        *(15.0, 15.0, 90, 105, 195, 40, "nothing"),
    ]
    assert lines[4][:3] == ["meta", "77", "21"] and lines[4][10:] == [3, None, 18, None, 18, 10, "at most 20% a week"]
    assert lines[5][9:13] == ["HUF", 783, None, 4700] and len(lines) == 6


def test_ids_are_texts_and_money_has_cents(book):
    sheet = book[1]["Weekly"]
    assert [sheet["C2"].data_type, sheet["K2"].data_type, sheet["K2"].number_format] == ["s", "n", "#,##0.00"]
    assert sheet["K2"].font.bold and not sheet["M2"].font.bold
    assert book[1]["Monthly"]["A2"].number_format == "yyyy-mm-dd"


def test_heads_stay_and_filter_and_columns_are_wide_enough_for_what_they_hold(book):
    for name in SHEETS:
        sheet = book[1][name]
        assert sheet.freeze_panes.endswith("2") and sheet.auto_filter.ref.startswith("A1:")
        assert sheet.column_dimensions["A"].width >= 10


def test_targets_scenarios_and_uploads_are_there_with_all_their_rows(book):
    sheets, _ = book
    assert sheets["Targets"][1] == [
        *("easy", "gmv", "(all)", None, 9000, 0.8, "yes", 10800, 800, -200, 9000, 8100, 9900, 0.8, 0.85, 0.7, EASY),
    ]
    assert sheets["Targets"][2][6:8] == ["no", 420]
    assert [line[:5] for line in sheets["Scenarios"][1:]] == [
        ["base", "(all)", "(all)", 1000, 0],
        ["target: easy", "(all)", "(all)", 800, 0],
        ["without tv", "(all)", "(all)", 1000, 0],
        ["without tv", "(all)", "tv", 0, -400],
        ["without tv", "DE", "(all)", 900, -100],
    ]
    assert sheets["Scenarios"][0][11:] == [
        *("Brings per EUR", "Against the plan", "at least (5 %)", "at most (95 %)", "Order value against the plan"),
        *("at least (5 %)", "at most (95 %)", "Orders against the plan", "at least (5 %)", "at most (95 %)"),
        *("Uploads against the plan", "at least (5 %)", "at most (95 %)"),
    ]
    unknown = [None] * 3
    assert sheets["Scenarios"][3][11:] == [4.5, -0.5, -0.6, -0.4, -300, -350, -250, *unknown, -30, -35, -25]
    assert sheets["Uploads"] == [
        [
            *("Month", "From", "Uploads to aim for", "that come anyway", "by paid media", "at least (5 %)"),
            *("at most (95 %)", "by campaigns", "EUR in DE", "EUR in FR", "EUR in all"),
        ],
        # Ten of each of the five rows of DE's campaigns and of the four of FR's.
        [datetime(2026, 12, 1), "DE", 400, 300, 100, 60, 140, 50, 12000, 4000, 16000],
        [datetime(2026, 12, 1), "FR", 80, 60, 20, 12, 28, 40, None, None, 0],
    ]


def test_what_is_not_planned_yet_says_so_in_its_sheet():
    sheets, _ = opened(without("targets", "campaigns", "scenarios", "uploads"))
    for name in ("Targets", "Weekly", "Scenarios", "Uploads"):
        assert sheets[name][1][0] == "Nothing was planned here yet." and len(sheets[name]) == 2


def test_equal_rows_in_any_order_give_equal_bytes():
    turned = {name: one.iloc[::-1].reset_index(drop=True) for name, one in market().items()}
    assert workbook(plan_rows(**turned), "EUR") == workbook(rows(), "EUR")


def test_a_name_that_looks_like_a_formula_stays_a_name():
    evil = frame("campaigns", [campaign("1", "DE", "tv", "google", "1.00", campaign_name="=1+1")])
    _, book = opened(rows(campaigns=evil))
    assert (book["Weekly"]["D2"].value, book["Weekly"]["D2"].data_type) == ("=1+1", "s")


def test_google_gets_what_runs_there_in_the_columns_of_its_template():
    assert read(google_csv(next_budgets(rows()))) == [
        ["Row Type", "Action", "Customer ID", "Campaign ID", "Campaign", "Budget", "Budget type"],
        ["Campaign", "Edit", "123-456-7890", "11", "DE_11", "15.00", "Daily"],
    ]


def test_meta_gets_what_runs_there_in_the_columns_of_its_template():
    assert {name: read(text) for name, text in meta_csvs(next_budgets(rows())).items()} == {
        "meta_budgets.csv": [["Campaign ID", "Campaign Name", "Campaign Daily Budget"], ["21", "FR_21", "3.00"]]
    }


def test_every_column_is_one_of_the_platforms_own_in_their_order():
    assert [name for name in GOOGLE_TEMPLATE if name in GOOGLE_COLUMNS] == list(GOOGLE_COLUMNS)
    assert [name for name in META_TEMPLATE if name in META_COLUMNS] == list(META_COLUMNS)


def test_each_ad_account_of_meta_has_a_file_of_its_own():
    own = [campaign(name, "FR", "meta_prospecting", "meta", "2.50") for name in ("21", "22", "23")]
    accounts = market()["accounts"]
    accounts.loc[len(accounts)] = ["meta", "22", "78"]
    accounts.loc[len(accounts)] = ["meta", "23", "77"]
    made = platform_files(rows(campaigns=frame("campaigns", own), accounts=accounts))
    assert list(made) == ["google_ads_budgets.csv", "meta_budgets_77.csv", "meta_budgets_78.csv"]
    assert [line[0] for line in read(made["meta_budgets_77.csv"].decode())[1:]] == ["21", "23"]
    assert [line[0] for line in read(made["meta_budgets_78.csv"].decode())[1:]] == ["22"]


def test_paused_and_new_campaigns_and_zeros_are_in_no_file():
    budgets = next_budgets(rows())
    assert set(budgets["campaign_id"]) == {"11", "12", "13", "new", "21", "31"}
    text = google_csv(budgets) + "".join(meta_csvs(budgets).values())
    assert not re.search(r"\b(12|13|new|31)\b", text)


def test_a_week_that_is_over_is_in_no_file():
    """What was spent is no budget: files begin with the first week that is not over."""
    first, second = sorted(set(market()["campaigns"]["week_start"]))
    campaigns = over(market()["campaigns"], first)
    campaigns.loc[campaigns["week_start"] == second, ["budget", "budget_local"]] = Decimal("70.00")
    budgets = next_budgets(plan_rows(**{**market(), "campaigns": campaigns})).set_index("campaign_id")
    assert budgets["daily"].to_dict() == {"11": Decimal("20.00")} and second > first
    head, one, *_ = opened(plan_rows(**{**market(), "campaigns": campaigns}))[0]["Weekly"]
    assert [name for name in head if name.startswith(("A day", "Week"))] == [
        *("A day, 7 to 13 Dec", "Week, 1 to 6 Dec", "Week, 7 to 13 Dec"),
    ]
    assert one[head.index("A day, 7 to 13 Dec")] == 20.0


def test_of_a_week_in_progress_a_day_gets_what_is_left_over_the_days_left():
    """Two of seven days are over and cost 100.00; 50.00 a day are left for five, in two countries together 60.00."""
    own = [begun("11", "DE", "google_pmax", "google", "100.00", "250.00", 5)]
    own += [begun("11", "FR", "google_pmax", "google", "30.00", "50.02", 5)]
    own += [begun("21", "FR", "meta_prospecting", "meta", "999.99", "0.00", 5, binding_constraint="spent; paused")]
    plan = rows(campaigns=frame("campaigns", own))
    assert next_budgets(plan)[["campaign_id", "budget_local", "spent_local", "daily"]].values.tolist() == [
        ["11", Decimal("430.02"), Decimal("130.00"), Decimal("60.00")],
        ["21", Decimal("999.99"), Decimal("999.99"), Decimal("0.00")],
    ]
    assert read(google_csv(next_budgets(plan)))[1][3:6] == ["11", "DE_11", "60.00"]
    assert read(meta_csvs(next_budgets(plan))["meta_budgets.csv"])[1:] == []
    head, *lines = opened(plan)[0]["Weekly"]
    typed, whole = head.index("A day, 9 to 13 Dec"), head.index("Week, 7 to 13 Dec")
    assert [(line[2], line[typed], line[whole]) for line in lines] == [("11", 60, 430.02), ("21", 0, 999.99)]


def test_money_of_a_month_that_is_over_is_in_no_file():
    """What no campaign took of a month that is over has a row of its own; the next month's first week is ahead."""
    said = {"campaign_status": "unknown", "campaign_name": None, "binding_constraint": "the month is over"}
    november = {"month": date(2026, 11, 1), "week_start": date(2026, 11, 30), "week_end": date(2026, 11, 30)}
    november |= dict.fromkeys(("budget", "budget_local", "spent", "spent_local"), Decimal("80.00"))
    old = [campaign("11", "DE", "tv", "google", "80.00", days_left=0, **november)]
    nothing = dict.fromkeys(("spent", "spent_local"), Decimal("0.00"))
    old += [campaign("(unplaced)", "DE", "tv", "(none)", "80.00", days_left=0, **{**november, **nothing, **said})]
    plan = rows(campaigns=frame("campaigns", [*old, campaign("11", "DE", "tv", "google", "10.00")]))
    assert read(google_csv(next_budgets(plan)))[1:] == [
        ["Campaign", "Edit", "123-456-7890", "11", "DE_11", "10.00", "Daily"]
    ]
    head, unplaced, one = opened(plan)[0]["Weekly"]
    assert [name for name in head if name.startswith("A day")] == ["A day, 1 to 6 Dec"]
    assert (unplaced[2], unplaced[10], one[2], one[10]) == ("(unplaced)", None, "11", 10)
    assert platform_files(rows(campaigns=frame("campaigns", old))) == {} == platform_files(without("campaigns"))


def test_what_gets_money_and_is_in_no_file_is_found():
    own = [campaign("11", "DE", "tv", "google", "3.00"), campaign("31", "FR", "tv", "tiktok", "2.00")]
    own += [campaign(name, "DE", "tv", "google", money, status="unknown") for name, money in (("14", "1"), ("15", "0"))]
    own += [campaign("(unplaced)", "DE", "tv", "(none)", "1.00", status="unknown")]
    assert to_type(next_budgets(rows(campaigns=frame("campaigns", own))))["campaign_id"].tolist() == ["14", "31"]


@given(
    amount=st.decimals(0, 10**7, places=2),
    days=st.integers(1, 7),
    currency=st.sampled_from(["EUR", "PLN", "HUF", "JPY"]),
)
def test_a_daily_budget_never_costs_more_than_the_week_and_hardly_less(amount, days, currency):
    a_day = daily(amount, days, currency)
    cent = Decimal(1) if currency in ("HUF", "JPY") else Decimal("0.01")
    assert a_day % cent == 0 and 0 <= amount - days * a_day < days * cent


def test_everything_is_written_into_one_folder(tmp_path):
    written = write_plan_report(rows(), "EUR", ReportSettings(path=str(tmp_path / "report")))
    names = ["planning.html", "plan.xlsx", "google_ads_budgets.csv", "meta_budgets.csv"]
    assert [path.name for path in written] == names and all(path.stat().st_size for path in written)


def written_into(folder, plan):
    """What a folder holds after a plan was written into it, whose old files are of another plan."""
    for name in ("plan.xlsx", "google_ads_budgets.csv", "meta_budgets.csv", "meta_budgets_9.csv", "notes.csv"):
        (folder / name).write_text("old")
    written = write_plan_report(plan, "EUR", ReportSettings(path=str(folder)))
    assert all(path.read_bytes() != b"old" for path in written)
    return sorted(path.name for path in folder.iterdir())


def test_files_of_an_earlier_plan_that_this_one_has_not_go(tmp_path):
    kept = ["google_ads_budgets.csv", "meta_budgets.csv", "notes.csv", "plan.xlsx", "planning.html"]
    assert written_into(tmp_path, rows()) == kept
    assert written_into(tmp_path, without("campaigns")) == ["notes.csv", "plan.xlsx", "planning.html"]


def test_where_a_file_cannot_be_made_all_stay_as_they_were(tmp_path, monkeypatch):
    before = {path.name: path.read_bytes() for path in write_plan_report(*as_told(tmp_path, rows()))}

    def broken(*_):
        raise OSError("no room")

    monkeypatch.setattr("pma.report.planning_page.workbook", broken)
    with pytest.raises(OSError, match="no room"):
        write_plan_report(*as_told(tmp_path, without("campaigns")))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def as_told(folder, plan):
    return plan, "EUR", ReportSettings(path=str(folder))


def test_without_xlsxwriter_the_rest_is_there(tmp_path, monkeypatch):
    found = __import__("importlib.util").util.find_spec
    monkeypatch.setattr(
        "pma.report.planning_page.find_spec", lambda name: None if name == "xlsxwriter" else found(name)
    )
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    rest = ["google_ads_budgets.csv", "meta_budgets.csv", "notes.csv", "planning.html"]
    assert written_into(tmp_path, rows()) == rest
    said = (tmp_path / "planning.html").read_text(encoding="utf-8")
    assert "The spreadsheet is left out: XlsxWriter is not installed." in said and "plan.xlsx" not in said


def test_days_of_the_first_week_are_those_within_the_month():
    own = campaign("11", "DE", "tv", "google", "10.00") | {
        "week_end": date(2026, 12, 2),
        "budget_local": Decimal("9.99"),
        "days_left": 2,
    }
    assert next_budgets(rows(campaigns=frame("campaigns", [own])))["daily"].tolist() == [Decimal("4.99")]
