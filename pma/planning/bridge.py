"""The bridge: what an upload in one country becomes in orders and value in others, with what is not sold yet in it.

An upload leaves the watch when it sells, in one of the destinations, or when the data end (right-censored). Shares are
cumulative incidences of competing destinations, by the Aalen-Johansen estimator (Aalen and Johansen 1978, An empirical
transition matrix for non-homogeneous Markov chains based on censored observations): counting sold over uploaded would
take every upload of the last weeks for one that never sells.

An origin is pulled to all of them by the orders that it would have had so far if it sold as they do (Clayton and Kaldor
1987, Empirical Bayes estimates of age-standardized relative risks): sold orders / expected orders, with so many orders
more in both. One that sold nothing yet is then worth less than usual, not nothing, and its interval says how little is
known. Where its watch ends, it goes on as all origins do, at its own height.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pma.parallel import group_seed
from pma.planning.settings import BridgeSettings

ENDS = (0.05, 0.95)
# On a day with so many uploads still there, an origin's curve is half its own, half the usual one at its height.
CURVE_UPLOADS = 50.0
_TINY = 1e-300


@dataclass(frozen=True)
class _Usual:
    """What uploads of all origins become.

    hazard: of those still there the share that sells on a day, (days + 1,). sells: share of uploads that sell within
    the horizon, the estimate, then draws, (1 + draws,). places: where sales of an origin go, by origin, shares of 1
    over places. orders: one order at home (True) and abroad: 1, its mean value, and mean squared value.
    """

    hazard: np.ndarray
    sells: np.ndarray
    places: dict[str, np.ndarray]
    orders: dict[bool, np.ndarray]


def upload_bridge(exits: pd.DataFrame, settings: BridgeSettings) -> pd.DataFrame:
    """Return rows of bl.upload_bridge less run_id and data_origin: one per pair of an origin and a destination.

    `exits`: rows of `pma.planning.exits.upload_exits`, of all origins. Destinations are all countries that any upload
    is known to have sold in, and all origins. An origin of few orders is pulled to what is usual, `pair_orders`: the
    share of all uploads that sells, the home share of all origins, and abroad each destination's share of all that
    sells abroad. Raises ValueError where there are no exits, or none of them sold.
    """
    if exits.empty:
        raise ValueError("no uploads in the window. Load il.listings, or make planning.bridge.window_days longer")
    sold = exits[exits["destination_country"].notna()]
    if not (sold["days"] <= settings.horizon_days).any():
        raise ValueError(
            f"of {exits['uploads'].sum():,} uploads of il.listings in the window none has an order in il.orders within "
            "planning.bridge.horizon_days. Check that both have the same listing_id, or make the window longer"
        )
    places = sorted({*exits["origin_country"], *sold["destination_country"]})
    counts = {str(o): _counts(mine, places, settings.horizon_days + 1) for o, mine in exits.groupby("origin_country")}
    usual = _usual(list(counts.values()), sold, places, settings)
    rows = []
    for origin, mine in exits.groupby("origin_country", sort=True):
        rows += _of_origin(str(origin), mine, places, counts[str(origin)], usual, settings)
    return pd.DataFrame(rows)


def watched_short(rows: pd.DataFrame) -> str | None:
    """Return which origins were watched for less than the horizon, in words; None: none. `rows`: of the bridge."""
    short = rows[rows["days_watched"] < rows["horizon_days"]]
    if short.empty:
        return None
    each = short.groupby("origin_country").agg(days=("days_watched", "first"), orders=("orders", "sum"))
    names = [f"{origin} ({days} days, {orders:,} orders)" for origin, days, orders in each.itertuples(name=None)]
    longest = rows["days_watched"].max()
    unseen = f", which nobody knows after {longest} days" if longest < rows["horizon_days"].max() else ""
    return (
        f"watched for less than the {short['horizon_days'].iloc[0]} days of planning.bridge.horizon_days, later sales "
        f"are taken from the curve of all origins{unseen}: {', '.join(names)}"
    )


def at_risk(sold: np.ndarray, censored: np.ndarray) -> np.ndarray:
    """Return how many uploads were still there on each day; (..., days). See `incidence`."""
    sells = sold.sum(axis=-2)
    # Of those that leave later all; of a day itself those that sell on it: whose watch ended before it are gone.
    stay = np.flip(np.cumsum(np.flip(sells + censored, -1), -1), -1)
    return sells + np.concatenate([stay[..., 1:], np.zeros_like(stay[..., :1])], axis=-1)


def incidence(
    sold: np.ndarray, censored: np.ndarray, usual: np.ndarray | float = 0.0, weight: float = 0.0
) -> np.ndarray:
    """Return the share of uploads that sold in each place by the end of each day; (..., places, days).

    sold: (..., places, days) of uploads that sold so many days after the upload; censored: (..., days) of those whose
    watch ended before that day. Both may be weights; axes before them are draws. Of the last day none may have sold: it
    is of those that were still there. usual: of those still there the share that usually sells, as `sold`; each day is
    pulled to it as if `weight` uploads more were there (the mean of a beta process, Hjort 1990, Nonparametric Bayes
    estimators based on beta processes in models for life history data).
    """
    there = at_risk(sold, censored)[..., None, :] + weight
    hazard = (sold + weight * usual) / np.maximum(there, _TINY)
    stays = np.cumprod(1.0 - hazard.sum(axis=-2), axis=-1)
    before = np.concatenate([np.ones_like(stays[..., :1]), stays[..., :-1]], axis=-1)
    found: np.ndarray = np.cumsum(before[..., None, :] * hazard, axis=-1)
    return found


def _usual(
    counts: list[tuple[np.ndarray, np.ndarray]], sold: pd.DataFrame, places: list[str], settings: BridgeSettings
) -> _Usual:
    """What uploads of all origins become; `counts`: `_counts` of each."""
    random = np.random.default_rng(group_seed(settings.seed, "bridge", "all origins"))
    sales = np.sum([one.sum(axis=0, keepdims=True) for one, _ in counts], axis=0)
    censored = np.sum([one for _, one in counts], axis=0)
    sells = incidence(_drawn(sales, random, settings.draws), _drawn(censored, random, settings.draws))[:, 0, -1]
    is_home = sold["destination_country"] == sold["origin_country"]
    orders = {kind: _sums(sold[is_home == kind] if (is_home == kind).any() else sold) for kind in (True, False)}
    return _Usual(
        hazard=sales[0] / np.maximum(at_risk(sales, censored), _TINY),
        sells=sells,
        places=_usual_places(sold, places),
        orders={kind: sums / sums[0] for kind, sums in orders.items()},
    )


def _usual_places(sold: pd.DataFrame, places: list[str]) -> dict[str, np.ndarray]:
    """Where an origin's sales usually go, by origin; shares of 1 over places."""
    orders = sold.groupby(["origin_country", "destination_country"])["uploads"].sum()
    flows = orders.unstack(fill_value=0).reindex(index=places, columns=places, fill_value=0).to_numpy(dtype=float)
    home, abroad = np.diag(flows).sum(), flows - np.diag(np.diag(flows))
    # One order more at home and one abroad: an empty table has no share of its own.
    at_home = (home + 1) / (flows.sum() + 2)
    pull = abroad.sum(axis=0) + 1.0
    found = {}
    for o, origin in enumerate(places):
        others = np.where(np.arange(len(places)) == o, 0.0, pull)
        shares = (1 - at_home) * others / max(others.sum(), 1e-300)
        shares[o] = at_home if len(places) > 1 else 1.0
        found[origin] = shares
    return found


def _of_origin(
    origin: str,
    exits: pd.DataFrame,
    places: list[str],
    counts: tuple[np.ndarray, np.ndarray],
    usual: _Usual,
    settings: BridgeSettings,
) -> list[dict[str, Any]]:
    random = np.random.default_rng(group_seed(settings.seed, "bridge", origin))
    by_day = _own(counts, usual, random, settings.draws)
    sells = _pulled(by_day[..., -1], _expected(counts, usual), usual.places[origin], usual.sells, settings, random)
    value = _values(exits, origin, places, usual, settings, random)
    rows: list[dict[str, Any]] = []
    for p, place in enumerate(places):
        gmv = sells[:, p] * value[:, p]
        reached = by_day[0, p]
        rows.append(
            {
                "origin_country": origin,
                "destination_country": place,
                "uploads": int(exits["uploads"].sum()),
                "orders": int(exits.loc[exits["destination_country"] == place, "uploads"].sum()),
                "horizon_days": settings.horizon_days,
                "days_watched": int(exits["days"].max()),
                "orders_per_upload": float(sells[0, p]),
                **dict(zip(("orders_per_upload_p05", "orders_per_upload_p95"), _ends(sells[1:, p]), strict=True)),
                "value_per_order": float(value[0, p]),
                "gmv_per_upload": float(gmv[0]),
                **dict(zip(("p05", "p95"), _ends(gmv[1:]), strict=True)),
                "median_lag_days": float(np.searchsorted(reached, reached[-1] / 2)) if reached[-1] > 0 else None,
            }
        )
    return rows


def _expected(counts: tuple[np.ndarray, np.ndarray], usual: _Usual) -> float:
    """Orders that an origin's uploads would have made while they were watched, if they sold as all do."""
    return float(at_risk(*counts) @ usual.hazard)


def _own(counts: tuple[np.ndarray, np.ndarray], usual: _Usual, random: np.random.Generator, draws: int) -> np.ndarray:
    """Incidences of an origin by itself: the estimate, then draws; (1 + draws, places, days + 1)."""
    sold, censored = (_drawn(one, random, draws) for one in counts)
    height = sold.sum(axis=-1) / max(_expected(counts, usual), _TINY)
    curve = height[..., None] * usual.hazard
    curve /= np.maximum(curve.sum(axis=1, keepdims=True), 1.0)
    return incidence(sold, censored, curve, CURVE_UPLOADS)


def _pulled(
    own: np.ndarray,
    expected: float,
    places: np.ndarray,
    sells: np.ndarray,
    settings: BridgeSettings,
    random: np.random.Generator,
) -> np.ndarray:
    """Shares of uploads that sell in each place, pulled to the usual ones; the estimate, then draws, as `own`.

    What is usual is known as well as so many orders tell it: a Dirichlet of the uploads that make them, and those that
    do not sell. `own` has a weight of the orders that were expected.
    """
    more = settings.pair_orders
    orders = np.concatenate([more * places[None], random.standard_gamma(more * places, (settings.draws, len(places)))])
    unsold = more * (1.0 - sells) / sells
    unsold[1:] = random.standard_gamma(np.maximum(unsold[1:], 0.0))
    as_usual = orders / np.maximum(orders.sum(axis=1) + unsold, _TINY)[:, None]
    pulled: np.ndarray = (expected * own + more * as_usual) / (expected + more)
    return pulled


def _drawn(counts: np.ndarray, random: np.random.Generator, draws: int) -> np.ndarray:
    """Counts, then draws of them: the Bayesian bootstrap (Rubin 1981) gives a count a gamma weight of that shape."""
    return np.concatenate([counts[None], random.standard_gamma(counts, (draws, *counts.shape))])


def _ends(draws: np.ndarray) -> list[float]:
    return [float(value) for value in np.quantile(draws, ENDS)]


def _counts(exits: pd.DataFrame, places: list[str], days: int) -> tuple[np.ndarray, np.ndarray]:
    """Uploads by place and day of sale, and by the day before which their watch ended; (places, days + 1), (days + 1,).

    The last column is of those that were still there when the horizon ended.
    """
    sold, censored = np.zeros((len(places), days + 1)), np.zeros(days + 1)
    number = {place: p for p, place in enumerate(places)}
    for day, place, uploads in exits[["days", "destination_country", "uploads"]].itertuples(index=False):
        if isinstance(place, str) and day < days:
            sold[number[place], day] += uploads
        else:
            censored[min(int(day), days)] += uploads
    return sold, censored


def _values(
    exits: pd.DataFrame,
    origin: str,
    places: list[str],
    usual: _Usual,
    settings: BridgeSettings,
    random: np.random.Generator,
) -> np.ndarray:
    """Value of an order by place: the estimate, then draws; (1 + draws, places).

    Pulled to the origin's orders, at home and abroad apart, and these to those of all origins.
    """
    sold, more = exits[exits["destination_country"].notna()], settings.pair_orders
    is_home = sold["destination_country"] == origin
    near = {kind: _sums(sold[is_home == kind]) + more * usual.orders[kind] for kind in (True, False)}
    found = []
    for place in places:
        orders, value, squared = near[place == origin]
        mean, here = value / orders, _sums(sold[sold["destination_country"] == place])
        spread = np.sqrt(max(squared / orders - mean**2, 0.0))
        here = here + more * np.array([1.0, mean, 0.0])
        draws = random.normal(here[1] / here[0], spread / np.sqrt(here[0]), settings.draws)
        found.append(np.concatenate([[here[1] / here[0]], np.maximum(draws, 0.0)]))
    return np.stack(found, axis=1)


def _sums(sold: pd.DataFrame) -> np.ndarray:
    """Orders, their value and squared value."""
    sums: np.ndarray = sold[["uploads", "value", "value_squared"]].to_numpy(dtype=float).sum(axis=0)
    return sums
