"""Curves of campaigns out of those of their channels: scaled to their share, together the channel's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from pma.planning.response import Horizon, Responses
from pma.planning.water import Curves

# Levels at which a channel's curve is looked at, times its usual money a week.
_LEVELS = np.concatenate([[0.0], np.geomspace(0.01, 20.0, 44)])
# Draws that curves are the mean of: amounts hang on the mean alone.
_LOOKED_AT = 64


def campaign_responses(
    made: Responses, cell: np.ndarray, share: np.ndarray, ratio: dict[str, np.ndarray], over: Horizon
) -> Responses:
    """Return what money in campaigns brings, by draw: `made` with a cell for each campaign.

    made: of channels; cell: that a campaign is in, (K,); share: of its cell's money at today's mix, (K,), 1 together;
    ratio: by target what its money brings over what its channel's does, (K, D), see `efficiencies`. A channel's effect
    is coefficient x S(spend / usual); that of its campaign is share x ratio x coefficient x S(spend / (share x usual)):
    where money is split as today, the S of all campaigns are that of the channel, and shares times ratios are 1: their
    sum is the channel's effect at any level, draw by draw. `over`: the horizon whose months are the plan's weeks.
    """
    of_cell = made.part["cell"].to_numpy()
    pairs = [(k, p) for k, c in enumerate(cell) for p in np.flatnonzero(of_cell == c)]
    k, p = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    targets = made.part["target"].to_numpy()[p]
    scale = np.array([ratio[target][row] for row, target in zip(k, targets, strict=True)])
    scale = scale.reshape(len(k), made.first.shape[1])
    cells = made.cells.iloc[cell].reset_index(drop=True)
    part = made.part.iloc[p].assign(cell=k).reset_index(drop=True)
    return Responses(
        horizon=over,
        cells=cells,
        part=part,
        weights=np.ascontiguousarray(made.weights[p]),
        kind=made.kind[p],
        usual=made.usual[p] * share[k],
        first=np.ascontiguousarray(made.first[p]),
        second=np.ascontiguousarray(made.second[p]),
        coefficient=made.coefficient[p] * share[k][:, None] * scale,
        spent=made.spent[cell] * share[:, None],
        worth=np.ascontiguousarray(made.worth[p]),
    )


def by_weeks(over: Horizon, weeks: pd.DataFrame, share: np.ndarray) -> Horizon:
    """Return a horizon whose months are the rows of `weeks`; `share`: which of its weeks each lies in, (P, W)."""
    return replace(over, months=tuple(weeks["week_start"]), share=share)


def channel_curves(
    made: Responses, planned: np.ndarray, month: int, usual: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return levels, money a week, (C, G), and what they bring a week by part, in the plan's objective, (P, G).

    The mean over draws of what a channel's money of one month, spread evenly, adds to that of the months before,
    `planned`, (C, M), carry-over and all; `usual`: money a week around which to look, (C,).
    """
    few = made.thinned(_LOOKED_AT)
    before = np.where(np.arange(planned.shape[1]) < month, planned, 0.0)
    weeks = pd.Timestamp(made.horizon.months[month]).days_in_month / 7
    levels = usual[:, None] * _LEVELS
    base = few.by_draw(before)
    value = np.zeros((len(few.part), len(_LEVELS)))
    for g in range(1, len(_LEVELS)):
        money = before.copy()
        money[:, month] = levels[:, g] * weeks
        value[:, g] = (few.worth * (few.by_draw(money) - base)).mean(axis=1) / weeks
    return levels, value


def campaign_curves(
    made: Responses,
    levels: np.ndarray,
    value: np.ndarray,
    cell: np.ndarray,
    share: np.ndarray,
    ratio: dict[str, np.ndarray],
) -> Curves:
    """Return the curves of campaigns from those of their channels, see `channel_curves` and `campaign_responses`."""
    of_part, targets = made.part["cell"].to_numpy(), made.part["target"].to_numpy()
    brings = np.zeros((len(cell), levels.shape[1]))
    for target, by_draw in ratio.items():
        of_cell = np.zeros(levels.shape)
        of_cell[of_part[targets == target]] = value[targets == target]
        brings += by_draw.mean(axis=1)[:, None] * of_cell[cell]
    return Curves(share[:, None] * levels[cell], share[:, None] * brings)
