from urllib.parse import parse_qsl, unquote

import pytest
from pyspark.sql import functions as F

from pma.simulation.landing_pages import FREE, PAID, Link, faulty, landing_url, query

FACEBOOK = Link("facebook", "paid_social", "DE_fb_prosp_supply_01", "7", "fbclid", alias="fb")
SPOILED = [
    "utm_source=facebook&utm_medium=paid_social&utm_campaign=DE_fb_prosp_supply_01+&utm_id=7&fbclid=",
    "utm_source=facebook&utm_medium=paid_social&utm_campaign=DE_fb_prosp_supply_01%20&utm_id=7&fbclid=",
    "utm_source=facebook&utm_medium=paid_social&utm_campaign=DE_fb_prosp_supply_01%2520&utm_id=7&fbclid=",
    "utm_source=FACEBOOK&utm_medium=PAID_SOCIAL&utm_campaign=DE_fb_prosp_supply_01&utm_id=7&fbclid=",
    "utm_source=facebook&utm_medium=paid_social&utm_campaign=DE_fb_prosp_supply_01&utm_id=7&utm_source=facebook&fbclid=",
    "x&amp;utm_source=facebook&amp;utm_medium=paid_social&amp;utm_campaign=DE_fb_prosp_supply_01&amp;utm_id=7&amp;fbclid=",
    "utm_source=fb&utm_medium=paid_social&utm_campaign=DE_fb_prosp_supply_01&utm_id=7&fbclid=",
    "utm_source=facebook&utm_medium=paid_social&utm_campaign=DE_fb_prosp_supply_01&fbclid=",
    "utm_source=facebook&utm_medium=paid_social&utm_campaign=DE_fb_prosp_supply_01&utm_id=&utm_content=&utm_term=&fbclid=",
    "utm_source=facebook&utm_medium=paid_social&utm_campaign=DE_fb_prosp_supply_01&utm_id=7&utm_content=50%_off%zz&fbclid=",
]


def test_a_link_of_every_kind_has_every_fault_that_suits_it():
    assert faulty(FACEBOOK) == SPOILED
    newsletter = faulty(Link("newsletter", "email", "weekly_news"))
    assert newsletter == [
        "utm_source=newsletter&utm_medium=email&utm_campaign=weekly_news+",
        "utm_source=newsletter&utm_medium=email&utm_campaign=weekly_news%20",
        "utm_source=newsletter&utm_medium=email&utm_campaign=weekly_news%2520",
        "utm_source=NEWSLETTER&utm_medium=EMAIL&utm_campaign=weekly_news",
        "utm_source=newsletter&utm_medium=email&utm_campaign=weekly_news&utm_source=newsletter",
        "x&amp;utm_source=newsletter&amp;utm_medium=email&amp;utm_campaign=weekly_news",
        "utm_source=newsletter&utm_medium=email&utm_campaign=weekly_news&utm_id=&utm_content=&utm_term=",
        "utm_source=newsletter&utm_medium=email&utm_campaign=weekly_news&utm_content=50%_off%zz",
    ]
    assert faulty(Link("tiktok", "paid_social", None, "7", "ttclid"))[0] == (
        "utm_source=tiktok&utm_medium=paid_social+&utm_id=7&ttclid="
    )


def test_a_direct_visit_may_have_a_stale_click_id_and_one_with_a_referrer_has_nothing():
    assert faulty(Link()) == ["gclid="]
    assert faulty(Link(referrer="https://www.bing.com/")) == []
    assert query(Link()) is None


@pytest.mark.parametrize("spoiled", [text for text in SPOILED if "%2520" not in text and "&amp;" not in text])
def test_a_spoiled_link_still_says_where_it_came_from(spoiled):
    tags = dict(reversed(parse_qsl(spoiled, keep_blank_values=True)))
    assert tags["utm_source"].lower() in ("facebook", "fb")
    assert unquote(tags["utm_campaign"]).strip() == "DE_fb_prosp_supply_01"


def test_the_links_of_each_channel_are_all_its_visits():
    assert {channel: round(sum(share for _, share in links), 9) for channel, links in {**PAID, **FREE}.items()} == (
        dict.fromkeys([*PAID, *FREE], 1.0)
    )


def test_addresses_are_put_together_whatever_the_page_has_of_its_own(spark):
    given = [
        ("DE", "", None),
        ("DE", "bikes/road", "utm_source=newsletter&utm_medium=email"),
        ("AT", "search?q=rennrad", "utm_source=google&gclid="),
        ("AT", "sell", "x&amp;utm_source=google&amp;gclid="),
    ]
    frame = spark.createDataFrame(given, "country string, page string, query string")
    address = landing_url(F.col("country"), F.col("page"), F.col("query"), F.lit("C1"))
    assert [row[0] for row in frame.select(address).collect()] == [
        "https://www.velomarket.example/de/",
        "https://www.velomarket.example/de/bikes/road?utm_source=newsletter&utm_medium=email",
        "https://www.velomarket.example/at/search?q=rennrad&utm_source=google&gclid=C1",
        "https://www.velomarket.example/at/sell?x&amp;utm_source=google&amp;gclid=C1",
    ]
