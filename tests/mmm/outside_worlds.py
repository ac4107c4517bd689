"""Public data sets whose truth is known, as rows of bl.mmm_input; they stand beside the repository, never in it."""

import numpy as np
import pandas as pd
import pytest

from tests.conftest import REPOSITORY
from tests.mmm.media_world import MediaWorld

FOLDER = REPOSITORY.parent / "shared" / "data" / "mmm"


def small_business():
    """The "small business" of pymc-labs/mmm-param-recovery, with the contributions that its generator wrote.

    Weeks there are named by the Sunday that ends them. c1 and c2 are campaigns of nobody's: zero in most weeks.
    """
    data, truth = _read("pymc_labs_small_business.csv"), _read("pymc_labs_small_business_truth.csv")
    weeks = pd.DatetimeIndex(data["date"]) - pd.Timedelta(days=6)
    names = [name for name in data if name.startswith("x")]
    brought = pd.DataFrame({name: truth[f"contribution_{name}"].to_numpy() for name in names}, index=weeks)
    roles = {"y": "target", **dict.fromkeys(names, "paid"), "c1": "organic", "c2": "organic"}
    return _world(data, weeks, roles, brought, "small business")


def two_channels():
    """The example of pymc-marketing's notebook mmm_example: its equations, with its parameters, are the truth.

    Adstock is geometric over 8 weeks and normalised, 0.4 and 0.2; saturation (1 - e^(-l x)) / (1 + e^(-l x)), l 4 and
    3; effects 3,000 and 2,000. Beside them: a level of 2,000, growth as a fourth root, two waves a year, two events of
    one week, and normal noise of deviation 250.
    """
    data = _read("mmm_example.csv")
    weeks = pd.DatetimeIndex(data["date_week"])
    brought = pd.DataFrame(
        {
            "x1": 3000 * _logistic(_geometric(data["x1"], 0.4), 4.0),
            "x2": 2000 * _logistic(_geometric(data["x2"], 0.2), 3.0),
        },
        index=weeks,
    )
    roles = {"y": "target", "x1": "paid", "x2": "paid", "event_1": "calendar", "event_2": "calendar"}
    return _world(data, weeks, roles, brought, "two channels")


def noise_of_two_channels(world):
    """What is left of the example's target once all that its notebook puts into it is taken off; (weeks,)."""
    data, brought = _read("mmm_example.csv"), world.contributions
    day = 2 * np.pi * data["dayofyear"] / 365.5
    growth = (np.linspace(0.0, 50.0, len(data)) + 10) ** 0.25 - 1
    rest = 2 + growth + 0.5 * (np.cos(day) - np.sin(2 * day)) + 1.5 * data["event_1"] + 2.5 * data["event_2"]
    return data["y"].to_numpy() - 1000 * rest.to_numpy() - brought.sum(axis=1).to_numpy()


def _read(name):
    if not (FOLDER / name).exists():
        pytest.skip(f"no {name} in ../shared/data/mmm, where the reference data stand")
    return pd.read_csv(FOLDER / name)


def _world(data, weeks, roles, brought, geo):
    frames = [
        pd.DataFrame({"week_start": weeks.date, "variable": name, "role": role, "value": data[name].astype(float)})
        for name, role in roles.items()
    ]
    rows = pd.concat(frames, ignore_index=True).assign(geo_level="country", geo=geo, is_complete_week=True)
    spend = data[list(brought)].set_index(weeks)
    return MediaWorld(rows, spend, brought)


def _geometric(spend, keep, lags=8):
    weights = keep ** np.arange(lags)
    return np.convolve(spend, weights / weights.sum())[: len(spend)]


def _logistic(level, steepness):
    return (1 - np.exp(-steepness * level)) / (1 + np.exp(-steepness * level))
