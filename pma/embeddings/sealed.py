"""Files that are whole or refused: named arrays and a header under one checksum."""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

MAGIC = b"pma-arrays-1\n"
DIGEST_BYTES = 64
HEADER = "__header__"


class SealedFileError(Exception):
    """A model or checkpoint file that is missing, damaged, or made for something else."""


def write_sealed(path: Path, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write header and arrays to `path` in one step: readers see the old file or the new one, never half of one."""
    text = np.frombuffer(json.dumps(header, sort_keys=True).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **{HEADER: text}, **arrays)
    payload = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(MAGIC + hashlib.sha256(payload).hexdigest().encode() + payload)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read_sealed(path: Path, fix: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return header and arrays of `path`. Raises SealedFileError, naming path and `fix`, if a byte was changed."""
    if not path.is_file():
        raise SealedFileError(f"{path}: no such file. Fix: {fix}")
    content = path.read_bytes()
    start = len(MAGIC) + DIGEST_BYTES
    if not content.startswith(MAGIC) or len(content) <= start:
        raise SealedFileError(f"{path}: not a file of this package, or cut short. Fix: {fix}")
    payload = content[start:]
    if hashlib.sha256(payload).hexdigest().encode() != content[len(MAGIC) : start]:
        raise SealedFileError(f"{path}: damaged, its checksum does not match its content. Fix: {fix}")
    with np.load(io.BytesIO(payload), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    header = json.loads(arrays.pop(HEADER).tobytes())
    return header, arrays
