"""The quick second opinion: its regression against another library's, its front, and the truth of a clean world."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from pma.media.transforms import adstock, adstock_weights, saturate
from pma.mmm import ridge
from pma.mmm.design import make_design
from pma.mmm.effects import read
from pma.mmm.fit import fit_geo
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, MediaSpec, ModelSpec, RidgeSettings, TrendSpec
from tests.mmm.clean_world import clean_world

pytest.importorskip("nevergrad", reason="the search needs nevergrad: pip install 'pma[mmm]'")
SPEC = ModelSpec(trend=TrendSpec(kind="linear"), yearly_order=2)
QUICK = RidgeSettings(iterations=1500, trials=3)


def problem(seed, weeks=40):
    rng = np.random.default_rng(seed)
    media, linear = rng.random((3, weeks)), rng.standard_normal((2, weeks))
    y = 2 + np.array([1.0, 0.0, -0.7]) @ media + np.array([0.5, -0.3]) @ linear + 0.05 * rng.standard_normal(weeks)
    weight = (rng.random(weeks) < 0.8).astype(float)
    return media, linear, y, weight


@pytest.mark.parametrize("penalty", [1e-6, 0.01, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_regression_is_that_of_a_bounded_least_squares(seed, penalty):
    media, linear, y, weight = problem(seed)
    found, level = ridge.ridge(media, linear, y, weight, penalty)
    rows = weight > 0
    raw = np.concatenate([media, linear]).T[rows]
    scaled = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    n, k = scaled.shape
    stacked = np.vstack([scaled, np.sqrt(penalty * n) * np.eye(k)])
    aim = np.concatenate([y[rows] - y[rows].mean(), np.zeros(k)])
    wanted = lsq_linear(stacked, aim, bounds=([0, 0, 0, -np.inf, -np.inf], np.inf), tol=1e-12).x / raw.std(axis=0)
    assert found == pytest.approx(wanted, abs=1e-5)
    assert found[2] == 0
    assert level == pytest.approx(y[rows].mean() - wanted @ raw.mean(axis=0), abs=1e-5)


def test_lift_tests_are_rows_of_the_least_squares():
    media, linear, y, _ = problem(5)
    per, aim = np.array([[3.0, 0.0, 0.0], [0.0, 2.0, 0.0]]), np.array([9.0, 1.0])
    found, _ = ridge.with_lifts(media, linear, y, np.ones_like(y), 1e-9, per, aim)
    raw = np.concatenate([media, linear]).T
    stacked = np.vstack([raw - raw.mean(axis=0), np.hstack([per, np.zeros((2, 2))])])
    wanted = lsq_linear(stacked, np.append(y - y.mean(), aim), bounds=([0, 0, 0, -np.inf, -np.inf], np.inf), tol=1e-12)
    assert found == pytest.approx(wanted.x, abs=1e-4)


def test_media_are_transformed_as_everywhere():
    spend = np.random.default_rng(1).random((2, 30))
    retention, half, slope = np.array([0.3, 0.6]), np.array([0.5, 1.0]), np.array([1.2, 0.8])
    weights = adstock_weights("geometric", retention, np.ones(2), 8)
    wanted = saturate("hill", adstock(spend.T, weights), half, slope).T
    assert ridge.transformed(spend, retention, half, slope, 8) == pytest.approx(wanted)


POINT = st.integers(0, 6)


@given(st.one_of(*[st.lists(st.tuples(*[POINT] * size), min_size=1, max_size=30) for size in (2, 3)]))
def test_the_front_is_what_nothing_beats(found):
    points = np.array(found, dtype=float)
    front = {tuple(points[place]) for place in ridge.pareto(points)}
    wanted = {
        tuple(point) for point in points if not ((points <= point).all(axis=1) & (points < point).any(axis=1)).any()
    }
    assert front == wanted


@pytest.fixture(scope="module")
def world():
    return clean_world(0)


def test_a_search_finds_better_than_chance_and_the_same_again(world):
    design = make_design(world.rows, "uploads", SPEC, FitSettings())
    front = ridge.search(design, SPEC, QUICK, 3)
    again = ridge.search(design, SPEC, QUICK, 3)
    assert np.array_equal(front.point, again.point) and front.iterations == 1500
    random = np.random.default_rng(0).random((1500, front.point.shape[1]))
    chance = ridge.evaluate(random, ridge._data(design, SPEC, QUICK), QUICK)
    assert front.objectives[:, ridge.ERROR].min() < chance[:, ridge.ERROR].min()


def test_a_channel_of_any_form_is_read_in_the_form_that_was_searched(world):
    """Its curves are those of the candidates, whatever the model has for the channel."""
    spec = ModelSpec(media=MediaSpec(adstock="weibull_pdf", saturation="logistic"), trend=TrendSpec(kind="linear"))
    room = MmmSettings(model=spec, ridge=RidgeSettings(iterations=500))
    rows = world.rows.assign(target="uploads", method="ridge")
    given = ridge.in_ridge_form(make_design(rows, "uploads", spec, room.fit))
    front = ridge.search(given, spec, room.ridge, 1)
    data = ridge._data(given, spec, room.ridge)
    expected = read(given, front.draws, spec.lags).mean
    for draw in range(3):
        shape = (
            front.draws.adstock[draw, :, 0],
            front.draws.saturation[draw, :, 0],
            front.draws.saturation[draw, :, 1],
        )
        media = ridge.transformed(data.spend, *shape, spec.lags)
        total = (given.known.T * media).sum(axis=1)
        coefficient = np.concatenate([front.draws.kappa[draw] / np.maximum(total, 1e-300), front.draws.linear[draw]])
        fitted = ridge.predicted(media, data.linear, coefficient, 0.0)
        apart = expected[draw] / given.scale - fitted
        assert np.ptp(apart) < 1e-6
    fit = fit_geo(rows, room).iloc[0]
    assert {(row["adstock"], row["saturation"]) for row in fit["mmm_posterior"]} == {("geometric", "hill")}
    assert fit["mape"] < 0.2


def test_a_candidate_without_any_effect_is_far_from_every_split_of_spend(world):
    spec, settings = ModelSpec(trend=TrendSpec(kind="linear")), RidgeSettings()
    design = make_design(world.rows, "uploads", spec, FitSettings())
    # Sales that fall as spend rises: no channel has an effect.
    against = ridge._data(design, spec, settings)._replace(y=-design.spend.sum(axis=1))
    found = ridge.evaluate(np.full((1, 3 * len(design.channels) + 1), 0.5), against, settings)
    assert found[0, ridge.DISTANCE] == ridge.NOTHING


@given(st.floats(-5.0, 5.0))
def test_a_point_outside_bounces_off_the_wall_as_nevergrad_has_it(x):
    from nevergrad.parametrization.transforms import Clipping

    bounced = Clipping(a_min=np.zeros(1), a_max=np.ones(1), bounce=True).forward(np.array([x]))
    assert ridge.folded(np.array([x])) == pytest.approx(bounced)


def test_fewer_candidates_than_trials_are_refused():
    with pytest.raises(ValueError, match="3 iterations for 5 trials"):
        RidgeSettings(iterations=3)


def test_it_answers_in_the_same_rows(world):
    room = MmmSettings(model=SPEC, ridge=QUICK)
    found = fit_geo(world.rows.assign(target="uploads", method="ridge"), room).iloc[0]
    summary = pd.DataFrame(found["mmm_channel_summary"]).set_index("channel")
    assert found["method"] == "ridge" and found["rhat_max"] is None and found["r2"] > 0.8
    # A second opinion: the order of size, and not a factor off.
    error = (summary["roas_p50"] / world.roas - 1).abs()
    assert error.median() < 0.4
    weekly = pd.DataFrame(found["mmm_contributions"]).groupby("week_start")["mean"].sum()
    target = world.rows[world.rows["variable"] == "uploads"].set_index("week_start")["value"]
    assert weekly.mean() == pytest.approx(target.mean(), rel=0.02)
