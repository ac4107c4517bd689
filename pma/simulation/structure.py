"""The marketplace as equations: what spend makes of uploads, of demand, and of sales in every country."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import ndtr

from pma.simulation.channels import DEMAND, UPLOADS
from pma.simulation.media import Response

# An order later than so many weeks after the upload does not happen.
LAG_WEEKS = 52
_PARTS = 28


@dataclass(frozen=True)
class Flows:
    """Where uploads sell: `share`, `price` (origins, destinations) and `lag` (origins, destinations, weeks)."""

    share: np.ndarray
    price: np.ndarray
    lag: np.ndarray


@dataclass(frozen=True)
class Structure:
    """Everything that decides expected uploads and gmv; arrays are by country, channel and week, in that order.

    `unpaid` per target is (countries, weeks): all components that are not paid media or their interaction, noise
    included. Uploads are counts, demand a multiplier of mean about 1.
    """

    weeks: pd.DatetimeIndex
    spend: np.ndarray
    response: Response
    unpaid: dict[str, np.ndarray]
    flows: Flows

    def with_spend(self, spend: np.ndarray) -> Structure:
        """Return the same marketplace, had other money been spent; noise and all else equal."""
        return replace(self, spend=spend)

    @cached_property
    def paid(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Per target the channels' effects, (countries, channels, weeks), and their interaction, (countries, weeks)."""
        return {target: self.response.effects(self.spend, target) for target in self.unpaid}

    def uploads(self) -> np.ndarray:
        """Return expected uploads; (countries, weeks)."""
        return self._total(UPLOADS)

    def demand(self) -> np.ndarray:
        """Return the demand multiplier; (countries, weeks)."""
        return self._total(DEMAND)

    def supply(self) -> np.ndarray:
        """Return what would be sold where demand is 1: order value by country of the buyer; (countries, weeks)."""
        return arrivals(self.uploads(), self.flows.share * self.flows.price, self.flows.lag)

    def gmv(self) -> np.ndarray:
        """Return expected order value by country of the buyer, reporting currency; (countries, weeks)."""
        return self.supply() * self.demand()

    def _total(self, target: str) -> np.ndarray:
        effects, both = self.paid[target]
        return self.unpaid[target] + effects.sum(axis=1) + both


def arrivals(uploads: np.ndarray, weight: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """Return sum over origins i and lags l of uploads[i, t - l] weight[i, j] lag[i, j, l]; (countries, weeks).

    Nothing was uploaded before the first week.
    """
    out = np.zeros_like(uploads)
    weeks = uploads.shape[1]
    for later in range(min(lag.shape[2], weeks)):
        out[:, later:] += (weight * lag[:, :, later]).T @ uploads[:, : weeks - later]
    return out


def lag_weeks(median_days: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return the share of orders that come 0, 1, ... weeks after the upload's week; (..., LAG_WEEKS).

    Uploads are spread evenly over their week; the lag in days is log-normal.
    """
    left = (np.arange(_PARTS) + 0.5) / _PARTS * 7
    ends = 7.0 * np.arange(1, LAG_WEEKS + 1)[:, None] - left
    scaled = (np.log(ends) - np.log(median_days)[..., None, None]) / sigma[..., None, None]
    reached = ndtr(scaled).mean(axis=-1)
    return np.diff(reached, axis=-1, prepend=0.0)


def make_flows_arrays(flows: pd.DataFrame, countries: tuple[str, ...]) -> Flows:
    """Bring the frame of flows into arrays, by origin and destination in the order of `countries`."""
    table = flows.set_index(["origin_country", "destination_country"])

    def of(name: str) -> np.ndarray:
        wide = table[name].unstack("destination_country")
        return wide.loc[list(countries), list(countries)].to_numpy()

    return Flows(of("share"), of("mean_price"), lag_weeks(of("median_lag_days"), of("lag_sigma")))
