"""The page as a reader meets it: its text and tables are read back from the HTML and compared with numbers by hand."""

import re
import sys
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pandas as pd
import pytest

from pma.marketing.weekly_tables import COMPARED, CREDITS, PLATFORM_METRICS, REPORT_MODELS, WEEKLY_GROWTH
from pma.report.growth_page import growth_page, growth_text, write_growth_page
from pma.report.growth_words import Facts
from pma.report.measures import Measures
from pma.report.settings import ReportSettings

FACTS = Facts("EUR", "Europe/Berlin", 30.0)
SETTINGS = ReportSettings(ranked_campaigns=1)
MONDAY = date(2026, 10, 26)
EVIL = '<script>alert("1")</script>'


def row(region, country, channel, campaign="(none)", platform="(none)", **said):
    """One row of the report; credit that is said without a model is the same by all three."""
    blank = {column.name: None for column in WEEKLY_GROWTH.columns}
    blank |= dict.fromkeys([*PLATFORM_METRICS, *(f"{c}_{m}" for c in CREDITS for m in REPORT_MODELS)], Decimal(0))
    blank |= {f"{name}_{back}": Decimal(0) for name in COMPARED for back in ("last_week", "last_year")}
    blank |= {"yearweek": 202644, "week_start": MONDAY, "is_complete_week": True, "spend_rows_without_rate": 0}
    blank |= {"management_region": region, "country": country, "channel": channel, "data_origin": "simulated market"}
    blank |= {"campaign_id": campaign, "ad_platform": platform}
    for name, value in said.items():
        credit, _, back = name.partition("__")
        models = [f"{credit}_{model}" for model in REPORT_MODELS[:3]] if credit in CREDITS else [credit]
        for column in models:
            blank[column + (f"_{back}" if back else "")] = value if isinstance(value, str) else Decimal(str(value))
    return blank


def campaign(name, goal, **said):
    facts = {"campaign_name": name, "campaign_goal": goal, "bidding_type": "cpc", "campaign_status": "enabled"}
    return {**facts, "account_timezones": "Europe/Berlin, UTC", **said}


def week(*more):
    rows = [
        row("DACH", "DE", "google_pmax", "c1", "google", **campaign("DE sells", "supply", spend=300, sales_ads=60,
            spend__last_week=200, sales_ads__last_week=50, spend__last_year=400, sales_ads__last_year=40)),
        row("DACH", "AT", "google_pmax", "c2", "google", **campaign(EVIL, "supply", spend=100, sales_ads=5)),
        row("SOUTH", "FR", "meta_prospecting", "c3", "meta", **campaign("FR buys", "demand", spend=600, orders=12,
            gmv=3000, gmv_first_click=1500, orders_first_click=6, new_customers=6, gmv__last_week=2000)),
        row("SOUTH", "FR", "tiktok", "c4", "tiktok", **campaign("FR looks", "brand", spend=500, orders=1, gmv=100)),
        row("SOUTH", "FR", "tiktok", "c5", "tiktok", **campaign("FR small", "demand", spend=1, orders=9, gmv=9000)),
        row("SOUTH", "FR", "seo", sales_ads=30, orders=4, gmv=1000),
        row("NO", "NO", "(unattributed)", sales_ads=5, orders=2, gmv=500),
    ]  # fmt: skip
    return pd.DataFrame([*rows, *more])


def trend(weeks=60):
    """Equal weeks, of which the last is not over."""
    sums = {"spend": Decimal(1501), "sales_ads_u_shape": Decimal(100), "orders_u_shape": Decimal(28)}
    rows = []
    for back in range(weeks, -2, -1):
        start = MONDAY - timedelta(weeks=back)
        year, number, _ = start.isocalendar()
        place = {"management_region": "DACH", "channel": "google_pmax", "data_origin": "simulated market"}
        when = {"yearweek": year * 100 + number, "week_start": start, "is_complete_week": back >= 0}
        when["waits_for"] = None if back >= 0 else "tiktok (data to 2026-11-05)"
        rows.append({**when, **place, **sums, "gmv_u_shape": Decimal(13600)})
    return pd.DataFrame(rows)


class Page(HTMLParser):
    """Tables as lists of rows, rows as lists of texts; all text; tags with their attributes."""

    def __init__(self, html):
        super().__init__()
        self.tables, self.texts, self.tags, self.in_cell = [], [], [], False
        self.feed(html)
        self.text = re.sub(r"\s+", " ", " ".join(self.texts))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag):
        self.in_cell = self.in_cell and tag not in ("td", "th")

    def handle_data(self, text):
        if self.tags and self.tags[-1][0] == "style":
            return
        self.texts.append(text)
        if self.in_cell:
            self.tables[-1][-1][-1] += text.replace("\xa0", " ")

    def rows(self, number):
        """The rows of a table by their first cell."""
        return {cells[0].strip(): [text.strip() for text in cells[1:]] for cells in self.tables[number] if cells}


@pytest.fixture(scope="module")
def html():
    return growth_page(week(), trend(), FACTS, SETTINGS)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_it_says_first_what_week_it_is_and_what_it_is_made_from(page):
    assert page.text.index("Week 44 of 2026 (26 October to 1 November 2026), in EUR") < page.text.index("made from")
    start = page.text.index("This page is made from")
    assert page.text[start:].startswith(
        'This page is made from "simulated market". It is a simulation: no number on it is a real company\'s.'
    )
    assert start < page.text.index("Regions and countries")


def test_a_page_from_real_data_does_not_call_itself_a_simulation():
    real = week().assign(data_origin="warehouse of Velo & Co"), trend().assign(data_origin="warehouse of Velo & Co")
    text = Page(growth_page(*real, FACTS, SETTINGS)).text
    assert 'This page is made from "warehouse of Velo & Co".' in text
    assert "simulation" not in text


def test_headline_numbers_are_all_there_is_with_their_changes(page):
    text = page.text.replace("\xa0", " ")
    assert "Spend 1,501 +650.5 % wk · +275.2 % yr Uploads 100 +100.0 % wk · +150.0 % yr Orders 28.0" in text
    assert "Order value 13,600 +580.0 % wk · – yr" in text
    assert "Spend per upload 15.01 +275.2 % wk · +50.1 % yr Spend per order 53.61" in text
    assert "ROAS 9.06 −9.4 % wk · – yr CAC 250.17" in text
    assert "Unattributed 7.1 % of orders" in text


def test_every_region_has_its_countries_and_one_of_a_single_country_of_its_name_stands_once(page):
    rows = page.rows(0)
    assert list(rows)[1:] == ["All regions", "SOUTH", "FR", "DACH", "DE", "AT", "NO"]
    assert rows["DE"] == [
        *("300+50.0 % wk · −25.0 % yr", "60.0+20.0 % wk · +50.0 % yr", "0.0", "0"),
        *("5.00+25.0 % wk · −50.0 % yr", "–", "0.00", "–"),
    ]
    assert rows["NO"] == ["0", "5.0", "2.0", "500", "–", "–", "–", "–"]


def test_channels_show_three_models_beside_each_other_and_the_unattributed_last(page):
    uploads, orders = page.rows(1), page.rows(2)
    assert list(orders)[2:] == ["meta_prospecting", "tiktok", "google_pmax", "seo", "(unattributed)", "All channels"]
    assert page.tables[2][0] == ["", "Orders", "Order value", "Spend per order", "ROAS", "CAC"]
    assert orders["Channel"] == ["Spend", *["First click", "Last click", "U-shape"] * 5]
    assert orders["meta_prospecting"] == [
        *("600", "6.0", "12.0", "12.0", "1,500", "3,000", "3,000+50.0 % wk · – yr"),
        *("100.00", "50.00", "50.00", "2.50", "5.00", "5.00", "100.00", "100.00", "100.00"),
    ]
    assert uploads["seo"] == ["0", "30.0", "30.0", "30.0", "–", "–", "–"]
    assert uploads["google_pmax"][0] == "400+100.0 % wk · 0.0 % yr"


def test_campaigns_are_ranked_by_what_they_are_for_and_small_ones_are_not(page):
    supply, others = page.rows(3), page.rows(4)
    seller, looker = (
        "google · google_pmax · DE · supply · cpc · enabled",
        "tiktok · tiktok · FR · brand · cpc · enabled",
    )
    assert list(supply) == [
        *("Campaign", "Best", f"DE sells{seller}", "Worst", f"{EVIL}{seller.replace('DE', 'AT')}"),
    ]
    assert list(others) == [
        *("Campaign", "Best", "FR buysmeta · meta_prospecting · FR · demand · cpc · enabled"),
        *("Worst", f"FR looks{looker}"),
    ]
    assert supply[f"{EVIL}{seller.replace('DE', 'AT')}"] == ["100", "5.0", "20.00"]
    assert others[f"FR looks{looker}"] == ["500", "1.0", "100", "500.00", "0.20", "–"]


def test_what_moved_is_told_in_words_and_the_unattributed_moves_nothing(page):
    assert (
        "Uploads against last week: by country most up in FR (+30.0); by channel most up in seo (+30.0)."
    ) in page.text
    assert "(unattributed) (+" not in page.text


def test_it_explains_zones_currency_claims_attribution_and_what_is_left_out(page):
    for said in (
        "Money is in EUR, converted at each day's rate.",
        "A day of spend is a day of its account: Europe/Berlin, UTC. A day of uploads and orders is one of Europe/B",
        "the claims overlap, so they are never summed with attributed ones.",
        "No session was found for 5.0 % of uploads, 7.1 % of orders and 3.7 % of order value",
        "the whole conversion goes to the first session of the 30 days before it.",
        "the whole conversion goes to the last session of the 30 days before it.",
        "40 % to the first session, 40 % to the last, 20 % shared by those between",
        "Incomplete weeks are left out: week 45 of 2026 waits for tiktok (data to 2026-11-05).",
    ):
        assert said in page.text


def test_spend_without_a_rate_is_told():
    without = row("NO", "NO", "tv", "c9", "sheet", **campaign("NO tv", "brand", spend_rows_without_rate=3))
    text = Page(growth_page(week(without), trend(), FACTS, SETTINGS)).text
    assert "3 daily rows of spend had no rate and are in no sum." in text


def test_a_channel_of_hand_kept_sheets_without_money_this_week_is_told():
    idle = row("DACH", "DE", "tv", "t1", "sheet", **campaign("DE tv", "brand", spend__last_week=900))
    entered = row("DACH", "DE", "radio", "t2", "sheet", **campaign("DE radio", "brand", spend=5, spend__last_week=9))
    text = Page(growth_page(week(idle, entered), trend(), FACTS, SETTINGS)).text
    assert "Hand-kept sheets have no money of this week for tv: none was spent, or it is not entered." in text
    assert "Hand-kept sheets" not in Page(growth_page(week(entered), trend(), FACTS, SETTINGS)).text


def test_it_needs_nothing_else_and_runs_nothing(html, page):
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base"} == set()
    sources = [attributes.get("src") for tag, attributes in page.tags if tag == "img"]
    assert len(sources) == 8
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert all(attributes["alt"] for tag, attributes in page.tags if tag == "img")
    assert not any(key.startswith("on") or key == "href" for _, attributes in page.tags for key in attributes)
    outside = re.sub(r'src="data:[^"]*"', "", html)
    assert not re.search(r"https?:|url\(|@import", outside)
    assert EVIL not in html
    assert "&lt;script&gt;" in html


def test_it_fits_a_phone_and_a_sheet_of_paper(html, page):
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
    assert "@media print" in html
    # What is wider than a phone scrolls by itself.
    wrapped = re.findall(r'<div class="scroll"><table>', html)
    assert len(wrapped) == len(page.tables) == 5


def test_equal_rows_give_equal_bytes_and_the_file_is_the_page(html, tmp_path):
    settings = SETTINGS.model_copy(update={"path": str(tmp_path / "new" / "folder")})
    path = write_growth_page(week(), trend(), FACTS, settings)
    assert path == tmp_path / "new" / "folder" / "weekly_growth_update.html"
    assert path.read_text(encoding="utf-8") == html


def test_without_matplotlib_the_page_is_there_without_pictures(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = Page(growth_page(week(), trend(), FACTS, SETTINGS))
    assert "No pictures: matplotlib is not installed here." in page.text
    assert len(page.tables) == 5


def test_before_the_first_week_is_over_the_page_says_so():
    nothing = week().iloc[:0]
    started = trend(2).assign(is_complete_week=False)
    assert "No week of the data is complete yet." in Page(growth_page(nothing, started, FACTS, SETTINGS)).text
    assert growth_text(nothing, started, FACTS) == "Weekly Growth Update: no week of the data is complete yet"


def test_the_first_week_of_all_has_nothing_beside_it():
    backs = [column for column in week().columns if column.endswith(("_last_week", "_last_year"))]
    first = week().assign(**dict.fromkeys(backs))
    page = Page(growth_page(first, trend(0), FACTS, SETTINGS))
    assert page.rows(0)["DE"] == ["300", "60.0", "0.0", "0", "5.00", "–", "0.00", "–"]
    assert "against last week:" not in page.text


def test_the_text_for_a_terminal_has_the_same_numbers_in_twenty_lines(page):
    lines = growth_text(week(), trend(), FACTS).splitlines()
    assert len(lines) <= 20
    assert lines[:6] == [
        "Weekly Growth Update, week 44 of 2026 (26 October to 1 November 2026), in EUR, credit by U-shape",
        'This page is made from "simulated market". It is a simulation: no number on it is a real company\'s.',
        "                     this week  to last week  to last year",
        "Spend                    1,501      +650.5 %      +275.2 %",
        "Uploads                    100      +100.0 %      +150.0 %",
        "Orders                    28.0             –             –",
    ]
    assert lines[-4:] == [
        "SOUTH: spend 1,101, uploads 30.0 (– to last week), orders 26.0, order value 13,100",
        "DACH: spend 400, uploads 65.0 (+30.0 % to last week), orders 0.0, order value 0",
        "NO: spend 0, uploads 5.0 (– to last week), orders 2.0, order value 500",
        "without a session: 5.0 % of uploads and 7.1 % of orders; "
        "incomplete weeks left out: 202645 waits for tiktok (data to 2026-11-05)",
    ]


def test_a_cost_is_unknown_where_nothing_was_spent_or_nothing_came_of_it():
    organic, idle = Measures(0.0, 5.0, 2.0, 10.0, 1.0), Measures(7.0, 0.0, 0.0, 0.0, 0.0)
    for measures, roas in ((organic, None), (idle, 0.0)):
        costs = [measures.cost_per_upload, measures.cost_per_order, measures.cac]
        assert all(pd.isna(cost) for cost in costs)
        assert pd.isna(measures.roas) if roas is None else measures.roas == roas
