"""A small plan, for nothing but what is compiled on the way: `python -m pma.planning.warm`."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from pma.planning.response import horizon, responses


def main() -> None:
    """Plan a made-up country of two channels, one of whose curves is S-shaped."""
    rows = [
        {
            "geo": "DE",
            "target": "gmv",
            "draw": draw,
            "channel": channel,
            "adstock": "geometric",
            "adstock_first": 0.3,
            "adstock_second": 1.0,
            "lags": 4,
            "saturation": "hill",
            "saturation_first": 1.0,
            "saturation_second": slope,
            "usual_spend": 100.0,
            "coefficient": 1000.0,
        }
        for draw in range(2)
        for channel, slope in (("one", 1.0), ("two", 1.8))
    ]
    spend = pd.DataFrame({"country": "DE", "channel": ["one", "two"], "week_start": date(2026, 10, 26), "value": 100.0})
    worth = pd.DataFrame({"country": ["DE"], "target": ["gmv"], "draws": [np.ones(2)]})
    made = responses(pd.DataFrame(rows), spend, horizon(date(2026, 12, 1), 1, 4), worth)
    plan = np.full((2, 1), 400.0)
    made.above(0 * plan, 2 * plan)(plan, np.full(2, 0.5))
    made.objective(np.full((2, 1), 400.0))


if __name__ == "__main__":
    main()
