"""Most visited location: the state of the preferred store, as a pretrained vector of its name."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.embeddings.pretrained import SOURCE, encode_phrases
from pma.embeddings.settings import LocationSettings
from pma.section import Section

VECTOR_SCHEMA = "location string, vector array<float>, source string"


class State(Section):
    """A state: its code on the post, and the name that is encoded."""

    code: str
    name: str


class StateRules(Section):
    """The states in a fixed order, and in words the rule that gives one to a store that has none."""

    version: int
    rule: str
    states: tuple[State, ...]


def read_state_rules(path: str | Path) -> StateRules:
    """Read `conf/rules/standin_states.yml`. Raises ValueError with the file and the fault."""
    text = Path(path).read_text(encoding="utf-8")
    try:
        rules = StateRules.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as fault:
        raise ValueError(f"{path} is not a list of states (version, rule, states: code, name): {fault}") from fault
    if not rules.states:
        raise ValueError(f"{path} lists no state: give at least one")
    return rules


def location_vectors(stores: DataFrame, rules: StateRules, settings: LocationSettings) -> DataFrame:
    """Return one pretrained vector per state that occurs; a two-letter code is encoded by the state's name.

    stores: il.stores. The distinct states reach the driver (dozens).
    Returns: location STRING (key, as in `stores.state`), vector ARRAY<FLOAT> [vector_size], length 1, source STRING.
    """
    states = stores.where(F.col("state").isNotNull()).select("state").distinct().orderBy("state")
    locations = [row["state"] for row in states.collect()]
    name_of = {state.code: state.name for state in rules.states}
    vectors = encode_phrases([name_of.get(location.upper(), location) for location in locations], settings.vector_size)
    rows = [(location, vector.tolist(), SOURCE) for location, vector in zip(locations, vectors, strict=True)]
    return stores.sparkSession.createDataFrame(rows, VECTOR_SCHEMA).select("location", "vector", "source")


def location_block(preferred: DataFrame, stores: DataFrame, vectors: DataFrame) -> DataFrame:
    """Return the vector of the state of each customer's preferred store.

    preferred: `preferred_store`. stores: il.stores. vectors: `location_vectors`, one model's rows.
    Returns: customer_id, as_of_date (key), vector ARRAY<FLOAT>; no row where the store has no state or no vector.
    """
    placed = stores.join(F.broadcast(vectors), on=F.col("state") == F.col("location"), how="inner")
    return preferred.join(F.broadcast(placed.select("store_id", "vector")), on="store_id", how="inner").select(
        "customer_id", "as_of_date", "vector"
    )
