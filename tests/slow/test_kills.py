"""Every step of the job killed half-way, and the same command again."""

import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from tests.jobs.shop import EMBEDDING, JOB, REPOSITORY, rows, run, write_settings, write_shop

pytestmark = pytest.mark.slow
STEPS = ("load", "features", "products", "places", "receipts", "autoencoder", "embed", "quality")
SECONDS = 15


def run_and_kill(conf, step):
    """Start one step in a process of its own and kill it, and all it started, in the midst of its work."""
    words = ["run", str(JOB), "--var", f"conf={conf}", "--only", step]
    started = subprocess.Popen(
        [sys.executable, "-m", "pma.workflow", *words],
        cwd=REPOSITORY,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(SECONDS)
    os.killpg(started.pid, signal.SIGKILL)
    return started.wait()


@pytest.mark.timeout(3600)
def test_a_run_killed_at_any_step_is_completed_by_the_next(spark, tmp_path):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    for folder in (undisturbed, killed):
        write_shop(folder)
        write_settings(folder)
    assert set(run(undisturbed / "shop.yml").values()) == {0}

    for step in STEPS:
        assert run_and_kill(killed / "shop.yml", step) == -signal.SIGKILL, f"{step} ended before it was killed"
        assert set(run(killed / "shop.yml", [step]).values()) == {0}

    for name, key in (("bl.customer_embeddings", EMBEDDING), ("bl.embedding_models", ["model_version"])):
        pd.testing.assert_frame_equal(rows(killed / "shop.yml", name, key), rows(undisturbed / "shop.yml", name, key))
