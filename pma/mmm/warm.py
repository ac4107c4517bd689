"""A small fit by each method, for nothing but what is compiled on the way: `python -m pma.mmm.warm`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pma.mmm.fit import fit_geo
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, RidgeSettings

WEEKS = 60


def main() -> None:
    """Fit a made-up geo of two channels, one of which begins late. Raises what a fit raises."""
    rng = np.random.default_rng(1)
    weeks = pd.date_range("2024-01-01", periods=WEEKS, freq="7D").date
    values = {
        ("uploads", "target"): 500 + 20 * rng.standard_normal(WEEKS),
        ("temperature", "context"): 10 + rng.standard_normal(WEEKS),
        ("early", "paid"): np.exp(rng.standard_normal(WEEKS)) * 100,
        ("late", "paid"): np.where(np.arange(WEEKS) < 10, np.nan, np.exp(rng.standard_normal(WEEKS)) * 100),
    }
    frames = [
        pd.DataFrame({"week_start": weeks, "variable": name, "role": role, "value": series})
        for (name, role), series in values.items()
    ]
    rows = pd.concat(frames).assign(geo_level="country", geo="DE", target="uploads", is_complete_week=True)
    room = MmmSettings(fit=FitSettings(chains=1, tune=20, draws=10, kept_draws=5), ridge=RidgeSettings(iterations=100))
    for method in room.fit.methods:
        fit_geo(rows.assign(method=method), room)


if __name__ == "__main__":
    main()
