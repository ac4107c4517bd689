from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pma.marketing.settings import AttributionSettings
from pma.marketing.touches import touches
from tests.marketing.journeys import (
    AT,
    ORDER,
    TICK,
    UPLOAD,
    conversion,
    conversions_of,
    days,
    paths,
    sessions_of,
    visit,
)

MONTH = AttributionSettings()
RESET = AttributionSettings(reset_at_conversion=True)

SESSIONS = [
    # The window, to the microsecond.
    visit("edge 1", "edge", AT - days(30) - TICK),
    visit("edge 2", "edge", AT - days(30)),
    visit("edge 3", "edge", AT),
    visit("edge 4", "edge", AT + TICK),
    # Who is no person, nobody, or somebody else.
    visit("kin 1", "kin", 3, is_bot=True),
    visit("kin 2", None, 3, anonymous_id="device of kin"),
    visit("kin 3", "someone else", 3),
    visit("kin 4", "kin", 3),
    # At one moment the name decides.
    visit("tie b", "tie", 1),
    visit("tie a", "tie", 1),
    visit("tie c", "tie", 2),
    # Two orders, and an upload between.
    visit("again 1", "again", 25),
    visit("again 2", "again", 20),
    visit("again 3", "again", 20 - 1e-6),
    visit("again 4", "again", 2),
    # Two bikes in one basket.
    visit("basket 1", "basket", 9),
    visit("basket 2", "basket", 4),
]
CONVERSIONS = [
    conversion("edge", "edge"),
    conversion("kin", "kin"),
    conversion("tie", "tie"),
    conversion("again, first", "again", 20),
    conversion("again, upload", "again", 10, kind=UPLOAD),
    conversion("again, second", "again", 0),
    conversion("basket, first bike", "basket"),
    conversion("basket, second bike", "basket"),
    conversion("nobody was here", "stranger"),
]


@pytest.fixture(scope="module")
def frames(spark):
    return conversions_of(spark, CONVERSIONS).persist(), sessions_of(spark, SESSIONS).persist()


@pytest.fixture(scope="module")
def found(frames):
    return touches(*frames, MONTH).collect()


def test_the_window_has_both_its_ends_and_not_a_microsecond_more(found):
    assert paths(found)["edge"] == ["edge 2", "edge 3"]


def test_robots_strangers_and_unknown_visitors_are_no_touches(found):
    assert paths(found)["kin"] == ["kin 4"]


def test_sessions_of_one_moment_are_ordered_by_their_id(found):
    assert paths(found)["tie"] == ["tie c", "tie a", "tie b"]


def test_conversions_share_the_sessions_of_their_windows(found):
    assert paths(found)["again, first"] == ["again 1", "again 2"]
    assert paths(found)["again, upload"] == ["again 1", "again 2", "again 3"]
    assert paths(found)["again, second"] == ["again 1", "again 2", "again 3", "again 4"]
    assert paths(found)["basket, first bike"] == paths(found)["basket, second bike"] == ["basket 1", "basket 2"]


def test_with_a_reset_sessions_up_to_the_last_conversion_of_the_type_do_not_count_again(frames):
    reset = paths(touches(*frames, RESET).collect())
    assert reset["again, first"] == ["again 1", "again 2"]
    assert reset["again, upload"] == ["again 1", "again 2", "again 3"]
    assert reset["again, second"] == ["again 3", "again 4"]
    assert reset["basket, first bike"] == reset["basket, second bike"] == ["basket 1", "basket 2"]


def test_a_conversion_that_nobody_was_seen_before_is_kept_as_one_row(found):
    (row,) = [row for row in found if row["conversion_id"] == "nobody was here"]
    assert (row["session_id"], row["channel"], row["touch"], row["touches"]) == (
        "(unattributed)",
        "(unattributed)",
        0,
        0,
    )
    assert (row["touched_at"], row["source"], row["campaign"]) == (None, None, None)


def test_the_whole_row_of_a_touch(spark):
    session = visit("s", "u", 1, "newsletter", source="news", medium="email", campaign="a > b", campaign_id="7")
    sold = conversion("c", "u", value="9.5")
    (row,) = touches(conversions_of(spark, [sold]), sessions_of(spark, [session]), MONTH).collect()
    assert tuple(row) == (
        *("c", "s", "u", ORDER, AT, "DE", True, Decimal("9.5"), AT - days(1), 1, 1),
        *("newsletter", "news", "email", "a > b", "7"),
    )


HOURS = st.integers(0, 60)
USER = st.tuples(
    st.lists(st.tuples(HOURS, st.booleans()), max_size=6), st.lists(st.tuples(HOURS, st.booleans()), max_size=4)
)


@settings(max_examples=4)
@given(users=st.lists(USER, min_size=10, max_size=30), window=st.sampled_from([1, 7, 7.5, 100]), reset=st.booleans())
def test_any_sessions_and_conversions_are_paired_as_the_words_say(spark, users, window, reset):
    visits, sold, expected = [], [], {}
    for number, (seen, done) in enumerate(users):
        user = f"u{number}"
        mine = [(AT + timedelta(hours=h), f"{user} s{i}", bot) for i, (h, bot) in enumerate(seen)]
        visits += [visit(name, user, at, is_bot=bot) for at, name, bot in mine]
        ends = [(AT + timedelta(hours=h), UPLOAD if up else ORDER) for h, up in done]
        for index, (at, kind) in enumerate(ends):
            sold.append(conversion(f"{user} c{index}", user, at, kind=kind))
            earlier = [other for other, same in ends if same == kind and other < at] if reset else []
            begins = [at - timedelta(hours=window)] + [last + TICK for last in earlier]
            inside = sorted((s, name) for s, name, bot in mine if not bot and max(begins) <= s <= at)
            expected[f"{user} c{index}"] = [name for _, name in inside]
    chosen = AttributionSettings(window_days=window / 24, reset_at_conversion=reset)
    frames = conversions_of(spark, sold), sessions_of(spark, visits)
    assert paths(touches(*frames, chosen).collect()) == expected
