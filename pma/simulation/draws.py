"""Random numbers that belong to one purpose: what else is drawn, and in which order, does not change them."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *purpose: str) -> np.random.Generator:
    """Return the generator of one purpose, such as (seed, "adstock", "DE", "tv"); the same on every machine."""
    digest = hashlib.sha256("\x1f".join((str(seed), *purpose)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def number_of(digits: int, *purpose: str) -> str:
    """Return an id of so many digits, the first not zero, that the purpose alone decides."""
    value = int.from_bytes(hashlib.sha256("\x1f".join(purpose).encode()).digest(), "big")
    return str(10 ** (digits - 1) + value % (9 * 10 ** (digits - 1)))


def ranked(seed: int, purpose: str, names: tuple[str, ...]) -> list[str]:
    """Return the names in an order that the seed decides; a further name leaves the order of the others."""
    return sorted(names, key=lambda name: number_of(18, str(seed), purpose, name))
