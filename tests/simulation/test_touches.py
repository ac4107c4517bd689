from dataclasses import replace

import pandas as pd
import pytest

from pma.simulation.touches import ORDER, UPLOAD, VISIT, draw_number, touch_ranges, touches
from tests.simulation.worlds import make_world

# What adds in a week of the hand-written world: seven paid components at 0.08, two organic, baseline, interaction.
ADDS = 7 * 0.08 + 0.05 + 0.05 + 0.4 + 0.04


@pytest.fixture(scope="module")
def wide():
    """The ranges of the world's draws with the touch beside each, and how wide they are."""
    world = make_world(80.0, [1.0] * 10)
    ranges = touch_ranges(world).merge(touches(world), on="touch")
    return world, ranges.assign(width=ranges["high"].clip(upper=1.0) - ranges["low"])


def of(wide, who, country="DE", week=4):
    world, ranges = wide
    frame = ranges.assign(one=country, at=week).head(1)
    number = draw_number(world, who, frame["one"], frame["at"]).iloc[0]
    return ranges[ranges["draw"] == number]


def test_every_draw_is_filled_from_0_to_1_without_gap_or_overlap(wide):
    _, ranges = wide
    for _, own in ranges.sort_values(["draw", "low"]).groupby("draw"):
        assert own["low"].iloc[0] == 0
        assert own["high"].iloc[-1] == 2
        assert (own["low"].to_numpy()[1:] == own["high"].to_numpy()[:-1]).all()
        assert (own["width"] > 0).all()
    assert ranges["draw"].nunique() == 3 * 2 * 10


@pytest.mark.parametrize("who", [UPLOAD, ORDER])
def test_a_cause_speaks_by_its_own_channel_and_one_that_nobody_paid_for_by_free_ones(wide, who):
    found = of(wide, who).groupby("channel")["width"].sum()
    after_tv = 0.08 + 0.04
    expected = {
        **dict.fromkeys(["google_pmax", "youtube_flobikes", "meta_prospecting", "tiktok", "affiliate"], 0.08),
        "google_search_brand": 0.08 + 0.5 * after_tv,
        "newsletter": 0.05 + 0.1 * 0.4,
        "seo": 0.05 + 0.35 * 0.4 + 0.2 * after_tv,
        "direct": 0.45 * 0.4 + 0.3 * after_tv,
        "referral": 0.1 * 0.4,
    }
    assert found.to_dict() == pytest.approx({name: value / ADDS for name, value in expected.items()})


def test_campaigns_of_a_cause_are_those_of_its_country_and_links_share_their_campaign(wide):
    found = of(wide, UPLOAD, country="AT")
    paid = found[found["campaign_id"].notna()]
    assert set(paid["campaign_id"].str[:2]) == {"AT"}
    meta = paid[paid["channel"] == "meta_prospecting"].groupby(["campaign_id", "referrer"])["width"].sum()
    assert meta.to_dict() == pytest.approx(
        {
            (campaign, referrer): 0.04 * share / ADDS
            for campaign in ("AT6", "AT7")
            for referrer, share in (("https://l.facebook.com/", 0.6), ("https://l.instagram.com/", 0.4))
        }
    )


def test_visits_are_mixed_by_clicks_for_the_paid_and_by_fixed_shares_for_the_free(wide):
    found = of(wide, VISIT).groupby("channel")["width"].sum()
    # Campaign n has 5 + n clicks a day; TV, the last two, has no link.
    clicks = sum(range(5, 17))
    by_clicks = {"google_search_brand": 11, "google_pmax": 15, "tiktok": 27, "affiliate": 31}
    assert {name: found[name] for name in by_clicks} == pytest.approx(
        {name: 0.44 * count / clicks for name, count in by_clicks.items()}
    )
    free = ["direct", "seo", "newsletter", "social_posts", "referral"]
    assert [found[name] for name in free] == pytest.approx([0.22, 0.2, 0.06, 0.03, 0.05])
    assert found.sum() == pytest.approx(1)


def test_without_search_campaigns_tv_brings_direct_visits_and_free_search_alone():
    world = make_world(80.0, [1.0] * 10)
    world.spend.loc[world.spend["campaign_id"].isin(["DE0", "DE1"]), "clicks"] = 0
    ranges = touch_ranges(world).merge(touches(world), on="touch")
    ranges["width"] = ranges["high"].clip(upper=1.0) - ranges["low"]
    found = of((world, ranges), UPLOAD).groupby("channel")["width"].sum()
    assert found["direct"] == pytest.approx((0.45 * 0.4 + 0.6 * 0.12) / ADDS)
    assert found["google_search_brand"] == pytest.approx(0.08 / ADDS)
    assert of((world, ranges), UPLOAD, "AT").groupby("channel")["width"].sum()["google_search_brand"] > 0.1


def test_a_campaign_of_two_countries_has_one_link_and_clicks_in_both():
    world = make_world(80.0, [1.0] * 10)
    both = world.campaigns[world.campaigns["campaign_id"] == "DE6"].assign(country="AT")
    clicks = world.spend[world.spend["campaign_id"] == "DE6"].assign(country="AT", clicks=1_000)
    shared = replace(
        world, campaigns=pd.concat([world.campaigns, both]), spend=pd.concat([world.spend, clicks], ignore_index=True)
    )
    known = touches(shared)
    assert len(known) == len(touches(world))
    ranges = touch_ranges(shared).merge(known, on="touch")
    ranges["width"] = ranges["high"].clip(upper=1.0) - ranges["low"]
    abroad = of((shared, ranges), VISIT, "AT")
    assert abroad.loc[abroad["campaign_id"] == "DE6", "width"].sum() == pytest.approx(0.44 * 1000 / (1000 + 126))
