"""How far a fit can be trusted: numbers, and sentences that a marketer understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pma.mmm.design import Design
from pma.mmm.layout import Draws
from pma.mmm.sampler import Sampled
from pma.mmm.spec import FitSettings

# Two channels whose effects trade against each other so closely are known by their sum alone.
TRADE = -0.8
# The quantiles that every interval of the tables is made of.
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True)
class Diagnostics:
    """See the columns of bl.mmm_runs."""

    rhat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    divergences: int
    mape: float
    r2: float
    coverage_90: float
    autocorrelation: float
    media_share: float
    # Probability that without paid media less than nothing is expected in the mean week.
    negative_baseline: float


def diagnose(
    design: Design, sampled: Sampled, mean: np.ndarray, replicated: np.ndarray, brought: np.ndarray
) -> Diagnostics:
    """Return the diagnostics of a fit.

    mean, replicated: expected target and target drawn anew, (draws, weeks); brought: by paid media, the same.
    """
    theta = sampled.theta
    seen = design.explained > 0
    value = design.value[seen]
    low, high = np.quantile(replicated[:, seen], [0.05, 0.95], axis=0)
    total, media = mean[:, seen].mean(axis=1), brought[:, seen].mean(axis=1)
    return Diagnostics(
        rhat_max=largest_rhat(theta),
        ess_bulk_min=least_ess(theta),
        ess_tail_min=least_ess(theta, method="tail", prob=INTERVAL),
        divergences=sampled.divergent,
        **in_sample(design, mean, brought),
        coverage_90=float(np.mean((low <= value) & (value <= high))),
        negative_baseline=float(np.mean(total - media < 0)),
    )


def least_ess(theta: np.ndarray, **kind: Any) -> float:
    """Return the smallest effective number of draws of draws (chains, draws, dimensions); NaN where one has none.

    `kind`: method and prob, as arviz has them; for means without it.
    """
    from arviz_stats.base import array_stats

    kept = {"chain_axis": 0, "draw_axis": 1, "method": "bulk", **kind}
    return float(np.min([array_stats.ess(theta[..., i], **kept) for i in range(theta.shape[-1])]))


def largest_rhat(theta: np.ndarray) -> float:
    """Return the largest R-hat of draws, (chains, draws, dimensions); NaN of one chain and of draws that never move."""
    from arviz_stats.base import array_stats

    if len(theta) < 2:
        return float("nan")
    return float(np.max([array_stats.rhat(theta[..., i], chain_axis=0, draw_axis=1) for i in range(theta.shape[-1])]))


def in_sample(design: Design, mean: np.ndarray, brought: np.ndarray) -> dict[str, float]:
    """Return mape, r2, autocorrelation and media_share of explained weeks; see `diagnose`."""
    seen = design.explained > 0
    value, fitted = design.value[seen], mean.mean(axis=0)[seen]
    return {
        "mape": float(np.mean(np.abs(value - fitted)) / np.mean(np.abs(value))),
        "r2": 1.0 - float(np.sum((value - fitted) ** 2) / np.sum((value - value.mean()) ** 2)),
        "autocorrelation": lag_one(np.where(seen, design.value - mean.mean(axis=0), np.nan)),
        "media_share": float((brought[:, seen].mean(axis=1) / mean[:, seen].mean(axis=1)).mean()),
    }


def lag_one(residual: np.ndarray) -> float:
    """Return the correlation of residuals with those of the week before; weeks that are not known (NaN) drop out."""
    now, before = residual[1:], residual[:-1]
    both = ~(np.isnan(now) | np.isnan(before))
    spread = np.nanvar(residual)
    return float(np.mean(now[both] * before[both]) / spread) if both.sum() > 2 and spread > 0 else 0.0


def prior_widths(design: Design, kappa: np.ndarray, coefficient: np.ndarray) -> np.ndarray:
    """Return the posterior's deviation of what each prior of an effect is of (logarithm), over that prior's; (C,).

    kappa, coefficient: mean contribution, and factor of saturated media; (draws, C).
    """
    widths = []
    for c, media in enumerate(design.media):
        prior = media.effect.prior
        first, second = prior.numbers
        # Deviations of the logarithm: of a half-normal, pi / sqrt(8); of a gamma, the root of trigamma(shape).
        if prior.family == "log_normal":
            assumed = second
        elif prior.family == "half_normal":
            assumed = np.pi / np.sqrt(8)
        else:
            from scipy.special import polygamma

            assumed = np.sqrt(float(polygamma(1, first)))
        given = coefficient if media.effect.given_as == "coefficient" else kappa
        widths.append(np.log(given[:, c]).std() / assumed)
    return np.array(widths)


def doubts(
    design: Design, draws: Draws, roas: np.ndarray, widths: np.ndarray, settings: FitSettings
) -> list[str | None]:
    """Return for each channel why its numbers say little, in words; None: they may be trusted. `roas`: (draws, C)."""
    said: list[str | None] = []
    trade = _correlations(draws.kappa)
    low, high = np.quantile(roas, [0.05, 0.95], axis=0)
    middle = np.median(roas, axis=0)
    for c, name in enumerate(design.channels):
        partner = int(np.argmin(trade[c]))
        if widths[c] > settings.learned_ratio:
            said.append(
                f"{name}: the data say little about it; its number is mostly the assumption made before. "
                "Vary its spend, or test it (geo lift)"
            )
        elif trade[c, partner] < TRADE:
            said.append(
                f"{name} and {design.channels[partner]} move together: the data know what both bring, not which one. "
                "Move one alone, or test it"
            )
        elif high[c] - low[c] > settings.wide_roas * middle[c]:
            said.append(
                f"{name}: its ROAS may be anything from {low[c]:.3g} to {high[c]:.3g}; do not move budget by it alone"
            )
        else:
            said.append(None)
    return said


def _correlations(values: np.ndarray) -> np.ndarray:
    """Return correlations of columns over rows; 0 of a column that never changes."""
    centred = values - values.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    scaled = np.divide(centred, size, out=np.zeros_like(centred), where=size > 0)
    return scaled.T @ scaled


def verdict(
    found: Diagnostics, draws: int, reasons: list[str | None], settings: FitSettings, checks: Sequence[str] = ()
) -> tuple[str, str | None]:
    """Return ok or flagged, and the sentences that say what to mind; `checks`: those of checks that failed."""
    said: list[str] = []
    least = float(np.min([found.ess_bulk_min, found.ess_tail_min]))
    if settings.chains == 1:
        said.append("One chain cannot say whether the computation has settled: set mmm.fit.chains to 2 or more.")
    elif not (found.rhat_max <= settings.max_rhat and least >= settings.min_ess):
        said.append(
            f"The computation has not settled (R-hat {found.rhat_max:.3f}, {least:.0f} effective draws): "
            "run it again with more draws (mmm.fit.tune, mmm.fit.draws) before anybody uses it."
        )
    if found.divergences > settings.max_divergent_share * draws:
        said.append(
            f"The computation lost its way {found.divergences} times: intervals may be too narrow. "
            "Give tighter priors or more weeks."
        )
    if not settings.coverage[0] <= found.coverage_90 <= settings.coverage[1]:
        said.append(
            f"{found.coverage_90:.0%} of weeks lie inside their 90 % interval: the model is "
            f"{'too sure' if found.coverage_90 < 0.9 else 'too unsure'} of itself."
        )
    said += _goes_on(found.autocorrelation, settings)
    if found.negative_baseline > 0.05:
        said.append(
            f"With probability {found.negative_baseline:.0%} media would bring more than all there is: effects are too "
            "high. Check spend and target, or give tighter priors."
        )
    said += [*checks, *_many_doubts(reasons, settings)]
    return ("flagged", " ".join(said)) if said else ("ok", None)


def ridge_verdict(found: dict[str, float], reasons: list[str | None], settings: FitSettings) -> tuple[str, str | None]:
    """Return ok or flagged, and the sentences that say what to mind, of a ridge regression."""
    said = _goes_on(found["autocorrelation"], settings)
    if found["media_share"] > settings.max_media_share:
        said.append(
            f"Media would bring {found['media_share']:.0%} of all there is: what moves along with them is counted as "
            "theirs. Believe the model's lower numbers, or test."
        )
    said += _many_doubts(reasons, settings)
    return ("flagged", " ".join(said)) if said else ("ok", None)


def _goes_on(autocorrelation: float, settings: FitSettings) -> list[str]:
    if abs(autocorrelation) <= settings.max_autocorrelation:
        return []
    return [
        f"What the model does not explain goes on from week to week (correlation {autocorrelation:.2f}): something "
        "that moves demand is missing, and channels may get its credit."
    ]


def _many_doubts(reasons: list[str | None], settings: FitSettings) -> list[str]:
    doubtful = sum(reason is not None for reason in reasons)
    if doubtful <= settings.max_doubtful_share * len(reasons):
        return []
    return [f"{doubtful} of {len(reasons)} channels are not to be trusted."]
