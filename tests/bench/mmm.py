"""The media mix model beside pymc-marketing's own, same data and priors, in one run: effective draws per CPU second.

Also how far the two posteriors of the channels' contributions lie apart, in Monte Carlo errors.
"""

import os
import time
import warnings
from typing import Any

import numpy as np
import nutpie
from arviz_stats.base import array_stats

from pma.mmm.design import make_design
from pma.mmm.diagnostics import least_ess
from pma.mmm.effects import Media, media_effects
from pma.mmm.layout import Draws, Layout
from pma.mmm.model import marketing_mmm
from pma.mmm.ridge import search
from pma.mmm.sampler import density_of, sample
from pma.mmm.spec import Effect, FitSettings, MediaSpec, ModelSpec, Prior, RidgeSettings, TrendSpec
from tests.mmm.media_world import media_world

CHANNELS = 12
SETTINGS = FitSettings(chains=4, tune=600, draws=1000)
SPEC = ModelSpec(
    media=MediaSpec(effect=Effect(given_as="coefficient", prior=Prior(family="half_normal", sigma=1.5))),
    level_on="intercept",
    trend=TrendSpec(kind="linear"),
    lags=8,
)


def ess(draws: np.ndarray) -> float:
    """Smallest bulk effective sample size; (chains, draws, anything)."""
    return least_ess(draws.reshape(*draws.shape[:2], -1))


def ours(layout: Layout, settings: FitSettings = SETTINGS) -> dict[str, Any]:
    started = time.process_time()
    density_of(layout)(layout.start(0))
    ready = time.process_time()
    sampled = sample(layout, settings, seed=1)
    done = time.process_time()
    draws = layout.draws(sampled.flat)
    media = media_effects(layout.design, draws, SPEC.lags)
    total = media.brought.mean(axis=1).reshape(settings.chains, settings.draws, -1)
    return {
        "total": total / layout.design.scale,
        "compile": ready - started,
        "sample": done - ready,
        "parameters": min(ess(sampled.theta), ess(plain(layout, draws, media, settings))),
        "gradients": sampled.gradients / (settings.chains * settings.draws),
    }


def plain(layout: Layout, draws: Draws, media: Media, settings: FitSettings) -> np.ndarray:
    """The parameters as the other model has them, though ours samples others: (chains, draws, parameters)."""
    level = draws.level - np.einsum("dtc,t->d", media.brought, layout.design.explained / layout.design.explained.sum())
    parts = (level[:, None], media.coefficient, draws.adstock[..., 0], draws.saturation.reshape(len(level), -1))
    found = np.concatenate([*parts, draws.linear, draws.sigma[:, None]], axis=1)
    moves = np.ptp(found, axis=0) > 0
    return found[:, moves].reshape(settings.chains, settings.draws, -1)


def theirs(layout: Layout, settings: FitSettings = SETTINGS) -> dict[str, Any]:
    mmm, X, y = marketing_mmm(layout.design, SPEC)
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mmm.build_model(X, y)
    compiled = nutpie.compile_pymc_model(mmm.model)
    ready = time.process_time()
    kept = {"draws": settings.draws, "tune": settings.tune, "chains": settings.chains, "cores": 1}
    traced = nutpie.sample(compiled, **kept, seed=1, progress_bar=False)
    done = time.process_time()
    posterior = traced["posterior"]
    free = [variable.name for variable in mmm.model.free_RVs]
    return {
        "total": posterior["channel_contribution"].mean("date").transpose("chain", "draw", "channel").to_numpy(),
        "compile": ready - started,
        "sample": done - ready,
        "parameters": min(ess(posterior[name].to_numpy()) for name in free),
        "gradients": float(traced["sample_stats"]["n_steps"].mean()),
    }


def ridge_seconds() -> float:
    """Seconds of the quick second opinion, on one core; its functions are compiled and kept on disk before."""
    design = make_design(media_world(channels=CHANNELS).rows, "uploads", ModelSpec(), SETTINGS)
    search(design, ModelSpec(), RidgeSettings(iterations=100), seed=1)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    started = time.perf_counter()
    search(design, ModelSpec(), RidgeSettings(), seed=1)
    seconds = time.perf_counter() - started
    os.sched_setaffinity(0, cores)
    return seconds


def distances(first: np.ndarray, second: np.ndarray) -> list[float]:
    """How far means of two posteriors lie apart, in Monte Carlo errors, by channel; (chains, draws, channels)."""
    apart = []
    for c in range(first.shape[-1]):
        pair = (first[..., c], second[..., c])
        sizes = [float(array_stats.ess(draws, chain_axis=0, draw_axis=1)) for draws in pair]
        errors = [draws.std() / np.sqrt(size) for draws, size in zip(pair, sizes, strict=True)]
        apart.append(float((pair[0].mean() - pair[1].mean()) / np.hypot(*errors)))
    return apart


def main() -> None:
    """Print the table."""
    layout = Layout(make_design(media_world(channels=CHANNELS).rows, "uploads", SPEC, SETTINGS), SPEC)
    found = {"pma": ours(layout), "pymc-marketing": theirs(layout)}
    print(f"\nOne model, 156 weeks x {CHANNELS} channels, 4 x (600 + 1,000) draws, same priors and data, CPU seconds\n")
    print("Ours was compiled before and is kept on disk: `samplers` and `fits` begin with nothing compiled.\n")
    print("| | compile, s | sample, s | gradients a draw | min ESS: parameters | contributions | min ESS a s |")
    print("|---|---|---|---|---|---|---|")
    rates = {}
    for name, one in found.items():
        of_total = ess(one["total"])
        rates[name] = min(one["parameters"], of_total) / one["sample"]
        numbers = (one["compile"], one["sample"], one["gradients"], one["parameters"], of_total, rates[name])
        print(f"| {name} | " + " | ".join(f"{number:.1f}" for number in numbers) + " |")
    print(f"\nEffective draws a CPU second: {rates['pma'] / rates['pymc-marketing']:.1f} times")
    apart = distances(*(one["total"] for one in found.values()))
    print("Contributions apart, in Monte Carlo errors: " + ", ".join(f"{value:+.1f}" for value in apart))
    print(f"The ridge of the same data, {RidgeSettings().iterations:,} iterations, one core: {ridge_seconds():.1f} s")


if __name__ == "__main__":
    main()
