"""The search for a plan: on concave curves above first, which proves how good any plan can be, then on the curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pma.planning.ascent import Slope, ascend, nearest
from pma.planning.bound import Bound, Worth, upper_bound
from pma.planning.ceiling import Ends, ceiling
from pma.planning.climb import climb
from pma.planning.limits import InfeasibleError, Limits
from pma.planning.response import Responses
from pma.planning.risk import Risk
from pma.planning.settings import PlanSettings, SearchSettings

# A plan, (C, M), to how much each draw counts, (D,).
Counts = Callable[[np.ndarray], np.ndarray]
# Draws that a search looks at before it looks at all.
_LOOKED_AT = 64
# Times that more is asked of the curves above where a return is asked for.
_ASKED_MORE = 8
# Curves that bend either way are searched further where the proof leaves so many tolerances open.
_OPEN = 4.0
# Halvings in search of the most that money returns.
_RETURNS = 14
# Looks at the ceiling of one month, each finest where the one before ended.
_LOOKS = 3
_ROUNDS = 20
# Steps on the curves themselves, and how flat a top ends them.
_TOP_ROUNDS, _TOP = 8, 1e-6
# Curves above curves that bend either way need no closer proof than so many tolerances.
_NEAR_ABOVE = 4.0


@dataclass(frozen=True)
class Problem:
    """What is to be made most of, and within which limits."""

    responses: Responses
    limits: Limits
    settings: PlanSettings
    search: SearchSettings

    def solve(self, current: np.ndarray) -> tuple[np.ndarray, Bound]:
        """Return the best plan in exact money, (C, M), and the bound; `current`: where to look first, (C, M).

        Raises InfeasibleError where no plan returns what is asked for, with the most that one does.
        """
        start = np.clip(current, self.limits.low, self.limits.high)
        try:
            found = self._on_concave(start, self.settings.min_return)
        except InfeasibleError:
            raise self._too_much(start) from None
        plan = found.plan
        if self.responses.is_concave or self._is_near(plan, found.most, 1.0):
            return plan, found
        plan = self._enough(plan, start)
        if plan.shape[1] == 1:
            plan, most = self._under_ceiling(plan, found)
            found = replace(found, most=most)
        plan = self._to_the_top(plan)
        if self._is_near(plan, found.most, _OPEN):
            return plan, found
        climbed = self._climb(plan, found.counts)
        return max((plan, climbed, self._to_the_top(climbed)), key=self.value), found

    @property
    def risk(self) -> Risk:
        """What uncertain worth counts for."""
        return Risk(self.settings.risk, self.settings.quantile)

    def value(self, plan: np.ndarray) -> float:
        """Return what a plan is worth to the planner."""
        return self.risk.value(self.responses.objective(plan))

    def is_returned(self, plan: np.ndarray) -> bool:
        """Return whether a plan brings as much per money as is asked for."""
        return self.settings.min_return is None or self.value(plan) >= self.settings.min_return * plan.sum()

    def _is_near(self, plan: np.ndarray, most: float, times: float) -> bool:
        return most - self.value(plan) <= times * self.search.tolerance * abs(most)

    def _on_concave(self, start: np.ndarray, min_return: float | None) -> Bound:
        most = np.inf
        if min_return is None:
            found = self._ascend(start)
            near = self.search.tolerance * (1.0 if self.responses.is_concave else _NEAR_ABOVE)
            if found.most - found.value <= near * abs(found.most):
                return found
            start, most = found.plan, found.most
        above = self.responses.above(self.limits.low, self.limits.high)
        counts = self._counts(self.responses)
        cut = upper_bound(above, counts, self.limits, start, min_return, self.search.tolerance, self.search.rounds)
        return replace(cut, most=min(cut.most, most))

    def _ascend(self, start: np.ndarray) -> Bound:
        """A plan of the mean of draws, or of the worst ones: near to it by some draws, then by all.

        Where money moves, other draws are the worst. The mean of those of one plan is nowhere below the mean of the
        worst, so what its tangents allow is a bound for every plan.
        """
        falls, plan = None, start
        draws = self.responses.first.shape[1]
        few = [self.responses.thinned(_LOOKED_AT)] if draws > 2 * _LOOKED_AT else []
        for made in (*few, self.responses):
            counts = self._counts(made)
            mean = _mean_of(made.above(self.limits.low, self.limits.high), counts)
            found = ascend(mean, self.limits, plan, self.search.tolerance / 2, _ROUNDS, falls)
            plan, falls = found.plan, found.falls
        plan = nearest(plan, self.limits)
        return Bound(plan, mean(plan)[0], found.most, found.prices, counts(plan))

    def _counts(self, made: Responses) -> Counts:
        """How much draws count, by a plan."""
        draws = made.first.shape[1]
        equal = np.full(draws, 1 / draws)
        return lambda plan: equal if self.settings.risk >= 1 else self.risk.counts(made.objective(plan))

    def _enough(self, plan: np.ndarray, start: np.ndarray) -> np.ndarray:
        """A plan that returns what is asked for: curves above promise more than there is, so more is asked of them."""
        least = asked = self.settings.min_return
        if least is None or asked is None:
            return plan
        for _ in range(_ASKED_MORE):
            if self.is_returned(plan):
                break
            returned = self.value(plan) / max(plan.sum(), 1e-12)
            asked *= 1.001 * least / max(returned, 1e-12)
            try:
                plan = self._on_concave(start, asked).plan
            except InfeasibleError:
                raise self._too_much(start) from None
        if not self.is_returned(plan):
            raise self._too_much(start)
        return plan

    def _too_much(self, start: np.ndarray) -> InfeasibleError:
        """What is said where too high a return is asked for: the most that a plan found returns."""
        low, high = 0.0, float(self.settings.min_return or 0.0)
        for _ in range(_RETURNS):
            middle = 0.5 * (low + high)
            try:
                plan = self._on_concave(start, middle).plan
            except InfeasibleError:
                high = middle
                continue
            returned = self.value(plan) / max(plan.sum(), 1e-12)
            low, high = (max(middle, returned), high) if returned >= middle else (low, middle)
            if high <= low * 1.001:
                break
        asked = float(self.settings.min_return or 0.0)
        return InfeasibleError(
            f"no plan within the limits returns planning.plan.min_return, {asked:g} per unit of money: the most found "
            f"is {low:.4g}. Ask for {asked - low:.4g} less, or let money stay (planning.plan.spend_all: false)",
            {"planning.plan.min_return": asked - low},
        )

    def _under_ceiling(self, plan: np.ndarray, bound: Bound) -> tuple[np.ndarray, float]:
        """A plan of one month no worse than another, and what none is worth more than."""
        most, near = bound.most, bound.plan
        for _ in range(_LOOKS):
            best = ceiling(
                lambda low, high: self._ends(bound.counts, low, high),
                self.limits,
                near,
                self.settings.min_return,
                self.search.seconds,
            )
            most = min(most, best.most)
            if best.plan is None:
                break
            # The next look is finest where this one ended.
            near = best.plan
            if self.is_returned(best.plan):
                plan = max((plan, best.plan), key=self.value)
            if self._is_near(plan, most, 1.0):
                break
        return plan, most

    def _to_the_top(self, plan: np.ndarray) -> np.ndarray:
        """The top of the hill that a plan stands on, by the draws that count there, on the curves themselves."""
        if self.settings.min_return is not None:
            return plan
        mean = _mean_of(self.responses.value_and_slope, self._counts(self.responses))
        found = ascend(mean, self.limits, plan, _TOP, _TOP_ROUNDS, crumb=0.0)
        return max((plan, nearest(found.plan, self.limits)), key=self.value)

    def _ends(self, counts: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[Ends, Ends]:
        """Both ends of curves above those of all draws together, between two plans of one month."""
        above = self.responses.above(low, high, halvings=0)
        (at_low, up), (at_high, down) = (above(one, counts) for one in (low, high))
        return (at_low, up[:, 0]), (at_high, down[:, 0])

    def _climb(self, plan: np.ndarray, counts: np.ndarray) -> np.ndarray:
        # Of the worst draws there are few: none of them is left out.
        few = self.responses if self.settings.risk < 1 else self.responses.thinned(_LOOKED_AT)
        share = counts if self.settings.risk < 1 else np.full(few.first.shape[1], 1 / few.first.shape[1])
        asked = self.settings.min_return
        return climb(lambda one: share @ few.by_cell(one), self.limits, plan, asked, self.search.seconds)


def _mean_of(worth: Worth, counts: Counts) -> Slope:
    """Worth of the mean of draws, as they count at a plan, and its slope by money."""

    def mean(plan: np.ndarray) -> tuple[float, np.ndarray]:
        of_cell, slope = worth(plan, counts(plan))
        return float(of_cell.sum()), slope

    return mean
