"""From draws to money and uploads: what each component brought, ROAS, response curves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pma.media.transforms import adstock, adstock_weights, saturate
from pma.mmm.design import Design
from pma.mmm.layout import Draws

# A marginal return is that of so much more spend in every week.
STEP = 0.01


@dataclass(frozen=True)
class Media:
    """What paid media brought by draw, in units of the target; D draws, T weeks, C channels.

    brought: (D, T, C). coefficient: of saturated media in a week in which they work as in the middle, (D, C). factor:
    how strongly they work, (D, T), or (1, T), all 1, where that does not move. weights: of adstock, (D, C, lags).
    spend: in usual weeks, unknown weeks at their estimated level, (D, T, C), or (T, C) where all is known.
    """

    brought: np.ndarray
    coefficient: np.ndarray
    factor: np.ndarray
    weights: np.ndarray
    spend: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """Draws of a design and what they say; `mean`: expected target, (D, T)."""

    draws: Draws
    media: Media
    mean: np.ndarray


def read(design: Design, draws: Draws, lags: int) -> Fitted:
    """Return draws with what they say."""
    media = media_effects(design, draws, lags)
    return Fitted(draws, media, expected(design, draws, media))


def media_effects(design: Design, draws: Draws, lags: int) -> Media:
    """Return what the channels brought in each week."""
    weights = np.stack(
        [
            adstock_weights(one.adstock, draws.adstock[:, c, 0], draws.adstock[:, c, 1], lags)
            for c, one in enumerate(design.media)
        ],
        axis=1,
    )
    spend = design.spend
    if design.unknown.any():
        spend = spend + draws.gap[:, None, :] * design.unknown
    factor = np.exp(draws.drift @ design.drift.T) if design.drift.shape[1] else np.ones((1, len(design.weeks)))
    level = factor[:, :, None] * saturated(design, draws, adstock(spend, weights))
    mean = (design.known * level).sum(axis=1)
    coefficient = draws.kappa * design.scale / np.maximum(mean, 1e-300)
    return Media(coefficient[:, None, :] * level, coefficient, factor, weights, spend)


def saturated(design: Design, draws: Draws, level: np.ndarray) -> np.ndarray:
    """Return saturation of adstocked spend; (D, anything, C) in and out."""
    parts = [
        saturate(
            one.saturation,
            level[..., c : c + 1],
            draws.saturation[:, c : c + 1, 0],
            draws.saturation[:, c : c + 1, 1],
        )
        for c, one in enumerate(design.media)
    ]
    return np.concatenate(parts, axis=-1)


def returns(design: Design, media: Media) -> np.ndarray:
    """Return the ROAS of each channel, over the weeks of known spend; (D, C)."""
    known = ~np.isnan(design.money)
    roas: np.ndarray = np.einsum("dtc,tc->dc", media.brought, known) / np.nansum(design.money, axis=0)
    return roas


def marginal(design: Design, draws: Draws, media: Media) -> np.ndarray:
    """Return what a little more spend in every known week would bring more, per money; (D, C)."""
    more = media.spend + STEP * design.spend
    level = media.factor[:, :, None] * saturated(design, draws, adstock(more, media.weights))
    gained = (media.coefficient[:, None, :] * level - media.brought).sum(axis=1)
    return gained / (STEP * np.nansum(design.money, axis=0))


def curves(design: Design, draws: Draws, media: Media, points: int, until: float) -> tuple[np.ndarray, np.ndarray]:
    """Return weekly spend, (points, C), and what it brings a week in the long run; (D, points, C).

    In a week in which media work as in the middle.
    """
    steady = np.linspace(0.0, until, points)[:, None] * np.ones(len(design.channels))
    level = saturated(design, draws, np.broadcast_to(steady, (len(draws.level), *steady.shape)))
    return steady * design.spend_scale, media.coefficient[:, None, :] * level


def components(design: Design, draws: Draws, media: Media) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield name, kind and weekly contribution, (D, T), of all components: they add up to the expected target.

    Season, trend and the demand that a channel's budget follows are one component each. An event, an organic variable
    and an interaction count from zero on; what is left of them when they are at zero is in the baseline. All others
    count from their means.
    """
    for c, name in enumerate(design.channels):
        yield name, "paid", media.brought[:, :, c]
    explained = design.explained / design.explained.sum()
    mean_media = np.einsum("dtc,t->d", media.brought, explained)
    at_none = draws.linear @ design.none * design.scale
    baseline = draws.level * design.scale - mean_media + at_none
    yield "baseline", "baseline", np.repeat(baseline[:, None], len(design.weeks), axis=1)
    summed: dict[tuple[str, str], np.ndarray] = {}
    for j, (name, kind) in enumerate(zip(design.names, design.kinds, strict=True)):
        column = (design.columns[:, j] - design.none[j]) * design.scale
        effect = draws.linear[:, j, None] * column
        if kind in ("seasonality", "trend", "demand"):
            key = (name if kind == "demand" else kind, kind)
            summed[key] = summed.get(key, 0.0) + effect
        else:
            yield name, kind, effect
    if design.basis.shape[1]:
        key = ("trend", "trend")
        summed[key] = summed.get(key, 0.0) + draws.wave @ design.basis.T * design.scale
    for (name, kind), effect in summed.items():
        yield name, kind, effect


def expected(design: Design, draws: Draws, media: Media) -> np.ndarray:
    """Return the expected target of each draw and week; (D, T)."""
    return sum((effect for _, _, effect in components(design, draws, media)), np.zeros(()))


def replicate(design: Design, draws: Draws, mean: np.ndarray, seed: int) -> np.ndarray:
    """Draw the target anew around its expectation, for the predictive interval; (D, T)."""
    random = np.random.default_rng(seed)
    sigma = draws.sigma[:, None] * design.scale
    if draws.nu is None:
        return mean + sigma * random.standard_normal(mean.shape)
    return mean + sigma * random.standard_t(draws.nu[:, None], mean.shape)
