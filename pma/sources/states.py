"""The state of a store: the source's, or a declared stand-in."""

from __future__ import annotations

from pathlib import Path

import yaml
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.tables import TableError


def read_standin_states(rules: str | Path) -> list[str]:
    """Return the ordered list of `standin_states.yml` in the folder of rules."""
    path = Path(rules) / "standin_states.yml"
    if not path.exists():
        raise TableError(
            f"il.stores: no {path}, which assigns states to stores without one. Fix: set `rules` in the settings"
        )
    return [state["name"] for state in yaml.safe_load(path.read_text(encoding="utf-8"))["states"]]


def with_states(stores: DataFrame, standins: list[str]) -> DataFrame:
    """Fill the states that the source does not know, by hash of the store's id, and say so in `is_standin`.

    One row per row of `stores`, its other columns unchanged.
    """
    place = F.pmod(F.crc32(F.col("store_id").cast("binary")), F.lit(len(standins))).cast("int")
    assigned = F.array(*[F.lit(state) for state in standins])[place]
    known = F.nullif(F.trim("state"), F.lit(""))
    filled = {"state": F.coalesce(known, assigned), "is_standin": known.isNull()}
    return stores.select(*[filled[name].alias(name) if name in filled else F.col(name) for name in stores.columns])
