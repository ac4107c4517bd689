"""What is said of a fit, and of a channel, in words."""

from dataclasses import replace

import numpy as np
import pytest

from pma.mmm import diagnostics
from pma.mmm.design import make_design
from pma.mmm.layout import Layout
from pma.mmm.spec import Effect, FitSettings, MediaSpec, ModelSpec, Prior
from tests.mmm.media_world import media_world

SETTINGS = FitSettings()
GOOD = diagnostics.Diagnostics(
    rhat_max=1.003,
    ess_bulk_min=900.0,
    ess_tail_min=800.0,
    divergences=0,
    mape=0.02,
    r2=0.95,
    coverage_90=0.92,
    autocorrelation=0.1,
    media_share=0.3,
    negative_baseline=0.0,
)


def said(reasons=(None, None), **wrong):
    return diagnostics.verdict(replace(GOOD, **wrong), 2000, list(reasons), SETTINGS)


def test_a_good_fit_is_ok_and_nothing_is_said():
    assert said() == ("ok", None)
    assert said(reasons=["a doubt", None, None]) == ("ok", None)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rhat_max": 1.2}, "has not settled (R-hat 1.200, 800 effective draws)"),
        ({"ess_bulk_min": 50.0}, "50 effective draws"),
        ({"ess_tail_min": 40.0}, "40 effective draws"),
        ({"rhat_max": float("nan")}, "has not settled (R-hat nan, 800 effective draws)"),
        ({"ess_bulk_min": float("nan")}, "nan effective draws"),
        ({"divergences": 40}, "lost its way 40 times"),
        ({"coverage_90": 0.5}, "50% of weeks lie inside their 90 % interval: the model is too sure"),
        ({"coverage_90": 1.0}, "too unsure"),
        ({"autocorrelation": 0.6}, "goes on from week to week (correlation 0.60)"),
        ({"negative_baseline": 0.3}, "With probability 30% media would bring more than all there is"),
        ({"reasons": ["x", "y"]}, "2 of 2 channels are not to be trusted"),
    ],
)
def test_each_fault_has_its_sentence(wrong, words):
    status, message = said(**wrong)
    assert status == "flagged" and words in message


def test_one_chain_cannot_settle_anything():
    alone = SETTINGS.model_copy(update={"chains": 1})
    status, message = diagnostics.verdict(replace(GOOD, rhat_max=float("nan")), 2000, [None], alone)
    assert status == "flagged" and message.startswith("One chain cannot say whether the computation has settled")


def test_a_number_that_never_moves_has_not_settled_wherever_it_stands():
    moving = np.random.default_rng(0).standard_normal((4, 200, 3))
    assert diagnostics.largest_rhat(moving) < 1.05
    for place in range(3):
        stuck = moving.copy()
        stuck[..., place] = 1.0
        assert np.isnan(diagnostics.largest_rhat(stuck))


def test_effective_draws_of_intervals_are_those_of_their_ends():
    """Draws that mix but for their highest, which come together in a run."""
    random = np.random.default_rng(1)
    draws = random.standard_normal((4, 500, 1))
    for chain in draws[..., 0]:
        high = np.sort(chain[chain > 1.64])
        chain[chain > 1.64] = 0.0
        chain[100 : 100 + len(high)] = high
    ends = [diagnostics.least_ess(draws, method="quantile", prob=at) for at in (0.05, 0.95)]
    found = diagnostics.least_ess(draws, method="tail", prob=diagnostics.INTERVAL)
    assert found == pytest.approx(min(ends)) and found < 0.5 * diagnostics.least_ess(draws)


def test_a_ridge_is_judged_by_what_it_has():
    found = {"autocorrelation": 0.0, "media_share": 0.4}
    assert diagnostics.ridge_verdict(found, [None], SETTINGS) == ("ok", None)
    status, message = diagnostics.ridge_verdict({**found, "media_share": 1.1}, ["doubt"], SETTINGS)
    assert status == "flagged" and "Media would bring 110% of all there is" in message and "1 of 1" in message


def layout(effect):
    spec = ModelSpec(media=MediaSpec(effect=effect))
    return Layout(make_design(media_world(weeks=60, channels=3).rows, "uploads", spec, SETTINGS), spec)


@pytest.mark.parametrize(
    "prior",
    [
        Prior(family="log_normal", mu=0.2, sigma=0.7),
        Prior(family="gamma", alpha=2.0, beta=3.0),
        Prior(family="half_normal", sigma=0.4),
    ],
)
def test_draws_from_the_prior_are_as_wide_as_the_prior(prior):
    given = layout(Effect(prior=prior))
    rng = np.random.default_rng(0)
    draw = {
        "log_normal": lambda n: rng.lognormal(0.2, 0.7, n),
        "gamma": lambda n: rng.gamma(2.0, 1 / 3.0, n),
        "half_normal": lambda n: np.abs(rng.normal(0, 0.4, n)),
    }[prior.family]
    draws = given.draws(np.stack([given.start(seed) for seed in range(4)]))
    draws = replace(draws, kappa=draw((40_000, 3)) * given.design.effect_scale)
    nothing = np.ones_like(draws.kappa)
    assert diagnostics.prior_widths(given.design, draws.kappa, nothing) == pytest.approx(1.0, rel=0.02)
    of_coefficient = layout(Effect(given_as="coefficient", prior=prior)).design
    coefficient = draws.kappa / given.design.effect_scale
    assert diagnostics.prior_widths(of_coefficient, nothing, coefficient) == pytest.approx(1.0, rel=0.02)


def test_doubts_name_the_channel_and_its_partner():
    design = layout(Effect()).design
    rng = np.random.default_rng(1)
    kappa = 1 + 0.1 * rng.standard_normal((500, 3))
    kappa[:, 1] = 2 - kappa[:, 0] + 0.01 * rng.standard_normal(500)
    draws = replace(layout(Effect()).draws(np.zeros((1, layout(Effect()).size))), kappa=kappa)
    found = diagnostics.doubts(design, draws, kappa, np.array([0.2, 0.2, 0.9]), SETTINGS)
    assert found[0].startswith("channel_0 and channel_1 move together")
    assert "channel_2: the data say little about it" in found[2]
    wide = np.stack([kappa[:, 2], kappa[:, 2], np.exp(rng.standard_normal(500))], axis=1)
    found = diagnostics.doubts(design, replace(draws, kappa=wide), wide, np.full(3, 0.2), SETTINGS)
    assert "may be anything from" in found[2]


def test_a_channel_that_brings_nothing_in_any_draw_raises_no_doubt_by_dividing():
    design = layout(Effect()).design
    draws = replace(layout(Effect()).draws(np.zeros((1, layout(Effect()).size))), kappa=np.zeros((5, 3)))
    with np.errstate(all="raise"):
        assert diagnostics.doubts(design, draws, np.zeros((5, 3)), np.full(3, np.nan), SETTINGS) == [None] * 3


def test_the_correlation_of_residuals_leaves_unknown_weeks_out():
    rng = np.random.default_rng(2)
    series = np.cumsum(rng.standard_normal(200))
    assert diagnostics.lag_one(series - series.mean()) > 0.85
    series[50:60] = np.nan
    assert diagnostics.lag_one(series - np.nanmean(series)) > 0.75
    assert abs(diagnostics.lag_one(rng.standard_normal(2000))) < 0.1
