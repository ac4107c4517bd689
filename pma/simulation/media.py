"""How spend works: adstock, saturation, and the response of every country and channel to its weekly spend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pma.simulation.channels import CHANNEL_NAMES, CHANNELS, GOAL_EFFECTS, SYNERGY, TARGETS
from pma.simulation.draws import generator
from pma.simulation.settings import SimulationSettings

TV, BRAND_SEARCH = (CHANNEL_NAMES.index(name) for name in SYNERGY)
# Of what media bring, so much is brought by television and brand search together only.
SYNERGY_SHARE = 0.06


def adstock(spend: np.ndarray, carry_over: np.ndarray) -> np.ndarray:
    """Return a_t = (1 - c) s_t + c a_(t-1) along the last axis, from a_(-1) = 0: steady spend is its own adstock.

    `spend` is (..., weeks), `carry_over` (...): the share that each week keeps. Geometric adstock, normalised.
    """
    out = np.empty(np.broadcast_shapes(spend.shape, (*np.shape(carry_over), 1)))
    before = np.zeros(out.shape[:-1])
    for t in range(spend.shape[-1]):
        before = (1 - carry_over) * spend[..., t] + carry_over * before
        out[..., t] = before
    return out


def saturation(level: np.ndarray, half: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return Hill's x^s / (x^s + h^s), between 0 and 1 and one half at `half`; a slope above 1 is S-shaped."""
    powered = (np.maximum(level, 0.0) / half) ** slope
    return powered / (1.0 + powered)


@dataclass(frozen=True)
class Response:
    """The response of all countries and channels; arrays are (countries, channels), `synergy` (countries,) per target.

    Effects of target `uploads` are uploads a week, those of `demand` parts of the demand multiplier.
    """

    carry_over: np.ndarray
    half: np.ndarray
    slope: np.ndarray
    beta: dict[str, np.ndarray]
    synergy: dict[str, np.ndarray]

    def saturated(self, spend: np.ndarray) -> np.ndarray:
        """Return saturation of adstocked spend; (countries, channels, weeks) in and out."""
        return saturation(adstock(spend, self.carry_over), self.half[..., None], self.slope[..., None])

    def effects(self, spend: np.ndarray, target: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the channels' effects, (countries, channels, weeks), and their interaction, (countries, weeks)."""
        level = self.saturated(spend)
        both = self.synergy[target][:, None] * level[:, TV] * level[:, BRAND_SEARCH]
        return self.beta[target][..., None] * level, both

    def steady(self, spend: np.ndarray, target: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the effect per week of the same spend every week and its derivative.

        `spend` is (countries, channels); the effect, (countries,), is that of all channels and their interaction.
        """
        level = saturation(spend, self.half, self.slope)
        inner = np.maximum(spend, 1e-9) / self.half
        rise = self.slope * inner ** (self.slope - 1) / (self.half * (1 + inner**self.slope) ** 2)
        weight = self.beta[target].copy()
        weight[:, TV] += self.synergy[target] * level[:, BRAND_SEARCH]
        weight[:, BRAND_SEARCH] += self.synergy[target] * level[:, TV]
        both = self.synergy[target] * level[:, TV] * level[:, BRAND_SEARCH]
        return (self.beta[target] * level).sum(axis=1) + both, weight * rise


@dataclass(frozen=True)
class Shape:
    """Adstock and saturation alone, before effects are known; (countries, channels)."""

    carry_over: np.ndarray
    half: np.ndarray
    slope: np.ndarray


def draw_shape(settings: SimulationSettings, usual: np.ndarray) -> Shape:
    """Draw adstock and saturation around each channel's mean; `usual`, (countries, channels), is usual weekly spend."""
    shape = (len(settings.countries), len(CHANNELS))
    carry_over, half, slope = np.empty(shape), np.empty(shape), np.empty(shape)
    for i, country in enumerate(settings.countries):
        for c, channel in enumerate(CHANNELS):
            rng = generator(settings.seed, "response", country, channel.name)
            odds = channel.carry_over / (1 - channel.carry_over) * np.exp(rng.normal(0, 0.25))
            carry_over[i, c] = odds / (1 + odds)
            half[i, c] = usual[i, c] * np.exp(rng.normal(0.1, 0.35))
            slope[i, c] = np.clip(channel.slope + rng.normal(0, 0.12), 1.0, 2.0)
    return Shape(carry_over, half, slope)


def fit_response(
    settings: SimulationSettings, shape: Shape, spend: np.ndarray, goal_mix: np.ndarray, media: dict[str, np.ndarray]
) -> Response:
    """Choose the effects such that over all weeks media bring `media[target]`, (countries,), a week on average.

    `spend` is (countries, channels, weeks); `goal_mix`, (countries, channels, 3), the share of each goal of
    GOAL_EFFECTS in a channel's campaigns. A channel that never runs has no effect.
    """
    bare = Response(shape.carry_over, shape.half, shape.slope, {}, {})
    level = bare.saturated(spend)
    runs = spend.sum(axis=2) > 0
    active = np.maximum((spend > 0).sum(axis=2), 1)
    usual_level = np.where(runs, level.sum(axis=2) / active, 1.0)
    together = (level[:, TV] * level[:, BRAND_SEARCH]).mean(axis=1)
    beta, synergy = {}, {}
    for place, target in enumerate(TARGETS):
        of_goal = np.array([effects[place] for effects in GOAL_EFFECTS.values()])
        weight = np.array([c.share * c.effect for c in CHANNELS]) * (goal_mix @ of_goal) * _luck(settings, target)
        raw = np.where(runs, weight / usual_level, 0.0)
        brought = (raw[..., None] * level).sum(axis=1).mean(axis=1)
        has_both = together > 0
        paid = media[target] * np.where(has_both, 1 - SYNERGY_SHARE, 1.0)
        beta[target] = raw * (paid / np.maximum(brought, 1e-12))[:, None]
        synergy[target] = np.where(has_both, media[target] * SYNERGY_SHARE / np.where(has_both, together, 1.0), 0.0)
    return Response(shape.carry_over, shape.half, shape.slope, beta, synergy)


def _luck(settings: SimulationSettings, target: str) -> np.ndarray:
    """How much better or worse a channel works in one country than elsewhere; (countries, channels)."""
    return np.array(
        [
            [np.exp(generator(settings.seed, "effect", i, c, target).normal(0, 0.3)) for c in CHANNEL_NAMES]
            for i in settings.countries
        ]
    )
