"""What a plan expects of each month and country, to be held against what comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pma.planning.anyway import Anyway
from pma.planning.metrics import counted_worth
from pma.planning.outcome import added, interval
from pma.planning.response import Responses
from pma.planning.tables import ALL


def outlook_rows(
    responses: Responses, money: np.ndarray, worth: Mapping[str, np.ndarray], comes: Mapping[str, Anyway]
) -> pd.DataFrame:
    """Return rows of bl.plan_outlook less plan_id, data_origin and run_id; by month, country, metric of `comes`.

    `money`: of the plan, (C, M); `worth`: by metric, of a unit of each part, (P, D); `comes`: by metric. The
    response is what a month's money brings, also later; what is reached is what the month counts.
    """
    rows: list[dict[str, Any]] = []
    countries = (responses.cells["country"]).to_numpy()
    for metric, coming in comes.items():
        by_month, counts = added(responses, money, worth[metric]), counted_worth(responses, metric, worth[metric])
        for m, month in enumerate(responses.horizon.months):
            counted = responses.within(m).by_cell(money, counts)
            for country in (ALL, *coming.countries):
                at = np.ones(len(countries), dtype=bool) if country == ALL else countries == country
                brings = by_month[:, at, m].sum(axis=1)
                outcomes = coming.reached(counted[:, at].sum(axis=1), None if country == ALL else country, m)
                rows.append(
                    {
                        "month": month,
                        "country": country,
                        "metric": metric,
                        "spend": float(money[at, m].sum()),
                        **interval("response", brings),
                        **interval("reached", outcomes),
                    }
                )
    return pd.DataFrame(rows)
