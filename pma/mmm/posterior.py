"""The posterior of a design."""

from __future__ import annotations

from pma.mmm.design import Design
from pma.mmm.effects import Fitted, read
from pma.mmm.layout import Layout
from pma.mmm.sampler import Sampled, sample
from pma.mmm.spec import FitSettings, ModelSpec


def fit_design(design: Design, spec: ModelSpec, settings: FitSettings, seed: int) -> tuple[Layout, Sampled, Fitted]:
    """Return the posterior of a design, its tests in it: the layout of its vector, the draws of it, what they say."""
    layout = Layout(design, spec)
    sampled = sample(layout, settings, seed)
    return layout, sampled, read(design, layout.draws(sampled.flat), spec.lags)
