"""The best budgets that the marketplace allows: what a planner should have found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from pma.simulation.channels import DEMAND, UPLOADS
from pma.simulation.draws import generator
from pma.simulation.structure import Structure

# Today's spend is the mean of so many last weeks; what comes without media is the mean of a year.
CURRENT_WEEKS = 4
USUAL_WEEKS = 52
_RANDOM_STARTS = 2
# Rounds in which worths are taken anew, and what a channel without money gets of the total to start with.
_ROUNDS = 8
_CRUMB = 1e-6


@dataclass(frozen=True)
class Steady:
    """The marketplace in the long run: the same spend every week, lags and adstock over; (countries, channels).

    `open` says which channels a country has ever used: only there is an effect known. `unpaid` per target is
    (countries,), `worth` (origins, destinations) the order value of one upload there at demand 1.
    """

    structure: Structure
    unpaid: dict[str, np.ndarray]
    worth: np.ndarray
    open: np.ndarray

    def gmv(self, spend: np.ndarray) -> float:
        """Return order value per week over all countries: uploads' sales everywhere, and demand's effect on them."""
        return self.gmv_and_rise(spend)[0]

    def gmv_and_rise(self, spend: np.ndarray) -> tuple[float, np.ndarray]:
        """Return order value per week and its derivative by spend; sum over i, j of U_i(x_i) worth_ij m_j(x_j)."""
        uploads, uploads_rise = self.structure.response.steady(spend, UPLOADS)
        demand, demand_rise = self.structure.response.steady(spend, DEMAND)
        uploads, demand = self.unpaid[UPLOADS] + uploads, self.unpaid[DEMAND] + demand
        of_upload, of_demand = self.worth @ demand, uploads @ self.worth
        rise = of_upload[:, None] * uploads_rise + of_demand[:, None] * demand_rise
        return float(uploads @ of_upload), rise

    def of_channel(self, spend: np.ndarray) -> np.ndarray:
        """Return what each channel of each country makes: gmv less gmv without it alone; (countries, channels)."""
        whole = self.gmv(spend)
        made = np.zeros(spend.shape)
        for place in zip(*np.nonzero(spend), strict=True):
            without = spend.copy()
            without[place] = 0.0
            made[place] = whole - self.gmv(without)
        return made


def steady_state(structure: Structure) -> Steady:
    """Return the long run of a marketplace whose other causes stay as in the last year on average."""
    unpaid = {target: values[:, -USUAL_WEEKS:].mean(axis=1) for target, values in structure.unpaid.items()}
    return Steady(structure, unpaid, structure.flows.share * structure.flows.price, (structure.spend > 0).any(axis=2))


def current_spend(structure: Structure) -> np.ndarray:
    """Return the mean weekly spend of the last four weeks; (countries, channels)."""
    return structure.spend[..., -CURRENT_WEEKS:].mean(axis=2)


def best_budget(steady: Steady, current: np.ndarray, seed: int) -> np.ndarray:
    """Return the spend per week, (countries, channels), that makes most gmv with the total of `current`.

    Hill curves with a slope above 1 are not concave, and buyers and sellers multiply: there are many peaks. So scipy's
    L-BFGS-B climbs, with the exact derivative, from several starts; shares of the total are a softmax over the open
    channels, so that every point is a budget. The starts: what each channel would ask for at one price of money, which
    is the global answer but for the feedback between channels (see `_at_one_price`), today's budget, equal shares,
    and random ones. The highest peak is taken, each also tried with its crumbs swept up, or today's budget if none is
    higher.
    """
    total = float(current.sum())
    is_open = steady.open

    def spread(logits: np.ndarray) -> np.ndarray:
        shares = np.exp(logits - logits.max())
        out = np.zeros(is_open.shape)
        out[is_open] = total * shares / shares.sum()
        return out

    # The optimiser's tolerances mean the same in small and large marketplaces.
    scale = max(steady.gmv(current), 1.0)

    def loss(logits: np.ndarray) -> tuple[float, np.ndarray]:
        spend = spread(logits)
        value, rise = steady.gmv_and_rise(spend)
        shares, slope = spend[is_open] / total, rise[is_open]
        return -value / scale, -total * shares * (slope - shares @ slope) / scale

    peaks = [current]
    for start in _starts(steady, current, seed):
        options = {"maxiter": 1000, "ftol": 1e-12, "gtol": 1e-9}
        found = minimize(loss, np.log(start[is_open]), jac=True, method="L-BFGS-B", options=options)
        peak = spread(found.x)
        peaks += [peak, _without_crumbs(peak)]
    return max(peaks, key=steady.gmv)


def _starts(steady: Steady, current: np.ndarray, seed: int) -> list[np.ndarray]:
    """Shares to climb from, none of them zero where a channel is open."""
    equal = steady.open / steady.open.sum()
    priced = [_at_one_price(steady, spend) for spend in (current, current.sum() * equal)]
    rng = generator(seed, "optimum")
    lots = [np.where(steady.open, rng.gamma(0.7, size=steady.open.shape), 0.0) for _ in range(_RANDOM_STARTS)]
    near = [(1 - _CRUMB) * spend / spend.sum() + _CRUMB * equal for spend in priced]
    far = [0.98 * spend / spend.sum() + 0.02 * equal for spend in (current, *lots)]
    return [*near, equal, *far]


def _at_one_price(steady: Steady, spend: np.ndarray) -> np.ndarray:
    """Return the budget of the same total in which every channel has what it is worth at one price of money.

    With what uploads and demand are worth at `spend` the channels are apart from each other: each maximises its worth
    times Hill less price times money, which has a closed condition; the price is the one that spends the total. Worths
    are then taken anew, some times.
    """
    response, total = steady.structure.response, spend.sum()
    for _ in range(_ROUNDS):
        _, rise = steady.gmv_and_rise(np.where(steady.open, np.maximum(spend, 1e-3 * response.half), 0.0))
        inner = np.maximum(spend, 1e-3 * response.half) / response.half
        slope = response.slope
        worth = rise * response.half * (1 + inner**slope) ** 2 / (slope * inner ** (slope - 1))
        worth = np.where(steady.open, worth, 0.0)
        low, high = 1e-9, float((worth / response.half).max()) * 10
        for _ in range(50):
            price = np.sqrt(low * high)
            asked = _asked(price, worth, response.half, slope)
            low, high = (price, high) if asked.sum() > total else (low, price)
        asked = _asked(low, worth, response.half, slope)
        spend = asked * total / asked.sum()
    return spend


def _asked(price: float, worth: np.ndarray, half: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return the spend with the most worth x Hill(spend) - price x spend: none, or where the falling slope meets it."""
    turn = ((slope - 1) / (slope + 1)) ** (1 / slope)
    low, high = np.maximum(turn, 1e-12), np.full(worth.shape, 1e4)
    for _ in range(45):
        inner = np.sqrt(low * high)
        steep = worth * slope * inner ** (slope - 1) / (half * (1 + inner**slope) ** 2) > price
        low, high = np.where(steep, inner, low), np.where(steep, high, inner)
    powered = low**slope
    return np.where(worth * powered / (1 + powered) > price * low * half, low * half, 0.0)


def _without_crumbs(spend: np.ndarray) -> np.ndarray:
    """A softmax never reaches zero: drop what is less than a thousandth of an equal part, and share it out."""
    kept = np.where(spend >= spend.sum() / spend.size / 1000, spend, 0.0)
    return kept * spend.sum() / kept.sum()
