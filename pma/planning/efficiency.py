"""How much better or worse a campaign does than its channel: by credited conversions, pulled to what is usual."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from pma.parallel import group_seed

_ROUNDS = 30
# The prior counts as so many conversions at the least and the most, in logarithms.
_STRENGTH = (-2.0, 8.0)


def efficiencies(campaigns: pd.DataFrame, conversions: np.ndarray, draws: int, seed: int, name: str) -> np.ndarray:
    """Return what a campaign's money brings, over what its channel's brings at today's mix, by draw; (K, D).

    `campaigns`: rows of cell (number of country x channel), country, channel, campaign_id, campaign_goal, spend and
    share (of today's money of its cell; 1 over a cell), (K,); `conversions`: credited to that spend, (K,). Conversions
    are Poisson around spend x rate of the cell x rate of the goal x the campaign's own, whose prior is a gamma of mean
    1 and a spread that the campaigns themselves tell (gamma-Poisson empirical Bayes: Clayton and Kaldor 1987, Empirical
    Bayes estimates of age-standardized relative risks): few conversions leave a campaign at what its channel and goal
    usually bring, and a new one is there by itself. Each draw is scaled so that shares times efficiencies of a cell
    are 1 together. `name` keeps the draws of two kinds of conversions apart; those of a campaign hang on its key alone.
    """
    if campaigns.empty:
        return np.ones((0, draws))
    cell, goal = campaigns["cell"].to_numpy(), pd.factorize(campaigns["campaign_goal"].fillna("unknown"))[0]
    spend = np.maximum(campaigns["spend"].to_numpy(dtype=float), 0.0)
    expected, usual = _expected(cell, goal, spend, conversions)
    strength = _strength(expected, conversions)
    found = np.empty((len(campaigns), draws))
    keys = campaigns[["country", "channel", "campaign_id"]].itertuples(index=False, name=None)
    for k, key in enumerate(keys):
        random = np.random.default_rng(group_seed(seed, "efficiency", name, *map(str, key)))
        found[k] = random.standard_gamma(strength + conversions[k], draws) / (strength + expected[k])
    found *= usual[:, None]
    share = campaigns["share"].to_numpy()[:, None]
    whole = np.zeros((cell.max(initial=-1) + 1, draws))
    np.add.at(whole, cell, share * found)
    return found / whole[cell]


def _expected(
    cell: np.ndarray, goal: np.ndarray, spend: np.ndarray, found: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Conversions that the rates of cell and goal alone let expect, and the goal's rate, (K,) both: a Poisson fit.

    Rows and columns are fitted in turns (iterative proportional fitting); a goal has half a conversion more, so that
    none has a rate of 0.
    """
    of_goal = np.ones(goal.max(initial=-1) + 1)
    of_cell = np.zeros(cell.max(initial=-1) + 1)
    in_cell = np.bincount(cell, found, len(of_cell))
    for _ in range(_ROUNDS):
        exposed = np.bincount(cell, spend * of_goal[goal], len(of_cell))
        of_cell = np.divide(in_cell, exposed, out=np.zeros_like(exposed), where=exposed > 0)
        exposed = np.bincount(goal, spend * of_cell[cell], len(of_goal))
        of_goal = (np.bincount(goal, found, len(of_goal)) + 0.5) / (exposed + 0.5)
    return spend * of_cell[cell] * of_goal[goal], of_goal[goal]


def _strength(expected: np.ndarray, found: np.ndarray) -> float:
    """How many conversions the prior counts as: the most likely, conversions then being negative binomial."""
    known = expected > 0
    e, c = expected[known], found[known]
    if not known.any():
        return 1.0

    def loss(log: float) -> float:
        a = np.exp(log)
        likely = gammaln(a + c) - gammaln(a) + a * np.log(a / (a + e)) + c * np.log(e / (a + e))
        return -float(likely.sum())

    return float(np.exp(minimize_scalar(loss, bounds=_STRENGTH, method="bounded").x))
