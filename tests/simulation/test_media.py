import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pma.simulation.channels import TARGETS
from pma.simulation.media import adstock, saturation
from tests.simulation.marketplaces import tiny


def test_adstock_keeps_its_share_of_the_week_before_and_adds_the_rest_of_this_week():
    kept = adstock(np.array([[100.0, 0.0, 50.0], [100.0, 0.0, 50.0]]), np.array([0.5, 0.0]))
    assert kept.tolist() == [[50.0, 25.0, 37.5], [100.0, 0.0, 50.0]]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.floats(0, 0.95))
def test_adstock_adds_up_to_what_was_spent_less_what_is_still_carried_over(spend, carry_over):
    kept = adstock(np.array(spend), np.array(carry_over))
    still = carry_over / (1 - carry_over) * kept[-1]
    np.testing.assert_allclose(kept.sum() + still, sum(spend), rtol=1e-9, atol=1e-6)


def test_saturation_is_one_half_at_the_half_saturation_and_nine_tenths_at_three_times_it_with_slope_two():
    half = np.array(200.0)
    assert saturation(np.array([0.0, 200.0, 600.0]), half, np.array(2.0)).tolist() == [0.0, 0.5, 0.9]
    assert saturation(np.array([-5.0, 100.0, 200.0]), half, np.array(1.0)).tolist() == [0.0, 1 / 3, 0.5]


def test_the_long_run_is_what_the_same_spend_every_week_comes_to():
    structure = tiny().structure
    spend = structure.spend.mean(axis=2)
    forever = np.repeat(spend[..., None], 400, axis=2)
    for target in TARGETS:
        effects, both = structure.response.effects(forever, target)
        weekly = effects[..., -1].sum(axis=1) + both[:, -1]
        np.testing.assert_allclose(structure.response.steady(spend, target)[0], weekly, rtol=1e-9)


def test_the_derivative_of_the_long_run_is_the_change_by_a_little_more_spend():
    structure = tiny().structure
    spend = structure.spend.mean(axis=2) + 1.0
    for target in TARGETS:
        _, rise = structure.response.steady(spend, target)
        for channel in range(spend.shape[1]):
            more, less = spend.copy(), spend.copy()
            more[:, channel] += 1e-3
            less[:, channel] -= 1e-3
            up, down = (structure.response.steady(s, target)[0] for s in (more, less))
            np.testing.assert_allclose(rise[:, channel], (up - down) / 2e-3, rtol=1e-4, atol=1e-12)
