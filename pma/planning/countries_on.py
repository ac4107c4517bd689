"""A country that is switched on: one without a fit of its own as another one is, or one that gets nothing today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from pma.planning.response import Responses
from pma.planning.settings import LikeCountry, Limit


def switched_on(
    responses: Responses, current: np.ndarray, worth: Mapping[str, np.ndarray], on: Mapping[str, LikeCountry]
) -> tuple[Responses, np.ndarray, dict[str, np.ndarray]]:
    """Return responses, today's money, (C, M), and worth by metric, (P, D), with countries switched on.

    A country without a fit has the cells of the one that it is like: the same returns at the same money per size, the
    same worth of an upload, nothing spent before. Its draws are those of the other: how far countries differ is not in
    them. Its money of today, and that of a country with a fit of its own that is like another, is that of the other,
    times the size. Raises ValueError where the country that it is like has no fit.
    """
    made, money, values = responses, current, dict(worth)
    for name, asked in on.items():
        source = asked.like or name
        at = np.flatnonzero((made.cells["country"] == source).to_numpy())
        if not len(at):
            known = ", ".join(sorted(set(made.cells["country"])))
            raise ValueError(
                f"a scenario switches {name} on like {source}, which no fit has: say which it is like, of {known}"
            )
        if (made.cells["country"] == name).any():
            of_channel = dict(zip(made.cells["channel"][at], money[at], strict=True))
            money = money.copy()
            for c in np.flatnonzero((made.cells["country"] == name).to_numpy()):
                money[c] = asked.size * of_channel.get(made.cells["channel"][c], np.zeros(money.shape[1]))
            continue
        made, values = _with_copy(made, values, name, at, asked.size)
        money = np.concatenate([money, asked.size * money[at]])
    return made, money, values


def _with_copy(
    made: Responses, worth: dict[str, np.ndarray], name: str, at: np.ndarray, size: float
) -> tuple[Responses, dict[str, np.ndarray]]:
    """Responses and worth with the cells `at` once more, under another country's name."""
    parts = np.flatnonzero(made.part["cell"].isin(at).to_numpy())
    number = {int(c): len(made.cells) + n for n, c in enumerate(at)}
    part = made.part.iloc[parts].assign(country=name, cell=[number[int(c)] for c in made.part["cell"].iloc[parts]])

    def twice(values: np.ndarray, times: float = 1.0) -> np.ndarray:
        return np.ascontiguousarray(np.concatenate([values, times * values[parts]]))

    more = replace(
        made,
        cells=pd.concat([made.cells, made.cells.iloc[at].assign(country=name)], ignore_index=True),
        part=pd.concat([made.part, part], ignore_index=True),
        weights=twice(made.weights),
        kind=np.concatenate([made.kind, made.kind[parts]]),
        usual=twice(made.usual, size),
        first=twice(made.first),
        second=twice(made.second),
        coefficient=twice(made.coefficient, size),
        spent=np.concatenate([made.spent, np.zeros((len(at), made.spent.shape[1]))]),
        worth=twice(made.worth),
        seen=None if made.seen is None else np.concatenate([made.seen, size * made.seen[at]]),
        after=None if made.after is None else np.append(made.after, np.zeros(len(at))),
    )
    return more, {metric: twice(of_part) for metric, of_part in worth.items()}


def open_limits(limits: tuple[Limit, ...], on: Mapping[str, LikeCountry]) -> tuple[Limit, ...]:
    """Return limits without those that hold countries off that are switched on."""
    return tuple(
        limit for limit in limits if not (limit.ceiling == 0.0 and limit.countries and set(limit.countries) <= set(on))
    )
