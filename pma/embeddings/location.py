"""Most visited location: the state of the preferred store, as a pretrained vector of its name."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.embeddings.pretrained import SOURCE, encode_phrases
from pma.embeddings.settings import LocationSettings

VECTOR_SCHEMA = "location string, vector array<float>, source string"


def location_vectors(stores: DataFrame, name_of: Mapping[str, str], settings: LocationSettings) -> DataFrame:
    """Return one pretrained vector per state that occurs; a code of `name_of` is encoded by the state's name.

    stores: il.stores. name_of: names by code on the post. The distinct states reach the driver (dozens).
    Returns: location STRING (key, as in `stores.state`), vector ARRAY<FLOAT> [vector_size], length 1, source STRING.
    """
    states = stores.where(F.col("state").isNotNull()).select("state").distinct().orderBy("state")
    locations = [row["state"] for row in states.collect()]
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
