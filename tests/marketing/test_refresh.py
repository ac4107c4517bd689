import hashlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pma.marketing.identities import identities
from pma.marketing.refresh import map_version, refresh_identities, refresh_sessions, touched_devices
from pma.marketing.sessions import sessionise
from pma.marketing.tables import EVENTS, IDENTITIES, SESSIONS
from pma.tables import TableError
from tests.marketing.clicks import at, event, frame
from tests.marketing.logs import GOOGLE, LOGS, NEWS, SETTINGS, VERSION, log, sessions_of


@examples(max_examples=3)
@given(LOGS, st.data())
def test_making_only_touched_devices_anew_equals_a_full_rebuild_wherever_the_log_is_cut(spark, rules, steps, data):
    events = log(steps)
    is_late = data.draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events)))
    early = [e for e, late in zip(events, is_late, strict=True) if not late]
    everything = frame(spark, events).persist()
    old = sessions_of(spark, early, rules).persist()
    touched = touched_devices(everything, old).persist()
    fresh = sessionise(
        everything.join(touched, "anonymous_id", "left_semi"), identities(everything, VERSION), VERSION, rules, SETTINGS
    )
    kept = old.join(touched, "anonymous_id", "left_anti")
    rebuilt = sorted(map(tuple, sessions_of(spark, everything, rules).collect()))
    assert sorted(map(tuple, fresh.unionByName(kept).collect())) == rebuilt
    late_devices = {e["anonymous_id"] for e, late in zip(events, is_late, strict=True) if late}
    assert {row.anonymous_id for row in touched.collect()} == late_devices


def test_late_events_a_moved_map_and_new_rules_leave_what_a_full_rebuild_would(spark, warehouse, rules):
    def refreshed(settings=SETTINGS):
        version = map_version(warehouse.read(EVENTS), settings)
        refresh_identities(warehouse, version)
        warehouse.rows_written.pop("il.fct_user_sessions", None)
        refresh_sessions(warehouse, version, rules, settings)
        rows = sorted(map(tuple, warehouse.read(SESSIONS).collect()))
        return rows, warehouse.rows_written["il.fct_user_sessions"]

    def rebuilt(settings=SETTINGS):
        return refreshed(settings.model_copy(update={"rebuild": True}))[0]

    logins = {"user_id": "u1"}
    first = [
        event("a2", 20),
        event("a3", 40, GOOGLE),
        event("b1", 0, device="d2"),
        event("c1", 0, device="d3", **logins),
    ]
    warehouse.merge(EVENTS, frame(spark, first), update=False)
    rows, written = refreshed()
    assert len(rows) == written == 3
    assert refreshed() == (rows, 0)
    # An event before the first of d1: its session gets another id, and the old one goes.
    received = {"received_at": at(100)}
    warehouse.merge(EVENTS, frame(spark, [event("a1", 10, **received), event("a4", 300, NEWS)]), update=False)
    late, written = refreshed()
    assert (len(late), written) == (4, 2)
    assert {row[0] for row in rows} - {row[0] for row in late} == {hashlib.md5(b"d1\na2").hexdigest()}
    assert late == rebuilt()
    # The next day somebody logs in on d2: the version of the map moves, all sessions say so, and one gets a user.
    tomorrow = {"received_at": at(1500), "user_id": "u9"}
    warehouse.merge(EVENTS, frame(spark, [event("b2", 1500, device="d2", **tomorrow)]), update=False)
    moved, written = refreshed()
    assert {(row[1], row[2], row[3]) for row in moved} == {
        ("d1", None, date(2026, 3, 3)),
        ("d2", "u9", date(2026, 3, 3)),
        ("d3", "u1", date(2026, 3, 3)),
    }
    assert (written, moved) == (5, rebuilt())
    # Received on the day after that, in a visit that is there: the map stays as it is for d3, the visit does not.
    back = {"received_at": at(3000), "user_id": "u1"}
    visit = [event("c3", 60, device="d3", user_id="u2"), event("c2", 50, device="d3", **back)]
    warehouse.merge(EVENTS, frame(spark, visit), update=False)
    named = {}
    for day in (3, 4):
        rows, _ = refreshed(SETTINGS.model_copy(update={"map_version": date(2026, 3, day)}))
        named[day] = sorted(row[2] for row in rows if row[1] == "d3")
    assert named == {3: ["u1", "u2"], 4: ["u1", "u1"]}
    assert rows == rebuilt()
    # As of the day before nobody had logged in on d2.
    past = SETTINGS.model_copy(update={"map_version": date(2026, 3, 2)})
    before, _ = refreshed(past)
    assert {row[2] for row in before if row[1] == "d2"} == {None}
    assert before == rebuilt(past)
    assert {r.map_version for r in warehouse.read(IDENTITIES).collect()} == {date(2026, 3, day) for day in (2, 3, 4)}
    short = past.model_copy(update={"pause_minutes": 5})
    assert refreshed(short)[0] == rebuilt(short) != before


def test_without_an_event_the_map_has_no_version(spark):
    with pytest.raises(TableError, match=r"st_il\.st_events: no event"):
        map_version(frame(spark, []), SETTINGS)
    assert map_version(frame(spark, [event("a", 0)]), SETTINGS) == date(2026, 3, 2)
    past = SETTINGS.model_copy(update={"map_version": date(2026, 2, 1)})
    assert map_version(frame(spark, []), past) == date(2026, 2, 1)
