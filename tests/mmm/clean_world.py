"""Clean worlds of the simulator: one country, six channels, spend that follows no demand, all of it measured."""

import numpy as np
import pandas as pd

from pma.simulation.channels import CHANNEL_NAMES, UPLOADS
from pma.simulation.context import wander
from pma.simulation.draws import generator
from pma.simulation.marketplace import simulate
from pma.simulation.settings import SimulationSettings
from tests.mmm.media_world import MediaWorld

# The six with the largest budgets.
SIX = (
    *("google_search_generic", "tv", "google_pmax", "meta_prospecting", "google_search_brand"),
    "google_demand_gen_supply",
)
LEVEL = 500.0


def clean_world(
    seed, noise=0.02, weeks=156, channels=SIX, media_share=0.35, movement=2.0, swell=False, spike=None, confounding=0.0
):
    """Return rows of bl.mmm_input and the truth of a country; the last day closes a week.

    Adstock, saturation, effects, season, growth, events and context are the simulator's. Spend moves `movement` times
    as much (of its logarithm), and each channel pauses for two to four weeks after every eight to sixteen: without
    pauses even a model that knows all forms could not say what a channel brings. The swell of demand that nobody
    measures is left out unless `swell`. `spike`: a channel that spends 30 times as much in one week.
    Media bring `media_share` of the target; noise is upon all.
    """
    settings = SimulationSettings(
        seed=seed, regions={"DACH": ("DE",)}, weeks=weeks, confounding=confounding, lift_tests=0, missing_feeds=False
    )
    market = simulate(settings)
    index = market.weeks
    places = [CHANNEL_NAMES.index(name) for name in channels]
    moved = paused(seed, market.structure.spend, movement)
    if spike is not None:
        moved[0, CHANNEL_NAMES.index(spike), 100] = 30 * moved[0, CHANNEL_NAMES.index(spike)].mean()
    spend = pd.DataFrame(moved[0, places].T, index=index, columns=list(channels))
    paid = market.structure.with_spend(moved).paid[UPLOADS][0]
    effect = pd.DataFrame(paid[0, places].T, index=index, columns=list(channels))
    effect *= LEVEL * media_share / effect.sum(axis=1).mean()
    parts = market.upload_contributions
    parts = parts[parts["kind"].isin(["baseline", "trend", "seasonality", "event", "context", "organic"])]
    unpaid = parts.pivot_table(index="week_start", columns="component", values="value", aggfunc="sum").loc[index]
    if not swell:
        unpaid["baseline"] = unpaid["baseline"].mean()
    rest = unpaid.sum(axis=1)
    rest *= LEVEL * (1 - media_share) / rest.mean()
    expected = rest + effect.sum(axis=1)
    value = expected * (1 + noise * wander(generator(seed, "recovery"), weeks, 0.1))
    context = market.context.pivot(index="date", columns="variable", values="value").loc[index]
    events = parts[parts["kind"] == "event"]["component"].unique()
    frames = [_rows(index, "uploads", "target", value)]
    frames += [_rows(index, name, "paid", spend[name]) for name in channels]
    for name in context:
        role = "context" if name in ("price_index", "temperature") else "organic"
        frames.append(_rows(index, name, role, context[name]))
    for name in sorted(events):
        # When it is, everybody knows; how much it does, nobody.
        shape = unpaid[name].abs()
        if shape.max() > 0:
            frames.append(_rows(index, name, "calendar", shape / shape.max()))
    rows = pd.concat(frames, ignore_index=True).assign(geo_level="country", geo="DE", is_complete_week=True)
    return MediaWorld(rows, spend, effect)


def paused(seed, spend, movement=2.0):
    """Return spend, (countries, channels, weeks), that moves so many times as much and pauses (see `clean_world`)."""
    return _moved(spend, movement) * _pauses(seed, spend.shape)


def _moved(spend, movement):
    usual = np.nanmedian(np.where(spend > 0, spend, np.nan), axis=2, keepdims=True)
    return np.where(spend > 0, usual * (np.maximum(spend, 1e-9) / usual) ** movement, 0.0)


def _pauses(seed, shape):
    on = np.zeros(shape)
    for c in range(shape[1]):
        random = generator(seed, "pauses", CHANNEL_NAMES[c])
        week = int(random.integers(0, 8))
        on[:, c, :week] = 1.0
        while week < shape[2]:
            week += int(random.integers(2, 5))
            length = int(random.integers(8, 17))
            on[:, c, week : week + length] = 1.0
            week += length
    return on


def _rows(index, name, role, values):
    return pd.DataFrame(
        {"week_start": index.date, "variable": name, "role": role, "value": np.asarray(values, dtype=float)}
    )
