from datetime import date

import pandas as pd
import pytest

from pma.report.readiness_page import readiness_html, readiness_text, write_readiness_page

COUNTRIES = ("AT", "BE", "CH", "DE", "DK", "ES", "FR", "IT", "NL", "PL")
FIRST, LAST = date(2023, 11, 13), date(2026, 10, 26)
WINTER = (date(2025, 1, 6), date(2025, 1, 20))


def finding(geo, variable, check, severity="warn", **more):
    return {
        "geo_level": "country",
        "geo": geo,
        "variable": variable,
        "check": check,
        "severity": severity,
        "detail": f"detail of {check}",
        "cost": f"Cost of {check}.",
        "fix": f"Fix of {check}.",
        "since": FIRST,
        "until": LAST,
        "measure": 3.0,
        "data_origin": "simulated marketplace",
        **more,
    }


def page_of(*rows, countries=COUNTRIES):
    quiet = [finding(geo, "(all)", "zero_target", "ok") for geo in countries]
    return pd.DataFrame([*quiet, *rows])


SPLITS = ("google_demand_gen_brand", "google_demand_gen_demand", "google_demand_gen_supply")
KNOWN = [
    *[finding(geo, "tv", "never_data") for geo in ("PL", "DK", "AT")],
    *[finding(geo, name, "before_first_data", until=date(2024, 12, 30)) for geo in COUNTRIES for name in SPLITS],
    *[
        finding(geo, "youtube_flobikes", "hole", since=date(2025, 1, 6), until=date(2025, 1, 20))
        for geo in ("DE", "FR")
    ],
    finding("DE", "tiktok", "outlier"),
    finding("DE", "tv", "outlier"),
    finding("FR", "tv", "outlier", fix="Another fix."),
    finding("PL", "(all)", "too_few_weeks", "fail"),
    finding("DACH", "tv", "lacks_countries", geo_level="management_region"),
    finding("DACH", "tv", "outlier", geo_level="management_region"),
    finding("(unknown)", "(all)", "unplaced_spend"),
    finding("NL", "meta_prospecting", "follows_target"),
]


def test_the_page_says_what_is_missing_where_since_when_what_it_costs_and_who_fixes_it():
    text = " ".join(readiness_text(page_of(*KNOWN)).split())
    assert "tv: no data at all in AT, DK, PL, 2023-11-13 to 2026-10-26. Cost of never_data. Fix of never_data." in text
    splits = ", ".join(SPLITS)
    assert f"{splits}: no data before 2025-01-06 in all 10 countries. Cost of before_first_data." in text
    assert "youtube_flobikes: 3 weeks missing in between, 2025-01-06 to 2025-01-20, in DE, FR." in text


def test_the_page_says_where_the_data_are_from_and_who_is_left_out():
    text = readiness_text(page_of(*KNOWN))
    assert 'The data are from "simulated marketplace".' in text
    assert "9 of 10 countries can be fitted. Not fitted: PL." in text
    assert "- PL: detail of too_few_weeks. Cost of too_few_weeks. Fix of too_few_weeks." in text


def test_the_most_serious_comes_first():
    text = readiness_text(page_of(*KNOWN))
    order = [
        "WHY COUNTRIES ARE NOT FITTED",
        "MISSING DATA",
        "tv: no data at all",
        "youtube_flobikes: 3 weeks missing",
        "no data before",
        "NUMBERS TO CHECK",
        "Spend without a country: detail of unplaced_spend.",
        "WHAT THE MODEL CANNOT TELL",
        "Spend that follows demand: meta_prospecting in NL",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_one_check_is_one_line_and_a_region_says_only_what_no_country_can():
    text = " ".join(readiness_text(page_of(*KNOWN)).split())
    assert "Weeks far from the usual: tv in DE, FR; tiktok in DE. Cost of outlier. Fix of outlier. Others: see" in text
    assert "Regions whose number leaves out a country: tv in DACH." in text
    assert text.count("DACH") == 1


@pytest.mark.parametrize("many", [1, 40])
def test_ten_countries_fit_on_a_page(many):
    noise = [
        finding(geo, f"channel_{n}", check, since=date(2024, 1, 1 + n % 28))
        for place, geo in enumerate(COUNTRIES)
        for n in range(place % 3, many, 3)
        for check in ("hole", "outlier", "level_shift", "vif", "correlation", "follows_target")
    ]
    text = readiness_text(page_of(*KNOWN, *noise))
    assert len(text.splitlines()) <= 75
    assert max(len(line) for line in text.splitlines()) <= 110


def test_nothing_missing_is_said():
    text = readiness_text(page_of(countries=("DE",)))
    assert "1 of 1 countries can be fitted." in text and "Nothing is missing." in text
    assert "MISSING DATA" not in text


def test_html_says_the_same_and_runs_nothing_that_the_data_say():
    html = readiness_html(page_of(*KNOWN, finding("DE", "<script>", "hole")))
    assert "tv: no data at all in AT, DK, PL" in html and "simulated marketplace" in html
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_both_are_written_beside_the_report(tmp_path):
    page = write_readiness_page(page_of(*KNOWN), tmp_path / "report")
    assert page.read_text() == readiness_html(page_of(*KNOWN))
    assert (tmp_path / "report" / "mmm_readiness.txt").read_text() == readiness_text(page_of(*KNOWN))
