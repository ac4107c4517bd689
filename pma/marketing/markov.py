"""The data-driven model: what of the conversions would be lost without a channel, by a Markov chain of channels.

After Anderl, Becker, von Wangenheim and Schumann (2016), "Mapping the customer journey", of first order. Assumptions:

- Where a user comes from next depends on where he came from last, and on nothing before it, nor on the time between.
- The chain of those who convert and of those who do not is one, and does not change over the period. Repeats of one
  channel do not matter to it.
- A removed channel's sessions do not happen, and end the path there: nobody comes another way instead. The effect
  therefore is an upper bound of what the channel causes, and no more causal than the paths are.
- Only known users are seen. A path whose window is not yet over counts as one that does not convert.

The chain is solved exactly, as linear equations; nothing is simulated.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pma.marketing.settings import AttributionSettings
from pma.marketing.tables import CONVERSIONS_OF
from pma.marketing.touches import people, window_micros

START = "(start)"
CONVERTED = "(converted)"
LOST = "(lost)"
EFFECTS = "conversion_type string, channel string, effect double"


def transition_counts(
    touched: DataFrame, conversions: DataFrame, sessions: DataFrame, settings: AttributionSettings
) -> DataFrame:
    """Count the steps of all paths: columns conversion_type, state, next_state, steps; the first three are the key.

    A converting path is the touches of one conversion: (start), its channels, (converted). A path that does not convert
    is, for one type of conversion, a run of one user's sessions that lie in the window of none of his conversions of
    that type: (start), its channels, (lost). It is cut where one of those conversions or a pause longer than the window
    lies between two sessions. Of each path the last `max_path` sessions are read. Robots, sessions without a user and
    unattributed conversions have no path.
    """
    steps = _converting(touched, settings).unionByName(_lost(conversions, sessions, settings))
    return steps.groupBy("conversion_type", "state", "next_state").agg(F.count("*").alias("steps"))


def removal_effects(counts: pd.DataFrame) -> pd.DataFrame:
    """Return per conversion_type and channel the share of conversions that is lost without it, 0 to 1.

    `counts` is as `transition_counts` returns it; the effects of a type do not add up to 1.
    """
    rows: list[tuple[str, str, float]] = []
    for kind, group in counts.groupby("conversion_type", sort=True):
        channels = sorted((set(group["state"]) | set(group["next_state"])) - {START, CONVERTED, LOST})
        reached = conversion_probability(group, channels)
        for channel in channels:
            without = conversion_probability(group, channels, channel)
            effect = 1.0 - without / reached if reached > 0 else 0.0
            rows.append((str(kind), channel, min(1.0, max(0.0, effect))))
    return pd.DataFrame(rows, columns=["conversion_type", "channel", "effect"])


def conversion_probability(counts: pd.DataFrame, channels: list[str], removed: str | None = None) -> float:
    """Return the probability that a path from (start) ends in (converted), with all steps to `removed` lost.

    Solves (I - Q) p = r: Q the probabilities from state to channel, r from state to (converted).
    """
    states = [START, *channels]
    place = {state: index for index, state in enumerate(states)}
    to_channel: NDArray[np.float64] = np.zeros((len(states), len(states)))
    to_end: NDArray[np.float64] = np.zeros(len(states))
    total: NDArray[np.float64] = np.zeros(len(states))
    for state, next_state, steps in zip(counts["state"], counts["next_state"], counts["steps"], strict=True):
        total[place[state]] += steps
        if next_state == CONVERTED:
            to_end[place[state]] += steps
        elif next_state not in (LOST, removed):
            to_channel[place[state], place[next_state]] += steps
    # A channel that is only reached has no steps of its own; there is none in whole paths.
    share = np.where(total > 0, total, 1.0)
    chain = np.eye(len(states)) - to_channel / share[:, None]
    return float(np.linalg.solve(chain, to_end / share)[place[START]])


def _converting(touched: DataFrame, settings: AttributionSettings) -> DataFrame:
    read = touched.where((F.col("touch") > 0) & (F.col("touch") > F.col("touches") - settings.max_path))
    earlier = F.lag("channel").over(Window.partitionBy("conversion_id").orderBy("touched_at", "session_id"))
    before = read.select("conversion_type", "channel", "touch", "touches", earlier.alias("earlier"))
    is_last = F.col("touch") == F.col("touches")
    return before.select("conversion_type", _steps(F.col("earlier"), is_last, CONVERTED))


def _lost(conversions: DataFrame, sessions: DataFrame, settings: AttributionSettings) -> DataFrame:
    window = window_micros(settings)
    # From the newest to the oldest: where the sessions before one are needed, all that come later have been seen.
    newest_first = [F.col(name).desc() for name in ("at", "session_id")]
    by_type = Window.partitionBy("user_id", "conversion_type").orderBy(*newest_first)
    beside = _unclaimed(conversions, sessions, window).select(
        "*",
        F.row_number().over(by_type).alias("position"),
        *[
            shift(name).over(by_type).alias(f"{side}_{name}")
            for side, shift in (("later", F.lag), ("earlier", F.lead))
            for name in ("at", "channel", "next_conversion")
        ],
    )

    def cut(side: str) -> Column:
        pause = F.abs(F.col(f"{side}_at") - F.col("at")) > window
        parted = ~F.col(f"{side}_next_conversion").eqNullSafe(F.col("next_conversion"))
        return F.col(f"{side}_at").isNull() | pause | parted

    so_far = by_type.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    begun = F.last(F.when(cut("later"), F.col("position")), ignorenulls=True).over(so_far)
    ended = beside.select("*", (F.col("position") - begun).alias("from_end")).where(
        F.col("from_end") < settings.max_path
    )
    is_first = cut("earlier") | (F.col("from_end") == settings.max_path - 1)
    earlier = F.when(~is_first, F.col("earlier_channel"))
    return ended.select("conversion_type", _steps(earlier, F.col("from_end") == 0, LOST))


def _unclaimed(conversions: DataFrame, sessions: DataFrame, window: int) -> DataFrame:
    """Return per session and type of conversion: user, `at`, channel and the user's `next_conversion` of that type.

    Only where that is not within the window. Two sessions between which another one is claimed, or a conversion lies,
    have different next conversions.
    """
    visits = people(sessions).select(
        "user_id",
        F.unix_micros("started_at").alias("at"),
        F.lit(0).alias("is_conversion"),
        "session_id",
        "channel",
        F.lit(None).cast("string").alias("conversion_type"),
    )
    ends = conversions.select(
        "user_id",
        F.unix_micros("converted_at").alias("at"),
        F.lit(1).alias("is_conversion"),
        F.col("conversion_id").alias("session_id"),
        F.lit(None).cast("string").alias("channel"),
        "conversion_type",
    )
    # Newest first: at one moment the conversion comes before the session that it claims.
    order = [F.col(name).desc() for name in ("at", "is_conversion", "session_id")]
    so_far = Window.partitionBy("user_id").orderBy(*order)
    so_far = so_far.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    upcoming = [
        F.struct(
            F.lit(kind).alias("conversion_type"),
            F.min(F.when(F.col("conversion_type") == kind, F.col("at"))).over(so_far).alias("next_conversion"),
        )
        for kind in sorted(CONVERSIONS_OF.values())
    ]
    known = visits.unionByName(ends).select(
        "user_id", "at", "is_conversion", "session_id", "channel", F.array(*upcoming).alias("upcoming")
    )
    each = known.where("is_conversion = 0").select("user_id", "at", "session_id", "channel", F.inline("upcoming"))
    return each.where(F.col("next_conversion").isNull() | (F.col("next_conversion") - F.col("at") > window))


def _steps(earlier: Column, is_last: Column, end: str) -> Column:
    """Return the step into a row's channel, and behind the last one of a path the step to its end; exploded."""
    into = F.struct(F.coalesce(earlier, F.lit(START)).alias("state"), F.col("channel").alias("next_state"))
    out = F.struct(F.col("channel").alias("state"), F.lit(end).alias("next_state"))
    return F.inline(F.array_compact(F.array(into, F.when(is_last, out))))
