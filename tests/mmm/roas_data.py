"""pymc-marketing's data with a hidden confounder, and the equations that its columns were made by, as lift tests."""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.mmm.tested_world import COLUMNS

FILE = Path(__file__).parents[3] / "shared" / "data" / "mmm" / "mmm_roas_data.csv"
CHANNELS = ("x1", "x2")
LAGS, AMPLITUDE = 4, 100.0
KEEP, STEEPNESS, BETA = {"x1": 0.3, "x2": 0.5}, {"x1": 1.0, "x2": 2.5}, {"x1": 2.0, "x2": 1.5}


def read():
    """The file with the Monday of each week."""
    frame = pd.read_csv(FILE, parse_dates=["date"])
    return frame.assign(week_start=frame["date"] - pd.Timedelta(days=5))


def rows_of(frame):
    """Rows of bl.mmm_input: spend and target, and nothing of the confounder."""
    parts = [("sales", "target", "y"), *((name, "paid", name) for name in CHANNELS)]
    frames = [
        pd.DataFrame(
            {"week_start": frame["week_start"].dt.date, "variable": name, "role": role, "value": frame[column]}
        )
        for name, role, column in parts
    ]
    return pd.concat(frames, ignore_index=True).assign(geo_level="country", geo="US", is_complete_week=True)


def true_roas(frame):
    """What y has more than its counterfactual without the channel, per money: as pymc-marketing's example has it."""
    return pd.Series({name: (frame["y"] - frame[f"y0{name[1]}"]).sum() / frame[name].sum() for name in CHANNELS})


def effect(name, spend):
    """Weekly contribution by the equations of the file."""
    weights = KEEP[name] ** np.arange(LAGS)
    level = np.convolve(spend, weights / weights.sum())[: len(spend)]
    return AMPLITUDE * BETA[name] * np.tanh(STEEPNESS[name] * level / 2)


def lift_tests(frame, first, weeks, kept, error, seed):
    """A test per channel, from week `first` on: spend was what it is, without the test `kept` of it.

    The lift is the truth with a normal error of `error` of it.
    """
    random = np.random.default_rng(seed)
    found = []
    for name in CHANNELS:
        window = slice(first, first + weeks)
        spend = frame[name].to_numpy()
        without = spend.copy()
        without[window] *= kept
        truth = (effect(name, spend) - effect(name, without))[window].sum()
        start = frame["week_start"].iloc[first]
        days = (start.date(), (start + pd.Timedelta(days=7 * weeks - 1)).date())
        usual, deviation = without[window].sum(), error * truth
        lift = truth + deviation * random.standard_normal()
        found.append((f"{name} test", "sales", "US", name, *days, usual, spend[window].sum() - usual, lift, deviation))
    return pd.DataFrame(found, columns=list(COLUMNS))
