"""The bridge: what an upload in one country becomes in orders and value in others, with what is not sold yet in it.

An upload leaves the watch when it sells, in one of the destinations, or when the data end (right-censored). Shares are
cumulative incidences of competing destinations, by the Aalen-Johansen estimator (Aalen and Johansen 1978, An empirical
transition matrix for non-homogeneous Markov chains based on censored observations): counting sold over uploaded would
take every upload of the last weeks for one that never sells.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pma.parallel import group_seed
from pma.planning.settings import BridgeSettings

ENDS = (0.05, 0.95)


def upload_bridge(exits: pd.DataFrame, settings: BridgeSettings) -> pd.DataFrame:
    """Return rows of bl.upload_bridge less run_id and data_origin: one per pair of an origin and a destination.

    `exits`: rows of `pma.planning.exits.upload_exits`, of all origins. Destinations are all countries that any upload
    is known to have sold in, and all origins. A pair of few orders is pulled to what is usual: the home share of all
    origins, and abroad each destination's share of all that sells abroad (`pair_orders`). Raises ValueError where
    there are no exits.
    """
    if exits.empty:
        raise ValueError("no uploads in the window. Load il.listings, or make planning.bridge.window_days longer")
    sold = exits[exits["destination_country"].notna()]
    places = sorted({*exits["origin_country"], *sold["destination_country"]})
    usual = _usual_shares(sold, places)
    rows = []
    for origin, mine in exits.groupby("origin_country", sort=True):
        rows += _of_origin(str(origin), mine, places, usual[str(origin)], sold, settings)
    return pd.DataFrame(rows)


def incidence(sold: np.ndarray, censored: np.ndarray) -> np.ndarray:
    """Return the share of uploads that sold in each place by the end of each day; (..., places, days).

    sold: (..., places, days) of uploads that sold so many days after the upload; censored: (..., days) of those whose
    watch ended before that day. Both may be weights; axes before them are draws. Of the last day none may have sold: it
    is of those that were still there.
    """
    left = sold.sum(axis=-2) + censored
    # At risk on a day: all that leave later, and those that sell on it; whose watch ended before it are gone.
    at_risk = np.flip(np.cumsum(np.flip(left, -1), -1), -1) - censored
    hazard = np.divide(sold, at_risk[..., None, :], out=np.zeros_like(sold, dtype=float), where=sold > 0)
    stays = np.cumprod(1.0 - hazard.sum(axis=-2), axis=-1)
    before = np.concatenate([np.ones_like(stays[..., :1]), stays[..., :-1]], axis=-1)
    found: np.ndarray = np.cumsum(before[..., None, :] * hazard, axis=-1)
    return found


def _usual_shares(sold: pd.DataFrame, places: list[str]) -> dict[str, np.ndarray]:
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
    usual: np.ndarray,
    everywhere: pd.DataFrame,
    settings: BridgeSettings,
) -> list[dict[str, Any]]:
    days = settings.horizon_days + 1
    sold, censored = _counts(exits, places, days)
    random = np.random.default_rng(group_seed(settings.seed, "bridge", origin))
    # The Bayesian bootstrap (Rubin 1981): a count of equal uploads has a gamma weight of that shape.
    weights = np.concatenate([sold[None], random.standard_gamma(sold, (settings.draws, *sold.shape))])
    gone = np.concatenate([censored[None], random.standard_gamma(censored, (settings.draws, *censored.shape))])
    by_day = incidence(weights, gone)
    whole = by_day[..., -1].sum(axis=-1)
    orders = sold.sum()
    own = orders * np.divide(by_day[..., -1], whole[:, None], out=np.zeros(by_day.shape[:2]), where=whole[:, None] > 0)
    more = settings.pair_orders * usual
    pulled = np.concatenate([more[None], random.standard_gamma(more, (settings.draws, len(places)))])
    shares = (own + pulled) / (own + pulled).sum(axis=1, keepdims=True)
    sells = whole[:, None] * shares
    value = _values(exits, everywhere, origin, places, settings, random)
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
                "orders_per_upload": float(sells[0, p]),
                **dict(zip(("orders_per_upload_p05", "orders_per_upload_p95"), _ends(sells[1:, p]), strict=True)),
                "value_per_order": float(value[0, p]),
                "gmv_per_upload": float(gmv[0]),
                **dict(zip(("p05", "p95"), _ends(gmv[1:]), strict=True)),
                "median_lag_days": float(np.searchsorted(reached, reached[-1] / 2)) if reached[-1] > 0 else None,
            }
        )
    return rows


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
    everywhere: pd.DataFrame,
    origin: str,
    places: list[str],
    settings: BridgeSettings,
    random: np.random.Generator,
) -> np.ndarray:
    """Value of an order by place: the estimate, then draws; (1 + draws, places).

    Pulled to the origin's mean order, at home and abroad apart, or to that of all origins where it sold nothing.
    """
    sold = exits[exits["destination_country"].notna()]
    is_home = sold["destination_country"] == origin
    away = everywhere["destination_country"] != everywhere["origin_country"]
    found = []
    for place in places:
        kind = is_home if place == origin else ~is_home
        near = sold[kind] if kind.any() else everywhere[~away if place == origin else away]
        near = near if len(near) else everywhere
        here = sold[sold["destination_country"] == place]
        orders, more = here["uploads"].sum(), settings.pair_orders
        usual, spread = _moments(near)
        mean = (here["value"].sum() + more * usual) / (orders + more)
        error = spread / np.sqrt(orders + more)
        found.append(np.concatenate([[mean], np.maximum(random.normal(mean, error, settings.draws), 0.0)]))
    return np.stack(found, axis=1)


def _moments(sold: pd.DataFrame) -> tuple[float, float]:
    """Mean and deviation of the value of an order."""
    orders = max(float(sold["uploads"].sum()), 1.0)
    mean = float(sold["value"].sum()) / orders
    return mean, float(np.sqrt(max(float(sold["value_squared"].sum()) / orders - mean**2, 0.0)))
