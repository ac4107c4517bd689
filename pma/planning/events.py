"""An event that is moved: what comes anyway shifts into the plan's months, or out of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pma.parallel import group_seed
from pma.planning.metrics import HALF_WIDTH
from pma.planning.response import WEEK, Horizon

YEAR = 52


def moved_events(
    events: pd.DataFrame, over: Horizon, moved: Mapping[str, int], draws: int, seed: int
) -> dict[tuple[str, str], np.ndarray]:
    """Return what the plan's months gain, by country and target; units of the target, (D,) each.

    `events`: country x target x event x week_start with `mean`, `p05`, `p95`; `moved`: by event, so many weeks later
    than a year ago. A year has 52 weeks, an event's weeks are like those of a year ago, and one draw of its effect
    holds for all of them. Raises ValueError where an event is nowhere.
    """
    known = sorted(set(events["event"])) if len(events) else []
    unknown = sorted(set(moved) - set(known))
    if unknown:
        raise ValueError(
            f"a scenario moves {', '.join(unknown)}, which no fit has as an event. "
            f"There are {', '.join(known) or 'none'}"
        )
    days = np.array([pd.Timestamp(month).days_in_month for month in over.months])
    in_plan = over.share.T @ days / 7
    found: dict[tuple[str, str], np.ndarray] = {}
    for key, own in events[events["event"].isin(moved)].groupby(["country", "target", "event"]):
        country, target, event = (str(part) for part in key)
        of_week = {pd.Timestamp(week).date(): mean for week, mean in zip(own["week_start"], own["mean"], strict=True)}
        weeks = [(week - WEEK * YEAR, share) for week, share in zip(over.weeks, in_plan, strict=True) if share > 0]
        before = sum(share * of_week.get(week, 0.0) for week, share in weeks)
        after = sum(share * of_week.get(week - WEEK * moved[event], 0.0) for week, share in weeks)
        size = float(own["mean"].abs().sum())
        doubt = float((own["p95"] - own["p05"]).sum()) / (2 * HALF_WIDTH * size) if size > 0 else 0.0
        random = np.random.default_rng(group_seed(seed, "event", country, target, event))
        change = (after - before) * (1 + doubt * random.standard_normal(draws))
        found[country, target] = found.get((country, target), 0.0) + change
    return found


def moved_worth(
    moved: Mapping[tuple[str, str], np.ndarray], units: Mapping[str, pd.DataFrame]
) -> dict[str, dict[str, np.ndarray]]:
    """Return what moved events are worth, by metric and country, (D,) each; `units`: see `metrics.worth_of`."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for metric, unit in units.items():
        of_metric: dict[str, np.ndarray] = {}
        for row in unit.to_dict("records"):
            if (key := (row["country"], row["target"])) in moved:
                of_metric[key[0]] = of_metric.get(key[0], 0.0) + row["draws"] * moved[key]
        found[metric] = of_metric
    return found
