"""A plan's limits as the rows of a linear program, and what the program says they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from pma.planning.limits import Limits


@dataclass(frozen=True)
class Program:
    """The rows of limits on variables of any number, N: `matrix`, (R, N), says what of each row a variable is.

    money counts as one, so that solvers' tolerances mean the same everywhere; have: what is in each row already, (R,).
    """

    limits: Limits
    matrix: sparse.csr_array
    money: float
    have: np.ndarray | float = 0.0

    def solve(
        self,
        cost: np.ndarray,
        bounds: np.ndarray,
        more: tuple[sparse.csr_array, np.ndarray] | None = None,
        **options: Any,
    ) -> Any:
        """Return scipy's solution of the least cost, (N,); `more`: other rows and their ends, which come first."""
        equal, below, above = self.limits.sides
        most, least = ((end - self.have) / self.money for end in (self.limits.most, self.limits.least))
        rows, ends = [self.matrix[below], -self.matrix[above]], [most[below], -least[above]]
        if more is not None:
            rows, ends = [more[0], *rows], [more[1], *ends]
        return linprog(
            cost,
            A_ub=sparse.vstack(rows),
            b_ub=np.concatenate(ends),
            A_eq=self.matrix[equal],
            b_eq=most[equal],
            bounds=bounds,
            method="highs",
            options=options,
        )

    def prices(self, solved: Any, skip: int = 0) -> np.ndarray:
        """Return what one more in each row takes off the cost, (R,); `skip`: how many other rows came before."""
        equal, below, above = self.limits.sides
        found = np.zeros(len(equal))
        of_rows = -solved.ineqlin.marginals[skip:]
        found[equal] = -solved.eqlin.marginals
        found[below] = of_rows[: below.sum()]
        found[above] -= of_rows[below.sum() : below.sum() + above.sum()]
        return found


def of_places(limits: Limits, money: float) -> Program:
    """Return the program whose variables are cells and months."""
    return Program(limits, limits.rows, money)


def within(limits: Limits, money: float) -> np.ndarray:
    """Return the bounds of cells and months, (C M, 2), in such money."""
    return np.stack([limits.low.ravel(), limits.high.ravel()], axis=1) / money


def money_of(limits: Limits) -> float:
    """Return the most that any row allows, or next to nothing: what counts as one."""
    finite = limits.most[np.isfinite(limits.most)]
    return max(float(finite.max(initial=0.0)), 1e-9)
