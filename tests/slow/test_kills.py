"""Every step of the job killed half-way, and the same command again."""

import os
import re
import signal
import subprocess
import sys

import pandas as pd
import pytest

from tests.jobs.shop import EMBEDDING, JOB, REPOSITORY, rows, run, write_settings, write_shop

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


def run_and_kill(conf, step):
    """Start one step in a process of its own and kill it, and all it started, in the midst of its work."""
    words = ["run", str(JOB), "--var", f"conf={conf}", "--only", step]
    started = subprocess.Popen(
        [sys.executable, "-m", "pma.workflow", *words],
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


@pytest.mark.timeout(3600)
def test_a_run_killed_at_any_step_is_completed_by_the_next(spark, tmp_path):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    for folder in (undisturbed, killed):
        write_shop(folder)
        write_settings(folder)
    assert set(run(undisturbed / "shop.yml").values()) == {0}

    for step in MIDST:
        assert run_and_kill(killed / "shop.yml", step) == -signal.SIGKILL, f"{step} ended before it was killed"
        assert set(run(killed / "shop.yml", [step]).values()) == {0}

    for name, key in (("bl.customer_embeddings", EMBEDDING), ("bl.embedding_models", ["model_version"])):
        pd.testing.assert_frame_equal(rows(killed / "shop.yml", name, key), rows(undisturbed / "shop.yml", name, key))
