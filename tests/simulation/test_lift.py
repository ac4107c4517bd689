import numpy as np
import pandas as pd
import pytest

from pma.simulation.channels import CHANNEL_NAMES
from pma.simulation.marketplace import simulate
from pma.simulation.settings import SimulationSettings
from tests.simulation.marketplaces import small, tiny

TV, BRAND = CHANNEL_NAMES.index("tv"), CHANNEL_NAMES.index("google_search_brand")


def effect(structure, spend, target, i, t):
    """Unpaid and paid parts of a country's week, from the definitions, week by week."""
    response = structure.response
    level = []
    for c in range(len(CHANNEL_NAMES)):
        kept = 0.0
        for week in range(t + 1):
            kept = (1 - response.carry_over[i, c]) * spend[i, c, week] + response.carry_over[i, c] * kept
        powered = kept ** response.slope[i, c]
        level.append(powered / (powered + response.half[i, c] ** response.slope[i, c]))
    paid = sum(response.beta[target][i, c] * level[c] for c in range(len(CHANNEL_NAMES)))
    return structure.unpaid[target][i, t] + paid + response.synergy[target][i] * level[TV] * level[BRAND]


def gmv(structure, spend, j, t, uploads):
    """Sales of a country's buyers in a week, listing by listing's week."""
    flows = structure.flows
    sold = sum(
        uploads[i, t - lag] * flows.share[i, j] * flows.lag[i, j, lag] * flows.price[i, j]
        for i in range(len(uploads))
        for lag in range(t + 1)
    )
    return sold * effect(structure, spend, "demand", j, t)


@pytest.mark.parametrize("test_id", sorted(set(tiny().lift_tests["test_id"])))
def test_the_true_lift_is_the_difference_to_the_same_weeks_without_the_test(test_id):
    marketplace, structure = tiny(), tiny().structure
    rows = marketplace.lift_tests.set_index(["test_id", "target"]).loc[test_id]
    test = rows.iloc[0]
    i = marketplace.settings.countries.index(test["country"])
    c = CHANNEL_NAMES.index(test["channel"])
    first = marketplace.weeks.get_loc(test["starts_on"])
    window = list(range(first, first + 4))
    without = structure.spend.copy()
    without[i, c, window] = marketplace.planned[i, c, window]
    weeks = range(len(marketplace.weeks))
    uploads = [
        np.array([[effect(structure, spend, "uploads", j, t) for t in weeks] for j in range(2)])
        for spend in (without, structure.spend)
    ]
    sold = [
        sum(gmv(structure, spend, i, t, made) for t in window)
        for spend, made in zip((without, structure.spend), uploads, strict=True)
    ]
    assert rows.loc["uploads", "truth"] == pytest.approx((uploads[1] - uploads[0])[i, window].sum(), rel=1e-9)
    assert rows.loc["gmv", "truth"] == pytest.approx(sold[1] - sold[0], rel=1e-9)
    assert np.sign(rows["truth"]).tolist() == [np.sign(test["spend_change"])] * 2


@pytest.mark.parametrize("marketplace", [tiny(), small()], ids=["tiny", "small"])
def test_the_change_of_spend_is_in_the_spend_of_the_four_weeks(marketplace):
    tests = marketplace.lift_tests[marketplace.lift_tests["target"] == "gmv"]
    assert len(tests) == marketplace.settings.lift_tests
    assert tests[["country", "channel"]].duplicated().sum() == 0
    spend = marketplace.spend
    for test in tests.itertuples():
        assert test.ends_on - test.starts_on == pd.Timedelta(days=27)
        here = (spend["country"] == test.country) & (spend["channel"] == test.channel)
        inside = here & spend["date"].between(test.starts_on, test.ends_on)
        assert spend[inside]["spend"].sum() == pytest.approx(test.spend + test.spend_change, abs=0.5)
        assert test.spend_change / test.spend == pytest.approx(-1) or 0.45 < test.spend_change / test.spend < 1.05


def test_what_is_measured_is_the_truth_with_an_error_of_the_size_that_is_told():
    settings = SimulationSettings(weeks=40, lift_tests=60)
    tests = simulate(settings).lift_tests
    assert len(tests) == 120
    errors = (tests["lift"] - tests["truth"]) / tests["standard_error"]
    # 120 draws of a standard normal: five deviations of their mean, and of their spread.
    assert abs(errors.mean()) < 0.46 and 0.67 < errors.std() < 1.33
