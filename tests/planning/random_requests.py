"""Requests of all kinds that some plan in whole steps keeps to: it was drawn first, and the limits around it."""

from dataclasses import dataclass

import numpy as np

from pma.planning.settings import Limit, PlanSettings
from tests.planning.plan_world import money_today, world

STEPS = ("0.01", "1", "10", "100")


@dataclass(frozen=True)
class Request:
    """What is asked, and of which responses; steps: a plan that keeps to it, (C, M)."""

    made: object
    asked: PlanSettings
    steps: np.ndarray

    @property
    def step(self):
        return float(self.asked.round_to)


def random_request(seed, most_months=3, **size):
    """Return a request of up to four limits of sums and of cells; slopes and budgets as they come."""
    random = np.random.default_rng(seed)
    months, step = int(random.integers(1, most_months + 1)), str(random.choice(STEPS))
    slope = float(random.choice([0.8, 1.0, 1.5]))
    made = world(**{"countries": 2, "channels": 2, "draws": 2, "months": months, "seed": seed, "slope": slope, **size})
    steps = np.rint(random.gamma(1.0, size=(len(made.cells), months)) * money_today(made) / float(step)).astype(int)
    names = [f"{month:%Y-%m}" for month in made.horizon.months]
    limits = [_around(steps, made.cells, names, float(step), random) for _ in range(int(random.integers(0, 5)))]
    budget = {name: int(total) * float(step) for name, total in zip(names, steps.sum(axis=0), strict=True)}
    asked = PlanSettings(months=months, budget=budget, limits=tuple(limits), max_change=None, round_to=step)
    return Request(made, asked, steps)


def _around(steps, cells, names, step, random):
    """A floor, a ceiling or both of some countries or channels in some months, in whole steps."""
    kind = str(random.choice(["country", "channel"]))
    of = str(random.choice(sorted(set(cells[kind]))))
    in_months = random.random(len(names)) < 0.6
    at = (cells[kind] == of).to_numpy()[:, None] & (in_months if in_months.any() else ~in_months)
    is_each = bool(random.random() < 0.3)
    low, high = (steps[at].min(), steps[at].max()) if is_each else (steps[at].sum(),) * 2
    floor, ceiling = int(low * random.random()), int(np.ceil(high * (1 + random.random())))
    which = int(random.integers(0, 3))
    return Limit(
        **{"countries" if kind == "country" else "channels": (of,)},
        months=tuple(name for name, on in zip(names, in_months, strict=True) if on),
        of="each" if is_each else "sum",
        floor=floor * step if which != 1 else None,
        ceiling=ceiling * step if which != 0 else None,
    )


def broken(request, limits, steps):
    """Return the names of limits and budgets that a plan in whole steps breaks: whole numbers, compared by equality."""
    step, found = request.step, []
    sums = limits.rows.astype(int) @ steps.ravel()
    for name, least, most, total in zip(limits.names, limits.least, limits.most, sums, strict=True):
        too_little = total < round(least / step)
        too_much = np.isfinite(most) and total > round(most / step)
        if too_little or too_much:
            found.append(name)
    low, high = (np.rint(bound / step) for bound in (limits.low, limits.high))
    return (
        found + [str(why) for why in limits.why_low[steps < low]] + [str(why) for why in limits.why_high[steps > high]]
    )
