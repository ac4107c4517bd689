import numpy as np
import pytest

from pma.simulation.optimum import best_budget, current_spend, steady_state
from tests.simulation.marketplaces import small, tiny


@pytest.mark.parametrize("marketplace", [tiny(), small()], ids=["tiny", "small"])
def test_no_budget_of_the_same_total_is_better_than_the_best_today_s_and_two_hundred_random_ones(marketplace):
    steady, current = steady_state(marketplace.structure), current_spend(marketplace.structure)
    best = best_budget(steady, current, marketplace.settings.seed)
    assert best.sum() == pytest.approx(current.sum(), rel=1e-9)
    assert (best >= 0).all() and (best[~steady.open] == 0).all()
    most = steady.gmv(best)
    assert most > steady.gmv(current)
    rng = np.random.default_rng(1)
    for step in range(200):
        if step % 2:
            random = rng.gamma(0.5, size=best.shape) * steady.open
        else:
            # Near the best one: money of one channel goes to another.
            random = best.copy()
            a, b = rng.choice(np.flatnonzero(steady.open), 2, replace=False)
            moved = rng.uniform(0, 1) * random.flat[a]
            random.flat[a] -= moved
            random.flat[b] += moved
        assert steady.gmv(random * current.sum() / random.sum()) <= most * (1 + 1e-9)


def test_the_long_run_counts_what_uploads_sell_in_all_countries():
    steady, spend = steady_state(small().structure), current_spend(small().structure)
    uploads = steady.unpaid["uploads"] + small().structure.response.steady(spend, "uploads")[0]
    demand = steady.unpaid["demand"] + small().structure.response.steady(spend, "demand")[0]
    flows = small().structure.flows
    countries = range(len(uploads))
    by_hand = sum(uploads[i] * flows.share[i, j] * flows.price[i, j] * demand[j] for i in countries for j in countries)
    assert steady.gmv(spend) == pytest.approx(by_hand, rel=1e-12)


def test_the_derivative_is_the_change_by_a_little_more_spend():
    steady = steady_state(tiny().structure)
    spend = current_spend(tiny().structure) + 1.0
    _, rise = steady.gmv_and_rise(spend)
    for place in np.ndindex(spend.shape):
        more, less = spend.copy(), spend.copy()
        more[place] += 1e-2
        less[place] -= 1e-2
        assert rise[place] == pytest.approx((steady.gmv(more) - steady.gmv(less)) / 2e-2, rel=1e-3, abs=1e-6)


def test_what_a_channel_makes_is_what_is_missing_without_it():
    steady, spend = steady_state(tiny().structure), current_spend(tiny().structure)
    made = steady.of_channel(spend)
    place = tuple(np.argwhere(spend > 0)[3])
    without = np.where(np.arange(spend.size).reshape(spend.shape) == np.ravel_multi_index(place, spend.shape), 0, spend)
    assert made[place] == pytest.approx(steady.gmv(spend) - steady.gmv(without), rel=1e-12)
    assert (made[spend == 0] == 0).all()
