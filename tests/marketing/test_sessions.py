import hashlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pma.marketing.tables import SESSIONS
from pma.tables import conform
from tests.marketing.clicks import SITE, at, clock, event, frame
from tests.marketing.logs import GOOGLE, LOGS, NEWS, PAYPAL, SAID, SECOND, SETTINGS, VERSION, log, sessions_of

DIRECT = ("(direct)", "(none)", None)
SPRING = ("google", "cpc", "spring")
WEEKLY = ("newsletter", "email", "weekly")
OWN = {"referrer": SITE}
SEARCH = {"referrer": "https://www.google.de/"}
FORUM = {"referrer": "https://rad-forum.example/thread/1"}
MICRO = SECOND / 1_000_000

# What a device does: minutes after noon, query and the rest of each event. And its sessions: source, medium, campaign,
# and how many events each has.
CASES = {
    "exactly 30 minutes stay, a microsecond more does not": (
        [(0, ""), (30, ""), (60 + MICRO, "")],
        [(*DIRECT, 2), (*DIRECT, 1)],
    ),
    "midnight splits nothing": ([(11 * 60 + 50, GOOGLE), (12 * 60 + 10, "")], [(*SPRING, 2)]),
    "a new campaign splits, the same again does not": (
        [(0, GOOGLE), (1, GOOGLE), (2, NEWS), (3, NEWS), (4, GOOGLE)],
        [(*SPRING, 2), (*WEEKLY, 2), (*SPRING, 1)],
    ),
    "letters, blanks and aliases make no new campaign": (
        [(0, GOOGLE), (1, "?utm_source=Google%20&utm_medium=CPC&utm_campaign=Spring+")],
        [(*SPRING, 2)],
    ),
    "losing the tags does not split": ([(0, GOOGLE), (1, "", OWN), (2, ""), (3, GOOGLE, OWN)], [(*SPRING, 4)]),
    "losing some of the tags does not split": (
        [(0, GOOGLE), (1, "?utm_source=google"), (2, "?utm_medium=cpc"), (3, GOOGLE)],
        [(*SPRING, 4)],
    ),
    "empty tags are no tags": ([(0, GOOGLE), (1, "?utm_source=&utm_campaign=%20")], [(*SPRING, 2)]),
    "a new medium of the same source splits": (
        [(0, "?utm_source=google&utm_medium=cpc"), (1, "?utm_source=google&utm_medium=display")],
        [("google", "cpc", None, 1), ("google", "display", None, 1)],
    ),
    "what a new source leaves empty is not the old one's": (
        [(0, GOOGLE), (1, "?utm_source=bing"), (2, "?utm_source=bing&utm_medium=cpc")],
        [(*SPRING, 1), ("bing", "(not set)", None, 1), ("bing", "cpc", None, 1)],
    ),
    "a new click id splits, the same does not": (
        [(0, GOOGLE + "&gclid=A"), (1, GOOGLE + "&gclid=A"), (2, GOOGLE), (3, GOOGLE + "&gclid=B")],
        [(*SPRING, 3), (*SPRING, 1)],
    ),
    "a session that began without takes the first source that it gets": (
        [(0, ""), (1, "", OWN), (2, GOOGLE), (3, "")],
        [(*SPRING, 4)],
    ),
    "the return from a payment provider continues": (
        [(0, GOOGLE), (20, "", PAYPAL), (45, "", OWN)],
        [(*SPRING, 3)],
    ),
    "a day at a payment provider does not split, a microsecond more does": (
        [(0, GOOGLE), (40, "", PAYPAL), (50, ""), (50 + 1440, "", PAYPAL), (50 + 2880 + MICRO, "", PAYPAL)],
        [(*SPRING, 4), (*DIRECT, 1)],
    ),
    "who comes from a payment provider with tags, or goes on at our own pages, does not return from paying": (
        [(0, GOOGLE), (40, NEWS, PAYPAL), (80, "", OWN)],
        [(*SPRING, 1), (*WEEKLY, 1), (*DIRECT, 1)],
    ),
    "after a pause at a payment provider tags are still compared with those before": (
        [(0, GOOGLE), (40, "", PAYPAL), (41, GOOGLE), (42, NEWS)],
        [(*SPRING, 3), (*WEEKLY, 1)],
    ),
    "a payment provider is no source of its own": ([(0, "", PAYPAL), (1, "")], [(*DIRECT, 2)]),
    "an old gclid on a link with other tags is ignored": (
        [(0, NEWS + "&gclid=old"), (1, NEWS)],
        [(*WEEKLY, 2)],
    ),
    "a gclid without tags is google's": ([(0, "?gclid=A")], [("google", "cpc", None, 1)]),
    "a gclid fills the medium that the tags leave out": (
        [(0, "?utm_source=google&gclid=A")],
        [("google", "cpc", None, 1)],
    ),
    "what the tags say of google stays": (
        [(0, "?utm_source=google&utm_medium=display&utm_campaign=x&gclid=A")],
        [("google", "display", "x", 1)],
    ),
    "a gclid beside a medium of another kind is ignored": (
        [(0, "?utm_medium=email&gclid=A")],
        [("(not set)", "email", None, 1)],
    ),
    "a parameter is its whole name": ([(0, "?old_gclid=A&xgclid=B")], [(*DIRECT, 1)]),
    "fbclid names the source and is not paid": ([(0, "?fbclid=A")], [("facebook", "(not set)", None, 1)]),
    "a search engine is organic": ([(0, "", SEARCH)], [("google", "organic", None, 1)]),
    "another site is a referral and a new source": (
        [(0, GOOGLE), (5, "", FORUM), (6, "", OWN)],
        [(*SPRING, 1), ("rad-forum.example", "referral", None, 2)],
    ),
    "a page that lost its tags and shows google still is google's": (
        [(0, GOOGLE, SEARCH), (1, "", SEARCH)],
        [(*SPRING, 2)],
    ),
    "tags after a search are new": (
        [(0, "", SEARCH), (1, GOOGLE, SEARCH)],
        [("google", "organic", None, 1), (*SPRING, 1)],
    ),
    "an address that is none is direct": (
        [(0, "", {"page_url": "http://[::%zz", "referrer": "%%%"}), (1, "", {"page_url": None})],
        [(*DIRECT, 2)],
    ),
}


def happened(name, number, minutes, query, more=None):
    return event(f"{name}/{number}", minutes, query, device=name, **(more or {}))


def test_each_story_becomes_the_sessions_that_it_should(spark, rules):
    stories = {name: [happened(name, i, *step) for i, step in enumerate(steps)] for name, (steps, _) in CASES.items()}
    rows = sessions_of(spark, [event for story in stories.values() for event in story], rules).collect()
    rows.sort(key=lambda row: (row.anonymous_id, row.started_at))
    by_device = groupby(rows, key=lambda row: row.anonymous_id)
    found = {name: [(r.source, r.medium, r.campaign, r.events) for r in group] for name, group in by_device}
    assert found == {name: sessions for name, (_, sessions) in CASES.items()}


def test_a_session_says_everything_that_its_table_declares(spark, rules):
    query = "bikes?utm_source=fb&utm_medium=Paid_Social&utm_campaign=DE_fb_prosp_supply_01&utm_id=77&fbclid=F1"
    start = 11 * 60 + 30  # 23:30 UTC is the next day in Berlin.
    events = [
        event("e1", start, query, referrer="https://l.facebook.com/", user_id="u1", country="de"),
        event("e2", start + 5, "sell", event_name="sales_ad_created", user_id="u1", **OWN),
        event("e3", start + 6, "", **OWN),
    ]
    framed = sessions_of(spark, events, rules)
    (row,) = conform(framed, SESSIONS).collect()
    made_with = row.made_with
    assert row.asDict() == {
        "session_id": hashlib.md5(b"d1\ne1").hexdigest(),
        "anonymous_id": "d1",
        "user_id": "u1",
        "map_version": VERSION,
        "started_at": datetime(2026, 3, 1, 23, 30),
        "ended_at": datetime(2026, 3, 1, 23, 36),
        "session_date": date(2026, 3, 2),
        "country": "DE",
        "source": "facebook",
        "medium": "paid_social",
        "campaign": "DE_fb_prosp_supply_01",
        "campaign_id": "77",
        "content": None,
        "term": None,
        "click_id": "F1",
        "click_id_type": "fbclid",
        "referrer_host": "l.facebook.com",
        "landing_page": "/de/bikes",
        "channel": "meta_prospecting",
        "channel_ga4": "Paid Social",
        "rules_version": 2,
        "events": 3,
        "page_views": 2,
        "is_bot": False,
        "bot_rule": None,
        "made_with": made_with,
    }


def test_events_at_one_moment_stand_in_the_order_of_receipt_then_id(spark, rules):
    first = {"received_at": at(0)}
    events = [
        event("b", 0, NEWS, "by receipt", **first),
        event("a", 0, GOOGLE, "by receipt"),
        event("y", 0, NEWS, "by id"),
        event("x", 0, GOOGLE, "by id"),
    ]
    rows = sessions_of(spark, events, rules).collect()
    found = {row.anonymous_id + "/" + row.source: row.session_id for row in rows}
    ids = {
        "by receipt/newsletter": b"by receipt\nb",
        "by receipt/google": b"by receipt\na",
        "by id/google": b"by id\nx",
        "by id/newsletter": b"by id\ny",
    }
    assert found == {name: hashlib.md5(key).hexdigest() for name, key in ids.items()}


def test_a_session_is_the_first_user_whom_it_names_or_else_whose_device_it_was_when_it_began(spark, rules):
    later = {"received_at": datetime(2026, 3, 10, tzinfo=UTC)}
    events = [
        event("a", 0, device="shared"),
        event("b", 10, device="shared", user_id="u1"),
        event("c", 100, device="shared"),
        event("d", 105, device="shared"),
        event("e", 110, device="shared", user_id="u2"),
        event("f", 115, device="shared", user_id="u3"),
        event("g", 200, device="shared"),
        event("h", 300, device="shared", user_id="u2"),
        event("i", 310, device="shared", user_id="u2"),
        event("j", 311, NEWS, device="shared", user_id="u2"),
        event("k", 312, GOOGLE, device="shared"),
        event("l", 400, device="shared", user_id="u4", **later),
        event("m", 410, device="shared", user_id="u5"),
        event("n", 0, device="nobody's"),
    ]
    rows = sessions_of(spark, events, rules).collect()
    found = sorted((r.anonymous_id, r.started_at, r.source, r.user_id) for r in rows)
    assert found == [
        ("nobody's", clock(0), "(direct)", None),
        ("shared", clock(0), "(direct)", "u1"),
        # Who logs in takes the visit in which he does so, not only what follows it.
        ("shared", clock(100), "(direct)", "u2"),
        ("shared", clock(200), "(direct)", "u3"),
        ("shared", clock(300), "newsletter", "u2"),
        ("shared", clock(312), "google", "u2"),
        # The map of that version does not know that u4 was there.
        ("shared", clock(400), "(direct)", "u5"),
    ]


def test_a_device_with_too_many_events_on_one_day_is_a_robot_throughout_and_one_with_as_many_as_allowed_is_not(
    spark, rules
):
    settings = SETTINGS.model_copy(update={"bot_events_per_day": 3})
    midnight = 12 * 60
    minutes = {
        "too many": [-2000, 0, 1, 2, 3, 100, 5000],
        "as many as allowed": [0, 1, 2, midnight, midnight + 1, midnight + 2],
        "over midnight": [midnight - 2, midnight - 1, midnight, midnight + 1],
    }
    events = [event(f"{n}{m}", m, device=n) for n, times in minutes.items() for m in times]
    events.append(event("g", 0, device="says so", user_agent="Googlebot/2.1"))
    rows = sessions_of(spark, events, rules, settings).collect()
    found = Counter((r.anonymous_id, r.is_bot, r.bot_rule, r.events) for r in rows)
    assert found == Counter(
        {
            ("too many", True, "too_many_events", 1): 3,
            ("too many", True, "too_many_events", 4): 1,
            ("as many as allowed", False, None, 3): 2,
            ("over midnight", False, None, 4): 1,
            ("says so", True, "search_crawler", 1): 1,
        }
    )


def one_by_one(events):
    """Sessions by the rule in words, event after event: (id, source, user, events)."""
    sessions = []
    ordered = sorted(events, key=lambda e: (e["anonymous_id"], e["occurred_at"], e["received_at"], e["event_id"]))
    for device, group in groupby(ordered, key=lambda e: e["anonymous_id"]):
        last, said, touched = None, {}, False
        group = list(group)
        for e in group:
            source, medium, campaign, click = SAID[e["page_url"].removeprefix(SITE)] or (None,) * 4
            allowed = timedelta(days=1) if e["referrer"] else timedelta(minutes=30)
            paused = last is None or e["occurred_at"] - last > allowed
            if paused:
                said, touched = {}, False
            new_source = touched and source is not None and said.get("source") != source
            if new_source:
                said, inside = {}, False
            else:
                inside = touched
            new_medium = inside and medium is not None and said.get("medium") != medium
            if new_medium:
                said, inside = {"source": said.get("source")}, False
            finer = {"campaign": campaign, "click": click}
            new_finer = inside and any(v is not None and said.get(k) != v for k, v in finer.items())
            if paused or new_source or new_medium or new_finer:
                sessions.append([device, e["event_id"], None, 0, owner_at(group, e["occurred_at"]), None])
            values = {"source": source, "medium": medium, **finer}
            said |= {k: v for k, v in values.items() if v is not None}
            is_touch = any(v is not None for v in values.values())
            if is_touch and sessions[-1][2] is None:
                sessions[-1][2] = source or "(not set)"
            touched = touched or is_touch
            sessions[-1][3] += 1
            sessions[-1][5] = sessions[-1][5] or e["user_id"]
            last = e["occurred_at"]
    return sorted(
        (hashlib.md5(f"{device}\n{first}".encode()).hexdigest(), source or "(direct)", named or owner, number)
        for device, first, source, number, owner, named in sessions
    )


def owner_at(of_device, moment):
    """Whose device it was: the last login's up to the moment, the first one's before any; of one moment the last's."""
    logins = {e["occurred_at"]: e["user_id"] for e in of_device if e["user_id"]}
    before = [user for when, user in logins.items() if when <= moment]
    return before[-1] if before else next(iter(logins.values()), None)


@examples(max_examples=6)
@given(LOGS, st.randoms(use_true_random=False), st.integers(1, 7))
def test_sessions_are_those_of_reading_event_by_event_whatever_the_order_of_rows_and_partitions(
    spark, rules, steps, chance, partitions
):
    events = log(steps)
    shuffled = chance.sample(events, len(events))
    rows = sessions_of(spark, frame(spark, shuffled).repartition(partitions), rules).collect()
    found = [(r.session_id, r.source, r.user_id, r.events) for r in rows]
    assert sorted(found, key=lambda row: row[0]) == one_by_one(events)
    assert sum(r.events for r in rows) == len(events)
