"""A geo whose target is made by the model's own equations, written again here, as rows of bl.mmm_input."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class MediaWorld:
    """rows: of bl.mmm_input; spend, contributions: weeks x channels."""

    rows: pd.DataFrame
    spend: pd.DataFrame
    contributions: pd.DataFrame

    @property
    def roas(self):
        return self.contributions.sum() / self.spend.sum()


def geometric(spend, keep):
    out, before = np.empty_like(spend), 0.0
    for t, value in enumerate(spend):
        before = (1 - keep) * value + keep * before
        out[t] = before
    return out


def media_world(weeks=156, channels=4, noise=0.02, media_share=0.35, seed=0, target="uploads", geo="DE", strength=1.0):
    """Hill of geometric adstock, one wave a year, one context variable, one event, a line; mean about 500 a week.

    `strength`: how strongly all media work, a number or one of each week.
    """
    rng = np.random.default_rng(seed)
    index = pd.date_range("2023-01-02", periods=weeks, freq="7D")
    names = [f"channel_{c}" for c in range(channels)]
    spend, effect = {}, {}
    for name in names:
        usual = 1000.0 * np.exp(rng.normal(0, 0.5))
        money = usual * np.exp(0.4 * rng.standard_normal(weeks))
        level = (geometric(money, rng.uniform(0.1, 0.5)) / (usual * np.exp(rng.normal(0, 0.3)))) ** rng.uniform(1, 1.5)
        saturated = level / (1 + level)
        spend[name] = np.round(money, 2)
        effect[name] = saturated / saturated.mean() * usual * np.exp(rng.normal(0, 0.3))
    spend, effect = pd.DataFrame(spend, index=index), pd.DataFrame(effect, index=index)
    effect = effect.mul(np.broadcast_to(strength, weeks), axis=0)
    effect *= 500 * media_share / effect.sum(axis=1).mean()
    year = 2 * np.pi * index.dayofyear.to_numpy() / 365.25
    temperature = 10 - 8 * np.cos(year) + 2 * rng.standard_normal(weeks)
    event = (np.arange(weeks) % 52 == 26).astype(float)
    base = 1 + 0.15 * np.cos(year) + 0.02 * (temperature - 10) / 6 + 0.1 * event + 0.03 * np.arange(weeks) / 52
    expected = 500 * (1 - media_share) * base / base.mean() + effect.sum(axis=1).to_numpy()
    value = expected * (1 + noise * rng.standard_normal(weeks))
    parts = [(target, "target", value), ("temperature", "context", temperature), ("fair", "calendar", event)]
    parts += [(name, "paid", spend[name].to_numpy()) for name in names]
    frames = [
        pd.DataFrame({"week_start": index.date, "variable": name, "role": role, "value": values})
        for name, role, values in parts
    ]
    rows = pd.concat(frames, ignore_index=True).assign(geo_level="country", geo=geo, is_complete_week=True)
    return MediaWorld(rows, spend, effect)
