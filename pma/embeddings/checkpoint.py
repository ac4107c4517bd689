"""How far a training is, and the file that lets a killed one go on."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pma.embeddings.sealed import SealedFileError, read_sealed, write_sealed
from pma.embeddings.settings import AutoencoderSettings

logger = logging.getLogger(__name__)

WEIGHTS = 4


@dataclass(frozen=True)
class Progress:
    """After `epoch` epochs: `state` (weights and optimizer), the `best` weights so far, the losses of each epoch."""

    epoch: int
    state: list[np.ndarray]
    best: list[np.ndarray]
    best_epoch: int
    best_loss: float
    idle: int
    history: list[dict[str, float]]

    @classmethod
    def first(cls, state: list[np.ndarray]) -> Progress:
        """Return the progress of a training that has not begun."""
        return cls(0, state, state[:WEIGHTS], 0, float("inf"), 0, [])

    def advance(self, loss: float, held_out: float, state: list[np.ndarray], settings: AutoencoderSettings) -> Progress:
        """Add an epoch. `idle` counts epochs that lowered the held-out loss by less than `minimum_gain` of it."""
        better = held_out < self.best_loss
        gained = held_out < self.best_loss * (1.0 - settings.minimum_gain) if self.epoch else True
        epoch = self.epoch + 1
        return Progress(
            epoch=epoch,
            state=state,
            best=state[:WEIGHTS] if better else self.best,
            best_epoch=epoch if better else self.best_epoch,
            best_loss=held_out if better else self.best_loss,
            idle=0 if gained else self.idle + 1,
            history=[*self.history, {"epoch": epoch, "loss": loss, "held_out_loss": held_out}],
        )

    def finished(self, settings: AutoencoderSettings) -> bool:
        """Say whether training is over."""
        return self.epoch >= settings.max_epochs or self.idle >= settings.patience


def write_checkpoint(path: Path, identity: str, progress: Progress) -> None:
    """Write progress in one step. `identity` says what is trained: a checkpoint of something else is refused later."""
    arrays = {f"state_{i:03d}": value for i, value in enumerate(progress.state)}
    arrays |= {f"best_{i}": value for i, value in enumerate(progress.best)}
    header = {
        "identity": _digest(identity),
        "epoch": progress.epoch,
        "best_epoch": progress.best_epoch,
        "best_loss": progress.best_loss,
        "idle": progress.idle,
        "history": progress.history,
    }
    write_sealed(path, header, arrays)


def read_checkpoint(path: Path, identity: str) -> Progress | None:
    """Return the progress in `path`, None if there is none. Raises SealedFileError if damaged or of other training."""
    if not path.exists():
        return None
    fix = "delete the file to train from the beginning"
    header, arrays = read_sealed(path, fix)
    if header.pop("identity") != _digest(identity):
        raise SealedFileError(
            f"{path}: made with other settings or other rows. Fix: {fix}, or restore what it was made with"
        )
    state = [arrays[name] for name in sorted(arrays) if name.startswith("state_")]
    logger.info("going on after epoch %d of %s", header["epoch"], path)
    return Progress(state=state, best=[arrays[f"best_{i}"] for i in range(WEIGHTS)], **header)


def drop_checkpoint(path: Path) -> None:
    """Delete the checkpoint of a finished training."""
    path.unlink(missing_ok=True)


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()
