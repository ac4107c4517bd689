"""A plan near to the best on curves that bend down, in a few looks at them, with what no plan is worth more than."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

from pma.planning.limits import Limits
from pma.planning.linear import Program, money_of, of_places, within

# A plan, (C, M), to what it is worth and its slope by money, (C, M).
Slope = Callable[[np.ndarray], tuple[float, np.ndarray]]
# How fast a return falls as its money grows, both in logarithms: what is taken first, and what it may be.
_FALLS, _FALLS_LEAST, _FALLS_MOST = 0.5, 0.2, 4.0
# Money that stands in for none, as a share of a cell's most, and of an equal part where a search begins.
_NOTHING, CRUMB = 1e-7, 0.05
# A move of the logarithm of money that says how the return falls.
_MOVED = 1e-3


@dataclass(frozen=True)
class Ascent:
    """plan: the best found, (C, M), but for a hair within the limits. most: no plan within them is worth more.

    value: worth of the plan; prices: worth of one more in each limit, (R,); falls: of returns, (C, M).
    """

    plan: np.ndarray
    value: float
    most: float
    prices: np.ndarray
    falls: np.ndarray


def ascend(
    slope: Slope,
    limits: Limits,
    start: np.ndarray,
    tolerance: float,
    rounds: int,
    falls: np.ndarray | None = None,
    crumb: float = CRUMB,
) -> Ascent:
    """Return a plan of concave curves and how far it is from the best.

    Each round takes the return of every cell and month for a power of its money, whose exponent is learnt from round to
    round, and moves to the best plan of such curves (`_best_of_powers`): sequential convex approximation. What no plan
    is worth more than is what tangents at a plan allow (Frank and Wolfe 1956, An algorithm for quadratic programming).
    `crumb`: what cells without money begin with, as a share of an equal part. Where curves bend either way, the plan is
    the top of the hill that `start` stands on, and `most` says nothing.
    """
    # Where nothing is spent today a slope at nothing says nothing: there is money to begin with all the same.
    total = np.where(start.sum(axis=0) > 0, start.sum(axis=0), money_of(limits))
    least = np.minimum(crumb * total / len(start), limits.high)
    plan = np.clip(np.maximum(start, least), limits.low, limits.high)
    best, most, prices = (plan, -np.inf), np.inf, np.zeros(len(limits.names))
    exponents = np.full(plan.shape, _FALLS) if falls is None else falls
    before: tuple[np.ndarray, np.ndarray] | None = None
    for number in range(rounds):
        value, steep = slope(plan)
        allowed, prices = most_on_lines(steep, limits)
        most = min(most, value + allowed - float((steep * plan).sum()))
        if most - max(value, best[1]) <= tolerance * max(abs(most), 1e-12) and number:
            best = max(best, (plan, value), key=lambda one: one[1])
            break
        steep = np.maximum(steep, 1e-12 * max(steep.max(), 1e-300))
        if before is not None:
            exponents = _learnt(exponents, before, (plan, steep))
        before = (plan, steep)
        # The first plan need not keep to the limits. A step too far is taken half.
        if number and value > best[1]:
            best = (plan, value)
        elif number > 1:
            plan = 0.5 * (plan + best[0])
            continue
        plan = _best_of_powers(plan, steep, exponents, limits, prices)
    return Ascent(*best, most, prices, exponents)


def most_on_lines(steep: np.ndarray, limits: Limits) -> tuple[float, np.ndarray]:
    """Return what the best plan is worth where money has the same return, (C, M), at any amount; and rows' prices."""
    money, unit = money_of(limits), _unit(steep)
    program = of_places(limits, money)
    solved = program.solve(-steep.ravel() / unit, within(limits, money))
    if solved.x is None:
        raise ValueError(f"the plan's linear program ended without a plan: {solved.message}")
    return float(-solved.fun * unit * money), program.prices(solved) * unit


def nearest(plan: np.ndarray, limits: Limits) -> np.ndarray:
    """Return a plan within the limits to which little money must be moved: cells into their own, then sums; (C, M)."""
    plan = np.clip(plan, limits.low, limits.high)
    money = max(float(np.abs(plan).max()), 1e-9)
    twice = sparse.hstack([limits.rows, -limits.rows]).tocsr()
    most = np.concatenate([(limits.high - plan).ravel(), (plan - limits.low).ravel()]).clip(0.0) / money
    # What is left over must be less than a cent of all money, or whole amounts cannot make it up.
    solved = Program(limits, twice, money, limits.rows @ plan.ravel()).solve(
        np.ones(2 * plan.size), np.stack([np.zeros(len(most)), most], axis=1), primal_feasibility_tolerance=1e-10
    )
    if solved.x is None:
        raise ValueError(f"no plan within the limits: {solved.message}")
    more, less = solved.x.reshape(2, *plan.shape) * money
    return np.clip(plan + more - less, limits.low, limits.high)


def _unit(steep: np.ndarray) -> float:
    """The return that counts as one."""
    return max(float(np.abs(steep).max()), 1e-300)


def _learnt(falls: np.ndarray, before: tuple[np.ndarray, np.ndarray], now: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Exponents by two plans and their returns, where money moved between them."""
    (money, steep), (money_now, steep_now) = before, now
    moved = np.log(np.maximum(money_now, 1e-300) / np.maximum(money, 1e-300))
    says = np.abs(moved) > _MOVED
    secant = -np.divide(np.log(steep_now / steep), moved, out=np.zeros_like(moved), where=says)
    return np.where(says, np.clip(secant, _FALLS_LEAST, _FALLS_MOST), falls)


def _best_of_powers(
    plan: np.ndarray, steep: np.ndarray, falls: np.ndarray, limits: Limits, prices: np.ndarray
) -> np.ndarray:
    """The best plan where returns are steep (x / plan)^-falls, by the prices of the limits' rows: its convex dual."""
    money, unit = money_of(limits), _unit(steep)
    low = np.maximum(limits.low, np.minimum(_NOTHING * money, limits.high)).ravel() / money
    high, x, g = limits.high.ravel() / money, np.maximum(plan.ravel() / money, _NOTHING), steep.ravel() / unit
    # A power of exactly 1 would need a logarithm of its own.
    k = np.where(np.abs(falls.ravel() - 1) < 1e-3, 1.001, falls.ravel())
    rows, columns = limits.rows, limits.rows.T.tocsr()
    equal, below, above = limits.sides
    has_most, has_least = equal | below, above
    ends = np.concatenate([limits.most[has_most], -limits.least[has_least]]) / money

    def asked(price: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", divide="ignore"):
            found: np.ndarray = np.clip(x * (g / np.maximum(price, 1e-12)) ** (1 / k), low, high)
        return found

    def priced(two: np.ndarray) -> np.ndarray:
        """Prices of places from those of ceilings and of floors."""
        of_row = np.zeros(len(equal))
        of_row[has_most] += two[: has_most.sum()]
        of_row[has_least] -= two[has_most.sum() :]
        found: np.ndarray = columns @ of_row
        return found

    def dual(two: np.ndarray) -> tuple[float, np.ndarray]:
        price = priced(two)
        at = asked(price)
        worth = g * x * ((at / x) ** (1 - k) - 1) / (1 - k) - price * at
        have = rows @ at
        return float(worth.sum() + two @ ends), ends - np.concatenate([have[has_most], -have[has_least]])

    bounds = [(None, None) if is_equal else (0.0, None) for is_equal in equal[has_most]] + [(0.0, None)] * int(
        has_least.sum()
    )
    first = np.concatenate([np.maximum(prices[has_most], 0.0), np.maximum(-prices[has_least], 0.0)]) / unit
    options = {"maxiter": 500, "ftol": 1e-15, "gtol": 1e-9}
    solved = minimize(dual, first, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return (asked(priced(solved.x)) * money).reshape(plan.shape)
