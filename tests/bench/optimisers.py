"""The plan of one country's month beside pymc-marketing's budget optimiser: same curves, money and limits, on one core.

February 2027 has four whole weeks, begins on a Monday, and nothing was spent before it: both spread a channel's money
evenly over four weeks and count what carries over after them. That they mean the same is checked for every case, draw
by draw. What the plans are worth is told by a third function, `worth_of`.
"""

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pymc_marketing.mmm import MMM, GeometricAdstock, HillSaturation
from pymc_marketing.mmm.budget_optimizer import BudgetOptimizer
from pymc_marketing.mmm.scaling import FixedScaling, Scaling
from threadpoolctl import threadpool_limits

from pma.media.kernels import SATURATIONS
from pma.media.transforms import adstock_weights
from pma.planning.budget import Plan, best_plan
from pma.planning.limits import limits
from pma.planning.response import Responses, horizon
from pma.planning.settings import PlanSettings, SearchSettings

FIRST, WEEKS, LAGS = date(2027, 2, 1), 4, 8
CHANNELS, DRAWS = 12, 500
NAMES = [f"channel_{c:02}" for c in range(CHANNELS)]
REPEATS, STARTS = 3, 8
CASES = [
    (form, slope, max_change) for form, slope in (("concave", 0.85), ("S-shaped", 1.8)) for max_change in (None, 0.5)
]


@dataclass(frozen=True)
class World:
    """Curves of channels: usual money a week and today's money a month, (C,); the rest by draw, (D, C)."""

    usual: np.ndarray
    today: np.ndarray
    retention: np.ndarray
    half: np.ndarray
    slope: np.ndarray
    height: np.ndarray


def world_of(slope: float, seed: int = 0) -> World:
    """Draws around curves that differ by channel; slopes stay on their side of 1."""
    random = np.random.default_rng(seed)
    usual = np.round(1000 * np.exp(random.normal(0, 0.8, CHANNELS)), 2)
    today = np.round(WEEKS * usual * random.uniform(0.6, 1.4, CHANNELS), 2)
    half = np.exp(random.normal(0.2, 0.4, CHANNELS) + 0.2 * random.normal(size=(DRAWS, CHANNELS)))
    height = usual * np.exp(random.normal(1.2, 0.4, CHANNELS) + 0.2 * random.normal(size=(DRAWS, CHANNELS)))
    steep = slope + random.uniform(-0.1, 0.1, CHANNELS) + 0.1 * random.normal(size=(DRAWS, CHANNELS))
    least, most = (0.5, 1.0) if slope <= 1 else (1.1, 3.0)
    retention = random.uniform(0.1, 0.6, CHANNELS) + 0.05 * random.normal(size=(DRAWS, CHANNELS))
    return World(usual, today, np.clip(retention, 0.02, 0.9), half, np.clip(steep, least, most), height)


def worth_of(world: World, money: np.ndarray) -> np.ndarray:
    """What a month's money, (C,), brings by draw, (D,): adstock and Hill's curve week by week."""
    left = world.retention[..., None] ** np.arange(LAGS)
    left /= left.sum(axis=-1, keepdims=True)
    found = np.zeros(DRAWS)
    for week in range(WEEKS + LAGS):
        lags = [lag for lag in range(LAGS) if 0 <= week - lag < WEEKS]
        level = (money / WEEKS / world.usual * left[..., lags].sum(axis=-1)) ** world.slope
        found += (world.height * level / (level + world.half**world.slope)).sum(axis=1)
    return found


def responses_of(world: World) -> Responses:
    """The curves as our plan has them."""
    over = horizon(FIRST, 1, LAGS)
    cells = pd.DataFrame({"country": "DE", "channel": NAMES})
    half, slope, height = (np.ascontiguousarray(one.T) for one in (world.half, world.slope, world.height))
    return Responses(
        horizon=over,
        cells=cells,
        part=cells.assign(target="gmv", cell=np.arange(CHANNELS)),
        weights=adstock_weights("geometric", world.retention.T, np.ones((CHANNELS, DRAWS)), LAGS),
        kind=np.full(CHANNELS, SATURATIONS["hill"], dtype=np.int64),
        usual=world.usual,
        first=half,
        second=slope,
        coefficient=height,
        spent=np.zeros((CHANNELS, len(over.weeks))),
        worth=np.ones((CHANNELS, DRAWS)),
    )


def ours(made: Responses, today: np.ndarray, max_change: float | None) -> Plan:
    """Our plan of today's total, at the usual settings but for the change that is allowed."""
    asked, now = PlanSettings(max_change=max_change), today[:, None]
    keeps = limits(made.cells, made.horizon.months, now, asked)
    return best_plan(made, keeps, now, asked, SearchSettings())


def model_of(world: World) -> MMM:
    """pymc-marketing's model whose posterior is the draws; its data end in weeks without spend, which carry nothing."""
    target = 1000.0
    mmm = MMM(
        date_column="week",
        channel_columns=NAMES,
        target_column="target",
        adstock=GeometricAdstock(l_max=LAGS, normalize=True),
        saturation=HillSaturation(),
        scaling=Scaling(
            target=FixedScaling(dims=(), value=target),
            channel=FixedScaling(dims=(), value=dict(zip(NAMES, map(float, world.usual), strict=True))),
        ),
    )
    weeks = pd.date_range(end=FIRST - timedelta(weeks=1), periods=3 * LAGS, freq="W-MON")
    spend = np.where(np.arange(len(weeks))[:, None] < 2 * LAGS, world.usual, 0.0)
    rows = pd.DataFrame(spend, columns=NAMES).assign(week=weeks)
    mmm.build_model(rows, pd.Series(np.full(len(weeks), target), name="target"))
    draws = {
        "adstock_alpha": world.retention,
        "saturation_kappa": world.half,
        "saturation_slope": world.slope,
        "saturation_beta": world.height / target,
    }
    posterior = xr.Dataset(
        {name: (("chain", "draw", "channel"), values[None]) for name, values in draws.items()},
        coords={"chain": [0], "draw": np.arange(DRAWS), "channel": NAMES},
    )
    mmm.idata = xr.DataTree.from_dict({"posterior": posterior})
    return mmm


def by_week(money: np.ndarray) -> xr.DataArray:
    """A month's money as pymc-marketing has it: of each channel, a week."""
    return xr.DataArray(money / WEEKS, dims="channel", coords={"channel": NAMES})


def compiled(mmm: MMM) -> BudgetOptimizer:
    """pymc-marketing's optimiser of the month, ready to be called."""
    optimiser = mmm.budget_optimizer(FIRST.isoformat(), (FIRST + timedelta(weeks=WEEKS - 1)).isoformat())
    # What is compiled at the first call is compiled before the clock of the search.
    optimiser.evaluate_plan(by_week(np.ones(CHANNELS)), total_budget=1.0)
    return optimiser


def theirs(
    optimiser: BudgetOptimizer, today: np.ndarray, max_change: float | None, start: np.ndarray | None = None
) -> np.ndarray:
    """pymc-marketing's plan of today's total, at its usual settings; (C,)."""
    total, change = float(today.sum()), np.inf if max_change is None else max_change
    low, high = np.maximum(1 - change, 0.0) * today, np.minimum(total, (1 + change) * today)
    bounds = {name: (low[c] / WEEKS, high[c] / WEEKS) for c, name in enumerate(NAMES)}
    first = None if start is None else by_week(start)
    found = optimiser.allocate_budget(total / WEEKS, bounds, first)
    money: np.ndarray = found.budgets.sel(channel=NAMES).to_numpy() * WEEKS
    return money


def check_same(world: World, made: Responses, optimiser: BudgetOptimizer) -> None:
    """Raise AssertionError where the three ways to tell what money brings differ for a draw of any of four plans."""
    half_off = np.where(np.arange(CHANNELS) % 2, 2.0, 0.0)
    for factor in (np.ones(CHANNELS), np.full(CHANNELS, 0.03), np.linspace(0.2, 4.0, CHANNELS), half_off):
        money = factor * world.today
        expected = worth_of(world, money)
        their_draws = optimiser.evaluate_response_distribution(by_week(money)).to_numpy()
        np.testing.assert_allclose(made.objective(money[:, None]), expected, rtol=1e-6)
        np.testing.assert_allclose(their_draws, expected, rtol=1e-6)


def timed(work: Callable[[], Any], repeats: int = 1) -> tuple[Any, float, float]:
    """What work gives, and the medians of its CPU and wall seconds."""
    seconds = []
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        found = work()
        seconds.append((time.process_time() - cpu, time.perf_counter() - wall))
    return found, median(cpu for cpu, _ in seconds), median(wall for _, wall in seconds)


def measured(slope: float, max_change: float | None) -> tuple[dict[str, tuple], float]:
    """By planner: what its plan is worth, seconds to compile (CPU), and to search (CPU, wall); and our plan's gap."""
    world = world_of(slope)
    made, random = responses_of(world), np.random.default_rng(1)
    optimiser, building, _ = timed(lambda mmm=model_of(world): compiled(mmm))
    check_same(world, made, optimiser)
    total = world.today.sum()
    # A copy each time: what one run keeps of the curves is not given to the next.
    plan, *search = timed(lambda: ours(replace(made), world.today, max_change), REPEATS)
    usual, *usual_search = timed(lambda: theirs(optimiser, world.today, max_change), REPEATS)
    starts = [world.today, *(total * random.dirichlet(np.ones(CHANNELS), STARTS))]
    many, *many_search = timed(lambda: [theirs(optimiser, world.today, max_change, one) for one in starts])
    money = plan.money[:, 0]
    for one in (money, usual):
        np.testing.assert_allclose(one.sum(), total, rtol=1e-9)

    def worth(one: np.ndarray) -> float:
        return float(worth_of(world, one).mean())

    best = max([usual, *many], key=worth)
    in_all = [one + more for one, more in zip(many_search, usual_search, strict=True)]
    return {
        "today": (worth(world.today), None, None, None),
        "pymc-marketing": (worth(usual), building, *usual_search),
        f"the same, best of {len(starts) + 1} starts": (worth(best), building, *in_all),
        "pma": (worth(money), None, *search),
    }, plan.gap


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    # What is compiled once and kept on disk is no part of a plan.
    for slope in (0.85, 1.8):
        world = world_of(slope, seed=1)
        ours(responses_of(world), world.today, None)
    print(f"\nOne country, {CHANNELS} channels, a month of {WEEKS} weeks, {DRAWS} draws, one core; seconds are medians\n")
    print("| curves | change | plan by | worth | pma is worth more by, % | compile, CPU s | search, CPU s | wall s |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    told = []
    for form, slope, max_change in CASES:
        change = "any" if max_change is None else f"{max_change:.0%}"
        found, gap = measured(slope, max_change)
        our_worth, _, our_cpu, our_wall = found["pma"]
        for name, (worth, *seconds) in found.items():
            more = "" if name == "pma" else f"{100 * (our_worth / worth - 1):+.5f}"
            numbers = " | ".join("" if one is None else f"{one:.3f}" for one in seconds)
            print(f"| {form} | {change} | {name} | {worth:,.1f} | {more} | {numbers} |", flush=True)
        worth, building, cpu, wall = found["pymc-marketing"]
        holds = "at least as high" if our_worth >= worth * (1 - 1e-6) else "LOWER"
        told.append(
            f"{form}, {change} change: pma's worth {holds}, {100 * gap:.4f} % below the bound at the most; "
            f"pymc-marketing takes {cpu / our_cpu:.1f} times its CPU ({wall / our_wall:.1f} times its wall) seconds, "
            f"{(building + cpu) / our_cpu:.0f} times with compilation"
        )
    print("\n" + "\n".join(told))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
