from collections import Counter
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pma.marketing.markov import (
    CONVERTED,
    LOST,
    START,
    conversion_probability,
    removal_effects,
    transition_counts,
)
from pma.marketing.settings import AttributionSettings
from pma.marketing.touches import touches
from tests.marketing.journeys import AT, ORDER, TICK, UPLOAD, conversion, conversions_of, days, sessions_of, visit

STEP = ["conversion_type", "state", "next_state"]


def counted(*journeys, kind=ORDER):
    """Steps of paths, each as channels and whether it converts."""
    steps = Counter(
        (kind, *step)
        for channels, converts in journeys
        for step in zip([START, *channels], [*channels, CONVERTED if converts else LOST], strict=True)
    )
    return pd.DataFrame([(*step, steps[step]) for step in sorted(steps)], columns=[*STEP, "steps"])


def effects(counts):
    return {(row.conversion_type, row.channel): row.effect for row in removal_effects(counts).itertuples()}


def ended(journeys, removed=None):
    """Where paths end in the long run, by powers of the whole matrix: a second way to the same number."""
    counts = counted(*journeys)
    states = [START, CONVERTED, LOST, *sorted({channel for channels, _ in journeys for channel in channels})]
    matrix = np.zeros((len(states), len(states)))
    for row in counts.itertuples():
        target = LOST if row.next_state == removed else row.next_state
        matrix[states.index(row.state), states.index(target)] += row.steps
    matrix[1, 1] = matrix[2, 2] = 1
    matrix /= matrix.sum(axis=1, keepdims=True)
    for _ in range(40):
        matrix = matrix @ matrix
    return matrix[0, 1]


def test_the_textbook_example_of_three_paths():
    # (start) > a > b > c converts; a, and b > c, do not. Of three paths one converts. Without a half of that is left:
    # a start at b, one in three, then c, which converts half the time. Nothing converts without b or c.
    counts = counted(("abc", True), ("a", False), ("bc", False))
    assert conversion_probability(counts, ["a", "b", "c"]) == pytest.approx(1 / 3, abs=1e-15)
    assert conversion_probability(counts, ["a", "b", "c"], "a") == pytest.approx(1 / 6, abs=1e-15)
    assert effects(counts) == pytest.approx({(ORDER, "a"): 0.5, (ORDER, "b"): 1.0, (ORDER, "c"): 1.0}, abs=1e-15)


def test_a_loop_does_not_matter_and_a_channel_that_never_converts_has_no_effect():
    plain = counted(("ab", True), ("b", False), ("c", False))
    looped = counted(("aab", True), ("b", False), ("ccc", False))
    found = effects(looped)
    assert found == pytest.approx(effects(plain), abs=1e-15)
    assert found[ORDER, "c"] == 0.0


def test_without_any_conversion_all_effects_are_zero_and_without_paths_there_are_none():
    assert effects(counted(("ab", False))) == {(ORDER, "a"): 0.0, (ORDER, "b"): 0.0}
    assert effects(counted()) == {}


def test_each_type_of_conversion_has_a_chain_of_its_own():
    counts = pd.concat([counted(("a", True)), counted(("a", False), ("b", True), kind=UPLOAD)])
    assert effects(counts) == {(ORDER, "a"): 1.0, (UPLOAD, "a"): 0.0, (UPLOAD, "b"): 1.0}


PATHS = st.lists(st.tuples(st.text("abcde", min_size=1, max_size=6), st.booleans()), min_size=1, max_size=12)


@given(PATHS)
def test_effects_of_any_paths_are_those_that_powers_of_the_matrix_give(journeys):
    found = effects(counted(*journeys))
    whole = ended(journeys)
    # A chain that is counted from paths converts as often as they do.
    assert whole == pytest.approx(sum(converts for _, converts in journeys) / len(journeys), abs=1e-9)
    for (_, channel), effect in found.items():
        expected = 1 - ended(journeys, channel) / whole if whole else 0
        assert effect == pytest.approx(expected, abs=1e-9)
        assert 0 <= effect <= 1


def counts_of(spark, sold, visits, chosen):
    frames = conversions_of(spark, sold), sessions_of(spark, visits)
    found = transition_counts(touches(*frames, chosen), *frames, chosen).collect()
    assert len({row[:3] for row in found}) == len(found)
    return {(row["conversion_type"], row["state"], row["next_state"]): row["steps"] for row in found}


def test_steps_of_paths_that_convert_and_of_runs_that_no_conversion_claims(spark):
    visits = [
        visit("1", "anna", 40, "tv"),
        visit("2", "anna", 31, "seo"),
        visit("3", "anna", 30, "tv"),
        visit("4", "anna", 1, "seo"),
        # After the order: another run, cut by a pause of more than 30 days.
        visit("5", "anna", AT + TICK, "affiliate"),
        visit("6", "anna", AT + TICK + days(30), "tiktok"),
        visit("7", "anna", AT + 2 * TICK + days(60), "newsletter"),
        # Nobody, and a robot.
        visit("8", None, 1, "tv"),
        visit("9", "ben", 1, "tv", is_bot=True),
    ]
    sold = [conversion("c", "anna"), conversion("never seen", "ben")]
    assert counts_of(spark, sold, visits, AttributionSettings()) == {
        (ORDER, START, "tv"): 2,
        (ORDER, "tv", "seo"): 2,
        (ORDER, "seo", LOST): 1,
        (ORDER, "seo", CONVERTED): 1,
        (ORDER, START, "affiliate"): 1,
        (ORDER, "affiliate", "tiktok"): 1,
        (ORDER, "tiktok", LOST): 1,
        (ORDER, START, "newsletter"): 1,
        (ORDER, "newsletter", LOST): 1,
        # Nobody uploaded: the pauses alone cut, and none is too long but the last.
        (UPLOAD, START, "tv"): 1,
        (UPLOAD, "tv", "seo"): 2,
        (UPLOAD, "seo", "tv"): 1,
        (UPLOAD, "seo", "affiliate"): 1,
        (UPLOAD, "affiliate", "tiktok"): 1,
        (UPLOAD, "tiktok", LOST): 1,
        (UPLOAD, START, "newsletter"): 1,
        (UPLOAD, "newsletter", LOST): 1,
    }


def test_of_a_long_path_the_last_sessions_are_read(spark):
    visits = [visit(str(age), "anna", age, channel) for age, channel in ((5, "tv"), (4, "seo"), (3, "direct"))]
    found = counts_of(spark, [conversion("c", "anna")], visits, AttributionSettings(max_path=2))
    lost = {(UPLOAD, START, "seo"): 1, (UPLOAD, "seo", "direct"): 1, (UPLOAD, "direct", LOST): 1}
    won = {(ORDER, START, "seo"): 1, (ORDER, "seo", "direct"): 1, (ORDER, "direct", CONVERTED): 1}
    assert found == {**lost, **won}


HOURS = st.integers(0, 60)
USERS = st.lists(
    st.tuples(
        st.lists(st.tuples(HOURS, st.sampled_from("abc")), max_size=8),
        st.lists(st.tuples(HOURS, st.booleans()), max_size=3),
    ),
    min_size=10,
    max_size=30,
)


def runs(mine, ends, window):
    """Paths of a user for one type, as the words define them: converting, and runs that no conversion claims."""
    found = [([s for s in mine if end - window <= s[0] <= end], CONVERTED) for end in ends]
    free = [s for s in mine if not any(end - window <= s[0] <= end for end in ends)]
    run = []
    for session in free:
        if run and (
            session[0] - run[-1][0] > window
            or any(run[-1][0] < end < session[0] for end in ends)
            or any(run[-1] < other < session for other in mine if other not in free)
        ):
            found.append((run, LOST))
            run = []
        run = [*run, session]
    return [path for path in [*found, (run, LOST)] if path[0]]


@settings(max_examples=4)
@given(users=USERS, window=st.sampled_from([3, 10, 100]), longest=st.integers(1, 4))
def test_any_users_give_the_steps_that_the_words_say(spark, users, window, longest):
    visits, sold, expected = [], [], Counter()
    for number, (seen, done) in enumerate(users):
        user = f"u{number}"
        mine = sorted((hour, f"{user} s{i}", channel) for i, (hour, channel) in enumerate(seen))
        visits += [visit(name, user, AT + timedelta(hours=hour), channel) for hour, name, channel in mine]
        for kind in (UPLOAD, ORDER):
            ends = [hour for hour, up in done if (UPLOAD if up else ORDER) == kind]
            sold += [
                conversion(f"{user} {kind} {i}", user, AT + timedelta(hours=h), kind=kind) for i, h in enumerate(ends)
            ]
            for run, end in runs(mine, ends, window):
                channels = [channel for _, _, channel in run[-longest:]]
                expected.update(zip([kind] * 9, [START, *channels], [*channels, end], strict=False))
    chosen = AttributionSettings(window_days=window / 24, max_path=longest)
    assert counts_of(spark, sold, visits, chosen) == expected
