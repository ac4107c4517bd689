"""Every step of the job killed half-way, and the same command again."""

import os
import re
import signal
import subprocess
import sys

import pandas as pd
import pytest

from tests.jobs.shop import EMBEDDING, JOB, REPOSITORY, rows, write_settings, write_shop

pytestmark = pytest.mark.slow
# What each step says in the midst of its work.
MIDST = {
    "load": "il.stores: .* rows written",
    "features": "st_il.feature_dictionary: .* rows written",
    "products": "il.product_vectors: .* rows written",
    "places": "il.store_vectors: .* rows written",
    "receipts": "il.word_vectors: .* rows written",
    "autoencoder": "epoch 1 of at most",
    "embed": "bl.customer_embeddings: .* rows written",
    "quality": "penetration: probing",
}


def command(conf, *only):
    """Return the command of a run, as `make run` types it: every process computes with the settings of the shop."""
    words = [sys.executable, "-m", "pma.workflow", "run", str(JOB), "--var", f"conf={conf}"]
    return [*words, *(word for step in only for word in ("--only", step))]


def run_and_kill(conf, step):
    """Start one step and kill it, and all it started, in the midst of its work."""
    started = subprocess.Popen(
        command(conf, step),
        cwd=REPOSITORY,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = next((line for line in started.stderr if re.search(MIDST[step], line)), None)
    os.killpg(started.pid, signal.SIGKILL)
    assert said is not None, f"{step} never said {MIDST[step]!r}"
    return started.wait()


@pytest.mark.timeout(7200)
def test_a_run_killed_at_any_step_is_completed_by_the_next(tmp_path):
    undisturbed, killed = (tmp_path / name / "shop.yml" for name in ("undisturbed", "killed"))
    for conf in (undisturbed, killed):
        write_shop(conf.parent)
        write_settings(conf.parent)
    subprocess.run(command(undisturbed), cwd=REPOSITORY, check=True)

    for step in MIDST:
        assert run_and_kill(killed, step) == -signal.SIGKILL, f"{step} ended before it was killed"
        print(f"{step}: killed", flush=True)
        subprocess.run(command(killed, step), cwd=REPOSITORY, check=True)

    for name, key in (("bl.customer_embeddings", EMBEDDING), ("bl.embedding_models", ["model_version"])):
        pd.testing.assert_frame_equal(rows(killed, name, key), rows(undisturbed, name, key))
