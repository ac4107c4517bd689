from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pma.checks import QUARANTINE, kept
from pma.marketing.events import check_events
from pma.marketing.identities import identities
from pma.marketing.sessions import read_session_rules, sessionise
from pma.marketing.settings import SessionSettings
from pma.marketing.tables import EVENTS
from pma.sources.external import map_columns
from pma.sources.landing import land
from pma.sources.settings import SourceTable
from pma.tables import TableError
from tests.marketing.clicks import RULES

NOW = datetime(2026, 4, 1, tzinfo=UTC)
NAMES = [column.name for column in EVENTS.columns]
GOOD = {
    "event_id": "good",
    "anonymous_id": "d1",
    "user_id": "u1",
    "occurred_at": "2026-03-01 12:00:00.000001",
    "received_at": "2026-03-01 12:00:01",
    "event_name": "page_view",
    "country": "DE",
    "page_url": "https://www.velomarket.example/de/",
    "referrer": "https://www.google.com/",
    "user_agent": "Firefox",
}
# An event like the good one, but for this; and the reasons that refuse it.
BAD = [
    ({"event_id": None}, ["missing_event_id"]),
    ({"event_id": " "}, ["missing_event_id"]),
    ({"anonymous_id": None}, ["missing_anonymous_id"]),
    ({"anonymous_id": ""}, ["missing_anonymous_id"]),
    ({"event_name": None}, ["missing_event_name"]),
    ({"occurred_at": None}, ["missing_occurred_at"]),
    ({"occurred_at": "yesterday"}, ["unreadable_occurred_at"]),
    ({"received_at": "soon"}, ["unreadable_received_at"]),
    ({"occurred_at": "1999-12-31 23:59:59.999999"}, ["clock_before_earliest"]),
    ({"occurred_at": "1970-01-01 00:00:00", "event_id": None}, ["missing_event_id", "clock_before_earliest"]),
    ({"occurred_at": "2026-03-02 12:00:01.000001"}, ["clock_ahead"]),
    ({"occurred_at": "2999-01-01 00:00:00"}, ["clock_ahead"]),
    ({"occurred_at": "2026-04-02 00:00:00.000001", "received_at": None}, ["clock_ahead"]),
]
ODD = [
    {"occurred_at": "2000-01-01 00:00:00"},
    {"occurred_at": "2026-03-02 12:00:01"},
    {"occurred_at": "2026-04-02 00:00:00", "received_at": None},
    {"page_url": "http://[::bad%zz?utm_source=%"},
    {"page_url": None, "referrer": "not an address", "user_agent": None, "country": None},
]


@pytest.fixture
def judge(spark):
    """Judge events as they come from a feed of texts."""

    def judged(events):
        raw = spark.createDataFrame(
            [tuple(event[name] for name in NAMES) for event in events], ", ".join(f"{name} string" for name in NAMES)
        )
        mapped = map_columns(raw, SourceTable(columns={name: name for name in NAMES}), EVENTS)
        return check_events(mapped, SessionSettings(), NOW)

    return judged


def test_each_bad_event_is_refused_for_its_reason_and_odd_ones_stay(judge):
    given = [{**GOOD, "event_id": f"bad{i}", **change} for i, (change, _) in enumerate(BAD)]
    odd = [{**GOOD, "event_id": f"odd{i}", **change} for i, change in enumerate(ODD)]
    rows = judge([*given, *odd]).collect()
    found = sorted((row.given.event_id or "", row.given.occurred_at or "", row.reasons, row.copies) for row in rows)
    expected = [(e["event_id"] or "", e["occurred_at"] or "", r, 1) for e, (_, r) in zip(given, BAD, strict=True)]
    assert found == sorted(expected + [(e["event_id"], e["occurred_at"], [], 1) for e in odd])


def test_an_event_sent_again_is_one_row_and_one_that_differs_under_its_id_is_refused(judge):
    again = {**GOOD, "received_at": "2026-03-01 14:00:00"}
    other = {**GOOD, "received_at": "2026-03-01 13:00:00", "event_name": "login"}
    unknown = {**GOOD, "event_id": "sent twice, receipt not known once"}
    rows = judge([again, GOOD, GOOD, other, other, unknown, {**unknown, "received_at": None}]).collect()
    found = sorted((r.event_id, r.event_name, str(r.received_at), r.reasons, r.copies) for r in rows)
    assert found == [
        ("good", "login", "2026-03-01 13:00:00", ["duplicate_event"], 2),
        ("good", "page_view", "2026-03-01 12:00:01", [], 3),
        ("sent twice, receipt not known once", "page_view", "2026-03-01 12:00:01", [], 2),
    ]


CHANGES = st.fixed_dictionaries(
    {"event_id": st.sampled_from(["a", "b", "c", "d", " ", None])},
    optional={
        "anonymous_id": st.sampled_from(["d1", "d2", None]),
        "occurred_at": st.sampled_from(["2026-03-01 12:00:00", "1999-01-01 00:00:00", "never", None]),
        "received_at": st.sampled_from(["2026-03-01 12:00:09", "2026-03-01 13:00:00", None]),
        "page_url": st.sampled_from([None, "%zz", "https://www.velomarket.example/?utm_source=bing"]),
    },
)


@examples(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(CHANGES, min_size=30, max_size=80))
def test_events_in_are_those_in_sessions_their_equal_copies_and_those_refused(judge, changes):
    judged = judge([{**GOOD, **change} for change in changes]).persist()
    rows = judged.collect()
    passed = kept(judged)
    sessions = sessionise(
        passed, identities(passed, date(2026, 4, 1)), date(2026, 4, 1), read_session_rules(RULES), SessionSettings()
    )
    in_sessions = sum(row.events for row in sessions.collect())
    copies = sum(row.copies - 1 for row in rows if not row.reasons)
    assert in_sessions + copies + sum(row.copies for row in rows if row.reasons) == len(changes)
    assert in_sessions == len({row.event_id for row in rows if not row.reasons})
    judged.unpersist()


def test_a_feed_that_is_loaded_again_with_more_adds_the_new_events_and_loses_none(judge, warehouse):
    def loaded(events, share=0.9):
        land(warehouse, EVENTS, judge(events), share, section="feeds", grow=True)

    def there():
        refused = {(row.reasons[0], row.load_kept): row.copies for row in warehouse.read(QUARANTINE).collect()}
        return sorted(row.event_id for row in warehouse.read(EVENTS).collect()), refused

    bad = [{**GOOD, "event_id": "b1", "occurred_at": "1999-01-01 00:00:00"}, {**GOOD, "anonymous_id": None}]
    loaded([GOOD, GOOD, bad[0], bad[0]])
    assert there() == (["good"], {("clock_before_earliest", True): 2})
    with pytest.raises(TableError, match=r"st_il\.st_events: 1 of 2 rows refused .* feeds\.max_refused_share 5%"):
        loaded([{**GOOD, "event_id": "never"}, bad[1]], share=0.05)
    assert there() == (["good"], {("clock_before_earliest", True): 2, ("missing_anonymous_id", False): 1})
    more = {**GOOD, "event_id": "more"}
    loaded([{**GOOD, "received_at": "2026-03-05 00:00:00"}, more, bad[1]])
    assert there() == (["good", "more"], {("clock_before_earliest", True): 2, ("missing_anonymous_id", True): 1})
    written = warehouse.rows_written["st_il.st_events"]
    loaded([GOOD, more, more])
    assert there() == (["good", "more"], {("clock_before_earliest", True): 2, ("missing_anonymous_id", True): 1})
    assert warehouse.rows_written["st_il.st_events"] == written == 2
