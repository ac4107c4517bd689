"""Small versions of the studies that `make recovery` makes of plans: one simulated world each."""

import pytest

from pma.planning.bridge import upload_bridge
from pma.planning.plan import plan_budget
from pma.planning.settings import BridgeSettings, PlanningSettings, PlanSettings, Target
from pma.simulation.marketplace import simulate
from pma.simulation.settings import SimulationSettings
from tests.planning.campaign_truth import campaigns_of, even, joint, truly, two_levels
from tests.planning.fitted_market import quiet_market
from tests.planning.planned_market import score, true_inputs
from tests.planning.simulated_trade import PAIR, by_destination, counted, drawn_exits, true_bridge
from tests.planning.target_world import inputs_of, truths, usual_month


@pytest.fixture(scope="module")
def market():
    return quiet_market(2)


@pytest.fixture(scope="module")
def busy():
    """As many uploads as make chance small."""
    return simulate(SimulationSettings(seed=4, regions={"DACH": ("DE", "AT"), "SOUTH": ("IT",)}, uploads_per_week=600))


def errors(market, settings):
    """How far the bridge is from the truth, and counting, by destination."""
    found = upload_bridge(drawn_exits(market, settings.window_days), settings).set_index(PAIR).sort_index()
    truth = true_bridge(market, settings.window_days, settings.horizon_days)["gmv_per_upload"]
    true, ours, count = (
        by_destination(market, value.sort_index(), settings.window_days)
        for value in (truth, found["gmv_per_upload"], counted(found))
    )
    return ours / true - 1, count / true - 1


def test_the_bridge_tells_the_value_of_orders_by_destination(busy):
    ours, _ = errors(busy, BridgeSettings(draws=20))
    assert ours.abs().max() < 0.05


def test_counting_what_is_sold_so_far_is_far_off(busy):
    ours, count = errors(busy, BridgeSettings(draws=20, window_days=120, horizon_days=120))
    assert ours.abs().max() < 0.06 and count.max() < -0.05


def test_a_plan_on_true_curves_gains_what_its_limits_allow(market):
    found = score(market, plan_budget(true_inputs(market), PlanningSettings(plan=PlanSettings(max_change=0.5))))
    assert found.gain > 0.02 and found.regret < 0.01
    assert found.plan <= found.best * (1 + 1e-6) and found.best <= found.free * (1 + 1e-6)


def test_two_levels_of_planning_lose_little_against_all_campaigns_at_once(market):
    known = campaigns_of(market)
    best = joint(known)
    at_once = truly(market, known, even(best.money))
    # What the planner says of campaigns is what week by week they bring.
    assert best.value == pytest.approx(at_once, rel=2e-3)
    assert 0 <= 1 - truly(market, known, two_levels(known)) / (at_once * best.most / best.value) < 0.01


def test_a_goals_money_brings_the_goal():
    known, (truth,) = truths(1)
    goal = 1.02 * usual_month(truth)
    asked = (Target(name="goal", metric="gmv", goal=goal, probability=0.5),)
    row = plan_budget(inputs_of(truth, known), PlanningSettings(targets=asked, frontier=(1.0,))).targets.iloc[0]
    assert row["is_reachable"] and row["reached_p50"] == pytest.approx(goal, rel=5e-3)
    assert row["p_hit"] == pytest.approx(0.5, abs=0.02)
