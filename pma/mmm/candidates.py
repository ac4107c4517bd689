"""The models that a cross-validation tries: named changes of `mmm.model`, and a grid of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd
from pydantic import ValidationError

from pma.mmm.spec import ModelSpec
from pma.section import changed

# mmm.model as it is set, and the forecast that needs no model.
AS_SET, NAIVE = "model", "seasonal_naive"
Change = Mapping[str, Any]


@dataclass(frozen=True)
class Candidate:
    """A model that is tried. settings: what differs from mmm.model, as JSON; spec: the whole of it."""

    name: str
    settings: str
    spec: ModelSpec


def make_candidates(model: ModelSpec, named: Mapping[str, Change], grid: Mapping[str, Any]) -> tuple[Candidate, ...]:
    """Return the model as it is set, the named changes of it, and each combination of the grid; none of them twice.

    `named`: by name, changes as YAML gives them: {leave_out: [temperature]}. `grid`: like `mmm.model`, with lists of
    values in the place of values. Of equal models the first is kept. Raises ValueError naming candidate and key.
    """
    taken = [name for name in (AS_SET, NAIVE) if name in named]
    if taken:
        raise ValueError(f"candidate {taken[0]}: the name is taken; give it another one")
    found: dict[str, Candidate] = {}
    for name, change in ((AS_SET, {}), *named.items(), *_combinations(grid)):
        spec = changed_model(model, change, f"candidate {name}")
        found.setdefault(spec.model_dump_json(), Candidate(name, json.dumps(change, sort_keys=True), spec))
    return tuple(found.values())


def changed_model(model: ModelSpec, change: Change, what: str) -> ModelSpec:
    """Return the model with a change laid over it. Raises ValueError, saying of `what`, and naming the key."""
    try:
        return changed(model, change)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "mmm.model"
        raise ValueError(f"{what}: {key}: {first['msg']}") from None


def chosen_model(model: ModelSpec, rows: pd.DataFrame) -> ModelSpec:
    """Return the model of a geo whose rows name a choice in `settings`, the JSON of a change; else the model itself."""
    settings = rows["settings"].iloc[0] if "settings" in rows else None
    if settings is None or pd.isna(settings):
        return model
    return changed_model(model, json.loads(settings), "bl.mmm_selection, settings")


def _combinations(grid: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and change of each combination."""
    axes = list(_axes(grid, ()))
    ends = Counter(path[-1] for path, _ in axes)
    names = [path[-1] if ends[path[-1]] == 1 else ".".join(path) for path, _ in axes]
    for values in product(*(values for _, values in axes)):
        change: dict[str, Any] = {}
        for (path, _), value in zip(axes, values, strict=True):
            inner = change
            for part in path[:-1]:
                inner = inner.setdefault(part, {})
            inner[path[-1]] = value
        yield ", ".join(f"{name}={_text(value)}" for name, value in zip(names, values, strict=True)), change


def _axes(grid: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    for name, inside in grid.items():
        path = (*above, str(name))
        if isinstance(inside, Mapping):
            yield from _axes(inside, path)
        elif isinstance(inside, list | tuple) and len(inside):
            yield path, list(inside)
        else:
            raise ValueError(f"grid.{'.'.join(path)}: found {inside!r}; give a list of the values to try")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
