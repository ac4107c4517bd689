"""What is counted: value, orders or uploads, as weights of what the parts of a plan bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pma.parallel import group_seed
from pma.planning.response import Responses

METRICS = ("gmv", "orders", "uploads")
# Half the width of a 90 % interval of a normal, in deviations.
HALF_WIDTH = 1.6449


def metrics_of(objective: str) -> tuple[str, ...]:
    """Return the metrics that a plan of an objective knows, itself among them: one of uploads has no fits of value."""
    return ("uploads",) if objective == "uploads" else tuple(dict.fromkeys((objective, *METRICS)))


def worth_of(
    bridge: pd.DataFrame,
    countries: list[str],
    objective: str,
    draws: int,
    seed: int,
    margin: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Return what a unit of a target is worth in the objective; country x target with `draws`, (D,) each.

    An upload is worth what it becomes in all destinations (bl.upload_bridge), with its uncertainty; value of orders is
    itself, or orders by the mean value of one in the country, or its margin (`margin`: share of value by the buyer's
    country). Raises ValueError where the bridge lacks a country, or `margin` one that buys.
    """
    rows: list[dict[str, Any]] = []
    if objective == "uploads":
        return pd.DataFrame([{"country": one, "target": "uploads", "draws": np.ones(draws)} for one in countries])
    missing = sorted(set(countries) - set(bridge["origin_country"]))
    if missing:
        raise ValueError(
            f"bl.upload_bridge has no row of {', '.join(missing)}: no uploads were watched there. Run upload_bridge"
        )
    left = _left(bridge, margin) if objective == "margin" else pd.Series(1.0, bridge.index)
    mean, low, high = (
        ("orders_per_upload", "orders_per_upload_p05", "orders_per_upload_p95")
        if objective == "orders"
        else ("gmv_per_upload", "p05", "p95")
    )
    for country in countries:
        own = bridge[bridge["origin_country"] == country]
        of_sale = left[own.index]
        spread = np.sqrt(((of_sale * (own[high] - own[low]) / (2 * HALF_WIDTH)) ** 2).sum())
        random = np.random.default_rng(group_seed(seed, "worth", country))
        upload = np.maximum((of_sale * own[mean]).sum() + spread * random.standard_normal(draws), 0.0)
        rows.append({"country": country, "target": "uploads", "draws": upload})
        here = bridge[bridge["destination_country"] == country]
        value = np.average(here["value_per_order"], weights=np.maximum(here["orders"], 1)) if len(here) else np.nan
        of_value = {"gmv": 1.0, "orders": 1.0 / value if value > 0 else 0.0, "margin": (margin or {}).get(country, 0.0)}
        rows.append({"country": country, "target": "gmv", "draws": np.full(draws, of_value[objective])})
    return pd.DataFrame(rows)


def _left(bridge: pd.DataFrame, margin: Mapping[str, float] | None) -> pd.Series:
    """What is left of value by the buyer's country, beside the rows of the bridge."""
    missing = sorted(set(bridge["destination_country"]) - set(margin or {}))
    if missing:
        raise ValueError(
            f"planning.plan.margin has no share for {', '.join(missing)}, where uploads sell: give each buyers' "
            "country one, or make planning.plan.objective gmv"
        )
    found: pd.Series = bridge["destination_country"].map(dict(margin or {})).astype(float)
    return found


def worth_by_part(responses: Responses, worth: pd.DataFrame) -> np.ndarray:
    """Return what a unit of each part's target is worth, (P, D), by rows of `worth_of`; nothing where it has none."""
    known = {(row["country"], row["target"]): row["draws"] for row in worth.to_dict("records")}
    nothing = np.zeros(responses.first.shape[1])
    keys = zip(responses.part["country"], responses.part["target"], strict=True)
    return np.stack([np.broadcast_to(known.get(key, nothing), nothing.shape) for key in keys])


def target_of(metric: str) -> str:
    """Return the target of the fits in which a metric is counted."""
    return "uploads" if metric == "uploads" else "gmv"


def counted_worth(responses: Responses, metric: str, worth: np.ndarray) -> np.ndarray:
    """Return what a unit of each part adds to a metric as it is counted, (P, D); `worth`: all that it is worth, (P, D).

    Uploads in fits of uploads, value and orders in fits of value: what uploads become is counted when it is sold, by
    the fits of value, so that no sale counts twice.
    """
    is_counted = (responses.part["target"] == target_of(metric)).to_numpy()
    return np.where(is_counted[:, None], worth, 0.0)
