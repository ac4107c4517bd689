"""The plan of one country's month beside pymc-marketing's budget optimiser: same curves, money and limits, on one core.

February 2027 has four whole weeks, begins on a Monday, and nothing was spent before it: both spread a channel's money
evenly over four weeks and count what carries over after them. That they mean the same is checked for every world, draw
by draw. What the plans are worth is told by a third function, `worth_of`. Seconds are of the first world.
"""

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
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
# pymc-marketing's units: of money a week, and of what it brings.
MONEY, TARGET = 1000.0, 500.0
REPEATS, STARTS, WORLDS = 3, 8, 10
FORMS = {"concave": 0.85, "S-shaped": 1.8}
CHANGES = {"any": None, "50%": 0.5}
# Plans whose worth differs by no more than this share are worth the same.
SAME = 1e-6


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


def posterior_of(world: World) -> xr.DataTree:
    """The draws as pymc-marketing has them."""
    draws = {
        "adstock_alpha": world.retention,
        "saturation_kappa": world.half * world.usual / MONEY,
        "saturation_slope": world.slope,
        "saturation_beta": world.height / TARGET,
    }
    posterior = xr.Dataset(
        {name: (("chain", "draw", "channel"), values[None]) for name, values in draws.items()},
        coords={"chain": [0], "draw": np.arange(DRAWS), "channel": NAMES},
    )
    return xr.DataTree.from_dict({"posterior": posterior})


def model_of(world: World) -> MMM:
    """pymc-marketing's model whose posterior is the draws; its data end in weeks without spend, which carry nothing."""
    mmm = MMM(
        date_column="week",
        channel_columns=NAMES,
        target_column="target",
        adstock=GeometricAdstock(l_max=LAGS, normalize=True),
        saturation=HillSaturation(),
        scaling=Scaling(target=FixedScaling(dims=(), value=TARGET), channel=FixedScaling(dims=(), value=MONEY)),
    )
    weeks = pd.date_range(end=FIRST - timedelta(weeks=1), periods=3 * LAGS, freq="W-MON")
    spend = np.where(np.arange(len(weeks))[:, None] < 2 * LAGS, world.usual, 0.0)
    mmm.build_model(
        pd.DataFrame(spend, columns=NAMES).assign(week=weeks), pd.Series(np.full(len(weeks), TARGET), name="target")
    )
    mmm.idata = posterior_of(world)
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


def worth(world: World, money: np.ndarray) -> float:
    """The mean of draws."""
    return float(worth_of(world, money).mean())


def measured(world: World, optimiser: BudgetOptimizer, max_change: float | None) -> tuple[dict[str, tuple], float]:
    """By planner: what its plan is worth, and seconds of its search, CPU and wall; and how near ours is to the best."""
    made, today, random = responses_of(world), world.today, np.random.default_rng(1)
    # A copy each time: what one run keeps of the curves is not given to the next.
    plan, *search = timed(lambda: ours(replace(made), today, max_change), REPEATS)
    usual, *usual_search = timed(lambda: theirs(optimiser, today, max_change), REPEATS)
    starts = [today, *(today.sum() * random.dirichlet(np.ones(CHANNELS), STARTS))]
    many, *many_search = timed(lambda: [theirs(optimiser, today, max_change, one) for one in starts])
    best = max(worth(world, one) for one in (usual, *many))
    in_all = [one + more for one, more in zip(many_search, usual_search, strict=True)]
    return {
        "today": (worth(world, today), None, None),
        "pymc-marketing": (worth(world, usual), *usual_search),
        f"the same, best of {len(starts) + 1} starts": (best, *in_all),
        "pma": (worth(world, plan.money[:, 0]), *search),
    }, plan.gap


def ahead(slope: float, optimiser: BudgetOptimizer) -> dict[str, np.ndarray]:
    """By allowed change: by how much ours is worth more than theirs, as a share, world by world."""
    found: dict[str, list[float]] = {name: [] for name in CHANGES}
    for seed in range(WORLDS):
        world = world_of(slope, seed)
        made, total = responses_of(world), world.today.sum()
        optimiser.set_posterior(posterior_of(world))
        check_same(world, made, optimiser)
        for name, max_change in CHANGES.items():
            plans = ours(made, world.today, max_change).money[:, 0], theirs(optimiser, world.today, max_change)
            for one in plans:
                np.testing.assert_allclose(one.sum(), total, rtol=1e-9)
            our_worth, their_worth = (worth(world, one) for one in plans)
            found[name].append(our_worth / their_worth - 1)
    return {name: np.array(values) for name, values in found.items()}


def first_world(form: str, optimiser: BudgetOptimizer, building: float) -> list[str]:
    """Print the rows of the first world of a form of curves; return what they say of time."""
    world, said = world_of(FORMS[form]), []
    check_same(world, responses_of(world), optimiser)
    for change, max_change in CHANGES.items():
        found, gap = measured(world, optimiser, max_change)
        our_worth, our_cpu, our_wall = found["pma"]
        for name, (of_plan, *seconds) in found.items():
            more = "" if name == "pma" else f"{100 * (our_worth / of_plan - 1):+.4f}"
            numbers = " | ".join("" if one is None else f"{one:.3f}" for one in seconds)
            print(f"| {form} | {change} | {name} | {of_plan:,.1f} | {more} | {numbers} |", flush=True)
        _, cpu, wall = found["pymc-marketing"]
        said.append(
            f"| {form} | {change} | {cpu / our_cpu:.1f} | {wall / our_wall:.1f} | {building:.1f} | "
            f"{(building + cpu) / our_cpu:.0f} | {100 * gap:.4f} |"
        )
    return said


def main() -> None:
    """Print the tables."""
    warnings.simplefilter("ignore")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    # What is compiled once and kept on disk is no part of a plan.
    for slope in FORMS.values():
        world = world_of(slope, seed=WORLDS)
        ours(responses_of(world), world.today, None)
    print(f"\nOne country, {CHANNELS} channels, a month of {WEEKS} weeks, {DRAWS} draws; one core, median seconds\n")
    print("| curves | change | plan by | worth | pma is worth more by, % | search, CPU s | wall s |")
    print("|---|---|---|---|---|---|---|", flush=True)
    said, optimisers = [], {}
    for form, slope in FORMS.items():
        optimisers[form] = compiled(model_of(world_of(slope)))
        # The draws are constants of what it compiles, and it keeps that on disk: draws that no run had before.
        _, building, _ = timed(partial(compiled, model_of(world_of(slope, time.time_ns() % 2**32))))
        said += first_world(form, optimisers[form], building)
    print("\nTimes that pymc-marketing takes of our seconds; how far our plan is from the best at most\n")
    print("| curves | change | CPU | wall | it compiles new draws, CPU s | CPU with that | pma's gap, % |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(said))
    print(f"\n{WORLDS} worlds: by how much pma's plan is worth more than pymc-marketing's, %\n")
    print("| curves | change | as much or more, worlds | least | median | most |")
    print("|---|---|---|---|---|---|", flush=True)
    for form, slope in FORMS.items():
        for change, more in ahead(slope, optimisers[form]).items():
            numbers = " | ".join(f"{100 * one:+.5f}" for one in (more.min(), np.median(more), more.max()))
            print(f"| {form} | {change} | {(more >= -SAME).sum()} of {WORLDS} | {numbers} |", flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
