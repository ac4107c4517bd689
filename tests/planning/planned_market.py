"""A simulated marketplace as the planner gets to see it, its true curves, and what a plan truly brings there."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from pma.planning.plan import Inputs
from pma.planning.response import CELL
from pma.simulation.channels import CHANNEL_NAMES, DEMAND, UPLOADS
from pma.simulation.optimum import best_budget, current_spend, steady_state
from tests.planning.simulated_trade import PAIR

# Weeks that a true curve is followed: television keeps 0.65 a week.
LAGS = 16
ENDS = ("p05", "p95")


def true_posterior(market):
    """Return rows of bl.mmm_posterior of one draw: the simulator's own curves, where a channel ever ran.

    What demand makes of a country's media is counted at what is for sale there in the last year. What television and
    brand search bring together only is nobody's own, and is left out.
    """
    structure, response = market.structure, market.structure.response
    factor = {UPLOADS: np.ones(len(market.settings.countries)), DEMAND: structure.supply()[:, -52:].mean(axis=1)}
    rows = []
    for target, of in (("uploads", UPLOADS), ("gmv", DEMAND)):
        for i, c in zip(*np.nonzero(structure.spend.sum(axis=2) > 0), strict=True):
            rows.append(
                {
                    "geo_level": "country",
                    "geo": market.settings.countries[i],
                    "target": target,
                    "method": "bayes",
                    "draw": 0,
                    "channel": CHANNEL_NAMES[c],
                    "adstock": "geometric",
                    "adstock_first": float(response.carry_over[i, c]),
                    "adstock_second": 1.0,
                    "lags": LAGS,
                    "saturation": "hill",
                    "saturation_first": 1.0,
                    "saturation_second": float(response.slope[i, c]),
                    "usual_spend": float(response.half[i, c]),
                    "coefficient": float(response.beta[of][i, c] * factor[of][i]),
                }
            )
    return pd.DataFrame(rows)


def true_bridge_rows(market):
    """Return rows of bl.upload_bridge without any doubt: what uploads are worth at the demand of the last year."""
    structure = market.structure
    demand = structure.demand()[:, -52:].mean(axis=1)
    countries = list(market.settings.countries)
    names = pd.MultiIndex.from_product([countries, countries], names=PAIR)
    share = (structure.flows.share * demand).ravel()
    found = pd.DataFrame({"orders_per_upload": share, "value_per_order": structure.flows.price.ravel()}, index=names)
    found["gmv_per_upload"] = found["orders_per_upload"] * found["value_per_order"]
    for end in ENDS:
        found[end], found[f"orders_per_upload_{end}"] = found["gmv_per_upload"], found["orders_per_upload"]
    return found.assign(orders=100).reset_index()


def true_inputs(market):
    """Return what a plan is made of where nothing is unknown, and spend as it was."""
    posterior = true_posterior(market)
    runs = posterior[["geo_level", "geo", "target", "method"]].drop_duplicates().assign(status="ok", message=None)
    return Inputs(runs, posterior, spent(market), _unpaid(market), true_bridge_rows(market))


def spent(market):
    """Return country x channel x week_start with `value`: all money, where a channel ever ran."""
    spend = market.structure.spend
    keys = [market.settings.countries, CHANNEL_NAMES, [week.date() for week in market.weeks]]
    rows = pd.Series(spend.ravel(), pd.MultiIndex.from_product(keys, names=[*CELL, "week_start"])).rename("value")
    return rows[np.repeat((spend > 0).any(axis=2).ravel(), spend.shape[2])].reset_index()


def _unpaid(market):
    keys = [market.settings.countries, [week.date() for week in market.weeks]]
    index = pd.MultiIndex.from_product(keys, names=["country", "week_start"])
    return pd.Series(market.structure.unpaid[UPLOADS].ravel(), index).rename("value").reset_index()


@dataclass(frozen=True)
class Score:
    """Value of orders a week in the long run: of today's money, of the plan, of the best within its limits, of any."""

    today: float
    plan: float
    best: float
    free: float

    @property
    def gain(self):
        """Of the plan against today."""
        return self.plan / self.today - 1

    @property
    def possible(self):
        """Gain of the best plan within the same limits."""
        return self.best / self.today - 1

    @property
    def regret(self):
        """What the plan leaves of the best."""
        return 1 - self.plan / self.best


def true_gain(market, planned):
    """Return by how much a plan of one month truly beats today's money, as a share, were its money that of every week.

    In the long run, see `pma.simulation.optimum`.
    """
    steady, (today, plan, _, _) = steady_state(market.structure), _weekly(market, planned)
    return steady.gmv(plan) / steady.gmv(today) - 1


def score(market, planned):
    """Return what a plan truly brings, beside the best within its limits and the best of all."""
    steady, (today, plan, low, high) = steady_state(market.structure), _weekly(market, planned)
    best = best_within(steady, low, high, plan.sum(), [today, plan])
    free = best_budget(steady, today, market.settings.seed)
    return Score(steady.gmv(today), steady.gmv(plan), steady.gmv(best), max(steady.gmv(free), steady.gmv(best)))


def _weekly(market, planned):
    """Money a week of today, of the plan, and of its limits; (countries, channels) each.

    Money that the planner does not see, for want of a feed, is spent as before.
    """
    today = current_spend(market.structure)
    days = pd.Timestamp(planned.rows["month"].iloc[0]).days_in_month
    change, low, high = (np.zeros(today.shape) for _ in range(3))
    for row, least, most in zip(
        planned.rows.to_dict("records"), planned.limits.low[:, 0], planned.limits.high[:, 0], strict=True
    ):
        place = market.settings.countries.index(row["country"]), CHANNEL_NAMES.index(row["channel"])
        for into, money in ((change, row["planned_spend"]), (low, least), (high, most)):
            into[place] = (money - row["current_spend"]) * 7 / days
    return today, np.maximum(today + change, 0.0), np.maximum(today + low, 0.0), today + high


def best_within(steady, low, high, total, starts, random_starts=1):
    """Return the weekly spend between `low` and `high`, of this total, that makes most value of orders in the long run.

    Sequential quadratic programming with exact derivatives, from the starts, from what their derivatives ask for, and
    from random ones.
    """
    random = np.random.default_rng(0)
    starts = [*starts, *(_filled(steady.gmv_and_rise(start)[1], low, high, total) for start in list(starts))]
    starts += [_filled(random.random(low.shape), low, high, total) for _ in range(random_starts)]
    scale = steady.gmv(starts[0])
    unit = total / low.size

    def loss(x):
        value, rise = steady.gmv_and_rise(x.reshape(low.shape) * unit)
        return -value / scale, -rise.ravel() * unit / scale

    sums = {"type": "eq", "fun": lambda x: x.sum() - low.size, "jac": lambda x: np.ones(x.size)}
    bounds = np.stack([low.ravel(), np.maximum(high, low).ravel()], axis=1) / unit
    peaks = [start for start in starts if abs(start.sum() / total - 1) < 1e-6]
    for start in starts:
        options = {"maxiter": 100, "ftol": 1e-8}
        found = minimize(loss, start.ravel() / unit, jac=True, method="SLSQP", bounds=bounds, constraints=sums,
                         options=options)  # fmt: skip
        spend = np.clip(found.x.reshape(low.shape) * unit, low, high)
        if abs(spend.sum() / total - 1) < 1e-6:
            peaks.append(spend)
    return max(peaks, key=steady.gmv)


def _filled(wish, low, high, total):
    """All that is left above `low` to those with the largest wish, as far as `high`."""
    spend, left = low.copy(), total - low.sum()
    for place in np.argsort(-wish, axis=None):
        more = min(left, float(high.flat[place] - low.flat[place]))
        spend.flat[place] += max(more, 0.0)
        left -= max(more, 0.0)
    return spend


def without_home(bridge):
    """Return the bridge as if no upload sold at home."""
    is_home = bridge["origin_country"] == bridge["destination_country"]
    columns = [name for name in bridge if name.startswith(("gmv", "orders_per", "p05", "p95"))]
    return bridge.assign(**{name: bridge[name].where(~is_home, 0.0) for name in columns})


def with_bridge(inputs, bridge):
    """Return the same inputs with another bridge."""
    return replace(inputs, bridge=bridge)
