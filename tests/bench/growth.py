"""How time and memory of features and encoding grow with the customers."""

import os
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import psutil
from journey import journey, session
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pma.embeddings.autoencoder import Autoencoder
from pma.embeddings.encoding import encode_purchases
from pma.embeddings.features import dictionary, feature_scales, measure
from pma.embeddings.inputs import plan_inputs
from pma.embeddings.settings import EmbeddingSettings
from pma.embeddings.tables import CUSTOMER_BLOCKS, CUSTOMER_FEATURES, FEATURE_DICTIONARY
from pma.memory import TreeMemory
from pma.sources.tables import PURCHASES

AS_OF = date(2017, 11, 20)


def main(folder: Path, scales: list[int]) -> None:
    """Write k copies of every customer, then measure and encode them at one date through the tables, as the jobs do."""
    _, tables = session(folder)
    room = EmbeddingSettings()
    purchases, products, stores = journey(tables)
    tables.ensure(FEATURE_DICTIONARY)
    known = tables.read(FEATURE_DICTIONARY)
    tables.replace(FEATURE_DICTIONARY, dictionary(products, stores, room.features, known))
    named = tables.read(FEATURE_DICTIONARY)
    measured = measure(purchases, products, named, [AS_OF], room.features)
    model = untrained_model(folder, measured, named, room)
    rows = []
    for scale in scales:
        copied = copies(purchases, scale)
        tables.replace(PURCHASES, copied)
        lines = tables.read(PURCHASES)
        count = lines.count()
        with TreeMemory(os.getpid()) as memory:
            started = time.monotonic()
            found = measure(lines, products, named, [AS_OF], room.features)
            tables.replace(CUSTOMER_FEATURES, found.withColumn("measured_with", F.lit("bench")))
            features = time.monotonic() - started
            started = time.monotonic()
            encoded = encode_purchases(tables.read(CUSTOMER_FEATURES), str(model))
            encoded = encoded.withColumn("model_version", F.lit("bench")).withColumn("block", F.lit("purchases"))
            tables.replace(CUSTOMER_BLOCKS, encoded)
            encoding = time.monotonic() - started
        held = psutil.Process().memory_info().rss + live_heap(tables.spark)
        rows.append((scale, count, features, encoding, memory.peak_bytes / 1e9, held / 1e9))
        print(f"{scale}x: {count:,} lines, features {features:.0f} s, encoding {encoding:.0f} s", file=sys.stderr)
    report(rows)


def live_heap(spark: SparkSession) -> int:
    """Return the bytes that the JVM still holds after a collection: what the driver keeps, once its tasks are over."""
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    jvm.java.lang.System.gc()
    runtime = jvm.java.lang.Runtime.getRuntime()
    return int(runtime.totalMemory() - runtime.freeMemory())


def copies(purchases: DataFrame, scale: int) -> DataFrame:
    """Return every customer `scale` times, each copy with ids of its own."""
    copied = purchases.withColumn("copy", F.explode(F.sequence(F.lit(1), F.lit(scale))))
    ids = {name: F.concat_ws("-", name, "copy") for name in ("customer_id", "basket_id")}
    return copied.withColumns(ids).drop("copy")


def untrained_model(folder: Path, features: DataFrame, named: DataFrame, room: EmbeddingSettings) -> Path:
    """Write a model of the real size with random weights: encoding takes as long whatever they are."""
    scales = feature_scales(features, room.features)
    plan = plan_inputs(named.join(scales, on="feature_index").toPandas(), room.autoencoder)
    rng = np.random.default_rng(0)
    size = room.autoencoder.dimension
    kernel = rng.standard_normal((plan.width, size), np.float32)
    model = Autoencoder(plan, kernel, np.zeros(size, np.float32), kernel.T.copy(), np.zeros(plan.width), {})
    model.save(folder / "model")
    return folder / "model"


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Return b of seconds = a * size^b by least squares on the logs."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def report(rows: list[tuple]) -> None:
    """Print one line per scale and the fitted exponents."""
    print("\nCopies of all customers, measured at one date")
    print("(all: peak of all processes; driver: what Python and the JVM still hold when the step is over)\n")
    print(f"{'scale':>5} {'lines':>12} {'features s':>11} {'encoding s':>11} {'all GB':>7} {'driver GB':>10}")
    for scale, lines, features, encoding, peak, driver in rows:
        print(f"{scale:>4}x {lines:>12,} {features:>11.1f} {encoding:>11.1f} {peak:>7.2f} {driver:>10.2f}")
    if len(rows) > 1:
        sizes = [row[1] for row in rows]
        both = [row[2] + row[3] for row in rows]
        print(
            f"exponent of time: features {exponent(sizes, [row[2] for row in rows]):.2f}, "
            f"encoding {exponent(sizes, [row[3] for row in rows]):.2f}, both {exponent(sizes, both):.2f}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(scale) for scale in sys.argv[2].split(",")])
