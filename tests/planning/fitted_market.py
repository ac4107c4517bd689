"""Simulated marketplaces whose planner knows what the real model finds in their weekly rows."""

from dataclasses import replace

import numpy as np
import pandas as pd

from pma.planning.bridge import upload_bridge
from pma.planning.plan import Inputs
from pma.planning.settings import BridgeSettings
from pma.simulation.channels import CHANNEL_NAMES, TARGETS
from pma.simulation.settings import SimulationSettings
from tests.mmm.clean_world import paused
from tests.mmm.simulated_market import as_input, counted_rows, marketplace, seen_rows
from tests.planning.simulated_trade import drawn_exits

REGIONS = {"DACH": ("DE", "AT"), "SOUTH": ("IT",)}
# So many last weeks are as the marketplace's planners had them: today's money is nobody's pause.
AS_USUAL = 8
BRIDGE = BridgeSettings()


def clean_market(seed):
    """Return a marketplace as in `tests.mmm.clean_world`, and its rows of bl.mmm_input.

    Three countries, all twelve channels; spend follows no demand, moves twice as much and pauses, but for the last
    weeks. No swell of demand, noise of 2 % upon what is expected, no counting; nothing is brought by two channels
    together only.
    """
    market = quiet_market(seed)
    spend = market.structure.spend
    moved = paused(seed, spend)
    moved[..., -AS_USUAL:] = spend[..., -AS_USUAL:]
    structure = market.structure
    nothing = {target: np.zeros_like(values) for target, values in structure.response.synergy.items()}
    swell = {target: _swell(market, frame) for target, frame in zip(TARGETS, _parts(market), strict=True)}
    structure = replace(
        structure,
        spend=moved,
        response=replace(structure.response, synergy=nothing),
        unpaid={target: values - swell[target] for target, values in structure.unpaid.items()},
    )
    market = replace(market, structure=structure)
    rows = seen_rows(market)
    paid = _wide(moved.reshape(-1, moved.shape[2]), _cells(market), market, "paid")
    return market, pd.concat([expected_rows(market), paid, rows[~rows["role"].isin(["paid", "interaction"])]])


def own_market(seed):
    """Return a marketplace as in `tests.mmm.own_world`, and its rows: the simulator, its spend following no demand."""
    market = quiet_market(seed)
    return market, pd.concat([expected_rows(market), seen_rows(market)])


def whole_market(seed):
    """Return the marketplace with all its faults, and its rows: spend follows demand, feeds lack, all is counted."""
    market = marketplace(SimulationSettings(seed=seed, regions=REGIONS))
    return market, pd.concat([counted_rows(market), seen_rows(market)])


def expected_rows(market):
    """Return the targets as they are expected, noise included, without the chance of single uploads and orders."""
    structure = market.structure
    parts = [
        _wide(values, [(country, target) for country in market.settings.countries], market, "target")
        for target, values in (("uploads", structure.uploads()), ("gmv", structure.gmv()))
    ]
    return pd.concat(parts)


def fitted_inputs(market, rows, fits):
    """Return what a plan is made of: `fits`, rows of `fit_geo` of this market; a bridge from drawn uploads and orders.

    Uploads and orders are those of the marketplace before pauses were put into its spend.
    """
    posterior = [
        pd.DataFrame(list(fit["mmm_posterior"])).assign(
            **{name: fit[name] for name in ("geo_level", "geo", "target", "method")}
        )
        for fit in fits.to_dict("records")
    ]
    unpaid = [
        pd.DataFrame(list(fit["mmm_contributions"])).query("kind != 'paid'").assign(country=fit["geo"])
        for fit in fits[fits["target"] == "uploads"].to_dict("records")
    ]
    unpaid = pd.concat(unpaid).groupby(["country", "week_start"])["mean"].sum().rename("value").reset_index()
    paid = rows[(rows["role"] == "paid") & rows["value"].notna()].rename(columns={"geo": "country"})
    paid = paid.rename(columns={"variable": "channel"})[["country", "channel", "week_start", "value"]]
    bridge = upload_bridge(drawn_exits(market, BRIDGE.window_days), BRIDGE)
    runs = fits[["geo_level", "geo", "target", "method", "status", "message"]]
    return Inputs(runs, pd.concat(posterior), paid, unpaid, bridge)


def quiet_market(seed):
    """Return the simulator with spend that follows no demand, noise of 2 %, and all feeds."""
    return marketplace(
        SimulationSettings(seed=seed, regions=REGIONS, noise=0.02, confounding=0.0, lift_tests=0, missing_feeds=False)
    )


def _parts(market):
    return market.upload_contributions, market.demand


def _swell(market, frame):
    """What of the baseline moves, by country and week."""
    base = frame[frame["component"] == "baseline"].pivot(index="country", columns="week_start", values="value")
    base = base.reindex(index=list(market.settings.countries), columns=market.weeks).to_numpy()
    return base - base.mean(axis=1, keepdims=True)


def _cells(market):
    return [(country, channel) for country in market.settings.countries for channel in CHANNEL_NAMES]


def _wide(values, names, market, role):
    """Rows of the input from (rows, weeks), each named by country and variable; what never ran is left out."""
    index = pd.MultiIndex.from_tuples(names, names=["country", "variable"])
    table = pd.DataFrame(values, index=index, columns=pd.Index(market.weeks, name="week_start"))
    return as_input([table[(table > 0).any(axis=1)].stack().rename("value").reset_index().assign(role=role)])
