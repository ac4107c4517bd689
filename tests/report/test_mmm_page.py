"""The page as a reader meets it: its text and tables are read back from the HTML and compared with the rows by hand."""

import re
import sys
from dataclasses import replace

import pytest

from pma.report.mmm_page import mmm_page, mmm_pictures, mmm_text, write_mmm_page
from pma.report.mmm_words import Facts, digits, share
from pma.report.settings import ReportSettings
from tests.report.mmm_world import (
    CHANGE,
    CHOSEN,
    FLAG,
    LEFT,
    OVER,
    UNSURE,
    WAIT,
    channel,
    fit_rows,
    market,
    rows_of,
    run,
)
from tests.report.test_growth_page import EVIL, Page

FACTS = Facts("R1", "EUR")


@pytest.fixture(scope="module")
def html():
    rows = market()
    return mmm_page(rows, FACTS, mmm_pictures(rows, FACTS))


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def without_pictures(rows):
    return Page(mmm_page(rows, FACTS, {}))


def test_it_says_first_what_it_is_made_from_then_what_to_use_then_the_rest(page):
    said = ("Run R1, money in EUR. Weeks from 2025-01-06 to 2025-03-10.", "It is a simulation: no number on it is")
    order = [page.text.index(words) for words in (*said, "Which numbers to use", "Where clicks say otherwise")]
    order += [page.text.index(words) for words in ("Geo by geo", "How to read this page")]
    assert order == sorted(order)


def test_every_geo_and_target_has_its_status_in_one_table(page):
    assert page.rows(0) == {
        "Geo": ["Uploads", "Order value"],
        "BE": ["not ready", "–"],
        "DE": [
            "okmedia 35 % (20 to 50 %) · 1 of 2 channels to trust",
            "flaggedmedia 35 % (20 to 50 %) · 2 of 2 channels to trust",
        ],
        "FR": ["failed", "failed"],
        "DACH (region)": ["okmedia 35 % (20 to 50 %) · 1 of 2 channels to trust", "–"],
    }
    assert "Uploads: 2 ok, 1 failed, 1 not ready. Order value: 1 flagged, 1 failed." in page.text


def test_what_failed_and_what_is_missing_is_told_with_its_fix_once_for_equal_messages(page):
    for said in (f"FR uploads , FR order value failed {LEFT}", f"BE uploads not ready {WAIT}", f"flagged {FLAG}"):
        assert said in page.text
    assert (
        "Worth a geo-lift test first, the largest spend whose return the model cannot tell: "
        "tiktok in DACH (region) (1,000 EUR), tiktok in DE (1,000 EUR)."
    ) in page.text


def test_every_link_leads_to_a_part_of_the_page(page):
    links = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    named = {f"#{attributes['id']}" for _, attributes in page.tags if "id" in attributes}
    assert links == named and "#country-DE-gmv" in links


def test_clicks_and_the_model_stand_beside_each_other_for_all_geos(page):
    assert "Clicks overstate tv (1 of 2)." in page.text
    assert "Clicks understate no channel that the model is sure of." in page.text
    assert page.rows(1) == {
        "Channel": ["DE", "DACH (region)"],
        "tiktok": ["3.0 ?", "3.0 ?"],
        "tv": ["5.0 ▲", "5.0"],
    }
    assert page.rows(2) == {"Channel": ["DE"], "tiktok": ["1.50"], "tv": ["2.5 ="]}


def test_what_is_no_paid_media_is_always_shown(page):
    assert page.rows(3) == {
        "Part": ["Average week", "Share", "Lowest to highest week", ""],
        "Paid media": ["35.6", "36 %", "30.0 to 40.0", ""],
        "All that is not paid media": ["64.4", "64 %", "", ""],
        "Baseline": ["50.0", "50 %", "always the same", ""],
        "Season": ["−0.6", "−1 %", "−5.0 to 5.0", ""],
        "Organic": ["15.0", "15 %", "always the same", ""],
    }


def test_a_channel_has_its_return_with_an_interval_the_second_opinion_and_clicks(page):
    rows = page.rows(4)
    assert list(rows) == ["", "Channel", "tv", "tiktok"]
    assert rows["tv"] == [
        *("4,000", "20.010.0 to 40.0", "20 %", "5.02.5 to 10.0", "2.51.25 to 5.0", "6.03.0 to 12.0"),
        *("9.09.0 to 9.9", "clicks overstate", "yes"),
    ]
    assert rows["tiktok"][-2:] == ["model not sure", "no"]
    assert "Not to be trusted, and why: tiktok: the data say little about it. Vary its spend." in page.text


def test_the_sentences_of_the_comparison_are_told_the_sure_ones_first(page):
    assert (
        page.text.index(OVER) < page.text.index("1 channel without a number to set against") < page.text.index(UNSURE)
    )
    assert "Clicks and model agree on tv." in page.text


def test_what_was_checked_stands_with_each_fit_with_its_limit(page):
    [table] = [page.rows(n) for n in range(len(page.tables)) if "Found" in page.rows(n).get("", [])]
    assert table == {
        "": ["Found", "Most", "Passed"],
        "Last weeks hidden: error of their forecastthe last 4 weeks are missed by 7%": ["7 %", "20 %", "yes"],
        "A channel that cannot work: its returna channel that cannot work gets 60% of the return": [
            *("60 %", "50 %", "no"),
        ],
        "Twice the effect assumed: pull on the returnscould not be checked: too few weeks": [
            *("–", "50 %", "could not be checked"),
        ],
    }
    assert "tiktok: without the last 4 weeks its ROAS would differ by 40%." in page.text
    assert "tv: without the last 4 weeks" not in page.text


def test_lift_tests_stand_beside_what_the_model_expects_of_them_before_and_after(page):
    [table] = [page.rows(n) for n in range(len(page.tables)) if "Test" in page.rows(n)]
    assert table == {
        "Test": ["Channel", "Measured", "Model without tests", "Model with tests", "The test"],
        "marchThe weeks alone were wrong about tv.": [
            *("tv", "500 ± 164", "900 to 2,100", "400 to 700", "corrects the weeks"),
        ],
        "radioradio is not among the paid channels.": ["radio", "130 ± 164", "–", "–", "left out"],
    }


def test_the_choice_of_the_model_is_told_with_its_reason(page):
    said = f"Of the models that were tried on weeks they had not seen (select_mmm): {CHOSEN}"
    assert f"{said} The fit does not have it, but mmm.model as it was set" in page.text
    rows = market()
    chosen = replace(rows, runs=rows.runs.assign(settings=CHANGE))
    assert f"{said} The fit has it." in without_pictures(chosen).text


def test_pictures_stand_with_each_fit_and_have_a_title(page):
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 3 * (4 + 2)
    assert all(one["src"].startswith("data:image/svg+xml;base64,") and one["alt"] for one in images)


def test_it_needs_nothing_else_runs_nothing_and_fits_phone_and_paper(html, page):
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base"} == set()
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)
    assert not re.search(r"https?:|url\(|@import", re.sub(r'src="data:[^"]*"', "", html))
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
    assert "@media print" in html and len(re.findall(r'class="scroll"><table>', html)) == len(page.tables)


def test_names_and_messages_are_text_and_never_markup_nor_folders(tmp_path):
    rows = rows_of([run(geo=EVIL, message=EVIL)], [fit_rows([channel(EVIL, 10.0, 1.0, EVIL)], geo=EVIL)])
    html = write_mmm_page(rows, FACTS, ReportSettings(path=str(tmp_path))).read_text(encoding="utf-8")
    assert EVIL not in html and "&lt;script&gt;" in html
    assert len(list((tmp_path / "mmm_pictures").iterdir())) == 5


def test_equal_rows_in_any_order_give_equal_bytes(html):
    rows = market()
    turned = replace(rows, **{name: frame.iloc[::-1].reset_index(drop=True) for name, frame in vars(rows).items()})
    assert mmm_page(turned, FACTS, mmm_pictures(turned, FACTS)) == html


def test_the_page_and_its_pictures_are_written_and_older_pictures_are_taken_away(html, tmp_path):
    old = tmp_path / "report" / "mmm_pictures" / "country-XX-uploads-fit.svg"
    old.parent.mkdir(parents=True)
    old.write_text("old")
    path = write_mmm_page(market(), FACTS, ReportSettings(path=str(tmp_path / "report")))
    assert path.read_text(encoding="utf-8") == html
    kinds = ("fit", "contributions", "roas", "carryover", "curve_tiktok", "curve_tv")
    fits = ("country-DE-uploads", "country-DE-gmv", "management_region-DACH-uploads")
    assert {file.name for file in old.parent.iterdir()} == {f"{fit}-{kind}.svg" for fit in fits for kind in kinds}


def test_a_fit_of_twelve_channels_and_three_years_is_small_enough_for_twenty_of_them_on_a_page():
    names = [channel(f"channel_{number:02}", 1000.0 + number, 0.01 + number / 1000) for number in range(12)]
    rows = rows_of([run()], [fit_rows(names, weeks=156), fit_rows(names, weeks=156, method="ridge")])
    size = len(mmm_page(rows, FACTS, mmm_pictures(rows, FACTS)).encode())
    assert 20 * size < 15e6


def test_the_second_opinion_speaks_where_the_model_has_no_fit():
    runs = [run(status="failed", message="no chain began"), run(method="ridge", rhat_max=None)]
    page = without_pictures(rows_of(runs, [fit_rows([channel("tv", 10.0, 1.0)], method="ridge")]))
    assert (
        "The model has no fit here: the numbers below are those of the ridge" in page.text
        and "Sampler:" not in page.text
    )
    assert page.rows(0)["DE"] == ["failedmedia 35 % (20 to 50 %) · 1 of 1 channels to trust"]


def test_without_a_weekly_report_there_is_nothing_to_compare_and_without_fits_nothing_to_tell():
    page = without_pictures(rows_of([run()], [fit_rows([channel("tv", 10.0, 0.1)])]))
    assert "There is no weekly report to compare with" in page.text
    failed = without_pictures(rows_of([run(status="failed", message=LEFT)], []))
    assert "No fit has ended well." in failed.text and LEFT in failed.text
    assert "No fit yet" in without_pictures(rows_of([], [])).text


def test_without_matplotlib_the_page_is_there_without_pictures(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    rows = market()
    assert mmm_pictures(rows, FACTS) == {}
    assert len(Page(mmm_page(rows, FACTS, {})).tables) == 11
    assert "Pictures are left out: matplotlib is not installed." in without_pictures(rows).text


def test_the_text_for_a_terminal_says_the_same_in_fifteen_lines_however_many_geos():
    lines = mmm_text(market(), FACTS).splitlines()
    assert lines == [
        "Media mix model: Uploads: 2 ok, 1 failed, 1 not ready. Order value: 1 flagged, 1 failed.",
        'This page is made from "simulated market". It is a simulation: no number on it is a real company\'s.',
        "BE     uploads not ready",
        "DE     uploads ok, media 35 %, 1 of 2 channels to trust; order value flagged, media 35 %, 2 of 2 channels to "
        "trust",
        "FR     uploads failed; order value failed",
        "DACH (region) uploads ok, media 35 %, 1 of 2 channels to trust",
        "Clicks overstate tv (1 of 2).",
        "Clicks understate no channel that the model is sure of.",
    ]
    many = mmm_text(rows_of([run(f"G{n:02}", status="failed", message="x") for n in range(40)], []), FACTS).splitlines()
    assert len(many) == 15 and many[-3] == "and 30 more, see the page"


@pytest.mark.parametrize(
    ("value", "said"), [(0.432, "0.43"), (4.32, "4.3"), (-43.2, "−43"), (1234.5, "1,234"), (float("nan"), "–")]
)
def test_numbers_have_the_digits_that_say_something(value, said):
    assert digits(value) == said
    assert (share(0.416), share(-0.001), share(float("nan"))) == ("42 %", "0 %", "–")
