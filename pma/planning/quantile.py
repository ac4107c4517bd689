"""The plan of the best quantile of draws: from the best of several means of worst draws on, by exchanges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from pma.planning.ascent import nearest
from pma.planning.bound import Bound
from pma.planning.exchange import exchanged
from pma.planning.problem import Problem
from pma.planning.risk import objective

# Shares that are tried, times the one that is right where worth is normal; and all draws.
_TIMES = (0.6, 1.0, 1.6)


def best_quantile(problem: Problem, quantile: float, current: np.ndarray) -> tuple[np.ndarray, Bound]:
    """Return the best plan found, (C, M), and a bound that no quantile of a plan is above; `current`: see `solve`.

    A quantile is not concave, even where curves are, and has many tops. Where worth is normal, by its mean and spread,
    a plan of the best quantile is one of the best mean of some worst share of draws: `share_of`. Shares around it are
    tried too, and all draws; from each of these plans on, from today's and from equal parts, cells exchange money.

    The bound is wide: a quantile may be as far above the mean of draws as the worst ones are below it. q of draws are
    no lower than those of the least money, and the rest no lower than the quantile, so that for a worst share s:
    s mean_s >= q low + (s - q) quantile.
    """
    usual = share_of(quantile)
    shares = sorted({min(max(times * usual, quantile), 1.0) for times in _TIMES} | {quantile, 1.0}, reverse=True)
    low = max(objective(problem.responses.objective(problem.limits.low), quantile), 0.0)
    plans, bounds, near, most = [], [], current, np.inf
    for share in shares:
        asked = problem.settings.model_copy(update={"risk": share, "quantile": None})
        near, bound = replace(problem, settings=asked).solve(near)
        plans.append(near)
        bounds.append(bound)
        if share > quantile:
            most = min(most, (share * bound.most - quantile * low) / (share - quantile))
    best = int(np.argmax([problem.value(plan) for plan in plans]))
    equal = np.broadcast_to(current.sum(axis=0) / len(current), current.shape)
    starts = [*plans, *(nearest(plan, problem.limits) for plan in (current, equal))]
    climbed = max((exchanged(problem, quantile, plan) for plan in starts), key=problem.value)
    return climbed, replace(bounds[best], most=most)


def share_of(quantile: float) -> float:
    """Return the worst share of a normal's draws whose mean is its quantile, of 0.5 or less."""
    # From here on the share is 1 but for what floats tell apart.
    if quantile >= 0.5 - 1e-6:
        return 1.0
    return float(brentq(lambda share: norm.pdf(norm.ppf(share)) / share + norm.ppf(quantile), quantile, 1 - 1e-9))
