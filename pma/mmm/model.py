"""The model as PyMC states it, and as pymc-marketing's own MMM: what `pma.mmm.density` is held against.

Both take a design and mean the same posterior; they compile per shape and are slower to sample. pymc-marketing's form
has no unknown weeks, no waves like ours (of the trend, of media over time), and one kind of adstock and saturation for
all channels.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pma.mmm.design import Design
from pma.mmm.layout import _parameters, scaled
from pma.mmm.lift_tests import measured
from pma.mmm.spec import ModelSpec, Prior

if TYPE_CHECKING:
    import pymc as pm
    from pymc_marketing.mmm import MMM

# What pymc-marketing calls the parameters of a channel, in the order of `MediaSpec`'s pairs.
ADSTOCK_NAMES = {"geometric": ("alpha",), "delayed": ("alpha", "theta"), "weibull_cdf": ("lam", "k")}
SATURATION_NAMES = {"hill": ("kappa", "slope"), "logistic": ("lam",), "michaelis_menten": ("lam",)}


def pymc_model(design: Design, spec: ModelSpec) -> pm.Model:
    """Return the model of a design in PyMC, in plain form: coefficients or mean contributions as the priors have them.

    Free variables: level (or intercept), sigma, nu, tau, linear (K), waves (W), omega, drift (V), and for each channel
    `c` effect_c, adstock_1_c, adstock_2_c, saturation_1_c, saturation_2_c, gap_c, as far as it has them. Lift tests are
    observed as lift_0, lift_1, ...: what the channel brought less what it would have brought without the change. Data
    can be swapped (pm.set_data): y, explained, columns, basis.
    """
    import pymc as pm
    import pytensor.tensor as pt

    likelihood = spec.likelihood
    with pm.Model() as model:
        y, explained = pm.Data("y", design.y), pm.Data("explained", design.explained)
        columns, basis = pm.Data("columns", design.columns), pm.Data("basis", design.basis)
        share = explained / explained.sum()
        base = pm.Normal(spec.level_on, spec.level_mu, spec.level_sigma)
        sigma = _variable("sigma", likelihood.sigma)
        factor: Any = np.ones(len(design.weeks))
        if design.drift.shape[1]:
            omega = pm.HalfNormal("omega", spec.over_time.sigma)
            drift = pm.Normal("drift", 0.0, 1.0, shape=design.drift.shape[1])
            factor = pt.exp(omega * pt.dot(design.drift, drift))
        media: Any = 0.0
        lifts: list[Any] = [0.0] * len(design.lifts.tests)
        for c, name in enumerate(design.channels):
            one = design.media[c]
            priors = _parameters(one, spec, bool(design.has_gap[c]))
            names = ("effect", "adstock_1", "adstock_2", "saturation_1", "saturation_2", "gap")
            factors = (float(design.effect_scale[c]), *(1.0,) * 5)
            found = [
                None if prior is None else _variable(f"{stem}_{name}", prior, factor)
                for stem, prior, factor in zip(names, priors, factors, strict=True)
            ]
            weights = _weights(one.adstock, found[1], found[2], spec.lags)

            saturated = partial(_channel, design, c, found, weights, spec.lags, factor)
            value = saturated(design.spend[:, c])
            mean = pt.dot(design.known[:, c], value)
            effect = found[0] if one.effect.given_as == "coefficient" else found[0] / mean
            media = media + effect * (value if spec.level_on == "intercept" else value - pt.dot(share, value))
            for s in np.flatnonzero(design.lifts.channel[design.lifts.of_test] == c):
                brought = effect * saturated(design.lifts.spend[s])
                lifts[design.lifts.of_test[s]] += pt.dot(design.lifts.counts[s], brought)
        linear = pm.Normal("linear", 0.0, 1.0, shape=len(design.names))
        offset = design.means if spec.level_on == "intercept" else np.zeros(len(design.names))
        mu = base + media + pt.dot(columns + offset, linear)
        if design.basis.shape[1]:
            tau = pm.HalfNormal("tau", spec.trend.sigma)
            mu = mu + tau * pt.dot(basis, pm.Normal("waves", 0.0, 1.0, shape=design.basis.shape[1]))
        if likelihood.kind == "student_t":
            left = pm.StudentT.dist(nu=_variable("nu", likelihood.nu), mu=mu, sigma=sigma)
        else:
            left = pm.Normal.dist(mu=mu, sigma=sigma)
        lift, error = measured(design)
        for n, of_test in enumerate(lifts):
            pm.Normal(f"lift_{n}", of_test, error[n], observed=lift[n])
        # Weeks that are not explained have no likelihood: a mask, so that their number is data and not shape.
        pm.Potential("likelihood", (pm.logp(left, y) * explained).sum())
    return model


def marketing_mmm(design: Design, spec: ModelSpec) -> tuple[MMM, pd.DataFrame, pd.Series]:
    """Return pymc-marketing's MMM of a design with the same priors, and the X and y that it is fitted to.

    Linear columns, season and trend among them, are its controls, each times its prior scale. Raises ValueError where
    it has no such model: unknown or unexplained weeks, waves, priors on shares, mixed kinds, lift tests.
    """
    from pymc_extras.prior import Prior as Theirs
    from pymc_marketing.mmm import MMM
    from pymc_marketing.mmm.scaling import FixedScaling, Scaling

    kinds = {(media.adstock, media.saturation) for media in design.media}
    [(adstock, saturation), *more] = kinds
    gaps = design.unknown.any() or not design.explained.all()
    if (
        more
        or gaps
        or design.lifts.tests
        or design.basis.shape[1]
        or design.drift.shape[1]
        or adstock not in ADSTOCK_NAMES
        or saturation not in SATURATION_NAMES
        or spec.level_on != "intercept"
        or any(media.effect.given_as != "coefficient" for media in design.media)
    ):
        raise ValueError(
            "pymc-marketing has no such model: it needs all weeks known, one kind of adstock (geometric, delayed or "
            "weibull_cdf) and of saturation (hill, logistic, michaelis_menten), effects on coefficients, level_on "
            "intercept, a trend that is none, linear or piecewise, and no media over time"
        )
    rows = [_parameters(media, spec, False) for media in design.media]
    names = ["saturation_" + ("alpha" if saturation == "michaelis_menten" else "beta")]
    names += [f"adstock_{name}" for name in (*ADSTOCK_NAMES[adstock], None)[:2] if name]
    names += [f"saturation_{name}" for name in SATURATION_NAMES[saturation]]
    used = [0, *range(1, 1 + len(ADSTOCK_NAMES[adstock])), *range(3, 3 + len(SATURATION_NAMES[saturation]))]
    config: dict[str, Any] = {
        name: _theirs([priors[row] for priors in rows]) for name, row in zip(names, used, strict=True)
    }
    sigma = _theirs([spec.likelihood.sigma])
    left = {"sigma": sigma, "dims": "date"}
    if spec.likelihood.kind == "student_t":
        config["likelihood"] = Theirs("StudentT", nu=_theirs([spec.likelihood.nu]), **left)
    else:
        config["likelihood"] = Theirs("Normal", **left)
    config["intercept"] = Theirs("Normal", mu=spec.level_mu, sigma=spec.level_sigma)
    config["gamma_control"] = Theirs("Normal", mu=0, sigma=1, dims="control")
    model = MMM(
        date_column="week_start",
        channel_columns=list(design.channels),
        control_columns=list(design.names) or None,
        target_column="target",
        adstock=_adstock(adstock, spec.lags),
        saturation=_saturation(saturation),
        model_config=config,
        scaling=Scaling(
            target=FixedScaling(dims=(), value=design.scale),
            channel=FixedScaling(
                dims=(), value=dict(zip(design.channels, map(float, design.spend_scale), strict=True))
            ),
        ),
    )
    X = pd.DataFrame(design.columns + design.means, columns=list(design.names))
    X = X.join(pd.DataFrame(design.money, columns=list(design.channels))).assign(week_start=design.weeks)
    return model, X, pd.Series(design.value, name="target")


def _channel(design: Design, c: int, found: list[Any], weights: Any, lags: int, factor: Any, spend: np.ndarray) -> Any:
    """Saturated adstock of a channel's spend, as it was or as it would have been, times the week's factor; (T,)."""
    import pytensor.tensor as pt

    known, weeks = pt.as_tensor(spend), len(spend)
    if found[5] is not None:
        known = known + found[5] * design.unknown[:, c]
    level = sum(weights[lag] * pt.concatenate([pt.zeros(lag), known[: weeks - lag]]) for lag in range(lags))
    return factor * _saturated(design.media[c].saturation, level, found[3], found[4])


def _variable(name: str, prior: Prior, factor: float = 1.0) -> Any:
    import pymc as pm

    first, second = scaled(prior, factor) if prior.family != "beta" else prior.numbers
    if prior.family == "log_normal":
        return pm.LogNormal(name, first, second)
    if prior.family == "gamma":
        return pm.Gamma(name, alpha=first, beta=second)
    return pm.HalfNormal(name, first) if prior.family == "half_normal" else pm.Beta(name, alpha=first, beta=second)


def _weights(kind: str, first: Any, second: Any, lags: int) -> Any:
    import pytensor.tensor as pt

    lag = np.arange(lags, dtype=float)
    if kind == "geometric":
        left = first**lag
    elif kind == "delayed":
        left = first ** ((lag - second) ** 2)
    elif kind == "weibull_pdf":
        age = (lag + 1) / first
        left = age ** (second - 1) * pt.exp(-(age**second))
    else:
        left = pt.exp(-pt.cumsum(pt.concatenate([pt.zeros(1), (lag[1:] / first) ** second])))
    return left / left.sum()


def _saturated(kind: str, level: Any, first: Any, second: Any) -> Any:
    import pytensor.tensor as pt

    if kind == "logistic":
        return (1 - pt.exp(-first * level)) / (1 + pt.exp(-first * level))
    if kind == "tanh":
        return pt.tanh(level / first)
    powered = (level / first) ** (second if kind == "hill" else 1.0)
    return powered / (1 + powered)


def _theirs(priors: list[Prior | None]) -> Any:
    """One prior of pymc-marketing, over channels where there are several of one family."""
    from pymc_extras.prior import Prior as Theirs

    known = [prior for prior in priors if prior is not None]
    [family, *more] = {prior.family for prior in known}
    if more:
        raise ValueError("pymc-marketing has one family for a parameter of all channels")
    names = {"log_normal": "LogNormal", "gamma": "Gamma", "half_normal": "HalfNormal", "beta": "Beta"}
    from pma.mmm.spec import PARAMETERS

    numbers = {name: [getattr(prior, name) for prior in known] for name in PARAMETERS[family]}
    if len(priors) == 1:
        return Theirs(names[family], **{name: values[0] for name, values in numbers.items()})
    if any(len(set(values)) > 1 for values in numbers.values()):
        arrays = {name: np.array(values) for name, values in numbers.items()}
        return Theirs(names[family], **arrays, dims="channel")
    return Theirs(names[family], **{name: values[0] for name, values in numbers.items()}, dims="channel")


def _adstock(kind: str, lags: int) -> Any:
    from pymc_marketing.mmm import DelayedAdstock, GeometricAdstock, WeibullCDFAdstock

    of = {"geometric": GeometricAdstock, "delayed": DelayedAdstock, "weibull_cdf": WeibullCDFAdstock}
    return of[kind](l_max=lags, normalize=True)


def _saturation(kind: str) -> Any:
    from pymc_marketing.mmm import HillSaturation, LogisticSaturation, MichaelisMentenSaturation

    of = {"hill": HillSaturation, "logistic": LogisticSaturation, "michaelis_menten": MichaelisMentenSaturation}
    return of[kind]()
