"""How long an ad works on: shares of its effect by week, from the draws of a fit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pma.media.transforms import adstock_weights

FIT = ["geo_level", "geo", "target", "method"]
COLUMNS = [*FIT, "channel", "usual_spend", "lag", "mean", "p05", "p95"]


def carryover(posterior: pd.DataFrame) -> pd.DataFrame:
    """Return the share of an ad's effect 0, 1, ... weeks after it, with its 90 % interval.

    `posterior`: rows of bl.mmm_posterior. One row per geo_level x geo x target x method x channel x lag, with the
    channel's usual spend a week, money; the means of a channel add up to 1.
    """
    return pd.DataFrame(list(_rows(posterior)), columns=COLUMNS)


def _rows(posterior: pd.DataFrame) -> Iterator[tuple]:
    for key, draws in posterior.groupby([*FIT, "channel"], sort=True):
        first, second = (draws[[f"adstock_{name}"]].to_numpy(dtype=float) for name in ("first", "second"))
        kind, lags = str(draws["adstock"].iloc[0]), int(draws["lags"].iloc[0])
        shares = adstock_weights(kind, first, second, lags)[:, 0, :]
        low, high = np.quantile(shares, [0.05, 0.95], axis=0)
        usual = float(draws["usual_spend"].iloc[0])
        for lag, mean in enumerate(shares.mean(axis=0)):
            yield (*key, usual, lag, float(mean), float(low[lag]), float(high[lag]))
