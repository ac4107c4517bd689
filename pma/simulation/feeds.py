"""What the company's feeds lack, on purpose: known gaps that a check of the data must find by name."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pma.simulation.budgets import running
from pma.simulation.channels import CHANNEL_NAMES, DEMAND_GEN
from pma.simulation.draws import generator, ranked
from pma.simulation.settings import SimulationSettings


def gaps(settings: SimulationSettings, weeks: pd.DatetimeIndex) -> pd.DataFrame:
    """Return what is missing: channel, country (null: all), starts_on, ends_on (both inclusive).

    No row where `settings.missing_feeds` is false.
    """
    columns = ["channel", "country", "starts_on", "ends_on"]
    if not settings.missing_feeds:
        return pd.DataFrame(columns=columns)
    n = len(weeks)
    last = weeks[-1] + pd.Timedelta(days=6)
    before = {"youtube_flobikes": round(n * 80 / 156), **{name: round(n * 60 / 156) for name in DEMAND_GEN}}
    rows: list[tuple[str, str | None, pd.Timestamp, pd.Timestamp]] = []
    rows += [(name, None, weeks[0], weeks[count] - pd.Timedelta(days=1)) for name, count in before.items()]
    on_air = running(settings)[:, CHANNEL_NAMES.index("tv")].any(axis=1)
    with_tv = [c for c in ranked(settings.seed, "tv feed", settings.countries) if on_air[settings.countries.index(c)]]
    # Some countries' television is known: at least one, where there are several.
    missing = with_tv[: max(1, min(2, len(with_tv) - 1))]
    rows += [("tv", country, weeks[0], last) for country in missing]
    holed = ranked(settings.seed, "meta hole", settings.countries)[0]
    start = weeks[int(generator(settings.seed, "meta hole", holed).uniform(0.6, 0.8) * n)]
    end = start + pd.Timedelta(days=13)
    rows += [(name, holed, start, end) for name in CHANNEL_NAMES if name.startswith("meta_")]
    return pd.DataFrame(rows, columns=columns)


def in_feed(spend: pd.DataFrame, missing: pd.DataFrame) -> np.ndarray:
    """Return for each row of spend whether the company's feeds have it."""
    there = np.ones(len(spend), dtype=bool)
    for gap in missing.to_dict("records"):
        lost = (spend["channel"] == gap["channel"]) & spend["date"].between(gap["starts_on"], gap["ends_on"])
        if gap["country"] is not None:
            lost &= spend["country"] == gap["country"]
        there &= ~lost.to_numpy()
    return there
