"""Where each parameter stands in the sampler's vector, and the way back to numbers with a meaning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pma.media import kernels
from pma.mmm.density import LEVEL, SIGMA, Data
from pma.mmm.design import Design
from pma.mmm.lift_tests import compact
from pma.mmm.log_prior import FAMILIES
from pma.mmm.spec import MediaSpec, ModelSpec, Prior


@dataclass(frozen=True)
class Draws:
    """Draws of one fit by name; D draws, C channels, K linear columns, W and V waves.

    level: mean of explained weeks, in usual weeks; kappa: mean contribution over explained weeks of known spend, the
    same; adstock and saturation: (D, C, 2), the second is 1 where there is none; gap: level of unknown spend, (D, C);
    linear: effects of the columns, (D, K); wave: of the trend's waves, (D, W); drift: of the waves of how
    strongly media work, (D, V); sigma, nu: of what is left.
    """

    level: np.ndarray
    sigma: np.ndarray
    nu: np.ndarray | None
    kappa: np.ndarray
    adstock: np.ndarray
    saturation: np.ndarray
    gap: np.ndarray
    linear: np.ndarray
    wave: np.ndarray
    drift: np.ndarray


class Layout:
    """The vector of a design: level, log sigma, log nu, log tau, linear columns, waves, log omega, drift, channels.

    tau and omega: size of the trend's waves and of the drift. Parameters of a channel stand as logarithms, a retention
    as log-odds.
    """

    def __init__(self, design: Design, spec: ModelSpec) -> None:
        self.design, self.spec = design, spec
        likelihood = spec.likelihood
        at = 2
        self.at_nu, at = (at, at + 1) if likelihood.kind == "student_t" else (-1, at)
        waves = design.basis.shape[1]
        self.at_tau, at = (at, at + 1) if waves else (-1, at)
        self.at_columns, at = at, at + len(design.names)
        self.at_waves, at = at, at + waves
        drift = design.drift.shape[1]
        self.at_omega, at = (at, at + 1) if drift else (-1, at)
        self.at_drift, at = at, at + drift
        rows = [_parameters(media, spec, gap) for media, gap in zip(design.media, design.has_gap, strict=True)]
        shape = (6, len(design.channels))
        self.slots = np.full(shape, -1, dtype=np.int64)
        self.families = np.zeros(shape, dtype=np.int64)
        self.first, self.second = np.ones(shape), np.ones(shape)
        for row in range(6):
            for c, priors in enumerate(rows):
                prior = priors[row]
                if prior is not None:
                    factor = design.effect_scale[c] if row == kernels.EFFECT else 1.0
                    self.slots[row, c], at = at, at + 1
                    self.families[row, c] = FAMILIES[prior.family]
                    self.first[row, c], self.second[row, c] = scaled(prior, float(factor))
        self.size = at
        self.labels = self._labels()

    @cached_property
    def data(self) -> Data:
        """What `log_density` is of."""
        design = self.design
        effects = [media.effect.given_as for media in design.media]
        adstocks = [kernels.ADSTOCKS[media.adstock] for media in design.media]
        saturations = [kernels.SATURATIONS[media.saturation] for media in design.media]
        return Data(
            y=np.ascontiguousarray(design.y),
            explained=np.ascontiguousarray(design.explained),
            spend=np.ascontiguousarray(design.spend.T),
            unknown=np.ascontiguousarray(design.unknown.T),
            known=np.ascontiguousarray(design.known.T),
            columns=np.ascontiguousarray((design.columns @ design.rotation).T),
            column_means=np.ascontiguousarray(design.means @ design.rotation),
            basis=np.ascontiguousarray(design.basis.T),
            drift=np.ascontiguousarray(design.drift.T),
            adstock_kind=np.array(adstocks, dtype=np.int64),
            saturation_kind=np.array(saturations, dtype=np.int64),
            on_coefficient=np.array([on == "coefficient" for on in effects], dtype=np.int64),
            slots=self.slots,
            families=self.families,
            first=self.first,
            second=self.second,
            scalars=self.scalars,
            lags=self.spec.lags,
            **compact(design, self.spec.lags),
        )

    @property
    def scalars(self) -> np.ndarray:
        """Places of nu, tau, columns and waves; the priors of level, sigma, nu and tau; place and prior of drift."""
        spec, likelihood = self.spec, self.spec.likelihood
        return np.array(
            [
                *(self.at_nu, self.at_tau, self.at_columns, self.at_waves),
                *(float(spec.level_on == "intercept"), spec.level_mu, spec.level_sigma),
                *(FAMILIES[likelihood.sigma.family], *likelihood.sigma.numbers),
                *(FAMILIES[likelihood.nu.family], *likelihood.nu.numbers),
                spec.trend.sigma,
                *(self.at_omega, self.at_drift, spec.over_time.sigma),
            ],
            dtype=float,
        )

    def start(self, seed: int, spread: float = 0.5) -> np.ndarray:
        """Return a point to begin at: about the middle of the priors; the level is that of the target."""
        point = np.zeros(self.size)
        explained = self.design.explained > 0
        point[LEVEL] = self.design.y[explained].mean()
        point[SIGMA] = np.log(max(self.design.y[explained].std() / 2, 1e-3))
        if self.at_nu >= 0:
            point[self.at_nu] = np.log(10.0)
        if self.at_tau >= 0:
            point[self.at_tau] = np.log(self.spec.trend.sigma / 2)
        if self.at_omega >= 0:
            point[self.at_omega] = np.log(self.spec.over_time.sigma / 2)
        for row, c in zip(*np.nonzero(self.slots >= 0), strict=True):
            point[self.slots[row, c]] = _middle(self.families[row, c], self.first[row, c], self.second[row, c])
        jitter = np.random.default_rng(seed).uniform(-spread, spread, self.size)
        jitter[LEVEL] *= 0.1
        return point + jitter

    def draws(self, theta: np.ndarray) -> Draws:
        """Turn draws of the vector, (D, size), into numbers with a meaning."""

        def of(row: int, odds: np.ndarray) -> np.ndarray:
            out = np.ones((len(theta), len(self.design.channels)))
            has = self.slots[row] >= 0
            raw = theta[:, self.slots[row, has]]
            out[:, has] = np.where(odds[has], 1.0 / (1.0 + np.exp(-raw)), np.exp(raw))
            return out

        none = np.zeros(len(self.design.channels), dtype=bool)
        bounded = self.data.adstock_kind <= 1
        waves, k = self.design.basis.shape[1], len(self.design.names)
        drift = self.design.drift.shape[1]
        tau = np.exp(theta[:, self.at_tau]) if waves else np.zeros(len(theta))
        omega = np.exp(theta[:, self.at_omega]) if drift else np.zeros(len(theta))
        return Draws(
            level=theta[:, LEVEL],
            sigma=np.exp(theta[:, SIGMA]),
            nu=np.exp(theta[:, self.at_nu]) if self.at_nu >= 0 else None,
            kappa=of(kernels.EFFECT, none),
            adstock=np.stack([of(kernels.ADSTOCK_1, bounded), of(kernels.ADSTOCK_2, none)], axis=-1),
            saturation=np.stack([of(kernels.SATURATION_1, none), of(kernels.SATURATION_2, none)], axis=-1),
            gap=of(kernels.GAP, none),
            linear=theta[:, self.at_columns : self.at_columns + k] @ self.design.rotation.T,
            wave=theta[:, self.at_waves : self.at_waves + waves] * tau[:, None],
            drift=theta[:, self.at_drift : self.at_drift + drift] * omega[:, None],
        )

    def _labels(self) -> list[str]:
        """A name for each place of the vector."""
        labels = [""] * self.size
        labels[LEVEL], labels[SIGMA] = "level", "log sigma"
        if self.at_nu >= 0:
            labels[self.at_nu] = "log nu"
        if self.at_tau >= 0:
            labels[self.at_tau] = "log tau"
        for j in range(len(self.design.names)):
            labels[self.at_columns + j] = f"axis {j}"
        for j in range(self.design.basis.shape[1]):
            labels[self.at_waves + j] = f"wave {j}"
        if self.at_omega >= 0:
            labels[self.at_omega] = "log omega"
        for j in range(self.design.drift.shape[1]):
            labels[self.at_drift + j] = f"drift {j}"
        rows = ("effect", "adstock 1", "adstock 2", "saturation 1", "saturation 2", "gap level")
        for row, c in zip(*np.nonzero(self.slots >= 0), strict=True):
            labels[self.slots[row, c]] = f"{self.design.channels[c]}: {rows[row]}"
        return labels


def scaled(prior: Prior, factor: float) -> tuple[float, float]:
    """Return the numbers of the prior of factor times what has this prior."""
    first, second = prior.numbers
    if prior.family == "log_normal":
        return first + float(np.log(factor)), second
    if prior.family == "gamma":
        return first, second / factor
    return first * factor, second


def _parameters(media: MediaSpec, spec: ModelSpec, has_gap: bool) -> tuple[Prior | None, ...]:
    """Priors of a channel's parameters by row of `pma.media.kernels`; None: it has none."""
    adstock: dict[str, tuple[Prior, Prior | None]] = {
        "geometric": (media.retention, None),
        "delayed": (media.retention, media.delay),
        "weibull_pdf": (media.weibull_scale, media.weibull_shape),
        "weibull_cdf": (media.weibull_scale, media.weibull_shape),
    }
    saturation: dict[str, tuple[Prior, Prior | None]] = {
        "hill": (media.half, media.slope),
        "michaelis_menten": (media.half, None),
        "logistic": (media.steepness, None),
        "tanh": (media.half, None),
    }
    gap = spec.gap_level if has_gap else None
    return (media.effect.prior, *adstock[media.adstock], *saturation[media.saturation], gap)


def _middle(family: int, first: float, second: float) -> float:
    """About the middle of a prior, on the sampler's scale."""
    if family == FAMILIES["log_normal"]:
        return first
    if family == FAMILIES["half_normal"]:
        return float(np.log(0.67 * first))
    return float(np.log(first / second))
