from decimal import Decimal
from pathlib import Path

import pytest

from pma.sources.platforms import read_platforms
from pma.sources.sheets import find_roles, read_sheets
from pma.tables import TableError

RULES = read_platforms(Path(__file__).parents[2] / "conf" / "rules")
FIELDS = "account_id raw_variable date country campaign_id campaign_name currency spend_local clicks impressions faults"


def read(spark, folder):
    rows = read_sheets(spark, str(folder), RULES, "EUR").collect()
    return sorted((tuple(row[name] for name in FIELDS.split()) for row in rows), key=str), rows


def write(folder, name, *lines):
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_wide_sheet_becomes_one_row_per_line_and_variable_that_has_a_value(spark, tmp_path):
    write(tmp_path, "tv.csv", "week_start,country,TV_ad_spend,radio", "2026-01-05,DE,1200.50,", "2026-01-12,DE,,3.10")
    write(tmp_path, "affiliate.csv", "date,country,campaign,aff_cost,aff_clicks", "2026-01-05,AT,AT_aff_1,2.5,7")
    write(tmp_path, "swiss.csv", "\ufeffdate,market,currency,TV", "2026-01-05,CH,chf,-9.99", "2026-01-06,CH,,1")
    found, rows = read(spark, tmp_path)
    assert [tuple(map(str, row)) for row in found] == [
        ("affiliate", "aff_cost", "2026-01-05", "AT", "AT_aff_1", "AT_aff_1", "EUR", "2.500000", "7", "None", "[]"),
        ("swiss", "TV", "2026-01-05", "CH", "TV", "TV", "CHF", "-9.990000", "None", "None", "[]"),
        ("swiss", "TV", "2026-01-06", "CH", "TV", "TV", "EUR", "1.000000", "None", "None", "[]"),
        (
            "tv",
            "TV_ad_spend",
            "2026-01-05",
            "DE",
            "TV_ad_spend",
            "TV_ad_spend",
            "EUR",
            "1200.500000",
            *["None"] * 2,
            "[]",
        ),
        ("tv", "radio", "2026-01-12", "DE", "radio", "radio", "EUR", "3.100000", "None", "None", "[]"),
    ]
    assert {row["ad_platform"] for row in rows} == {"sheet"}


def test_cells_that_cannot_be_read_and_files_that_were_cut_are_faulty_and_keep_what_they_said(spark, tmp_path):
    write(
        tmp_path,
        "tv.csv",
        "date,country,TV,TV_clicks",
        '2026-01-05,DE,"1.200,50",1',
        "yesterday,DE,2,1",
        ",DE,3,1",
        "2026-01-08,DE,4,some",
        "2026-01-09,DE,5,1,more",
    )
    (tmp_path / "cut.csv").write_text("date,country,TV\n2026-01-05,DE,7\n2026-01-06,D")
    found, rows = read(spark, tmp_path)
    assert sorted(((row[0], row[10], str(row[2]), row[7]) for row in found), key=str) == [
        ("cut", ["broken_line", "cut_file"], "2026-01-06", None),
        ("cut", ["cut_file"], "2026-01-05", Decimal("7.000000")),
        ("tv", ["broken_line"], "2026-01-09", None),
        ("tv", ["missing_date"], "None", Decimal("3.000000")),
        ("tv", ["unreadable_TV"], "2026-01-05", None),
        ("tv", ["unreadable_TV_clicks"], "2026-01-08", Decimal("4.000000")),
        ("tv", ["unreadable_date"], "None", Decimal("2.000000")),
    ]
    given = next(row["given"] for row in rows if row["faults"] == ["unreadable_TV"])
    assert (given["file"], given["line"]["TV"]) == ("tv.csv", "1.200,50")
    line = next(row["given"]["line"]["(line)"] for row in rows if row["faults"] == ["broken_line"])
    assert line == "2026-01-09,DE,5,1,more"


def test_sheets_whose_columns_nobody_can_tell_are_refused_together_by_name(spark, tmp_path):
    write(tmp_path, "days.csv", "day_of,TV", "2026-01-05,1")
    write(tmp_path, "counts.csv", "date,tv,radio,clicks", "2026-01-05,1,2,3")
    write(tmp_path, "empty.csv", "date,country", "2026-01-05,DE")
    with pytest.raises(TableError) as refusal:
        read(spark, tmp_path)
    said = str(refusal.value)
    assert "days.csv: has no column of dates (date, day, week_start, week, week_commencing), only" in said
    assert "counts.csv: clicks belongs to none or several of ['tv', 'radio']" in said
    assert "empty.csv: has no column of money" in said


def test_a_count_belongs_to_the_money_column_that_begins_like_it():
    roles = find_roles(["date", "aff_cost", "tv_spend", "aff_clicks", "tv_impressions"], RULES.sheets)
    assert roles.variables == {"aff_cost": ("aff_clicks", None), "tv_spend": (None, "tv_impressions")}
    # In a sheet with one money column every count is that one's.
    assert find_roles(["date", "spend", "clicks"], RULES.sheets).variables == {"spend": ("clicks", None)}
    with pytest.raises(ValueError, match="names a column twice"):
        find_roles(["date", "TV", "tv"], RULES.sheets)
