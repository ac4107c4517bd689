import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pma.embeddings.autoencoder import Autoencoder
from pma.embeddings.distributed import DistributedError, Single
from pma.embeddings.inputs import raw_matrix
from pma.embeddings.launch import launch_training, only_trainer
from pma.embeddings.sealed import SealedFileError
from pma.embeddings.settings import AutoencoderSettings
from pma.embeddings.training import TrainingRequest, train
from pma.embeddings.training_rows import TrainingRowsError, shard_of

REPOSITORY = Path(__file__).parents[2]
SETTINGS = AutoencoderSettings(
    dimension=4,
    level_weights={"type": 1.0},
    shards=4,
    batch_rows=32,
    learning_rate=0.02,
    dropout=0.2,
    max_epochs=6,
    minimum_gain=0.0,
    held_out_share=0.2,
    backend="single",
)
TYPES, TASTES, CUSTOMERS = 24, 3, 320
WEIGHTS = ("encoder_kernel", "encoder_bias", "decoder_kernel", "decoder_bias")


def population():
    """Customers of three tastes: each buys mostly its own third of the types. Returns rows and the taste of each."""
    rng = np.random.default_rng(0)
    taste = rng.integers(0, TASTES, CUSTOMERS)
    own = np.arange(TYPES) // (TYPES // TASTES) == taste[:, None]
    bought = rng.random((CUSTOMERS, TYPES)) < np.where(own, 0.7, 0.08)
    rows = []
    for customer in range(CUSTOMERS):
        types = np.flatnonzero(bought[customer])
        indices = np.concatenate([types, TYPES + types]).astype(np.int32)
        rows.append((f"c{customer}", indices, rng.gamma(2.0, 2.0, len(indices)).astype(np.float32)))
    return rows, taste


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("training")
    metrics, types = ["visits"] * TYPES + ["spend"] * TYPES, [f"type {number}" for number in range(TYPES)] * 2
    names = pd.DataFrame({"feature_index": range(2 * TYPES), "entity": types, "metric": metrics})
    names = names.assign(level="type", window_days=365)
    names.assign(block="type/" + names.metric, center=1.0, scale=1.0).to_parquet(root / "dictionary.parquet")
    rows, _ = population()
    for shard in range(SETTINGS.shards):
        mine = [row for row in rows if shard_of(row[0], SETTINGS.shards) == shard]
        (root / f"rows/shard={shard}").mkdir(parents=True)
        columns = {name: [row[i] for row in mine] for i, name in enumerate(["customer_id", "indices", "values"])}
        table = pa.table({**columns, "as_of_date": [date(2017, 1, 1)] * len(mine)})
        pq.write_table(table, root / f"rows/shard={shard}/part.parquet")
    return root


def request_for(folder, model, **changes):
    settings = SETTINGS.model_copy(update=changes)
    return TrainingRequest(str(folder / "rows"), str(folder / "dictionary.parquet"), str(model), settings)


@pytest.fixture(scope="module")
def alone(folder):
    """The unbroken training of one process, which others are compared to: report and model."""
    report = launch_training(request_for(folder, folder / "alone"))
    return report, Autoencoder.load(folder / "alone")


def assert_same_weights(first, second):
    for name in WEIGHTS:
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_training_lowers_the_held_out_loss_and_finds_the_tastes(alone):
    report, model = alone
    losses = [epoch["held_out_loss"] for epoch in report["history"]]
    assert losses[-1] < 0.9 * losses[0]
    assert report["held_out_loss"] == min(losses)
    assert report["training_rows"] + report["held_out_rows"] == CUSTOMERS
    rows, taste = population()
    vectors = model.encode(raw_matrix([r[1] for r in rows], [r[2] for r in rows], model.plan.feature_index))
    centers = np.stack([vectors[taste == t].mean(axis=0) for t in range(TASTES)])
    nearest = np.argmin(((vectors[:, None] - centers) ** 2).sum(axis=2), axis=1)
    assert np.mean(nearest == taste) > 0.95


def test_the_same_request_gives_the_same_model(alone, folder, tmp_path):
    train(request_for(folder, tmp_path / "again"), Single())
    assert_same_weights(Autoencoder.load(tmp_path / "again"), alone[1])


def test_a_training_that_is_broken_off_goes_on_to_the_same_model(alone, folder, tmp_path):
    request = request_for(folder, tmp_path / "model")

    def break_off(epoch):
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(request, Single(), after_epoch=break_off)
    assert not Path(request.model).exists()
    ran = []
    report = train(request, Single(), after_epoch=ran.append)
    assert ran == [4, 5, 6]
    assert report["history"] == alone[0]["history"]
    assert_same_weights(Autoencoder.load(Path(request.model)), alone[1])
    assert not Path(f"{request.model}.checkpoint").exists()


def test_a_checkpoint_of_other_settings_or_a_damaged_one_is_refused(folder, tmp_path):
    request = request_for(folder, tmp_path / "model")

    def break_off(epoch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(request, Single(), after_epoch=break_off)
    with pytest.raises(
        SealedFileError, match=r"model\.checkpoint: made with other settings or other rows\. Fix: delete the file"
    ):
        train(request_for(folder, tmp_path / "model", learning_rate=0.1), Single())
    Path(f"{request.model}.checkpoint").write_bytes(b"half a check")
    with pytest.raises(SealedFileError, match=r"model\.checkpoint: not a file of this package, or cut short"):
        train(request, Single())


def test_training_stops_when_the_held_out_loss_gains_too_little(folder, tmp_path):
    report = train(request_for(folder, tmp_path / "model", minimum_gain=0.9, max_epochs=6, patience=2), Single())
    assert report["epochs"] == 3


def test_too_few_customers_are_refused_with_what_to_change(folder, tmp_path):
    with pytest.raises(TrainingRowsError, match=r"a batch takes 128 of each shard\. Fix: more customers.*batch_rows"):
        train(request_for(folder, tmp_path / "model", batch_rows=512), Single())
    with pytest.raises(TrainingRowsError, match="no customer is held out"):
        train(request_for(folder, tmp_path / "model", held_out_share=1e-9), Single())


def test_what_a_rank_under_horovod_could_not_do_is_told_in_its_own_words(folder, tmp_path, spark):
    request = request_for(folder, tmp_path / "model", backend="horovod", ranks=2, batch_rows=512)
    with pytest.raises(DistributedError, match=r"2 Horovod ranks failed: TrainingRowsError: .*Fix: more customers"):
        launch_training(request, spark)


def assert_equal_to_one_process(report, model, alone):
    assert report["ranks"] == 2
    assert report["rank_weight_difference"] == 0.0
    assert report["held_out_loss"] == pytest.approx(alone[0]["held_out_loss"], rel=0.005)
    for name in WEIGHTS:
        assert getattr(model, name) == pytest.approx(getattr(alone[1], name), abs=0.02)


def test_two_ranks_on_spark_train_the_model_of_one_process_and_name_the_run(alone, folder, tmp_path, spark, capfd):
    request = replace(request_for(folder, tmp_path / "model", backend="horovod", ranks=2), run_id="the-run")
    report = launch_training(request, spark)
    assert re.search(r"the-run epoch 1 of at most 6: loss ", capfd.readouterr().err)
    assert_equal_to_one_process(report, Autoencoder.load(Path(request.model)), alone)


def test_two_ranks_of_horovodrun_go_on_after_a_kill_to_the_model_of_one_process(alone, folder, tmp_path):
    request = request_for(folder, tmp_path / "model", backend="horovod", ranks=2)
    checkpoint = Path(f"{request.model}.checkpoint")
    # The kill comes as soon as there is a checkpoint, somewhere in the middle of the training.
    script = "import sys; from pathlib import Path; from pma.embeddings.launch import launch_training as go; "
    script += "from pma.embeddings.training import TrainingRequest as R; go(R.from_json(Path(sys.argv[1]).read_text()))"
    (tmp_path / "request.json").write_text(request.to_json())
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    call = [sys.executable, "-c", script, str(tmp_path / "request.json")]
    running = subprocess.Popen(call, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
    while not checkpoint.exists() and running.poll() is None:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    report = launch_training(request)
    assert_equal_to_one_process(report, Autoencoder.load(Path(request.model)), alone)


def test_more_ranks_than_spark_slots_are_refused_before_they_wait(folder, tmp_path, spark):
    request = request_for(folder, tmp_path / "model", backend="horovod", ranks=4)
    with pytest.raises(DistributedError, match=r"ranks is 4, but Spark \(local\[2.*\]\) runs 2 tasks at once. Fix:"):
        launch_training(request, spark)


class DriftedAtTheEnd(Single):
    """A backend whose rank 0 holds other weights than this process when they are compared."""

    def from_first(self, thing):
        return [value + 1e-6 for value in thing] if isinstance(thing, list) else thing


def test_a_model_whose_ranks_drifted_apart_is_never_written(folder, tmp_path):
    request = request_for(folder, tmp_path / "drifted")
    with pytest.raises(
        DistributedError, match=r"drifted: not written: weights of the ranks differ by .*Fix: train with"
    ):
        train(request, DriftedAtTheEnd())
    assert not Path(request.model).exists()


def test_a_second_training_of_the_same_model_waits_for_the_first(tmp_path):
    entered = threading.Event()

    def second():
        with only_trainer(tmp_path / "model"):
            entered.set()

    waiting = threading.Thread(target=second, daemon=True)
    with only_trainer(tmp_path / "model"):
        waiting.start()
        assert not entered.wait(0.5)
    assert entered.wait(10)
