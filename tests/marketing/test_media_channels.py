"""Spend and sessions give a channel one name: what a campaign costs and what its clicks bring stand in one row."""

from dataclasses import replace
from datetime import date
from urllib.parse import urlencode

from pyspark.sql import functions as F

from pma.marketing.channels import read_channel_rules
from pma.marketing.identities import identities
from pma.marketing.sessions import read_session_rules, sessionise
from pma.marketing.settings import SessionSettings
from pma.marketing.spend_rules import read_spend_rules
from pma.marketing.traffic import read_traffic_rules
from pma.marketing.variables import classify_media, name_variable, plain
from pma.simulation.channels import CHANNELS
from pma.simulation.landing_pages import FREE, PAID, faulty, query
from tests.marketing.clicks import RULES, event, frame

VERSION = date(2026, 3, 10)
SPEND = read_spend_rules(RULES)
# What an ad's link says (source, medium, campaign and parameter of the click id), and what its spend does: the platform
# and the campaign's type, or a sheet and its column. And the channel of both.
ADS = {
    ("google", "cpc", "DE_gads_search_brand_demand_01", "gclid"): ("google", "SEARCH", "google_search_brand"),
    ("adwords", "sea", "DE | Brand | exact", None): ("google", "SEARCH", "google_search_brand"),
    ("google", "cpc", "SEA Brand AT", "wbraid"): ("google", "SEARCH", "google_search_brand"),
    ("google", "cpc", "DE_gads_search_generic_brand_02", "gclid"): ("google", "SEARCH", "google_search_generic"),
    ("google", "ppc", "Rennrad kaufen", None): ("google", "SEARCH", "google_search_generic"),
    ("google", "search", "FR non-brand DSA", "gbraid"): ("google", "SEARCH", "google_search_generic"),
    ("google", "cpc", "brand2025", "gclid"): ("google", "SEARCH", "google_search_generic"),
    (None, None, None, "gclid"): ("google", "SEARCH", "google_search_generic"),
    ("google", "cpc", "FR_gads_pmax_demand_01", "gclid"): ("google", "PERFORMANCE_MAX", "google_pmax"),
    ("youtube", "cpc", "Performance Max brand", "gclid"): ("google", "PERFORMANCE_MAX", "google_pmax"),
    ("google", "pmax", "Herbst", "gclid"): ("google", "PERFORMANCE_MAX", "google_pmax"),
    ("google", "cpc", "DE_google_ads_DG_brand_supply_01", "gclid"): ("google", "DEMAND_GEN", "google_demand_gen_brand"),
    ("google", "demandgen", "Herbst brand", "gclid"): ("google", "DEMAND_GEN", "google_demand_gen_brand"),
    ("gmail", "cpc", "BE demand gen seller", "gclid"): ("google", "DEMAND_GEN", "google_demand_gen_supply"),
    ("google", "cpc", "Discovery Herbst supply", "gclid"): ("google", "DISCOVERY", "google_demand_gen_supply"),
    ("youtube", "cpm", "AT google ads DG demand", "wbraid"): ("google", "DEMAND_GEN", "google_demand_gen_demand"),
    ("google", "cpc", "demand_DG_Herbst", "gclid"): ("google", "DEMAND_GEN", "google_demand_gen_demand"),
    ("google", "cpc", "DE_Shopping_brand", "gclid"): ("google", "SHOPPING", "google_shopping"),
    ("google", "cpc", "FR | PLA | Gravel", "gclid"): ("google", "SMART_SHOPPING", "google_shopping"),
    ("google", "shopping", None, "gclid"): ("google", "SHOPPING", "google_shopping"),
    ("google_shopping", "cpc", "Gravel", None): ("google", "SHOPPING", "google_shopping"),
    ("youtube", "cpv", "Herbst brand", "gclid"): ("google", "VIDEO", "youtube"),
    ("yt-ads", "video", None, "gclid"): ("google", "VIDEO", "youtube"),
    ("google", "cpc", "DE_Video_remarketing", "gclid"): ("google", "VIDEO", "youtube"),
    ("youtube", "cpv", "DE_YT_Flobikes_brand_01", "gclid"): ("google", "VIDEO", "youtube_flobikes"),
    ("youtube", "paid_video", "YouTube FloBikes live", None): ("sheet", "YT_Flobikes", "youtube_flobikes"),
    ("google", "display", "Herbst brand", None): ("google", "DISPLAY", "google_display"),
    ("google", "cpc", "DE_GDN_remarketing", "gclid"): ("google", "DISPLAY", "google_display"),
    ("google", "cpm", None, "gbraid"): ("google", "DISPLAY", "google_display"),
    (None, None, None, "dclid"): ("google", "DISPLAY", "google_display"),
    ("facebook", "paid_social", "DE_fb_prosp_supply_01", "fbclid"): ("meta", "OUTCOME_SALES", "meta_prospecting"),
    ("ig", "cpc", "FR Lookalike 3%", None): ("meta", "OUTCOME_SALES", "meta_prospecting"),
    ("fb", "paid", "SE | fb_retarg | supply", "fbclid"): ("meta", "OUTCOME_SALES", "meta_retargeting"),
    ("an", "paid_social", "DPA Herbst", "fbclid"): ("meta", "OUTCOME_SALES", "meta_retargeting"),
    ("facebook", "paid_social", "DE_remarketing_broad", None): ("meta", None, "meta_retargeting"),
    ("facebook", "cpm", None, None): ("meta", "OUTCOME_SALES", "meta_other"),
    ("instagram", "paidsocial", "Herbst", "fbclid"): ("meta", "OUTCOME_TRAFFIC", "meta_other"),
    ("meta", "ads", "DE_gads_pmax_demand_01", None): ("meta", None, "meta_other"),
    ("tiktok", "paid_social", None, "ttclid"): ("tiktok", "REACH", "tiktok"),
    ("tiktok", "social", "Herbst", "ttclid"): ("tiktok", "REACH", "tiktok"),
    (None, None, None, "ttclid"): ("tiktok", None, "tiktok"),
    ("bing", "cpc", "DE Brand", "msclkid"): ("microsoft", "Search", "microsoft_search_brand"),
    # Copied from Google, name and all.
    ("bing", "cpc", "DE_gads_search_brand_demand_01", "msclkid"): ("microsoft", "Search", "microsoft_search_brand"),
    ("microsoft", "ppc", "AT_gads_search_generic_supply_02", None): ("microsoft", "Search", "microsoft_search_generic"),
    ("bing-ads", "cpc", "Gravel", None): ("microsoft", "Shopping", "microsoft_search_generic"),
    ("yahoo", "cpc", "Rennrad", "msclkid"): ("microsoft", "Search", "microsoft_search_generic"),
    (None, None, None, "msclkid"): ("microsoft", None, "microsoft_search_generic"),
    ("linkedin", "paid_social", "Dealers", "li_fat_id"): ("linkedin", "WEBSITE_VISIT", "linkedin"),
    (None, None, None, "li_fat_id"): ("linkedin", None, "linkedin"),
    ("snapchat", "paid_social", "Herbst brand", "ScCid"): ("snapchat", "SALES", "snapchat"),
    (None, None, None, "ScCid"): ("snapchat", None, "snapchat"),
    ("pinterest", "paid_social", "DE_prosp_01", "epik"): ("pinterest", "CONSIDERATION", "pinterest"),
    ("reddit", "cpc", "r/cycling", "rdt_cid"): ("reddit", "CLICKS", "reddit"),
    (None, None, None, "rdt_cid"): ("reddit", None, "reddit"),
    ("twitter", "paid_social", "Herbst", "twclid"): ("x", "WEBSITE_CLICKS", "x"),
    ("x", "cpc", "Herbst", None): ("x", "WEBSITE_CLICKS", "x"),
    (None, None, None, "twclid"): ("x", None, "x"),
    ("amazon", "cpc", "Sponsored Display brand", None): ("amazon", "SPONSORED_DISPLAY", "amazon"),
    ("amazon_dsp", "display", "Herbst", None): ("amazon", None, "amazon"),
    ("apple_search_ads", "cpc", "DE_Brand", None): ("apple", "SEARCH", "apple_search"),
    ("bikedeals", "affiliate", "DE_aff_network_demand_01", None): ("sheet", "aff_cost", "affiliate"),
    ("instagram", "influencer", "anna_rides", None): ("sheet", "influencer_cost", "influencer"),
    ("antritt", "podcast", "episode_12", None): ("sheet", "podcast_spend", "podcast"),
}
# Channels of sheets that have no links: nobody clicks on a spot, a poster or a page of paper.
OFFLINE = {"tv", "radio", "out_of_home", "print"}
# Links that nobody paid for, or whose platform spend does not know.
OTHERS = {
    ("google", "organic", "gmb_brand", None): "seo",
    ("google", "organic", "gmb_brand", "gclid"): "seo",
    ("bing", "organic", None, None): "seo",
    (None, None, None, "fbclid"): "social_posts",
    (None, None, None, "epik"): "social_posts",
    ("pinterest", "social", "Herbst", "epik"): "social_posts",
    ("linkedin", "social", "brand", None): "social_posts",
    ("twitter", "(not set)", None, None): "social_posts",
    ("youtube", "video", "Herbst", None): "social_posts",
    ("amazon", "referral", None, None): "referral",
    ("newsletter", "email", "Brand Shopping", "gclid"): "newsletter",
    ("yahoo", "cpc", "Rennrad", None): "other",
    ("criteo", "retargeting", "Herbst", None): "other",
    ("google", "cpc", "DG Herbst", "gclid"): "other",
    ("poster", "qr", None, None): "other",
}


def channels_of_visits(spark, visits):
    """Return the channel of one session after the other, of which each is one page with this query and referrer."""
    pages = [event("e", 0, f"?{query}", device=f"d{i}", referrer=sent_by) for i, (query, sent_by) in enumerate(visits)]
    logged, rules = frame(spark, pages), read_session_rules(RULES)
    sessions = sessionise(logged, identities(logged, VERSION), VERSION, rules, SessionSettings()).collect()
    found = {row.anonymous_id: row.channel for row in sessions}
    return [found[page["anonymous_id"]] for page in pages]


def visit(source, medium, campaign, click):
    tags = {"utm_source": source, "utm_medium": medium, "utm_campaign": campaign, click: click and "Cj0KCQ"}
    return urlencode({name: value for name, value in tags.items() if value}), None


def visits_to_the_marketplace():
    """Yield the channel and the visit of every link that the simulated marketplace has, as it is and spoiled."""
    paid = {
        channel.name: [
            replace(
                link, campaign=link.campaign and f"DE_{channel.token}_{goal}_01", campaign_id=link.campaign_id and "7"
            )
            for link, _ in PAID[channel.name]
            for goal in sorted(set(channel.goals))
        ]
        for channel in CHANNELS
        if channel.name in PAID
    }
    free = {channel: [link for link, _ in links] for channel, links in FREE.items()}
    for channel, links in {**paid, **free}.items():
        for link in links:
            for text in (query(link) or "", *faulty(link)):
                yield channel, (f"{text}Cj0KCQ" if text.endswith("=") else text, link.referrer)


def test_a_click_and_its_campaigns_spend_are_of_one_channel(spark):
    of_sessions = channels_of_visits(spark, [visit(*link) for link in ADS])
    rows = [(i, platform, kind, link[2]) for i, (link, (platform, kind, _)) in enumerate(ADS.items())]
    given = spark.createDataFrame(rows, "i int, platform string, kind string, name string")
    cleaned = plain(F.coalesce("name", F.lit("")))
    of_campaign = classify_media(F.col("platform"), F.col("kind"), F.col("name"), cleaned, SPEND.channels)
    of_column = name_variable(plain(F.col("kind")), SPEND.variables)
    channel = F.when(F.col("platform") == "sheet", of_column["variable"]).otherwise(of_campaign["variable"])
    of_spend = {row.i: row.channel for row in given.select("i", channel.alias("channel")).collect()}
    found = {link: (of_spend[i], of_sessions[i]) for i, link in enumerate(ADS)}
    assert found == {link: (channel, channel) for link, (_, _, channel) in ADS.items()}


def test_every_channel_that_spend_may_have_has_a_link_but_those_offline():
    of_sheets = {rule.variable for rule in SPEND.variables.rules if rule.kind == "money"}
    linked = {channel for _, _, channel in ADS.values()}
    assert {rule.channel for rule in SPEND.channels.rules} | of_sheets == linked | OFFLINE
    assert not linked & OFFLINE


def test_every_platform_of_spend_and_every_click_id_of_ads_is_of_one_platform_of_sessions():
    platforms = read_channel_rules(RULES).platforms
    paid = [rule.parameter for rule in read_traffic_rules(RULES).click_ids.click_ids if rule.is_paid]
    assert set(platforms) == {name for rule in SPEND.channels.rules for name in rule.platforms}
    assert sorted(name for of in platforms.values() for name in of.click_ids) == sorted(paid)


def test_a_link_that_nobody_paid_for_or_whose_platform_spend_does_not_know_is_of_no_channel_of_spend(spark):
    found = channels_of_visits(spark, [visit(*link) for link in OTHERS])
    assert dict(zip(OTHERS, found, strict=True)) == OTHERS


def test_every_link_of_the_marketplace_is_of_its_own_channel_however_it_is_spoiled(spark):
    links = list(visits_to_the_marketplace())
    found = channels_of_visits(spark, [visit for _, visit in links])
    wrong = [(*link, channel) for link, channel in zip(links, found, strict=True) if link[0] != channel]
    # An old click id on a link without tags is all that such a visit says.
    assert wrong == [("direct", ("gclid=Cj0KCQ", None), "google_search_generic")]
    assert {channel for channel, _ in links} == {*PAID, *FREE}
