"""What the simulated marketplace's uploads become, drawn without Spark, and what they become on average: its truth."""

import numpy as np
import pandas as pd

from pma.simulation.chance import HOURS
from pma.simulation.draws import generator
from pma.simulation.trade import REFUNDED, REFUNDED_WHOLE, daily_counts, expected, flow_ranges

EXITS = ["origin_country", "days", "destination_country"]
PAIR = ["origin_country", "destination_country"]
# Of an order's value, so much is given back on average: whole, or half of it.
GIVEN_BACK = REFUNDED * (REFUNDED_WHOLE + (1 - REFUNDED_WHOLE) / 2)
DAYS_A_WEEK = 7


def drawn_exits(market, window_days, young=None):
    """Return rows of `upload_exits`: each upload of the window drawn by itself, by the rules of `simulation.trade`.

    But for the hours of night in which an order of a later day may not fall, all is drawn as there. `young`: countries
    in which uploads began so many days before the data end.
    """
    random = generator(market.settings.seed, "exits without Spark")
    listed = _listed(market, random)
    end = int((pd.Timestamp(market.settings.last_day) - market.weeks[0]).days) + 1
    listed = listed[listed["day"] >= end - listed["country"].map(young or {}).fillna(window_days)]
    sold = _sold(market, listed, end, random)
    days = np.where(sold["is_sold"], sold["completed"], end) - listed["day"].to_numpy()
    value = np.where(sold["is_sold"], sold["value"], 0.0)
    return (
        pd.DataFrame(
            {
                "origin_country": listed["country"].to_numpy(),
                "days": days.astype(int),
                "destination_country": np.where(sold["is_sold"], sold["destination"], None),
                "uploads": 1,
                "value": value,
                "value_squared": value**2,
            }
        )
        .groupby(EXITS, dropna=False, as_index=False)
        .sum()
        .astype({"destination_country": object})
        .replace({"destination_country": {np.nan: None}})
    )


def true_bridge(market, window_days, horizon_days):
    """Return by pair what an upload of the window is expected to become within the horizon, in orders and in value.

    Demand is that of the weeks in which the orders of these uploads fall, as far as the data go, on average; value is
    less refunds.
    """
    structure, flows = market.structure, market.flows.set_index(PAIR)
    weeks = len(market.weeks)
    first = max(weeks - window_days // DAYS_A_WEEK, 0)
    uploads = np.where(np.arange(weeks) >= first, np.maximum(structure.uploads(), 0.0), 0.0)
    demand, lag = np.maximum(structure.demand(), 0.0), structure.flows.lag
    weight, met = np.zeros(lag.shape[:2]), np.zeros(lag.shape[:2])
    for later in range(min(lag.shape[2], weeks)):
        since = uploads[:, : weeks - later]
        weight += since.sum(axis=1)[:, None] * lag[:, :, later]
        met += since @ demand[:, later:].T * lag[:, :, later]
    within = lag[:, :, : horizon_days // DAYS_A_WEEK].sum(axis=2)
    names = pd.MultiIndex.from_product([market.settings.countries] * 2, names=PAIR)
    orders = pd.Series((structure.flows.share * within * met / weight).ravel(), index=names)
    value = orders * flows["mean_price"].reindex(names) * (1 - GIVEN_BACK)
    return pd.DataFrame({"orders_per_upload": orders, "gmv_per_upload": value})


def by_destination(market, gmv_per_upload, window_days):
    """Return the value of the orders of the window's expected uploads by destination."""
    weeks = window_days // DAYS_A_WEEK
    uploads = pd.Series(market.structure.uploads()[:, -weeks:].sum(axis=1), index=list(market.settings.countries))
    origin = gmv_per_upload.index.get_level_values("origin_country")
    return (gmv_per_upload * uploads.reindex(origin).to_numpy()).groupby("destination_country").sum()


def counted(bridge):
    """The negative control: sold over uploaded, as if what is not sold yet never were; value by pair."""
    return bridge["orders"] / bridge["uploads"] * bridge["value_per_order"]


def _listed(market, random):
    counts = daily_counts(market)
    day = (counts["day"] - pd.Timestamp(market.weeks[0]).value // 10**6) // (24 * 3600 * 1000)
    each = np.repeat(np.arange(len(counts)), counts["uploads"])
    hour = random.choice(np.repeat(np.arange(24), HOURS), len(each)) + random.random(len(each))
    return pd.DataFrame(
        {"country": counts["country"].to_numpy()[each], "day": day.to_numpy()[each], "created": hour / 24}
    )


def _sold(market, listed, end, random):
    """One row per upload: destination, day of the order, value less refunds, and whether it sells before the end."""
    demand = expected(market.demand).unstack("week_start")
    ranges = flow_ranges(market)
    found = pd.DataFrame(
        {"destination": None, "completed": 0, "value": 0.0, "is_sold": False}, index=range(len(listed))
    )
    for origin, flows in ranges.groupby("origin"):
        mine = np.flatnonzero((listed["country"] == origin).to_numpy())
        flows = flows.sort_values("low")
        taken = flows.iloc[np.searchsorted(flows["high"].to_numpy(), random.random(len(mine)), side="right")]
        lag = taken["median_lag_days"] * np.exp(taken["lag_sigma"] * random.standard_normal(len(mine)))
        day = listed["day"].to_numpy()[mine]
        completed = np.floor(day + listed["created"].to_numpy()[mine] + np.minimum(lag.to_numpy(), 1e4)).astype(int)
        is_known = taken["destination"].notna().to_numpy() & (completed < end)
        place = demand.index.get_indexer(taken["destination"].fillna(origin))
        now = demand.to_numpy()[place, np.minimum(completed, end - 1) // DAYS_A_WEEK]
        accepted = random.random(len(mine)) * taken["most_demand"].fillna(1.0).to_numpy() < now
        price = np.log(taken["mean_price"]) - taken["price_sigma"] ** 2 / 2
        value = np.exp(price + taken["price_sigma"] * random.standard_normal(len(mine))).to_numpy()
        refund = random.random(len(mine))
        kept = np.where(refund < REFUNDED * REFUNDED_WHOLE, 0.0, np.where(refund < REFUNDED, 0.5, 1.0))
        found.loc[mine, "destination"] = taken["destination"].to_numpy()
        found.loc[mine, "completed"], found.loc[mine, "value"] = completed, value * kept
        found.loc[mine, "is_sold"] = is_known & accepted
    return found
