"""The Keras model behind the store vectors: store -> distribution over what is bought there. Imports TensorFlow."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import log_softmax

from pma.embeddings.settings import StoreSettings

FloatArray = NDArray[np.float32]


class StoreBatches(keras.utils.PyDataset):
    """Mini-batches of (store index [b], dense counts [b, items]); one batch is dense at a time, never the whole table.

    Counts are scaled so that the mean loss over all stores is the mean over all lines: a store weighs by its lines.
    """

    def __init__(self, counts: csr_matrix, batch_size: int, seed: int | None) -> None:
        super().__init__()
        self._counts = counts.astype(np.float32) * np.float32(counts.shape[0] / max(counts.sum(), 1))
        self._batch_size = batch_size
        self._rng = None if seed is None else np.random.default_rng(seed)
        self._order = np.arange(counts.shape[0])
        self.on_epoch_end()

    def __len__(self) -> int:
        """Batches in one epoch."""
        return int(np.ceil(len(self._order) / self._batch_size))

    def __getitem__(self, index: int) -> tuple[NDArray[np.int32], FloatArray]:
        """Batch `index` of the current epoch."""
        stores = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        return stores.astype(np.int32), self._counts[stores].toarray()

    def on_epoch_end(self) -> None:
        """A new order of the stores, from the seed; validation (no seed) keeps its order."""
        if self._rng is not None:
            self._rng.shuffle(self._order)


def line_loss(counts: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Multinomial negative log-likelihood of each store's counts: -sum_j n_j log softmax(z)_j, one value per store."""
    return -tf.reduce_sum(counts * tf.nn.log_softmax(logits), axis=-1)


def fit_embedding(train: csr_matrix, valid: csr_matrix, settings: StoreSettings) -> tuple[FloatArray, FloatArray]:
    """Train Embedding(store) -> Dense softmax(items) by back-propagation; early stopping on held-out lines.

    The loss is the maximum a posteriori one: multinomial likelihood of the lines plus a Gaussian prior of precision
    `shrinkage` on the weights of the stores and of the items; the bias starts at the log popularity. A vector of
    zeros is the average store, and a store with few lines stays near it.

    Returns: vectors [stores, size] and the log probabilities [stores, items] that they predict.
    """
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    stores, items = train.shape
    lines = float(train.sum())
    popularity = np.asarray(train.sum(axis=0)).ravel() + 0.5
    prior = keras.regularizers.L2(settings.shrinkage / (2 * lines))

    store = keras.Input(shape=(), dtype="int32", name="store")
    vector = keras.layers.Embedding(
        stores,
        settings.vector_size,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=0.05, seed=settings.seed),
        embeddings_regularizer=prior,
        name="vector",
    )(store)
    logits = keras.layers.Dense(
        items,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.05, seed=settings.seed + 1),
        kernel_regularizer=prior,
        bias_initializer=keras.initializers.Constant(np.log(popularity / popularity.sum()).astype(np.float32)),
        name="items",
    )(vector)
    model = keras.Model(store, logits)
    model.compile(optimizer=keras.optimizers.Adam(settings.learning_rate), loss=line_loss, metrics=[line_loss])
    model.fit(
        StoreBatches(train, settings.batch_size, settings.seed),
        validation_data=StoreBatches(valid, settings.batch_size, None),
        epochs=settings.max_epochs,
        callbacks=[
            keras.callbacks.EarlyStopping(
                "val_line_loss" if valid.sum() else "loss",
                mode="min",
                patience=settings.patience,
                restore_best_weights=True,
            )
        ],
        verbose=0,
    )
    vectors = model.get_layer("vector").get_weights()[0]
    kernel, bias = model.get_layer("items").get_weights()
    return vectors, log_softmax(vectors @ kernel + bias, axis=-1)
