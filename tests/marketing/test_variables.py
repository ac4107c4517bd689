from pathlib import Path

import pytest
from pydantic import ValidationError
from pyspark.sql import functions as F

from pma.marketing.spend_rules import VariableRules, read_spend_rules
from pma.marketing.tables import VARIABLE_NAMES
from pma.marketing.variables import campaign_goal, classify_media, column_kinds, name_variable, plain, variable_names
from pma.tables import conform

RULES = read_spend_rules(Path(__file__).parents[2] / "conf" / "rules")
# Spellings in real use, and what each of them is.
CLEAN = {
    "tv": "TV_ad_spend|tv_spend|TV|TV Ad Spend|tv-cost|Television|linear TV|TV_budget|TV net spend",
    "youtube_flobikes": "YT_Flobikes|youtube_flobikes|Youtube FloBikes|YT_Flo_Bikes_spend|flobikes",
    "google_demand_gen_brand": "google_ads_DG_brand|gads_DG_brand|demand_gen_brand|DG_brand|google discovery brand",
    "google_demand_gen_supply": "google_ads_DG_supply|demand gen supply|DG_supply_cost|google_DG_seller",
    "google_demand_gen_demand": "google_ads_DG_demand|demand-gen-demand|DG_demand|dg_buyer_spend",
    "google_pmax": "gads_pmax|Google PMax|performance_max|pmax_cost|PMAX_spend",
    "google_search_brand": "gads_search_brand|SEA brand|google_ads_search_brand|Brand Search|sem_brand_cost",
    "google_search_generic": "gads_search_generic|search_nonbrand|google_ads_search_non_brand|SEA_generic",
    "meta_retargeting": "fb_retarg|FB_retargeting|Meta Retargeting|facebook_remarketing|meta_rtg_spend",
    "meta_prospecting": "fb_prosp|fb_prospecting_spend|Meta Prospecting|facebook-acquisition",
    "tiktok": "tt_reach|TikTok|tiktok_ad_spend|Tik Tok|tiktok_ads_spend|tt_cost",
    "affiliate": "aff_cost|aff_network|Affiliate commission|affiliates|partner_fee|aff_spend",
    "radio": "radio_spend|Radio",
    "out_of_home": "OOH|dooh_spend|Billboards",
    "newsletter_sends": "newsletter_sends|Newsletter",
}
UNKNOWN = ("TVs", "spend", "retv_spend", "brand", "aff", "Misc 2024", "")


def test_raw_names_in_real_use_get_their_clean_name_and_an_unknown_one_none(spark):
    raw = [(name, clean) for clean, names in CLEAN.items() for name in names.split("|")]
    assert len(raw) >= 60
    frame = spark.createDataFrame([*raw, *[(name, None) for name in UNKNOWN]], "raw string, clean string")
    found = frame.select("raw", "clean", name_variable(plain(F.col("raw")), RULES.variables).alias("n")).collect()
    assert {row["raw"]: row["n"]["variable"] for row in found} == {row["raw"]: row["clean"] for row in found}
    assert {row["n"]["rule"] for row in found if row["clean"] is None} == {"none"}
    assert all(row["n"]["rule"] != "none" for row in found if row["clean"])


def test_a_campaigns_name_and_type_give_its_channel_its_goal_and_the_name_it_was_known_by(spark):
    cases = [
        ("google", "SEARCH", "DE_gads_search_brand_supply_01", "google_search_brand", "supply", "gads_search_brand"),
        (
            "google",
            "SEARCH",
            "DE_gads_search_generic_brand_02",
            "google_search_generic",
            "brand",
            "gads_search_generic",
        ),
        ("google", "PERFORMANCE_MAX", "FR_gads_pmax_demand_01", "google_pmax", "demand", "pmax"),
        (
            "google",
            "DEMAND_GEN",
            "DE_google_ads_DG_brand_supply_01",
            "google_demand_gen_brand",
            "supply",
            "google_ads_DG_brand",
        ),
        (
            "google",
            "DEMAND_GEN",
            "BE_FR_google_ads_DG_supply_01",
            "google_demand_gen_supply",
            "supply",
            "google_ads_DG_supply",
        ),
        (
            "google",
            "DEMAND_GEN",
            "AT google ads DG demand",
            "google_demand_gen_demand",
            "demand",
            "google ads DG demand",
        ),
        ("google", "SEARCH", "Herbst", "google_search_generic", "unknown", "SEARCH"),
        ("google", "PERFORMANCE_MAX", "Herbst", "google_pmax", "unknown", "PERFORMANCE_MAX"),
        ("google", "VIDEO", "DE_YT_Flobikes_brand_01", "youtube_flobikes", "brand", "YT_Flobikes"),
        ("meta", "OUTCOME_SALES", "SE | fb_retarg | supply", "meta_retargeting", "supply", "fb_retarg"),
        ("meta", None, "IT_fb_prosp_demand_03", "meta_prospecting", "demand", "fb_prosp"),
        ("tiktok", None, None, "tiktok", "unknown", "tiktok"),
        ("google", None, "Herbst", None, "unknown", "Herbst"),
        ("yahoo", "SEARCH", "DE_gads_pmax_brand_01", None, "brand", "DE_gads_pmax_brand_01"),
    ]
    fields = "platform string, kind string, name string, channel string, goal string, raw string"
    found = (
        spark.createDataFrame(cases, fields)
        .select("*", plain(F.coalesce("name", F.lit(""))).alias("cleaned"))
        .select(
            "*",
            classify_media(F.col("platform"), F.col("kind"), F.col("name"), F.col("cleaned"), RULES.channels).alias(
                "n"
            ),
            campaign_goal(F.col("cleaned"), RULES.channels).alias("found_goal"),
        )
        .collect()
    )
    assert [(*row[:3], row["n"]["variable"], row["found_goal"], row["n"]["raw_name"]) for row in found] == cases


def test_every_raw_name_that_was_seen_has_a_row_and_an_unknown_one_says_none(spark):
    named = spark.createDataFrame(
        [
            ("tv.csv", "TV_ad_spend", "tv", "tv"),
            ("tv.csv", "TV_ad_spend", "tv", "tv"),
            ("tv.csv", "Misc", None, "none"),
            ("google", "Herbst", None, "none"),
            ("google", "Herbst", "google_pmax", "pmax_type"),
            ("google", None, None, "none"),
        ],
        "source string, raw_name string, variable string, rule string",
    )
    found = conform(variable_names(named, RULES), VARIABLE_NAMES)
    assert sorted(map(tuple, found.collect())) == [
        ("google", "Herbst", "google_pmax", "pmax_type", 2),
        ("tv.csv", "Misc", None, "none", 2),
        ("tv.csv", "TV_ad_spend", "tv", "tv", 2),
    ]


def test_the_rules_say_of_a_column_whether_it_is_money_or_context_and_of_a_strange_one_nothing(spark):
    money = ("TV_ad_spend", "YT_Flobikes", "gads_pmax", "Cinema cost", "spend", "Messe-Budget")
    context = ("GRP", "TV GRPs", "Price Index", "temperature", "newsletter", "SEO")
    strange = ("Misc", "price", "cost_per_click", "impressions", "")
    found = column_kinds(spark, [*money, *context, *strange], RULES.variables)
    assert found == {**dict.fromkeys(money, "money"), **dict.fromkeys(context, "context")}


def test_rules_by_which_a_variable_is_both_money_and_context_are_refused():
    rules = [{"rule": kind, "kind": kind, "variable": "tv", "names": [kind]} for kind in ("money", "context")]
    with pytest.raises(ValidationError, match="a variable is money by one rule and context by another"):
        VariableRules.model_validate({"version": 1, "money": "spend", "rules": rules})
