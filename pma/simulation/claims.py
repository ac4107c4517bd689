"""What the platforms say they brought: each claims more than it did, and together they claim one sale several times."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pma.simulation.budgets import USUAL_PRICE
from pma.simulation.channels import CHANNEL_NAMES, DEMAND, UPLOADS
from pma.simulation.draws import generator
from pma.simulation.settings import SimulationSettings
from pma.simulation.structure import Structure, arrivals

# A platform claims from so much to so much of what it truly brought.
_LEAST, _MOST = 1.3, 2.2


def claim(settings: SimulationSettings, structure: Structure, spend: pd.DataFrame) -> pd.DataFrame:
    """Return conversions and their value in the account's currency for each row of spend, in its order.

    Conversions are uploads and orders alike; they follow clicks.
    """
    orders = arrivals(structure.uploads(), structure.flows.share, structure.flows.lag)
    brought = structure.paid[UPLOADS][0].sum(axis=2) + (structure.paid[DEMAND][0] * orders[:, None]).sum(axis=2)
    country = spend["country"].map({name: i for i, name in enumerate(settings.countries)}).to_numpy()
    channel = spend["channel"].map({name: c for c, name in enumerate(CHANNEL_NAMES)}).to_numpy()
    clicks = np.zeros(brought.shape)
    np.add.at(clicks, (country, channel), spend["clicks"].to_numpy())
    boast = np.array(
        [
            [generator(settings.seed, "claim", i, c).uniform(_LEAST, _MOST) for c in CHANNEL_NAMES]
            for i in settings.countries
        ]
    )
    rate = boast * brought / np.maximum(clicks, 1)
    conversions = np.round(spend["clicks"].to_numpy() * rate[country, channel], 2)
    price = USUAL_PRICE * settings.sales_rate
    # What the account's currency is worth, read off the row; a row without money claims in EUR.
    local, euros = spend["local_micros"].to_numpy(), spend["spend_micros"].to_numpy()
    worth = np.where(local != 0, euros / np.where(local != 0, local, 1), 1.0)
    value = np.round(conversions * price / worth, 2)
    return pd.DataFrame({"conversions": conversions, "value": value}, index=spend.index)
