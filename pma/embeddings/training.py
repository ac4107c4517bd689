"""Training of the autoencoder on one or many ranks: the same batches, noise and result whatever their number."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from pma.embeddings.autoencoder import AUTOENCODER_FILE, WEIGHT_NAMES, Autoencoder, add_noise, build_network, row_losses
from pma.embeddings.checkpoint import Progress, drop_checkpoint, read_checkpoint, write_checkpoint
from pma.embeddings.distributed import Distributed, DistributedError, connect
from pma.embeddings.inputs import InputPlan, input_matrix, plan_inputs
from pma.embeddings.settings import NO_SAY, AutoencoderSettings
from pma.embeddings.training_rows import TrainingRowsError, is_held_out, read_shard

logger = logging.getLogger(__name__)

EVALUATED_ROWS = 512


@dataclass(frozen=True)
class TrainingRequest:
    """What a rank needs to know: paths that every rank can read, the settings, and the run that its log names.

    `rows`: folder of `write_training_rows`; `dictionary`: Parquet of `inputs.DICTIONARY_COLUMNS`; `model`: the file to
    write (rank 0 keeps its checkpoint beside it).
    """

    rows: str
    dictionary: str
    model: str
    settings: AutoencoderSettings
    run_id: str = ""

    @property
    def last_words(self) -> Path:
        """The file in which a rank that fails says why."""
        return Path(f"{self.model}.failed")

    def to_json(self) -> str:
        """Return the request as JSON, for a rank started from a command line."""
        return json.dumps({**asdict(self), "settings": self.settings.model_dump(mode="json")})

    @classmethod
    def from_json(cls, text: str) -> TrainingRequest:
        """Read a request back."""
        fields = json.loads(text)
        return cls(**{**fields, "settings": AutoencoderSettings(**fields["settings"])})


@dataclass(frozen=True)
class Shard:
    """Model inputs of one shard: `training` and `held_out` float32 [n, W]."""

    number: int
    training: sparse.csr_matrix
    held_out: sparse.csr_matrix


def training_request(folder: Path, settings: AutoencoderSettings, run_id: str) -> TrainingRequest:
    """Return the request of a model whose files all lie in one folder."""
    rows, dictionary, model = (str(folder / name) for name in ("rows", "dictionary", AUTOENCODER_FILE))
    return TrainingRequest(rows, dictionary, model, settings, run_id)


def train(
    request: TrainingRequest, distributed: Distributed, after_epoch: Callable[[int], None] = lambda epoch: None
) -> dict[str, Any]:
    """Train until the held-out loss stops falling, write the model, and return the report.

    Goes on from a checkpoint if an earlier run of the same request was killed, to the same result as without the kill.
    Report: epochs, best_epoch, held_out_loss, history, training_rows, held_out_rows, inputs, ranks, seconds, and
    rank_weight_difference, which is 0.0. Raises DistributedError, on every rank, where the ranks drifted apart: no
    model is written then.
    """
    started = time.monotonic()
    settings = request.settings
    plan = plan_inputs(pd.read_parquet(request.dictionary), settings)
    shards = [
        _load_shard(request, plan, number) for number in range(distributed.rank, settings.shards, distributed.size)
    ]
    counts = distributed.total(
        _by_shard(settings, shards, lambda shard: [shard.training.shape[0], shard.held_out.shape[0]])
    )
    steps = int(counts[:, 0].min()) // (settings.batch_rows // settings.shards)
    _check_counts(request, counts, steps)
    if distributed.rank == 0:
        logger.info(
            "%d inputs, %d training rows, %d held out, %d ranks", plan.width, *counts.sum(axis=0), distributed.size
        )
    trainer = Trainer(plan, settings, distributed, shards, steps)
    sums = distributed.total(
        _by_shard(settings, shards, lambda shard: [float(shard.training.sum()), float(shard.held_out.sum())])
    )
    learning = settings.model_dump_json(exclude=NO_SAY["autoencoder"])
    identity = f"{learning}|{plan.width}|{counts.astype(int).tolist()}|{sums.tolist()}"
    checkpoint = Path(f"{request.model}.checkpoint")
    begun = read_checkpoint(checkpoint, identity) if distributed.rank == 0 else None
    progress = distributed.from_first(begun or Progress.first(trainer.state()))
    trainer.restore(progress.state)
    while not progress.finished(settings):
        began = time.monotonic()
        loss, held_out = trainer.run_epoch(progress.epoch + 1), trainer.held_out_loss(counts[:, 1].sum())
        progress = progress.advance(loss, held_out, trainer.state(), settings)
        if distributed.rank == 0:
            write_checkpoint(checkpoint, identity, progress)
            took = time.monotonic() - began
            logger.info(
                "epoch %d of at most %d: loss %.3f, held out %.3f, %.1f s",
                progress.epoch,
                settings.max_epochs,
                loss,
                held_out,
                took,
            )
        after_epoch(progress.epoch)
    report = {
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "held_out_loss": progress.best_loss,
        "history": progress.history,
        "training_rows": int(counts[:, 0].sum()),
        "held_out_rows": int(counts[:, 1].sum()),
        "inputs": plan.width,
        "ranks": distributed.size,
        "rank_weight_difference": _weight_difference(trainer.state(), distributed),
    }
    if report["rank_weight_difference"] != 0.0:
        raise DistributedError(
            f"{request.model}: not written: weights of the ranks differ by {report['rank_weight_difference']}. "
            "Fix: train with embeddings.autoencoder.ranks = 1 until Horovod is repaired"
        )
    if distributed.rank == 0:
        weights = dict(zip(WEIGHT_NAMES, progress.best, strict=True))
        Autoencoder(plan=plan, report=report, **weights).save(Path(request.model))
        drop_checkpoint(checkpoint)
    return {**report, "seconds": round(time.monotonic() - started, 1)}


class Trainer:
    """Network, optimizer and this rank's rows. A batch holds as many rows of each shard, however many the ranks."""

    def __init__(
        self, plan: InputPlan, settings: AutoencoderSettings, distributed: Distributed, shards: list[Shard], steps: int
    ) -> None:
        import keras
        import tensorflow as tf

        keras.utils.set_random_seed(settings.seed)
        tf.config.experimental.enable_op_determinism()
        self._plan, self._settings, self._distributed = plan, settings, distributed
        self._shards, self._steps = shards, steps
        self._network = build_network(plan.width, settings)
        self._optimizer = keras.optimizers.Adam(settings.learning_rate)
        self._optimizer.build(self._network.trainable_variables)
        self._step = tf.function(self._train_step)
        rows_of_any_number = tf.TensorSpec([None, plan.width], tf.float32)
        self._losses = tf.function(self._clean_losses, input_signature=[rows_of_any_number])

    def state(self) -> list[np.ndarray]:
        """Return weights (in the order of WEIGHT_NAMES), then the optimizer's variables."""
        return [np.array(v) for v in (*self._network.trainable_variables, *self._optimizer.variables)]

    def restore(self, state: list[np.ndarray]) -> None:
        """Set weights and optimizer to a `state`."""
        for variable, value in zip(
            (*self._network.trainable_variables, *self._optimizer.variables), state, strict=True
        ):
            variable.assign(value)

    def run_epoch(self, epoch: int) -> float:
        """Train on one pass over the rows, in an order of seed and epoch; return the mean loss per row."""
        import tensorflow as tf

        losses = [self._step(tf.constant(noisy), tf.constant(clean)) for noisy, clean in self._batches(epoch)]
        sums = self._distributed.total(np.asarray([np.sum([float(loss) for loss in losses]), len(losses)]))
        return float(sums[0] / sums[1])

    def held_out_loss(self, rows: float) -> float:
        """Return the mean loss of the held-out rows of all ranks, without noise."""
        sums = _by_shard(self._settings, self._shards, lambda shard: [self._loss_sum(shard.held_out)])
        return float(self._distributed.total(sums).sum() / rows)

    def _batches(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield noisy and clean inputs, [rows of this rank, W]. Noise comes from seed, epoch, step and shard."""
        settings = self._settings
        size = settings.batch_rows // settings.shards
        orders = {
            shard.number: np.random.default_rng([settings.seed, epoch, shard.number]).permutation(
                shard.training.shape[0]
            )
            for shard in self._shards
        }
        for step in range(self._steps):
            clean = [s.training[orders[s.number][step * size : (step + 1) * size]] for s in self._shards]
            seeds = [[settings.seed, epoch, shard.number, step] for shard in self._shards]
            noisy = [
                add_noise(part, np.random.default_rng(seed), self._plan, settings)
                for part, seed in zip(clean, seeds, strict=True)
            ]
            yield _dense(noisy), _dense(clean)

    def _train_step(self, noisy: Any, clean: Any) -> Any:
        import tensorflow as tf

        variables = self._network.trainable_variables
        with tf.GradientTape() as tape:
            outputs = self._network(noisy, training=True)
            loss = tf.reduce_mean(row_losses(clean, outputs, self._plan, self._settings))
        gradients = self._distributed.average_gradients(tape.gradient(loss, variables))
        self._optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    def _clean_losses(self, rows: Any) -> Any:
        return row_losses(rows, self._network(rows, training=False), self._plan, self._settings)

    def _loss_sum(self, rows: sparse.csr_matrix) -> float:
        import tensorflow as tf

        starts = range(0, rows.shape[0], EVALUATED_ROWS)
        parts = [
            self._losses(tf.constant(rows[i : i + EVALUATED_ROWS].toarray())).numpy().astype(np.float64) for i in starts
        ]
        return float(sum(part.sum() for part in parts))


def train_rank(request_json: str) -> dict[str, Any]:
    """Be one rank: join the others, train, return the report. For fresh processes, whose threads it limits."""
    request = TrainingRequest.from_json(request_json)
    line = f"%(asctime)s {request.run_id} %(message)s"
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=line, datefmt="%H:%M:%S")
    try:
        distributed = connect(request.settings.backend, request.settings.ranks)
        import tensorflow as tf

        threads = max(1, (os.cpu_count() or 1) // distributed.size)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        return train(request, distributed)
    except Exception as error:
        # Horovod tells the caller no more than an exit status. What the first rank to fail says is the cause.
        with suppress(FileExistsError), request.last_words.open("x") as file:
            file.write(f"{type(error).__name__}: {error}")
        raise


def _load_shard(request: TrainingRequest, plan: InputPlan, number: int) -> Shard:
    rows = read_shard(request.rows, number, request.settings.shards, plan.feature_index)
    held_out = np.asarray(
        [is_held_out(customer, request.settings.held_out_share) for customer in rows.customer_id], bool
    )
    inputs = input_matrix(rows.raw, plan)
    return Shard(number, inputs[~held_out], inputs[held_out])


def _dense(parts: list[sparse.csr_matrix]) -> np.ndarray:
    return np.asarray(sparse.vstack(parts, format="csr").toarray())


def _by_shard(
    settings: AutoencoderSettings, shards: list[Shard], measure: Callable[[Shard], list[float]]
) -> np.ndarray:
    """Return a row per shard, zeros for those of other ranks: the sum over ranks has the same bits for any number."""
    own = {shard.number: measure(shard) for shard in shards}
    length = len(next(iter(own.values())))
    return np.asarray([own.get(number, [0.0] * length) for number in range(settings.shards)], np.float64)


def _check_counts(request: TrainingRequest, counts: np.ndarray, steps: int) -> None:
    size = request.settings.batch_rows // request.settings.shards
    if steps == 0:
        raise TrainingRowsError(
            f"{request.rows}: shard {int(counts[:, 0].argmin())} has {int(counts[:, 0].min())} training rows and a "
            f"batch takes {size} of each shard. Fix: more customers or training dates, or lower "
            "embeddings.autoencoder.batch_rows and shards"
        )
    if counts[:, 1].sum() == 0:
        raise TrainingRowsError(
            f"{request.rows}: no customer is held out. "
            "Fix: more customers, or a larger embeddings.autoencoder.held_out_share"
        )


def _weight_difference(state: list[np.ndarray], distributed: Distributed) -> float:
    """Return the largest difference of any weight or optimizer value between a rank and rank 0."""
    first = distributed.from_first(state)
    own = max(float(np.abs(a.astype(np.float64) - b).max()) for a, b in zip(state, first, strict=True))
    differences = np.zeros(distributed.size)
    differences[distributed.rank] = own
    return float(distributed.total(differences).max())


def main(path: str) -> None:
    """Train by the request in a JSON file; rank 0 writes the report beside it."""
    report = train_rank(Path(path).read_text())
    if int(os.environ.get("HOROVOD_RANK", "0")) == 0:
        Path(f"{path}.report").write_text(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1])
