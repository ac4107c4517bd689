"""Sessions, channels and attribution, from events to credit: ours beside the same logic as SQL of DuckDB."""

import json
import math
import os
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from attribution import MODELS, ORDER_VALUE, duckdb_attribution
from events import write_events
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.marketing.attribution import attribute
from pma.marketing.identities import identities
from pma.marketing.markov import EFFECTS
from pma.marketing.sessions import read_session_rules, sessionise
from pma.marketing.touches import touches
from pma.memory import TreeMemory
from pma.settings import load
from pma.spark import spark_session

REPOSITORY = Path(__file__).parents[2]
KNOWN = date(2027, 1, 1)
CONVERSIONS = ("sales_ad_created", "order_completed")


def main(folder: Path, scales: list[int]) -> None:
    """Measure each number of events in processes of their own, ours first; then the same number with a heavy user."""
    print("\nEvents to sessions, channels and credit of four models (ratio: ours over DuckDB's, 2 threads)\n")
    print(f"{'events':>12}{'':<7}{'seconds':>9}{'events/s':>10}{'peak GB':>9}{'DuckDB s':>10}{'its GB':>8}{'ratio':>7}")
    took = {}
    for events, skew in [*((scale, False) for scale in scales), (min(scales), True)]:
        path = folder / f"events_{events}{'_skew' if skew else ''}"
        _alone("write", path, events, skew)
        ours, theirs = _alone("ours", path, events, skew), _alone("duckdb", path, events, skew)
        if not _same(ours["credit"], theirs["credit"], exactly=not skew):
            raise SystemExit(f"{path.name}: the two do not give the same credit")
        shutil.rmtree(path)
        print(
            f"{events:>12,}{' skewed' if skew else '':<7}{ours['seconds']:>9.1f}{events / ours['seconds']:>10,.0f}"
            f"{ours['gigabytes']:>9.2f}{theirs['seconds']:>10.1f}{theirs['gigabytes']:>8.2f}"
            f"{ours['seconds'] / theirs['seconds']:>7.1f}",
            flush=True,
        )
        if not skew:
            took[events] = ours["seconds"]
    if len(scales) > 1:
        small, large = min(scales), max(scales)
        print(f"exponent of time: {math.log(took[large] / took[small]) / math.log(large / small):.2f}")


def _same(ours: dict[str, str], theirs: dict[str, str], exactly: bool) -> bool:
    """Say whether two have the same sums of weight and value.

    The share of the heavy user's touches, k of a hundred thousand, is now and then so near the middle of two decimals
    that the two round it apart in its twelfth place: their sums agree to nine digits.
    """
    if exactly or ours.keys() != theirs.keys():
        return ours == theirs
    pairs = [pair for key in ours for pair in zip(ours[key].split(), theirs[key].split(), strict=True)]
    return all(math.isclose(float(one), float(other), rel_tol=1e-9, abs_tol=1e-6) for one, other in pairs)


def _alone(what: str, path: Path, events: int, skew: bool) -> dict:
    words = [sys.executable, __file__, what, str(path), str(events), str(int(skew))]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _measure(what: str, path: Path, events: int, skew: bool) -> dict:
    """Run one part in this process and return its seconds, its peak memory and the credit it gave."""
    if what == "duckdb":
        with TreeMemory(os.getpid()) as memory:
            started = time.monotonic()
            credit = duckdb_attribution(path, threads=2, target=path)
            seconds = time.monotonic() - started
        told = {f"{r.model} {r.conversion_type} {r.channel}": f"{r.weight} {r.value}" for r in credit.itertuples()}
        return {"seconds": seconds, "gigabytes": memory.peak_bytes / 1e9, "credit": told}
    settings = load([str(REPOSITORY / "conf/local.yml")])
    spark = spark_session(settings.spark, "pma bench")
    if what == "write":
        write_events(spark, str(path / "events"), events, skew)
        return {}
    with TreeMemory(os.getpid()) as memory:
        started = time.monotonic()
        rows = spark.read.parquet(str(path / "events"))
        known = identities(rows, KNOWN).persist()
        rules = read_session_rules(REPOSITORY / "conf/rules")
        made = sessionise(rows, known, KNOWN, rules, settings.marketing.sessions)
        made.write.parquet(str(path / "our_sessions"))
        chosen = settings.marketing.attribution
        touched = touches(_sold(rows), spark.read.parquet(str(path / "our_sessions")), chosen)
        credit = attribute(touched, spark.createDataFrame([], EFFECTS), chosen, MODELS)
        credit.write.parquet(str(path / "our_credit"))
        seconds = time.monotonic() - started
    given = spark.read.parquet(str(path / "our_credit")).groupBy("model", "conversion_type", "channel")
    sums = given.agg(F.sum("weight").alias("weight"), F.sum("value").alias("value")).collect()
    told = {f"{r.model} {r.conversion_type} {r.channel}": f"{r.weight} {r.value}" for r in sums}
    return {"seconds": seconds, "gigabytes": memory.peak_bytes / 1e9, "credit": told}


def _sold(events: DataFrame) -> DataFrame:
    """Return the conversions that the events themselves tell of, an order worth ORDER_VALUE."""
    is_order = F.col("event_name") == CONVERSIONS[1]
    return events.where(F.col("event_name").isin(*CONVERSIONS) & F.col("user_id").isNotNull()).select(
        F.col("event_id").alias("conversion_id"),
        F.col("event_name").alias("conversion_type"),
        "user_id",
        F.col("occurred_at").alias("converted_at"),
        "country",
        F.lit(True).alias("is_first"),
        F.when(is_order, F.lit(ORDER_VALUE)).otherwise(F.lit(0)).cast("decimal(18,6)").alias("value"),
    )


if __name__ == "__main__":
    if sys.argv[1] in ("write", "ours", "duckdb"):
        print(json.dumps(_measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1")))
    else:
        main(Path(sys.argv[1]), [int(float(scale)) for scale in sys.argv[2].split(",")])
