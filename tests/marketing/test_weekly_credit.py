from datetime import date

from pma.marketing.tables import CAMPAIGNS
from pma.marketing.weekly_credit import campaign_owners
from tests.marketing.growth_world import frame, named

EARLY, LATE = (date(2026, 1, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 6, 30))
IN_EARLY, IN_LATE, AFTER = date(2026, 2, 1), date(2026, 5, 1), date(2026, 9, 1)
NAMES = [
    named("google/g1", "First name", "google_pmax", *EARLY),
    # Renamed, and of another channel since.
    named("google/g1", "Second name", "google_search_brand", *LATE),
    # A name that goes on to another campaign.
    named("meta/m1", "Spring", "meta_prospecting", *EARLY),
    named("meta/m2", "Spring", "meta_retargeting", *LATE),
    # One written alike but for its letters.
    named("meta/m3", "SPRING", "meta_prospecting", *LATE),
    # A name of two campaigns at once.
    named("meta/m4", "Twin", "meta_prospecting", *EARLY),
    named("tiktok/t4", "Twin", "tiktok", *EARLY),
    # An id of two platforms.
    named("meta/77", "Sevens", "meta_prospecting", *EARLY),
    named("google/77", "Other sevens", "google_pmax", *EARLY),
]
BRAND, PMAX = ("google", "g1", "google_search_brand"), ("google", "g1", "google_pmax")
OWNERS = {
    # Its id, whatever the name says; with the channel that it had then, or has by its newest name.
    ("g1", "Spring", IN_EARLY): PMAX,
    ("g1", None, IN_LATE): BRAND,
    ("g1", None, AFTER): BRAND,
    ("g1", None, None): BRAND,
    # Its name where the id is not known.
    ("unheard of", "First name", AFTER): PMAX,
    (None, " Second name ", IN_EARLY): BRAND,
    (None, "second NAME", IN_LATE): BRAND,
    # The campaign that had the name on that day, else the newest that had it.
    (None, "Spring", IN_EARLY): ("meta", "m1", "meta_prospecting"),
    (None, "Spring", IN_LATE): ("meta", "m2", "meta_retargeting"),
    (None, "Spring", AFTER): ("meta", "m2", "meta_retargeting"),
    (None, "SPRING", IN_EARLY): ("meta", "m3", "meta_prospecting"),
    # In other letters it was m1's alone in early spring, later that of two.
    (None, "spring", IN_EARLY): ("meta", "m1", "meta_prospecting"),
    (None, "spring", IN_LATE): None,
    # Of two campaigns, whenever.
    (None, "Twin", IN_EARLY): None,
    (None, "Twin", AFTER): None,
    # Of two platforms: the name may say it.
    ("77", None, IN_EARLY): None,
    ("77", "sevens", IN_EARLY): ("meta", "77", "meta_prospecting"),
    ("unheard of", "nor this", IN_EARLY): None,
    (None, None, IN_EARLY): None,
}


def test_each_touch_finds_the_one_campaign_that_it_can_be_of(spark):
    touches = spark.createDataFrame([*OWNERS, *OWNERS], "campaign_id string, campaign string, touched_on date")
    found = campaign_owners(touches, frame(spark, CAMPAIGNS, NAMES)).collect()
    assert {(r["campaign_id"], r["campaign"], r["touched_on"]): tuple(r["owner"]) for r in found} == {
        touch: owner for touch, owner in OWNERS.items() if owner
    }
    assert len(found) == sum(owner is not None for owner in OWNERS.values())
