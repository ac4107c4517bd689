"""Pretrained vectors of words and phrases, read from files inside the `wordllama` package: no network."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCE = "wordllama"


def encode_phrases(phrases: Sequence[str], size: int) -> NDArray[np.float32]:
    """Return one vector of length 1 per phrase: the mean of its tokens' static vectors.

    Shape [phrases, size]. The encoder was trained so that its leading dimensions serve alone (matryoshka), so `size`
    keeps the first of its 256. Raises ValueError for a blank phrase, ImportError without the package.
    """
    blank = [number for number, phrase in enumerate(phrases) if not phrase.strip()]
    if blank:
        raise ValueError(f"phrase number {blank[0]} of {len(phrases)} is blank: leave rows without a name out")
    if not phrases:
        return np.zeros((0, size), dtype=np.float32)
    vectors = _encoder(size).embed(list(phrases))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@cache
def _encoder(size: int) -> Any:
    package = find_spec("wordllama")
    if package is None or package.origin is None:
        raise ImportError("the pretrained encoder needs the package wordllama: pip install 'pma[demo]'")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    from wordllama import WordLlama

    root.handlers, root.level = handlers, level  # the package configures the root logger when it is imported
    return WordLlama.load(cache_dir=Path(package.origin).parent, disable_download=True, trunc_dim=size)
