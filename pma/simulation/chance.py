"""Chance as Columns: a hash of seed, purpose and ids decides each draw, so that no partitioning changes it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

SECOND = 1000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
# Share of a day's visits by hour, in percent.
HOURS = (1, 1, 0, 0, 0, 1, 1, 3, 4, 5, 5, 5, 6, 5, 5, 5, 6, 6, 7, 9, 9, 8, 5, 3)


def salt(seed: int, purpose: str) -> Column:
    """Return a whole number that tells the draws of one purpose from those of any other."""
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return F.lit(int.from_bytes(digest[:8], "big", signed=True)).cast("bigint")


def key(seed: int, purpose: str, *ids: Column | str) -> Column:
    """Return a 64-bit whole number, spread evenly over ids."""
    return F.xxhash64(salt(seed, purpose), *ids)


def uniform(seed: int, purpose: str, *ids: Column | str) -> Column:
    """Draw evenly from [0, 1): 53 bits of the hash."""
    return F.shiftrightunsigned(key(seed, purpose, *ids), 11).cast("double") * F.lit(2.0**-53)


def normal(seed: int, purpose: str, *ids: Column | str) -> Column:
    """Draw from the standard normal distribution (Box and Muller, 1958)."""
    radius = F.sqrt(F.lit(-2.0) * F.log(F.lit(1.0) - uniform(seed, f"{purpose} radius", *ids)))
    return radius * F.cos(F.lit(2 * math.pi) * uniform(seed, f"{purpose} angle", *ids))


def index(drawn: Column, weights: Sequence[float]) -> Column:
    """Turn an even draw into a place from 0 on, with these chances; they need not add up to 1."""
    total, reached, place = math.fsum(weights), 0.0, F.lit(0)
    for weight in weights[:-1]:
        reached += weight / total
        place = place + (drawn >= F.lit(reached)).cast("int")
    return place


def one_of(drawn: Column, choices: Sequence[str] | Sequence[int]) -> Column:
    """Turn an even draw into one of the values."""
    return F.array(*map(F.lit, choices))[F.floor(drawn * F.lit(len(choices))).cast("int")]


def time_of_day(seed: int, purpose: str, *ids: Column | str) -> Column:
    """Draw milliseconds since midnight, by the hours at which people visit."""
    hours = [hour for hour, percent in enumerate(HOURS) for _ in range(percent)]
    hour = one_of(uniform(seed, f"{purpose} hour", *ids), hours)
    within = F.floor(uniform(seed, f"{purpose} minute", *ids) * F.lit(float(60 * MINUTE)))
    return (hour.cast("bigint") * F.lit(60 * MINUTE) + within).cast("bigint")


def hexadecimal(number: Column) -> Column:
    """Write a 64-bit whole number as sixteen small hexadecimal digits."""
    return F.lower(F.lpad(F.hex(number), 16, "0"))


def day_of(moment: Column) -> Column:
    """Return the midnight (UTC) before a moment, both in milliseconds since 1970."""
    return (F.floor(moment / F.lit(DAY)) * F.lit(DAY)).cast("bigint")
