from datetime import date
from pathlib import Path

from pma.marketing.context import context_names, from_feed, judge_context, named_context
from pma.marketing.spend_rules import read_spend_rules
from pma.marketing.tables import CONTEXT
from pma.tables import conform

RULES = read_spend_rules(Path(__file__).parents[2] / "conf" / "rules")
DAY = date(2026, 1, 5)
FEED = "date date, country string, variable string, value double, given struct<{}>".format(
    "date:string,country:string,variable:string,value:string"
)
SHEET = f"source string, faults array<string>, {FEED}"


def feed(spark, *rows):
    given = [
        (DAY, country, variable, value, (str(DAY), country, variable, told)) for country, variable, value, told in rows
    ]
    return from_feed(spark.createDataFrame(given, FEED))


def sheet(spark, *rows):
    given = [
        ("weather.csv", [], DAY, country, variable, value, (str(DAY), country, variable, told))
        for country, variable, value, told in rows
    ]
    return spark.createDataFrame(given, SHEET)


def judged(frame):
    """What passes, as the table has it, and the reasons of the others by their raw name."""
    rows = judge_context(named_context(frame, RULES), RULES)
    kept = conform(rows.where("size(reasons) = 0").select(*CONTEXT.schema.names), CONTEXT).collect()
    refused = rows.where("size(reasons) > 0").select("given.variable", "given.source", "reasons").collect()
    return sorted(map(tuple, kept)), sorted(map(tuple, refused))


def test_context_lands_under_the_clean_names_that_spend_has_and_a_name_that_no_rule_knows_is_made_plain(spark):
    rows = [
        ("Germany", "NL sends", 10.0, "10"),
        ("AT", "Price Index", 101.5, "101.5"),
        ("AT", "Wind-Speed (km/h)", 7.0, "7"),
        ("Narnia", "temp", 1.0, "1"),
    ]
    kept, refused = judged(feed(spark, *rows))
    assert kept == [
        (DAY, "AT", "price_index", 101.5),
        (DAY, "AT", "wind_speed_km_h", 7.0),
        (DAY, "DE", "newsletter_sends", 10.0),
        (DAY, "Narnia", "temperature", 1.0),
    ]
    assert refused == []


def test_money_among_context_and_two_raw_names_of_one_variable_are_refused_by_name(spark):
    of_feed = feed(
        spark,
        ("DE", "TV_ad_spend", 500.0, "500"),
        ("DE", "newsletter", 10.0, "10"),
        ("DE", "nl_sends", 20.0, "20"),
        ("DE", "temperature", 3.5, "3.5"),
        ("DE", "seo", None, "high"),
    )
    kept, refused = judged(of_feed.unionByName(sheet(spark, ("DE", "GRP", 85.0, "85"), (None, "temp", 1.0, "1"))))
    assert kept == [
        (DAY, "DE", "newsletter_sends", 10.0),
        (DAY, "DE", "temperature", 3.5),
        (DAY, "DE", "tv_grps", 85.0),
    ]
    assert refused == [
        ("TV_ad_spend", "il.context", ["money_in_context"]),
        ("nl_sends", "il.context", ["duplicate_key"]),
        ("seo", "il.context", ["unreadable_value"]),
        ("temp", "weather.csv", ["missing_country"]),
    ]


def test_rows_that_came_twice_are_one_and_a_line_with_a_fault_is_told_by_it_alone(spark):
    rows = sheet(spark, ("DE", "GRP", 85.0, "85"), ("DE", "GRP", 85.0, "85"))
    broken = spark.createDataFrame(
        [("weather.csv", ["broken_line"], None, None, None, None, (None, None, None, "a,b"))], SHEET
    )
    found = judge_context(named_context(rows.unionByName(broken), RULES), RULES)
    assert sorted((row["variable"] or "", row["copies"], row["reasons"]) for row in found.collect()) == [
        ("", 1, ["broken_line"]),
        ("tv_grps", 2, []),
    ]


def test_the_raw_names_of_context_are_kept_with_their_source(spark):
    rows = feed(spark, ("DE", "nl_sends", 1.0, "1"), ("DE", "Wind", 1.0, "1"))
    found = context_names(named_context(rows, RULES)).collect()
    assert sorted(map(tuple, found)) == [
        ("il.context", "Wind", None, "none"),
        ("il.context", "nl_sends", "newsletter_sends", "newsletter"),
    ]
