from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pma.sources.platforms import read_platforms
from pma.sources.sheet_roles import find_roles
from pma.sources.sheets import read_sheets
from pma.tables import TableError

RULES = read_platforms(Path(__file__).parents[2] / "conf" / "rules")
# What the columns of the sheets below are.
KINDS = {
    **dict.fromkeys(("TV", "TV_ad_spend", "aff_cost", "radio", "tv", "tv_spend", "spend"), "money"),
    **dict.fromkeys(("GRP", "temperature"), "context"),
}
FIELDS = "account_id raw_variable date country campaign_id campaign_name currency spend_local clicks impressions faults"


def sheets(spark, folder):
    return read_sheets(spark, str(folder), RULES, "EUR", lambda names: {n: KINDS[n] for n in names if n in KINDS})


def read(spark, folder):
    rows = sheets(spark, folder).spend.collect()
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
    assert "empty.csv: has no column of money or context" in said


def test_a_count_belongs_to_the_money_column_that_begins_like_it():
    roles = find_roles(["date", "aff_cost", "tv_spend", "aff_clicks", "tv_impressions"], RULES.sheets, KINDS)
    assert roles.money == {"aff_cost": ("aff_clicks", None), "tv_spend": (None, "tv_impressions")}
    # In a sheet with one money column every count is that one's, whatever stands there that is no money.
    roles = find_roles(["date", "spend", "clicks", "GRP", "temperature"], RULES.sheets, KINDS)
    assert (roles.money, roles.context) == ({"spend": ("clicks", None)}, ("GRP", "temperature"))
    with pytest.raises(ValueError, match="names a column twice"):
        find_roles(["date", "TV", "tv"], RULES.sheets, KINDS)


def test_a_count_that_begins_like_a_column_of_which_nobody_said_what_it_is_is_refused_with_it():
    roles = find_roles(["date", "TV", "Misc", "Misc_clicks"], RULES.sheets, KINDS)
    assert (roles.money, roles.unknown) == ({"TV": (None, None)}, ("Misc", "Misc_clicks"))


def test_what_is_no_money_becomes_context_and_what_nobody_named_is_refused_by_its_name(spark, tmp_path, caplog):
    write(
        tmp_path,
        "tv.csv",
        "week_start,country,TV,GRP,Misc,Notes",
        "2026-01-05,DE,1200.50,85.5,3,new spot",
        "2026-01-12,DE,,much,,",
    )
    write(tmp_path, "weather.csv", "date,temperature", "2026-01-05,-3.5", "2026-01-06,1,2")
    found, rows = read(spark, tmp_path)
    assert [(row[0], row[1], row[7], row[10]) for row in found] == [
        ("tv", "Misc", None, ["unknown_column_Misc"]),
        ("tv", "TV", Decimal("1200.500000"), []),
    ]
    assert next(row["given"]["line"]["Misc"] for row in rows if row["faults"]) == "3"
    context = sheets(spark, tmp_path).context.collect()
    fields = ("source", "date", "country", "variable", "value", "faults")
    assert sorted((tuple(row[name] for name in fields) for row in context), key=str) == [
        ("tv.csv", date(2026, 1, 12), "DE", "GRP", None, []),
        ("tv.csv", date(2026, 1, 5), "DE", "GRP", 85.5, []),
        ("weather.csv", date(2026, 1, 5), None, "temperature", -3.5, []),
        ("weather.csv", date(2026, 1, 6), None, None, None, ["broken_line"]),
    ]
    assert {row["given"]["value"] for row in context} == {"85.5", "much", "-3.5", "2026-01-06,1,2"}
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == 2 and set(warned) == {warned[0]}
    assert warned[0].startswith("il.ad_spend: tv.csv: nobody says what its columns ['Misc'] are")
    assert "Fix: name them in conf/rules: variables.yml, as money or context" in warned[0]
