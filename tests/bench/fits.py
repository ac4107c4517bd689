"""Many fits on this machine: ten countries and two targets from a cold cache, workers, sixty countries, the plain loop.

Each row is a process of its own, and its worlds are made by tests/mmm/media_world.py: 156 weeks x 12 channels.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pandas as pd

TARGETS = ("uploads", "gmv")
CHANNELS = 12
WHOLE = {"chains": 4, "tune": 500, "draws": 750, "checks": []}
SHORT = {"chains": 2, "tune": 200, "draws": 200, "checks": []}
# What the plain loop is measured on: its time for all is that of the first and so many times that of the later ones.
LOOPED = 4


def tasks(geos):
    """Rows of bl.mmm_input with target and method, for that many geos and both targets."""
    from tests.mmm.media_world import media_world

    parts = [
        media_world(channels=CHANNELS, seed=2 * g + t, target=target, geo=f"G{g:02d}").rows.assign(target=target)
        for g in range(geos)
        for t, target in enumerate(TARGETS)
    ]
    return pd.concat(parts, ignore_index=True).assign(
        method="bayes", data_origin="a benchmark", fit_id="x", unit="count", settings=None
    )


def fit(engine, workers, geos, settings):
    """Fit, and return seconds, least effective draws and largest memory of a worker (MiB)."""
    started = time.perf_counter()
    from pma.mmm.fit import fit_geo
    from pma.mmm.landing import TASK, TASK_DDL
    from pma.mmm.settings import MmmSettings
    from pma.mmm.spec import FitSettings
    from pma.mmm.tables import landed_ddl
    from pma.parallel import ParallelSettings, map_groups
    from pma.parallel.frames import to_pandas, to_spark
    from pma.spark import SparkSettings, spark_session

    ready = time.perf_counter()
    rows = tasks(geos)[[part.split()[0] for part in TASK_DDL.split(", ")]]
    made = time.perf_counter()
    if engine == "pandas_udf":
        session = spark_session(SparkSettings(master=f"local[{workers}]", driver_memory="2g"), "benchmark")
        rows = to_spark(session, rows, TASK_DDL)
        made = time.perf_counter()
    room = MmmSettings(fit=FitSettings(**settings))
    parallel = ParallelSettings(engine=engine, workers=workers, partitions=4 * workers, ray_object_store_mb=200)
    mapped = map_groups(rows, partial(fit_geo, room=room), TASK, landed_ddl(), None, parallel)
    found = mapped.rows if isinstance(mapped.rows, pd.DataFrame) else to_pandas(mapped.rows.toArrow())
    done = time.perf_counter()
    return {
        "seconds": ready - started + done - made,
        "fits": len(found),
        "failed": len(mapped.errors),
        "ess": float(found["ess_bulk_min"].min()),
        "mb": float(found["peak_rss_mb"].max()),
        "each": float(found["seconds"].median()),
    }


def plain_loop(geos):
    """pymc-marketing's own MMM, one after the other, chains on both cores; the same data and form."""
    import nutpie

    from pma.mmm.design import make_design
    from pma.mmm.model import marketing_mmm
    from pma.mmm.spec import FitSettings
    from tests.bench.mmm import SPEC

    settings, took = FitSettings(**WHOLE), []
    for (_, target), rows in list(tasks(geos).groupby(["geo", "target"]))[:LOOPED]:
        started = time.perf_counter()
        mmm, X, y = marketing_mmm(make_design(rows, target, SPEC, settings), SPEC)
        mmm.build_model(X, y)
        compiled = nutpie.compile_pymc_model(mmm.model)
        kept = {"draws": settings.draws, "tune": settings.tune, "chains": settings.chains, "cores": 2}
        nutpie.sample(compiled, **kept, seed=1, progress_bar=False)
        took.append(time.perf_counter() - started)
    # The first finds nothing compiled.
    return {"first": took[0], "later": sum(took[1:]) / (LOOPED - 1)}


def child(folder, **given):
    """Run a row in a process of its own, with a cache of compiled functions in the folder."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, __file__, str(folder), "--row", json.dumps(given)]
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def show(what, found):
    print(
        f"| {what} | {found['fits']} | {found['seconds']:.0f} | {found['each']:.1f} | {found['ess']:.0f} | "
        f"{found['mb']:.0f} |",
        flush=True,
    )


def table(folder):
    print(
        f"\nFits of 156 weeks x {CHANNELS} channels; each row in a process of its own, seconds from its first "
        "import, less making the data and starting Spark\n"
    )
    print("Without the job's checks, ridge and lift tests. The plain loop has the form of `mmm`: a simpler one.\n")
    print(
        "| | fits | seconds | seconds of a fit | least ESS | MiB of a worker |\n|---|---|---|---|---|---|", flush=True
    )
    cold = child(folder, engine="joblib", workers=2, geos=10, settings=WHOLE)
    show("10 countries x 2 targets, joblib, 2 workers, nothing compiled yet", cold)
    seconds = {}
    for engine, name in (("ray", "Ray"), ("pandas_udf", "Spark")):
        for workers in (1, 2):
            found = child(folder, engine=engine, workers=workers, geos=10, settings=WHOLE)
            seconds[engine, workers] = found["seconds"]
            show(f"the same, {name}, {workers} worker{'s' * (workers > 1)}", found)
    many = child(folder, engine="joblib", workers=2, geos=60, settings=SHORT)
    show("60 countries x 2 targets, 2 chains x (200 + 200) draws, joblib, 2 workers", many)
    for engine, name in (("ray", "Ray"), ("pandas_udf", "Spark")):
        share = seconds[engine, 1] / (2 * seconds[engine, 2])
        print(f"{name}, one worker to two: efficiency {share:.0%}")
    loop = child(folder, plain=True)
    every = loop["first"] + loop["later"] * (cold["fits"] - 1)
    print(
        f"The plain loop, pymc-marketing's MMM one after the other, 2 cores: {loop['first']:.0f} s, then "
        f"{loop['later']:.0f} s a model, mean of {LOOPED - 1}: "
        f"{every:.0f} s for {cold['fits']}: {every / cold['seconds']:.1f} times"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--row", type=json.loads)
    args = parser.parse_args()
    if args.row is None:
        table(args.folder)
    elif args.row.pop("plain", False):
        print(json.dumps(plain_loop(geos=LOOPED // len(TARGETS))))
    else:
        print(json.dumps(fit(**args.row)))


if __name__ == "__main__":
    main()
