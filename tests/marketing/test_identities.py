from datetime import UTC, date, datetime, timedelta

from pma.marketing.identities import changed_devices, identities
from tests.marketing.clicks import at, clock, event, frame

START = datetime(1970, 1, 1)
TOMORROW = date(2026, 3, 2)


def stretches(rows):
    return sorted((r.anonymous_id, r.valid_from, r.valid_to, r.user_id) for r in rows)


def test_a_shared_device_changes_hands_at_each_login_and_was_the_first_users_before(spark):
    events = [
        event("e0", -5, device="own"),
        event("e1", 0, device="own", user_id="u1"),
        event("e2", 60, device="own", user_id="u1"),
        event("s0", 0, device="shared", user_id="u1"),
        event("s1", 10, device="shared", user_id="u2"),
        event("s2", 20, device="shared"),
        event("s3", 30, device="shared", user_id="u1"),
        event("n0", 0, device="nobody's"),
    ]
    rows = identities(frame(spark, events), TOMORROW).collect()
    assert stretches(rows) == [
        ("own", START, None, "u1"),
        ("shared", START, clock(10), "u1"),
        ("shared", clock(10), clock(30), "u2"),
        ("shared", clock(30), None, "u1"),
    ]
    assert {r.map_version for r in rows} == {TOMORROW}


def test_of_two_logins_at_one_moment_the_last_received_counts_and_the_keys_stay_unique(spark):
    later = {"received_at": at(9)}
    events = [
        event("a", 0, device="first", user_id="u1", **later),
        event("b", 0, device="first", user_id="u2"),
        event("c", 0, device="then", user_id="u0"),
        event("d", 5, device="then", user_id="u1"),
        event("e", 5, device="then", user_id="u2", **later),
        event("f", 6, device="then", user_id="u2"),
    ]
    assert stretches(identities(frame(spark, events), TOMORROW).collect()) == [
        ("first", START, None, "u1"),
        ("then", START, clock(5), "u0"),
        ("then", clock(5), None, "u2"),
    ]


def test_a_map_knows_what_happened_and_was_received_before_its_version_only(spark):
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    just, then = midnight - timedelta(microseconds=1), midnight
    events = [
        event("a", 0, device="in", user_id="u1", occurred_at=just, received_at=just),
        event("b", 0, device="late", user_id="u1", occurred_at=just, received_at=then),
        event("c", 0, device="after", user_id="u1", occurred_at=then, received_at=just),
        event("d", 0, device="unsaid", user_id="u1", occurred_at=just, received_at=None),
        event("e", 0, device="grows", user_id="u1", occurred_at=just),
        event("f", 0, device="grows", user_id="u2", occurred_at=then, received_at=then),
    ]
    logins = frame(spark, events).persist()
    old, new = identities(logins, TOMORROW).persist(), identities(logins, date(2026, 3, 3)).persist()
    assert {row.anonymous_id for row in old.collect()} == {"in", "unsaid", "grows"}
    assert sorted(row.anonymous_id for row in changed_devices(old, new).collect()) == ["after", "grows", "late"]
    assert changed_devices(old, old).collect() == []
