"""The small business by our sampler and by every one that pymc-marketing offers: effective draws a second, one core.

Same data, priors, chains and draws; each in a process of its own, in an environment that has numpyro and blackjax too
(.cache/samplers, made once), and with empty caches. `first`: from the start of the process to draws, imports and
compilation in it (ours is kept on disk: the next process does without); `next`: the same fit once more in that process;
`sampling`: of it sampling alone, where the sampler tells it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

STARTED = time.perf_counter()
ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".cache" / "samplers"
SAMPLERS = ("pymc", "nutpie", "numpyro", "blackjax")
CHAINS, TUNE, DRAWS = 4, 600, 1000
ROWS = "rows.parquet"


def python():
    """The environment's Python; with the versions of this one, and what it lacks."""
    there = ENVIRONMENT / "bin" / "python"
    if not there.exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", str(ENVIRONMENT), "--python", sys.executable], check=True)
        lock = str(ROOT / "conf" / "setup" / "requirements.lock")
        # Later ones of blackjax lack an argument that PyMC 6.3 hands over.
        wanted = ["-e", f"{ROOT}[mmm]", "numpyro", "blackjax==1.3"]
        words = ["pip", "install", "-q", "--python", str(there), "-c", lock, *wanted]
        subprocess.run([*uv, *words], check=True)
    return str(there)


def fit(name, folder):
    """Fit twice by one sampler, and return the seconds of both, of sampling (None: not told), and the least ESS."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    warnings.simplefilter("ignore")
    seconds = []
    for _ in range(2):
        found = ours(folder) if name == "pma" else theirs(folder, name)
        seconds.append(time.perf_counter())
    return {"first": seconds[0] - STARTED, "next": seconds[1] - seconds[0], **found}


def layout_of(folder):
    import pandas as pd

    from pma.mmm.design import make_design
    from pma.mmm.layout import Layout
    from pma.mmm.spec import FitSettings
    from tests.bench.mmm import SPEC

    settings = FitSettings(chains=CHAINS, tune=TUNE, draws=DRAWS)
    return Layout(make_design(pd.read_parquet(folder / ROWS), "y", SPEC, settings), SPEC), settings


def ours(folder):
    from pma.mmm.effects import media_effects
    from pma.mmm.sampler import sample
    from tests.bench.mmm import SPEC, ess, plain

    layout, settings = layout_of(folder)
    started = time.perf_counter()
    sampled = sample(layout, settings, seed=1)
    sampling = time.perf_counter() - started
    draws = layout.draws(sampled.flat)
    media = media_effects(layout.design, draws, SPEC.lags)
    total = media.brought.mean(axis=1).reshape(CHAINS, DRAWS, -1)
    least = min(ess(sampled.theta), ess(plain(layout, draws, media, settings)), ess(total))
    return {"sampling": sampling, "ess": least}


def theirs(folder, name):
    from pma.mmm.model import marketing_mmm
    from tests.bench.mmm import SPEC, ess

    mmm, X, y = marketing_mmm(layout_of(folder)[0].design, SPEC)
    kept = {"chains": CHAINS, "tune": TUNE, "draws": DRAWS, "cores": 1, "random_seed": 1, "progressbar": False}
    traced = mmm.fit(X, y, nuts_sampler=name, **kept)
    posterior = traced["posterior"]
    total = posterior["channel_contribution"].mean("date").transpose("chain", "draw", "channel").to_numpy()
    free = [ess(posterior[one.name].to_numpy()) for one in mmm.model.free_RVs]
    told = posterior.attrs.get("sampling_time", traced.attrs.get("sampling_time"))
    return {"sampling": told, "ess": min(*free, ess(total))}


def table(folder):
    from tests.mmm.outside_worlds import small_business

    small_business().rows.to_parquet(folder / ROWS)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(folder)}
    print(f"\nOne fit of the small business, {CHAINS} x ({TUNE} + {DRAWS:,}) draws, one core; seconds, least ESS\n")
    print("| | first | next | sampling | least ESS | ESS a second: first | next | sampling |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name in ("pma", *SAMPLERS):
        words = [python(), __file__, str(folder), "--row", name]
        done = subprocess.run(words, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        seconds = [found[of] for of in ("first", "next", "sampling")]
        numbers = (*seconds, found["ess"], *[found["ess"] / value if value else None for value in seconds])
        print(f"| {name} | " + " | ".join("–" if n is None else f"{n:.1f}" for n in numbers) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--row")
    args = parser.parse_args()
    if args.row is None:
        table(args.folder)
    else:
        print(json.dumps(fit(args.row, args.folder)))


if __name__ == "__main__":
    main()
