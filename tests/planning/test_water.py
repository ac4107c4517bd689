"""Money poured over curves: against brute force, within bounds, whatever the unit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pma.planning.learning import reach
from pma.planning.water import Curves, pour

WEEKS = np.array([6, 7, 7, 7, 4]) / 7
LEVELS = np.concatenate([[0.0], np.geomspace(0.5, 2000.0, 400)])


def hill(half, steep, height):
    """Curves of campaigns, one per half."""
    half, steep, height = (np.asarray(values, dtype=float)[:, None] for values in (half, steep, height))
    return Curves(np.tile(LEVELS, (len(half), 1)), height * LEVELS**steep / (LEVELS**steep + half**steep))


def poured(curves, money, start=None, change=None):
    """The plan of one cell."""
    count = len(curves.level)
    start = np.full(count, money / WEEKS.sum() / count) if start is None else np.asarray(start, dtype=float)
    cell, share, total = np.zeros(count, dtype=int), start / start.sum(), np.array([float(money)])
    kept = reach(start, np.zeros(count), np.full(count, 1e15), cell, total, WEEKS, change)
    return pour(curves, cell, share, total, WEEKS, kept.low, kept.high), kept


def worth(curves, rate):
    return float((curves.at(rate) @ WEEKS).sum())


def test_two_campaigns_of_known_curves_get_what_brute_force_gives_them():
    curves = hill([60.0, 200.0], [1.0, 1.0], [500.0, 900.0])
    rate, _ = poured(curves, 800.0)
    parts = np.linspace(0, 800 / WEEKS.sum(), 20_001)
    steady = curves.at(np.stack([parts, parts[::-1]])).sum(axis=0)
    best = parts[np.argmax(steady)]
    assert (rate @ WEEKS).sum() == pytest.approx(800.0)
    np.testing.assert_allclose(rate[0], best, rtol=0.01)
    assert worth(curves, rate) >= (1 - 1e-4) * steady.max() * WEEKS.sum()


def test_within_learning_limits_no_path_on_a_grid_is_better():
    curves, start, change = hill([50.0, 150.0], [1.0, 1.0], [400.0, 900.0]), np.array([150.0, 50.0]), 0.2
    money = 1.1 * 200 * WEEKS.sum()
    rate, _ = poured(curves, money, start, change)
    random, best = np.random.default_rng(0), 0.0
    for _ in range(20_000):
        steps = random.uniform(-change, change, (2, 5))
        path = start[:, None] * np.cumprod(1 + steps, axis=1)
        # The last campaign's path is moved to spend the money, where its limits let it.
        path[1] += (money - (path @ WEEKS).sum()) / WEEKS.sum()
        moves = path / np.concatenate([start[:, None], path[:, :-1]], axis=1) - 1
        if (np.abs(moves) <= change).all():
            best = max(best, worth(curves, path))
    assert best > 0 and worth(curves, rate) >= best


def test_an_s_shaped_pair_is_near_the_best_split():
    curves = hill([200.0, 220.0], [2.5, 2.5], [500.0, 500.0])
    rate, _ = poured(curves, 250.0 * WEEKS.sum())
    parts = np.linspace(0, 250.0, 5001)
    best = curves.at(np.stack([parts, parts[::-1]])).sum(axis=0).max() * WEEKS.sum()
    as_today = worth(curves, np.full((2, 5), 125.0))
    assert worth(curves, rate) >= 0.99 * best > 1.2 * as_today


@st.composite
def problems(draw):
    count = draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    curves = hill(np.exp(random.normal(4, 1, count)), random.uniform(0.7, 3, count), np.exp(random.normal(5, 1, count)))
    start = np.exp(random.normal(3, 1, count))
    money = float(start.sum() * WEEKS.sum() * draw(st.sampled_from([0.01, 0.5, 0.9, 1.0, 1.2, 2.0, 20.0])))
    return curves, start, money, draw(st.sampled_from([0.0, 0.1, 0.2, 0.5]))


@settings(max_examples=150, deadline=None)
@given(problems())
def test_money_is_spent_within_limits_and_never_worse_than_todays_mix(problem):
    curves, start, money, change = problem
    rate, kept = poured(curves, money, start, change)
    assert (rate @ WEEKS).sum() == pytest.approx(money, rel=1e-6)
    before = np.concatenate([start[:, None], rate[:, :-1]], axis=1)
    allowed = kept.change[0] * (1 + 1e-6) + 1e-9
    assert (rate <= before * (1 + allowed) + 1e-9).all() and (rate >= before * (1 - allowed) - 1e-9).all()
    # The least relaxation: where more than asked is allowed, all campaigns stand at it.
    if kept.change[0] > change * (1 + 1e-6) + 1e-9:
        moves = rate / np.maximum(before, 1e-300) - 1
        np.testing.assert_allclose(np.abs(moves), kept.change[0], rtol=1e-3)
    steady = poured(Curves(curves.level, 0 * curves.value), money, start, change)[0]
    assert worth(curves, rate) >= worth(curves, steady) - 1e-6 * abs(worth(curves, steady))


def test_cells_do_not_see_each_other_and_the_unit_of_money_does_not_matter():
    one, two = hill([60.0, 200.0], [1.0, 1.3], [500.0, 900.0]), hill([30.0, 20.0], [1.1, 1.0], [5.0, 9.0])
    apart = [poured(one, 800.0, [50, 60], 0.2)[0], poured(two, 300.0, [20, 60], 0.2)[0]]
    curves = Curves(np.concatenate([one.level, two.level]), np.concatenate([one.value, two.value]))
    start, cell, money = np.array([50.0, 60, 20, 60]), np.array([0, 0, 1, 1]), np.array([800.0, 300.0])
    share = start / np.bincount(cell, start)[cell]
    for unit in (1.0, 1e4):
        kept = reach(unit * start, np.zeros(4), np.full(4, 1e15), cell, unit * money, WEEKS, 0.2)
        scaled = Curves(unit * curves.level, curves.value)
        rate = pour(scaled, cell, share, unit * money, WEEKS, kept.low, kept.high)
        np.testing.assert_allclose(rate / unit, np.concatenate(apart), rtol=1e-6)
