"""The states: their codes and names, and which of them a store without one is given as a declared stand-in."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import Field, ValidationError
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.section import Section
from pma.tables import TableError

# The columns of `il.stores` that `with_states` fills.
FILLED = ("state", "is_standin")


class State(Section):
    """A state: its code on the post, and its name."""

    code: str
    name: str


class StateRules(Section):
    """The states in a fixed order, and in words the rule that gives one to a store that has none."""

    version: int
    rule: str
    states: tuple[State, ...] = Field(min_length=1)


def read_states(rules: str | Path) -> StateRules:
    """Read `standin_states.yml` in the folder of rules. Raises TableError with the file and the fault."""
    path = Path(rules) / "standin_states.yml"
    if not path.exists():
        raise TableError(
            f"il.stores: no {path}, which assigns states to stores without one. Fix: set `rules` in the settings"
        )
    try:
        return StateRules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as fault:
        raise TableError(
            f"il.stores: {path} is not a list of states. Fix: give version, rule and states (code, name): {fault}"
        ) from fault


def with_states(stores: DataFrame, rules: StateRules) -> DataFrame:
    """Fill the states that the source does not know, by hash of the store's id, and say so in `is_standin`.

    One row per row of `stores`, its other columns unchanged.
    """
    place = F.pmod(F.crc32(F.col("store_id").cast("binary")), F.lit(len(rules.states))).cast("int")
    assigned = F.array(*[F.lit(state.name) for state in rules.states])[place]
    known = F.nullif(F.trim("state"), F.lit(""))
    said = F.coalesce("is_standin", F.lit(False))
    filled = {"state": F.coalesce(known, assigned), "is_standin": known.isNull() | said}
    return stores.select(*[filled[name].alias(name) if name in filled else F.col(name) for name in stores.columns])
