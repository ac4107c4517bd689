"""Geo experiments: where and when spend was changed on purpose, what that truly did, and what was measured."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pma.simulation.channels import CHANNEL_NAMES, UPLOADS
from pma.simulation.draws import generator, ranked
from pma.simulation.settings import SimulationSettings
from pma.simulation.structure import Structure

WEEKS = 4
# Deviation of the measured lift: a share of the truth, and a share of what the test's country makes anyway.
RELATIVE_ERROR, ABSOLUTE_ERROR = 0.2, 0.004
CHANGES = (-1.0, 0.5, 0.75, 1.0)


def plan_tests(settings: SimulationSettings, planned: np.ndarray) -> pd.DataFrame:
    """Choose `settings.lift_tests` experiments: test_id, country, channel, first_week (place), change (share).

    A test changes the spend of one channel in one country for four weeks in which it runs; no channel of a country is
    tested twice. `planned`, (countries, channels, weeks), is spend without tests. Fewer where not so many are possible.
    """
    columns = ["test_id", "country", "channel", "first_week", "change"]
    pairs = {f"{country}/{channel}": (country, channel) for country in settings.countries for channel in CHANNEL_NAMES}
    rows: list[tuple[object, ...]] = []
    for name in ranked(settings.seed, "lift", tuple(pairs)):
        country, channel = pairs[name]
        weekly = planned[settings.countries.index(country), CHANNEL_NAMES.index(channel)]
        # A week that the end of the data cuts is no week of a test.
        whole = settings.weeks if settings.last_day.weekday() == 6 else settings.weeks - 1
        runs = np.convolve(weekly[:whole] > 0, np.ones(WEEKS), mode="valid") == WEEKS
        # Carry-over of a channel that has only just started would make the test one of the start.
        possible = np.flatnonzero(runs[settings.weeks // 3 :]) + settings.weeks // 3
        if len(rows) == settings.lift_tests:
            break
        if len(possible) == 0 or channel == "tv":
            continue
        rng = generator(settings.seed, "lift", country, channel)
        first = int(rng.choice(possible))
        rows.append((f"lift_{country}_{channel}", country, channel, first, float(rng.choice(CHANGES))))
    return pd.DataFrame(rows, columns=columns)


def with_tests(settings: SimulationSettings, planned: np.ndarray, tests: pd.DataFrame) -> np.ndarray:
    """Return planned spend with the changes of the tests in it; (countries, channels, weeks)."""
    changed = planned.copy()
    for test in tests.to_dict("records"):
        i, c = settings.countries.index(test["country"]), CHANNEL_NAMES.index(test["channel"])
        changed[i, c, test["first_week"] : test["first_week"] + WEEKS] *= 1 + test["change"]
    return changed


def measure_tests(
    settings: SimulationSettings, structure: Structure, planned: np.ndarray, tests: pd.DataFrame
) -> pd.DataFrame:
    """Return one row per test and target: the columns of `lift_tests.csv`, and `truth`, the true lift.

    The truth is what the country's uploads or gmv in the four weeks are more than without the change of spend, all else
    equal: adstock carries over within the test, what comes after it does not count, and gmv has both the buyers and the
    sellers that the change brought. `gmv` is that of the test's country.
    """
    rows = []
    for test in tests.to_dict("records"):
        i, c = settings.countries.index(test["country"]), CHANNEL_NAMES.index(test["channel"])
        window = slice(test["first_week"], test["first_week"] + WEEKS)
        without = structure.spend.copy()
        without[i, c, window] = planned[i, c, window]
        before, after = structure.with_spend(without), structure
        usual = float(planned[i, c, window].sum())
        change = float(structure.spend[i, c, window].sum()) - usual
        for target in (UPLOADS, "gmv"):
            series = (before.uploads(), after.uploads()) if target == UPLOADS else (before.gmv(), after.gmv())
            base, truth = float(series[0][i, window].sum()), float((series[1] - series[0])[i, window].sum())
            error = RELATIVE_ERROR * abs(truth) + ABSOLUTE_ERROR * base
            noise = generator(settings.seed, "lift error", test["test_id"], target).normal(0, error)
            rows.append((test, target, usual, change, truth + noise, error, truth))
    starts = [structure.weeks[test["first_week"]] for test, *_ in rows]
    return pd.DataFrame(
        {
            "test_id": [test["test_id"] for test, *_ in rows],
            "target": [target for _, target, *_ in rows],
            "country": [test["country"] for test, *_ in rows],
            "channel": [test["channel"] for test, *_ in rows],
            "starts_on": starts,
            "ends_on": [start + pd.Timedelta(days=7 * WEEKS - 1) for start in starts],
            "spend": [round(row[2], 2) for row in rows],
            "spend_change": [round(row[3], 2) for row in rows],
            "lift": [round(row[4], 3) for row in rows],
            "standard_error": [max(round(row[5], 3), 0.001) for row in rows],
            "truth": [row[6] for row in rows],
        }
    )
