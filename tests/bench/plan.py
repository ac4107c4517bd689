"""The monthly plan by size, each in a process of its own on one core: seconds, proof, memory, and the growth of cost.

Curves are Hill's, half of them S-shaped, with geometric adstock of eight lags; seconds are from curves in memory to
whole cents. What is compiled is compiled before.
"""

import os
import resource
import sys
import time
from datetime import date
from multiprocessing import get_context

import numpy as np
import pandas as pd

from pma.media.kernels import SATURATIONS
from pma.media.transforms import adstock_weights
from pma.planning.budget import best_plan
from pma.planning.limits import limits
from pma.planning.response import Responses, horizon
from pma.planning.settings import PlanSettings, SearchSettings
from pma.planning.warm import main as warm

LAGS = 8
# Countries, channels, months, draws, and how far a cell may be from today.
SIZES = (
    (10, 12, 1, 500, 0.5),
    (10, 12, 1, 500, None),
    (60, 12, 3, 500, 0.5),
    (60, 12, 3, 500, None),
    (200, 20, 12, 500, 0.5),
)
# Ways to be careful: the worst fifth of draws, and what comes with 90 %.
CAREFUL = ((SIZES[0], {"risk": 0.2}), (SIZES[0], {"quantile": 0.1}), (SIZES[2], {"risk": 0.2}))
GROWTH = ((10, 12, 3, 500, 0.5), (30, 12, 3, 500, 0.5), (100, 12, 3, 500, 0.5), (300, 12, 3, 500, 0.5))


def made_up(countries: int, channels: int, months: int, draws: int) -> tuple[Responses, np.ndarray]:
    """The curves of a made-up company, and what a month like today costs, (C, M)."""
    random = np.random.default_rng(1)
    cells = countries * channels
    usual = 1000.0 * np.exp(random.normal(0, 0.5, cells))
    over = horizon(date(2027, 2, 1), months, LAGS)

    def around(middle: np.ndarray, spread: float) -> np.ndarray:
        return np.ascontiguousarray(middle[:, None] * np.exp(spread * random.normal(size=(cells, draws))))

    retention = np.clip(around(random.uniform(0.1, 0.5, cells), 0.1), 0.01, 0.9).ravel()
    names = [(f"C{i}", f"channel {c}") for i in range(countries) for c in range(channels)]
    spent = np.zeros((cells, len(over.weeks)))
    spent[:, : over.before] = usual[:, None]
    made = Responses(
        horizon=over,
        cells=pd.DataFrame(names, columns=["country", "channel"]),
        part=pd.DataFrame({"cell": np.arange(cells), "target": "gmv"}),
        weights=adstock_weights("geometric", retention, retention, LAGS).reshape(cells, draws, LAGS),
        kind=np.full(cells, SATURATIONS["hill"]),
        usual=usual,
        first=around(np.exp(random.normal(0.2, 0.4, cells)), 0.1),
        second=around(random.uniform(0.8, 1.3, cells), 0.05),
        coefficient=around(usual * np.exp(random.normal(1.2, 0.4, cells)), 0.1),
        spent=spent,
        worth=np.ones((cells, draws)),
    )
    days = np.array([pd.Timestamp(month).days_in_month for month in over.months])
    return made, usual[:, None] * days / 7


def measured(given: tuple[tuple[int, int, int, int, float | None], dict[str, float]]) -> dict[str, float]:
    """Seconds, gap and gain of one plan; memory of the process, MiB, and of that what the curves take.

    `given`: a size, and other settings of the plan.
    """
    size, asked = given
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    warm()
    *of_world, change = size
    made, today = made_up(*of_world)
    held = sum(getattr(made, name).nbytes for name in ("weights", "first", "second", "coefficient", "spent", "worth"))
    wants = PlanSettings.model_validate({"max_change": change, "months": of_world[2], **asked})
    started = time.perf_counter()
    keeps = limits(made.cells, made.horizon.months, today, wants)
    plan = best_plan(made, keeps, today, wants, SearchSettings())
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "gap": plan.gap,
        "gain": float(plan.worth.mean() / made.objective(today).mean()) - 1,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
        "curves": held / 2**20,
    }


def main() -> None:
    """Print the tables."""
    sizes = [(size, {}) for size in SIZES + GROWTH] + [*CAREFUL]
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        every = list(pool.imap(measured, sizes, chunksize=1))
    found = dict(zip(SIZES + GROWTH, every, strict=False))
    print("\nThe monthly plan on one core\n")
    print("| countries x channels x months x draws | from today | s | gap | gain | memory, MiB | its curves |")
    print("|---|---|---|---|---|---|---|")
    for size in SIZES:
        one, change = found[size], "free" if size[4] is None else f"+-{size[4]:.0%}"
        print(f"| {' x '.join(map(str, size[:4]))} | {change} | {one['seconds']:.1f} | {one['gap']:.3%} |", end="")
        print(f" {one['gain']:.1%} | {one['memory']:.0f} | {one['curves']:.0f} |")
    for (size, asked), one in zip(CAREFUL, every[-len(CAREFUL) :], strict=True):
        told = f"{one['seconds']:.1f} s, gap {one['gap']:.3%}, gain of the mean {one['gain']:.1%}"
        print(f"{' x '.join(map(str, size[:4]))}, {asked}: {told}")
    cells = np.array([size[0] * size[1] for size in GROWTH])
    seconds = np.array([found[size]["seconds"] for size in GROWTH])
    exponent = np.polyfit(np.log(cells), np.log(seconds), 1)[0]
    told = ", ".join(f"{c:,}: {s:.1f} s" for c, s in zip(cells, seconds, strict=True))
    print(f"\nCells, three months: {told}; cost grows with cells to the power of {exponent:.2f}")


if __name__ == "__main__":
    sys.exit(main())
