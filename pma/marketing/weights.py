"""Weights of touches, as cumulative shares: what of a conversion is given away up to and with touch k of n.

The weight of touch k is the share up to k less the share up to k - 1, each rounded before: whatever rounding does,
the weights of a conversion add up to exactly 1, and the parts of its value to exactly its value.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pma.marketing.tables import MONEY, WEIGHT


def linear_share(touch: Column, touches: Column) -> Column:
    """Return k / n: every touch counts the same."""
    return _ended(touch, touches, touch / F.greatest(touches, F.lit(1)))


def position_share(touch: Column, touches: Column, first: float, last: float) -> Column:
    """Return the share when the first touch has weight `first`, the last `last`, and those between share the rest.

    A single touch has all; of two, the first has first / (first + last), or half where both are 0.
    """
    of_two = first / (first + last) if first + last > 0 else 0.5
    between = max(0.0, 1.0 - first - last) * (touch - 1) / F.greatest(touches - 2, F.lit(1))
    return _ended(touch, touches, F.when(touches == 2, F.lit(of_two)).otherwise(F.lit(first) + between))


def one_share(touch: Column, touches: Column, chosen: Column) -> Column:
    """Return the share when touch number `chosen` has all; null: the last."""
    return F.when(touch >= F.coalesce(chosen, touches), F.lit(1.0)).otherwise(F.lit(0.0))


def proportional_share(touch: Column, touches: Column, upto: Column, total: Column) -> Column:
    """Return upto / total, sums of any non-negative size of the touches; where all are 0, every touch counts the same.

    A missing sum (of no touch) is 0.
    """
    part = F.coalesce(upto, F.lit(0.0)) / F.nullif(total, F.lit(0.0))
    return _ended(touch, touches, F.coalesce(part, linear_share(touch, touches)))


def decay(age_days: Column, half_life_days: float) -> Column:
    """Return 2^(-age / half-life)."""
    return F.pow(F.lit(2.0), -age_days / F.lit(half_life_days))


def rounded(share: Column) -> Column:
    """Round a cumulative share to the places of a weight."""
    return share.cast(WEIGHT)


def weight(before: Column, upto: Column) -> Column:
    """Return the weight between two rounded shares."""
    return (upto - before).cast(WEIGHT)


def part(value: Column, before: Column, upto: Column) -> Column:
    """Return the part of a value between two rounded shares of it; decimals throughout."""
    # Most conversions are uploads, which are worth nothing: that is cheaper than to multiply decimals.
    share = F.round(value * upto, 6) - F.round(value * before, 6)
    return F.when(value == 0, F.lit(0).cast(MONEY)).otherwise(share.cast(MONEY))


def _ended(touch: Column, touches: Column, share: Column) -> Column:
    """Begin a cumulative share at 0 and end it at 1, exactly."""
    return F.when(touch <= 0, F.lit(0.0)).when(touch >= touches, F.lit(1.0)).otherwise(share)
