import csv
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from pma.marketing.channels import (
    category_of,
    channel_of,
    core_of,
    matchable,
    paid_for,
    read_channel_rules,
    read_source_categories,
)
from pma.tables import TableError
from tests.marketing.clicks import RULES

CASES = Path(__file__).parents[3] / "shared" / "data" / "attribution" / "ga4_channels" / "velir_cases.csv"
# source, medium, campaign, click id -> Google's group, ours.
OURS = {
    ("google", "cpc", "DE_gads_search_brand_demand_01", "gclid"): ("Paid Search", "google_search_brand"),
    ("google", "cpc", "de_GADS_search_generic_supply_02 ", None): ("Paid Search", "google_search_generic"),
    ("google", "cpc", "FR_gads_pmax_demand_01", "gclid"): ("Paid Search", "google_pmax"),
    ("google", "cpc", "DE_google_ads_DG_brand_brand_01", "gclid"): ("Paid Search", "google_demand_gen_brand"),
    ("google", "cpc", "DE_google_ads_DG_supply_supply_01", "gclid"): ("Paid Search", "google_demand_gen_supply"),
    ("google", "cpc", "DE_google_ads_DG_demand_demand_01", "gclid"): ("Paid Search", "google_demand_gen_demand"),
    ("google", "cpc", None, "gclid"): ("Paid Search", "google_search_generic"),
    ("google", "cpc", "Brand exact", None): ("Paid Search", "google_search_brand"),
    ("youtube", "cpv", "DE_YT_Flobikes_brand_01", "gclid"): ("Paid Video", "youtube_flobikes"),
    ("facebook", "paid_social", "DE_fb_prosp_supply_01", "fbclid"): ("Paid Social", "meta_prospecting"),
    ("instagram", "paid_social", "DE_fb_retarg_demand_01", None): ("Paid Social", "meta_retargeting"),
    ("facebook", "cpm", None, None): ("Paid Social", "meta_other"),
    ("tiktok", "paid_social", None, "ttclid"): ("Paid Social", "tiktok"),
    ("bikedeals", "affiliate", "DE_aff_network_demand_01", None): ("Affiliates", "affiliate"),
    ("newsletter", "email", "weekly_news", None): ("Email", "newsletter"),
    ("google", "organic", None, None): ("Organic Search", "seo"),
    ("instagram", "social", "bike_of_the_week", None): ("Organic Social", "social_posts"),
    ("facebook", "(not set)", None, "fbclid"): ("Organic Social", "social_posts"),
    ("rad-forum.example", "referral", None, None): ("Referral", "referral"),
    ("(direct)", "(none)", None, None): ("Direct", "direct"),
    ("acme", "cpc", None, None): ("Paid Other", "other"),
    ("acme", "poster", None, None): ("Unassigned", "other"),
}
CATEGORIES = {
    "google": "search",
    "www.google.co.uk": "search",
    "de.search.yahoo.com": "search",
    "mail.google.com": None,
    "m.facebook.com": "social",
    "vk.com": "social",
    "m.vk.com": "social",
    "t.co": "social",
    "youtube.com": "video",
    "amazon.de": "shopping",
    "notamazon.de": None,
    "rad-forum.example": None,
    "": None,
}


def group(frame, rules):
    """Add the channel by these rules, with the category that our list gives the source."""
    source = matchable(F.col("source"))
    category = category_of(source, core_of(source), read_source_categories(RULES))
    fields = {n: F.col(n) for n in ("source", "medium", "campaign", "click_id_type")} | {"category": category}
    known = {name: matchable(value) for name, value in fields.items()}
    return channel_of(rules, known | paid_for(rules, known))


def test_each_link_gets_googles_group_and_ours(spark):
    frame = spark.createDataFrame(list(OURS), "source string, medium string, campaign string, click_id_type string")
    google, ours = read_channel_rules(RULES, "ga4_channels.yml"), read_channel_rules(RULES)
    rows = frame.select("*", group(frame, google).alias("google"), group(frame, ours).alias("ours")).collect()
    found = {(r.source, r.medium, r.campaign, r.click_id_type): (r.google, r.ours) for r in rows}
    assert found == OURS


def test_a_name_stands_for_its_hosts_in_any_country_and_for_no_longer_name(spark):
    frame = spark.createDataFrame([(name,) for name in CATEGORIES], "source string")
    category = category_of(F.col("source"), core_of(F.col("source")), read_source_categories(RULES))
    assert {row[0]: row[1] for row in frame.select("source", category).collect()} == CATEGORIES


def test_all_published_cases_agree_with_the_rule_table_row_by_row_in_any_case_of_letters(spark):
    if not CASES.exists():
        pytest.skip(f"the reference data are not beside the project: {CASES}")
    with CASES.open(encoding="utf-8") as file:
        cases = list(csv.DictReader(file))
    given = [
        (i, *(change(case[name]) or None for name in ("source", "medium", "campaign")), None, case["rule_result"])
        for i, (case, change) in enumerate([(case, change) for case in cases for change in (str, str.upper)])
    ]
    ddl = "row int, source string, medium string, campaign string, click_id_type string, expected string"
    frame = spark.createDataFrame(given, ddl)
    rows = frame.select("*", group(frame, read_channel_rules(RULES, "ga4_channels.yml")).alias("found")).collect()
    assert len(rows) == 60
    assert {r.row: (r.source, r.medium, r.campaign, r.found) for r in rows} == {
        r.row: (r.source, r.medium, r.campaign, r.expected) for r in rows
    }


def test_a_file_of_rules_that_is_wrong_or_not_there_is_named(tmp_path):
    with pytest.raises(TableError, match=r"il\.fct_user_sessions: no .*channels\.yml\. Fix: set `rules`"):
        read_channel_rules(tmp_path)
    (tmp_path / "channels.yml").write_text("version: 1\notherwise: other\nrules: [{channel: x, colour: red}]\n")
    with pytest.raises(TableError, match=r"(?s)il\.fct_user_sessions: .*channels\.yml .*colour"):
        read_channel_rules(tmp_path)
    (tmp_path / "channels.yml").write_text("version: 1\notherwise: other\nrules: [{channel: x, platform: [gogle]}]\n")
    with pytest.raises(TableError, match=r"the channel x is of a platform that is not listed: \['gogle'\]"):
        read_channel_rules(tmp_path)
