"""Measure speed and memory and print tables: `make bench`, or a part of it: `make bench ARGS=growth`.

steps     the whole embedding job on the receipts of the Complete Journey, in an empty warehouse: what each step takes
growth    features and encoding of 1, 4, 16 and 40 times as many customers: time, memory and the exponent of the growth
peers     the same features by DuckDB and the same product vectors by gensim, beside ours, in one run
clicks    events to sessions, channels and credit, beside DuckDB: events per second, memory, growth, one heavy user
mmm       the media mix model beside pymc-marketing's own with the same priors: effective draws per CPU second
fits      many media mix models: ten countries from a cold cache, one worker and two, sixty countries, the plain loop
samplers  the small business by our sampler and by each that pymc-marketing offers, on one core
plan      the monthly plan of up to 200 countries x 20 channels x 12 months: seconds, proof, memory, growth
folds     one fold of the cross-validation, and what large selections cost on 64 cores by that
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("steps", "growth", "peers", "clicks", "mmm", "fits", "samplers", "folds", "plan")


def main() -> int:
    """Run each part in a process of its own, so that no part pays for the memory of another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", default=list(PARTS), help=", ".join(PARTS))
    parser.add_argument("--scratch", type=Path, default=Path(".cache/bench"), help="folder for tables of the benchmark")
    parser.add_argument("--scales", default="1,4,16,40", help="of growth: how many times the customers")
    parser.add_argument("--events", default="2e6,2e7", help="of clicks: how many events")
    args = parser.parse_args()
    unknown = [part for part in args.part if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; allowed: {', '.join(PARTS)}")
    for part in args.part:
        folder = args.scratch.resolve() / part
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        more = {"growth": [args.scales], "clicks": [args.events]}.get(part, [])
        environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
        words = [sys.executable, str(HERE / f"{part}.py"), str(folder), *more]
        done = subprocess.run(words, env=environment, check=False)
        shutil.rmtree(folder, ignore_errors=True)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
