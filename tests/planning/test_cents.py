"""Whole cents: sums are exact, and every stretch is right to the cent."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pma.planning.cents import whole_cents


@st.composite
def problems(draw):
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=6))
    money = [draw(st.lists(st.floats(0, 1e6), min_size=size, max_size=size)) for size in sizes]
    total = [draw(st.integers(0, 10**9)) for _ in sizes]
    return np.concatenate(money), np.repeat(np.arange(len(sizes)), sizes), np.array(total)


@settings(max_examples=300, deadline=None)
@given(problems())
def test_every_group_adds_up_and_no_amount_is_off_by_a_cent(problem):
    money, group, total = problem
    cents = whole_cents(money, group, total)
    assert (cents >= 0).all()
    for g, asked in enumerate(total):
        mine, exact = cents[group == g], money[group == g]
        assert mine.sum() == asked
        if exact.sum() > 1e-6:
            scaled = exact * (asked / exact.sum())
            assert (np.abs(mine - scaled) <= 1 + 1e-6 * asked / 1e3).all()
            assert (mine[exact == 0] == 0).all()


def test_a_stretch_of_rows_is_right_to_the_cent():
    cents = whole_cents(np.full(30, 1 / 3), np.zeros(30, dtype=int), np.array([1000]))
    assert set(cents) == {33, 34}
    assert (np.abs(np.cumsum(cents) - np.arange(1, 31) * 1000 / 30) <= 0.5).all()


def test_money_that_nobody_asked_for_goes_to_the_last_row():
    assert whole_cents(np.zeros(3), np.zeros(3, dtype=int), np.array([7])).tolist() == [0, 0, 7]
