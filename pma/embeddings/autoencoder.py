"""The autoencoder of purchase metrics: network, noise and loss in Keras, and the trained model in numpy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from pma.embeddings.inputs import InputPlan, input_matrix
from pma.embeddings.sealed import read_sealed, write_sealed
from pma.embeddings.settings import AutoencoderSettings

# Of a model's files, the one that `Autoencoder.save` writes.
AUTOENCODER_FILE = "autoencoder"
WEIGHT_NAMES = ("encoder_kernel", "encoder_bias", "decoder_kernel", "decoder_bias")
MODEL_FIX = "restore the file, or delete it and run jobs/autoencoder.py, which trains the model again"


@dataclass(frozen=True)
class Autoencoder:
    """A trained model. Needs numpy only, so a Spark worker encodes without TensorFlow.

    W inputs, D dimensions: `encoder_kernel` [W, D], `encoder_bias` [D], `decoder_kernel` [D, W], `decoder_bias` [W].
    """

    plan: InputPlan
    encoder_kernel: np.ndarray
    encoder_bias: np.ndarray
    decoder_kernel: np.ndarray
    decoder_bias: np.ndarray
    report: dict[str, Any]

    def encode(self, raw: sparse.csr_matrix) -> np.ndarray:
        """Return the vectors float32 [n, D] of raw values [n, F] (`inputs.raw_matrix`)."""
        inputs = input_matrix(raw, self.plan)
        return np.tanh(np.asarray(inputs @ self.encoder_kernel) + self.encoder_bias).astype(np.float32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return what the vectors [n, D] say of the inputs, [n, W]: log-odds for indicators, then scaled log values."""
        return codes @ self.decoder_kernel + self.decoder_bias

    @property
    def metrics(self) -> dict[str, float]:
        """What training measured, by name."""
        return {name: float(value) for name, value in self.report.items() if isinstance(value, int | float)}

    def save(self, path: Path) -> None:
        """Write the model as one checksummed file."""
        arrays = {f"plan_{field.name}": getattr(self.plan, field.name) for field in fields(self.plan)}
        arrays |= {name: getattr(self, name) for name in WEIGHT_NAMES}
        write_sealed(path, {"kind": "autoencoder", "report": self.report}, arrays)

    @classmethod
    def load(cls, path: Path) -> Autoencoder:
        """Read a model. Raises SealedFileError, naming the path and the fix, if the file is missing or damaged."""
        header, arrays = read_sealed(path, MODEL_FIX)
        plan = InputPlan(**{field.name: arrays[f"plan_{field.name}"] for field in fields(InputPlan)})
        return cls(plan=plan, report=header["report"], **{name: arrays[name] for name in WEIGHT_NAMES})


def build_network(width: int, settings: AutoencoderSettings) -> Any:
    """Return the functional Keras model: inputs [n, W] -> tanh code [n, D] -> outputs [n, W].

    One layer each way: a deeper encoder predicted worse on the Complete Journey, which no study here repeats.
    """
    import keras

    inputs = keras.Input((width,), name="inputs")
    code = keras.layers.Dense(settings.dimension, activation="tanh", name="encoder")(inputs)
    outputs = keras.layers.Dense(width, name="decoder")(code)
    return keras.Model(inputs, outputs, name="autoencoder")


def add_noise(
    inputs: sparse.csr_matrix, rng: np.random.Generator, plan: InputPlan, settings: AutoencoderSettings
) -> sparse.csr_matrix:
    """Return inputs [n, W] with swapped, masked and dropped entries; what is kept grows by 1 / (1 - dropout).

    A swapped entry is that of another row (x + M (other - x), M random); a masked block is missing as a whole, as it is
    for a customer without it. Sparse, because noise on the zeros would cost more than the rest of a training step.
    """
    rows = inputs.shape[0]
    noisy = inputs
    if settings.swap > 0 and rows > 1:
        other = inputs[(np.arange(rows) + rng.integers(1, rows)) % rows]
        change = (other - inputs).tocsr()
        change.data *= rng.random(change.nnz, np.float32) < settings.swap
        noisy = (inputs + change).tocsr()
    present = rng.random((rows, int(plan.blocks.max()) + 1), np.float32) >= settings.block_mask
    row_of = np.repeat(np.arange(rows), np.diff(noisy.indptr))
    kept = present[row_of, plan.blocks[noisy.indices]] & (rng.random(noisy.nnz, np.float32) >= settings.dropout)
    data = noisy.data * kept / np.float32(1.0 - settings.dropout)
    return sparse.csr_matrix((data.astype(np.float32), noisy.indices, noisy.indptr), shape=noisy.shape)


def row_losses(clean: Any, outputs: Any, plan: InputPlan, settings: AutoencoderSettings) -> Any:
    """Return the loss of each row [n].

    Indicators: multinomial log-likelihood per group (Mult-VAE, Liang et al. 2018): products compete for a customer's
    basket, and the many zeros of a small basket do not outvote its few ones. Values: Huber, where not zero.
    """
    import tensorflow as tf

    total = tf.zeros(tf.shape(clean)[0])
    for (start, end), weight in zip(plan.groups, plan.target_weights, strict=True):
        if weight > 0:
            bought = tf.cast(clean[:, start:end] > 0, tf.float32)
            total -= float(weight) * tf.reduce_sum(bought * tf.nn.log_softmax(outputs[:, start:end]), axis=1)
    if plan.value_weight > 0 and settings.value_loss > 0:
        values = clean[:, plan.values_start :]
        present = tf.cast(values != 0, tf.float32)
        length = tf.sqrt(tf.maximum(tf.reduce_sum(present, axis=1, keepdims=True), 1.0))
        error = tf.abs(outputs[:, plan.values_start :] - values * length / plan.value_weight)
        huber = tf.where(error < 1.0, 0.5 * error * error, error - 0.5)
        total += settings.value_loss * tf.reduce_sum(huber * present, axis=1)
    return total
