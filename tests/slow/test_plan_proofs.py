"""The monthly plan against brute force, its certificate at full size, and its sums on a thousand requests."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pma.planning.budget import best_plan
from pma.planning.limits import limits
from pma.planning.settings import SearchSettings
from tests.planning.plan_world import money_today, world
from tests.planning.random_requests import broken, random_request
from tests.planning.test_budget import brute_force, plan_of

pytestmark = [pytest.mark.slow, pytest.mark.recovery]
# Mean slopes of Hill's curves; up to 0.8 they bend down everywhere.
CONCAVE, S_SHAPED = (0.6, 0.8), (1.0, 1.3, 1.8, 2.4)
SMALL, LOSS = range(5), 1e-3
GAPS = {"concave": 1e-3, "S-shaped": 1e-2}
REQUESTS = 1000


@pytest.mark.timeout(900)
def test_small_problems_are_solved_as_well_as_by_brute_force(judge):
    """Three countries by three channels; brute force: dynamic programming on 400 parts of the money."""
    rows = []
    for slope in (*CONCAVE, *S_SHAPED):
        for seed in SMALL:
            for times in (0.3, 1.0):
                made = world(slope=slope, seed=seed)
                total = round(times * float(money_today(made).sum()), 2)
                plan = plan_of(made, budget=total)[2]
                shape = "concave" if made.is_concave else "S-shaped"
                rows.append((shape, 1 - plan.value / brute_force(made, total), plan.gap))
    found = pd.DataFrame(rows, columns=["shape", "loss", "gap"])
    print(found.groupby("shape")[["loss", "gap"]].max().to_string(), flush=True)
    judge(
        *(
            (f"3 x 3 against brute force, {len(of)} problems, {shape}: worst loss", f"{LOSS:.1%}",
             f"{max(of['loss'].max(), 0.0):.3%}", of["loss"].max() <= LOSS)
            for shape, of in found.groupby("shape")
        )
    )  # fmt: skip


@pytest.mark.timeout(1800)
def test_the_certificate_at_full_size(judge):
    """Ten countries by twelve channels, 200 draws, two targets."""
    lines = []
    for shape, slope in (("concave", 0.6), ("S-shaped", 1.3), ("S-shaped", 1.8)):
        made = world(countries=10, channels=12, draws=200, slope=slope, targets=("gmv", "uploads"))
        assert made.is_concave == (shape == "concave")
        for change in (None, 0.5):
            started = time.perf_counter()
            plan = plan_of(made, max_change=change)[2]
            told = f"{plan.gap:.3%}, {time.perf_counter() - started:.0f} s"
            limit = "no limit" if change is None else f"{change:.0%} from today"
            lines.append((f"certificate, 10 x 12, {shape}, slopes about {slope}, {limit}: gap", f"{GAPS[shape]:.1%}",
                          told, plan.gap <= GAPS[shape]))  # fmt: skip
            print(*lines[-1], flush=True)
    judge(*lines)


@pytest.mark.timeout(1800)
def test_sums_and_limits_of_a_thousand_requests_hold_to_the_cent(judge):
    seen = []

    @settings(max_examples=REQUESTS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 10**9))
    def holds(seed):
        request = random_request(seed)
        today = money_today(request.made)
        keeps = limits(request.made.cells, request.made.horizon.months, today, request.asked)
        plan = best_plan(request.made, keeps, today, request.asked, SearchSettings(rounds=5))
        cents = np.rint(plan.money * 100).astype(np.int64)
        totals = [round(request.asked.budget[f"{month:%Y-%m}"] * 100) for month in request.made.horizon.months]
        assert broken(request, keeps, plan.steps) == []
        assert cents.sum(axis=0).tolist() == totals and (cents % round(request.step * 100) == 0).all()
        seen.append(seed)

    holds()
    judge(("sums of months and limits to the cent, by equality: random requests", f"{REQUESTS} of {REQUESTS}",
           f"{len(seen)}", len(seen) >= REQUESTS))  # fmt: skip
