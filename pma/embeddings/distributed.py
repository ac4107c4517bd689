"""Training on several processes: the few operations it takes, by Horovod or by nobody else."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

HOROVOD_FIX = (
    "Fix: install it with `make setup` (it compiles Horovod once; needs cmake and a C++ compiler), "
    "or ask for one process with --set embeddings.autoencoder.backend=single"
)


class DistributedError(Exception):
    """Processes that cannot train together."""


class Distributed(Protocol):
    """What training asks of its processes: `rank` of `size`, and three collective operations."""

    rank: int
    size: int

    def average_gradients(self, gradients: list[Any]) -> list[Any]:
        """Return tensors averaged over the ranks; callable inside a tf.function."""

    def total(self, values: np.ndarray) -> np.ndarray:
        """Return float64 values summed over the ranks."""

    def from_first(self, thing: Any) -> Any:
        """Return rank 0's thing (anything that pickles) on every rank."""


class Single:
    """One process: every collective operation is the identity."""

    rank = 0
    size = 1

    def average_gradients(self, gradients: list[Any]) -> list[Any]:
        """Return the gradients."""
        return gradients

    def total(self, values: np.ndarray) -> np.ndarray:
        """Return the values."""
        return np.asarray(values, np.float64)

    def from_first(self, thing: Any) -> Any:
        """Return the thing."""
        return thing


class Horovod:
    """The processes that `horovodrun` or `horovod.spark.run` started."""

    def __init__(self) -> None:
        require_horovod()
        import horovod.tensorflow as hvd

        self._hvd = hvd
        self._hvd.init()
        self.rank: int = self._hvd.rank()
        self.size: int = self._hvd.size()

    def average_gradients(self, gradients: list[Any]) -> list[Any]:
        """Average by one allreduce of all gradients."""
        return list(self._hvd.grouped_allreduce(gradients, op=self._hvd.Average))

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum what every rank gathers, in the order of the ranks: the same bits on every rank."""
        parts = self._hvd.allgather_object(np.asarray(values, np.float64))
        return np.sum(parts, axis=0)

    def from_first(self, thing: Any) -> Any:
        """Broadcast by pickle."""
        return self._hvd.broadcast_object(thing, root_rank=0)


def require_horovod() -> None:
    """Raise DistributedError if Horovod is missing or was built without TensorFlow. Imports neither of them."""
    asked = "embeddings.autoencoder.backend is horovod, but Horovod"
    if find_spec("horovod") is None:
        raise DistributedError(f"{asked} is not installed. {HOROVOD_FIX}")
    package = find_spec("horovod.tensorflow")
    folders = [Path(folder) for folder in (package.submodule_search_locations or [])] if package else []
    if not [library for folder in folders for library in folder.glob("mpi_lib*")]:
        raise DistributedError(f"{asked} was built without TensorFlow. {HOROVOD_FIX}")


def connect(backend: str, ranks: int) -> Distributed:
    """Join the processes of this training. Raises DistributedError if there are not `ranks` of them."""
    if backend == "single":
        return Single()
    joined = Horovod()
    if joined.size != ranks:
        raise DistributedError(
            f"embeddings.autoencoder.ranks is {ranks}, but Horovod started {joined.size}. "
            f"Fix: start it with `horovodrun -np {ranks} --gloo`, or set ranks to {joined.size}"
        )
    return joined
