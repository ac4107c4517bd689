"""The density that is written out, against the same model in PyMC and in pymc-marketing: equal up to a constant."""

import warnings

import numpy as np
import pytest

from pma.mmm import density, model
from pma.mmm.design import make_design
from pma.mmm.layout import LEVEL, SIGMA, Layout
from pma.mmm.spec import Effect, FitSettings, LikelihoodSpec, MediaSpec, ModelSpec, Prior, TrendSpec
from tests.mmm.media_world import media_world
from tests.mmm.test_density import layout_of

POINTS = 6
# log-densities are several hundred; the difference is a constant.
SAME = 1e-6


def ours(layout, theta):
    return density.log_density(theta, np.empty(layout.size), layout.data)


def evaluator(stated):
    """PyTensor without a compiler: quick to have, and one sum of all terms would be too many operands for it."""
    terms = stated.compile_logp(mode="FAST_COMPILE", sum=False)
    return lambda point: sum(float(np.sum(term)) for term in terms(point))


def plain(layout, theta):
    """The same point in the plain form: name to value on PyMC's unconstrained scale, and a channel's means."""
    design, draws = layout.design, layout.draws(theta[None])
    level = {}
    values = media_of(design, draws)
    mean, centre = (design.known * values).sum(axis=0), design.explained @ values / design.explained.sum()
    rotated = layout.design.rotation @ theta[layout.at_columns : layout.at_columns + len(design.names)]
    level["linear"] = rotated
    anchor = theta[LEVEL]
    if layout.spec.level_on == "intercept":
        anchor -= draws.kappa[0] @ (centre / mean) + design.means @ rotated
    return level, anchor, mean


def media_of(design, draws):
    from pma.media.transforms import adstock, adstock_weights, saturate

    spend = design.spend + draws.gap[0] * design.unknown
    columns = []
    for c, one in enumerate(design.media):
        weights = adstock_weights(one.adstock, draws.adstock[0, c : c + 1, 0], draws.adstock[0, c : c + 1, 1], 12)
        level = adstock(spend[:, c : c + 1], weights)
        columns.append(
            saturate(one.saturation, level, draws.saturation[0, c : c + 1, 0], draws.saturation[0, c : c + 1, 1])
        )
    return np.exp(design.drift @ draws.drift[0])[:, None] * np.concatenate(columns, axis=1)


def in_pymc(layout, theta):
    design, spec = layout.design, layout.spec
    level, anchor, mean = plain(layout, theta)
    point = {"sigma_log__": theta[SIGMA], spec.level_on: anchor, **level}
    if layout.at_nu >= 0:
        point["nu_log__"] = theta[layout.at_nu]
    if layout.at_tau >= 0:
        point["tau_log__"] = theta[layout.at_tau]
        point["waves"] = theta[layout.at_waves : layout.at_waves + design.basis.shape[1]]
    if layout.at_omega >= 0:
        point["omega_log__"] = theta[layout.at_omega]
        point["drift"] = theta[layout.at_drift : layout.at_drift + design.drift.shape[1]]
    stems = ("effect", "adstock_1", "adstock_2", "saturation_1", "saturation_2", "gap")
    for row, c in zip(*np.nonzero(layout.slots >= 0), strict=True):
        is_odds = row == density.ADSTOCK_1 and design.media[c].adstock in ("geometric", "delayed")
        value = theta[layout.slots[row, c]]
        if row == density.EFFECT and design.media[c].effect.given_as == "coefficient":
            value = value - np.log(mean[c])
        point[f"{stems[row]}_{design.channels[c]}_{'logodds' if is_odds else 'log'}__"] = value
    return point


@pytest.mark.parametrize(("gaps", "tests"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("name", ["shares", "coefficients", "media over time", "coefficients over time"])
def test_pymc_has_the_same_density(name, gaps, tests):
    layout = layout_of(name, gaps, tests)
    stated = model.pymc_model(layout.design, layout.spec)
    logp = evaluator(stated)
    points = [layout.start(seed, spread=0.8) for seed in range(POINTS)]
    differences = [ours(layout, theta) - logp(in_pymc(layout, theta)) for theta in points]
    assert np.ptp(differences) < SAME


def theirs(adstock="geometric", saturation="hill", likelihood="student_t"):
    coefficient = Effect(given_as="coefficient", prior=Prior(family="half_normal", sigma=1.5))
    return ModelSpec(
        media=MediaSpec(adstock=adstock, saturation=saturation, effect=coefficient),
        level_on="intercept",
        trend=TrendSpec(kind="linear"),
        likelihood=LikelihoodSpec(kind=likelihood),
    )


@pytest.mark.parametrize(
    ("adstock", "saturation", "likelihood"),
    [
        ("geometric", "hill", "student_t"),
        ("delayed", "logistic", "normal"),
        ("weibull_cdf", "michaelis_menten", "normal"),
    ],
)
def test_pymc_marketings_own_mmm_has_the_same_density(adstock, saturation, likelihood):
    spec = theirs(adstock, saturation, likelihood)
    layout = Layout(make_design(media_world(weeks=60, channels=2).rows, "uploads", spec, FitSettings()), spec)
    mmm, X, y = model.marketing_mmm(layout.design, spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mmm.build_model(X, y)
    logp = evaluator(mmm.model)
    wanted = {value.name for value in mmm.model.value_vars}
    points = [layout.start(seed, spread=0.8) for seed in range(POINTS)]
    differences = [ours(layout, theta) - logp(in_marketing(layout, theta, wanted)) for theta in points]
    assert np.ptp(differences) < SAME


def in_marketing(layout, theta, wanted):
    level, anchor, mean = plain(layout, theta)
    media = layout.design.media[0]
    effect = "alpha" if media.saturation == "michaelis_menten" else "beta"
    named = [
        (f"saturation_{effect}", theta[layout.slots[density.EFFECT]] - np.log(mean)),
        *((f"adstock_{n}", theta[layout.slots[1 + i]]) for i, n in enumerate(model.ADSTOCK_NAMES[media.adstock])),
        *(
            (f"saturation_{n}", theta[layout.slots[3 + i]])
            for i, n in enumerate(model.SATURATION_NAMES[media.saturation])
        ),
        ("intercept_contribution", anchor),
        ("gamma_control", level["linear"]),
        ("y_sigma", theta[SIGMA]),
        ("target_sigma", theta[SIGMA]),
        ("y_nu", theta[layout.at_nu]),
        ("target_nu", theta[layout.at_nu]),
    ]
    point = {}
    for name, value in named:
        point.update({key: value for key in (name, f"{name}_log__", f"{name}_logodds__") if key in wanted})
    assert set(point) == wanted
    return point


def test_what_pymc_marketing_cannot_do_is_refused():
    spec = ModelSpec()
    design = make_design(media_world(weeks=60, channels=2).rows, "uploads", spec, FitSettings())
    with pytest.raises(ValueError, match="has no such model"):
        model.marketing_mmm(design, spec)
