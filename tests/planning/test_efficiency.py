"""Efficiency of campaigns: rates that are known are found, few conversions are not believed, shares times it are 1."""

import numpy as np
import pandas as pd
import pytest

from pma.planning.efficiency import efficiencies

DRAWS = 400


def world(seed=0, cells=60, spread=0.5, spend=500.0):
    """Campaigns whose rates are a cell's times a goal's times their own."""
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({"cell": np.repeat(np.arange(cells), 4), "campaign_goal": ["supply", "demand"] * (2 * cells)})
    rows = rows.assign(country="DE", channel=[f"channel {c}" for c in rows["cell"]])
    rows["campaign_id"] = [f"campaign {k}" for k in range(len(rows))]
    rows["spend"] = spend * np.exp(random.normal(0, 1, len(rows)))
    rows["share"] = rows["spend"] / rows.groupby("cell")["spend"].transform("sum")
    own = random.gamma(1 / spread**2, spread**2, len(rows)) * np.where(rows["campaign_goal"] == "supply", 1.0, 0.3)
    rate = np.exp(random.normal(-2, 0.5, cells))[rows["cell"]] * own
    return rows, random.poisson(rows["spend"] * rate).astype(float), own


def relative(rows, own):
    """Own rates over the mean of the cell at today's mix."""
    mean = (rows["share"] * own).groupby(rows["cell"]).transform("sum")
    return (own / mean).to_numpy()


def test_shares_times_efficiencies_are_one_in_every_cell_and_draw():
    rows, found, _ = world()
    ratio = efficiencies(rows, found, DRAWS, 1, "uploads")
    sums = np.zeros((60, DRAWS))
    np.add.at(sums, rows["cell"].to_numpy(), rows["share"].to_numpy()[:, None] * ratio)
    np.testing.assert_allclose(sums, 1.0, rtol=1e-12)


def test_known_rates_are_found_and_lie_in_their_intervals():
    rows, found, own = world()
    truth, ratio = relative(rows, own), efficiencies(rows, found, DRAWS, 1, "uploads")
    assert np.corrcoef(np.log(truth), np.log(ratio.mean(axis=1)))[0, 1] > 0.95
    low, high = np.percentile(ratio, [5, 95], axis=1)
    assert 0.82 < np.mean((low < truth) & (truth < high)) < 0.96


def test_pulling_in_beats_the_raw_rate_where_conversions_are_few():
    rows, found, own = world(spend=30.0)
    truth, pulled = relative(rows, own), efficiencies(rows, found, DRAWS, 1, "uploads").mean(axis=1)
    raw = relative(rows, found / rows["spend"] + 1e-9)
    assert np.mean((pulled - truth) ** 2) < 0.6 * np.mean((raw - truth) ** 2)


def test_a_campaign_without_history_is_usual_for_its_goal_and_most_uncertain():
    rows, found, _ = world()
    new = np.array([0, 1])
    rows.loc[new, "spend"], found[new] = 0.0, 0.0
    ratio = efficiencies(rows, found, DRAWS, 1, "uploads")
    assert ratio[0].mean() / ratio[1].mean() == pytest.approx(1 / 0.3, rel=0.25)
    assert ratio[0].std() / ratio[0].mean() > 2 * ratio[2].std() / ratio[2].mean()


def test_a_channel_without_any_credit_has_equal_campaigns():
    rows, found, _ = world()
    rows.loc[rows["cell"] == 3, "campaign_goal"] = "brand"
    found[rows["cell"] == 3] = 0.0
    mean = efficiencies(rows, found, 4000, 1, "uploads")[rows["cell"] == 3].mean(axis=1)
    np.testing.assert_allclose(mean, 1.0, rtol=0.15)


def test_order_and_money_unit_change_nothing():
    rows, found, _ = world()
    ratio = efficiencies(rows, found, DRAWS, 1, "uploads")
    shuffled = np.random.default_rng(1).permutation(len(rows))
    other = efficiencies(rows.iloc[shuffled].reset_index(drop=True), found[shuffled], DRAWS, 1, "uploads")
    np.testing.assert_allclose(other, ratio[shuffled], rtol=1e-6)
    cheap = efficiencies(rows.assign(spend=100 * rows["spend"]), found, DRAWS, 1, "uploads")
    np.testing.assert_allclose(cheap, ratio, rtol=1e-6)
