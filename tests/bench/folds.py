"""What one fold of the cross-validation costs, in CPU seconds of one core, and what large selections cost by that.

Also what the driver holds of 200 geos: the list of tasks, and the geos' data once, packed.
"""

import resource
import time

import pandas as pd

from pma.mmm.fold_tasks import make_fold_tasks
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings
from pma.mmm.validation import score_fold
from pma.mmm.validation_settings import ValidationSettings
from tests.mmm.media_world import media_world

CHANNELS = 12
CORES = 64
NO_READINESS = pd.DataFrame(columns=["geo_level", "geo", "variable", "check", "severity", "detail", "fix"])
FIT = FitSettings(targets=("uploads",))
# Geos, candidates and folds of one target.
SIZES = ((10, 8, 6), (60, 8, 6), (200, 8, 6), (200, 50, 10))


def costs(rows: pd.DataFrame, room: MmmSettings) -> pd.Series:
    """CPU seconds of a fold of each candidate, the last fold, after one that is not counted."""
    tasks = make_fold_tasks(rows, NO_READINESS, room)
    last = tasks.tasks[tasks.tasks["fold"] == tasks.tasks["fold"].max()]
    score_fold(last.iloc[:1], tasks.panels, room)
    seconds = {}
    for place in range(len(last)):
        started = time.process_time()
        score_fold(last.iloc[[place]], tasks.panels, room)
        seconds[last["candidate"].iloc[place]] = time.process_time() - started
    return pd.Series(seconds)


def driver(rows: pd.DataFrame, geos: int, candidates: int, folds: int) -> str:
    """What the list of tasks takes of the driver."""
    grid = {"media": {"half": {"mu": [step / 100 for step in range(candidates)], "sigma": [0.5]}}}
    grid["media"]["half"]["family"] = ["log_normal"]
    validation = ValidationSettings(grid=grid, folds=folds, step_weeks=6, horizon_weeks=6)
    room = MmmSettings(fit=FIT, validation=validation)
    many = pd.concat([rows.assign(geo=f"geo {number:03d}") for number in range(geos)], ignore_index=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    tasks = make_fold_tasks(many, NO_READINESS, room)
    took = time.process_time() - started
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**10
    packed = sum(map(len, tasks.panels.values())) / 2**20
    listed = tasks.tasks.memory_usage(deep=True).sum() / 2**20
    return (
        f"{len(tasks.tasks):,} tasks of {geos} geos: listed in {took:.0f} s, {listed:.0f} MiB; the geos' data, which a "
        f"worker gets once, {packed:.1f} MiB; the driver grew by {grown:.0f} MiB at most"
    )


def main() -> None:
    """Print the tables."""
    rows = media_world(channels=CHANNELS).rows.assign(data_origin="a bench", unit="count")
    room = MmmSettings(fit=FIT)
    found = costs(rows, room)
    models = found.drop("seasonal_naive")
    fit = room.validation.fit
    print(
        f"\nOne fold, 156 weeks x {CHANNELS} channels, {fit.chains} x ({fit.tune} + {fit.draws}) draws, CPU seconds\n"
    )
    print(found.round(2).to_string())
    print(f"\nAt {models.mean():.2f} CPU seconds a fold, one target\n")
    print(f"| geos | candidates | folds | tasks | CPU hours | minutes on {CORES} cores |\n|---|---|---|---|---|---|")
    for geos, candidates, folds in SIZES:
        tasks = geos * candidates * folds
        hours = tasks * models.mean() / 3600
        print(f"| {geos} | {candidates} | {folds} | {tasks:,} | {hours:.1f} | {60 * hours / CORES:.1f} |")
    print(f"\n{driver(rows, *SIZES[-1])}")


if __name__ == "__main__":
    main()
