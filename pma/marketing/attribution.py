"""Attribution: each conversion divided over its touches, by every model."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pma.marketing.settings import AttributionSettings
from pma.marketing.tables import EVENT_ATTRIBUTION, MODELS
from pma.marketing.weights import (
    decay,
    linear_share,
    one_share,
    part,
    position_share,
    proportional_share,
    rounded,
    weight,
)

DIRECT = "direct"
# 40 % each for the first and the last touch.
U_SHAPE = (0.4, 0.4)
MICROS_PER_DAY = 86_400_000_000


def attribute(
    touched: DataFrame, effects: DataFrame, settings: AttributionSettings, models: tuple[str, ...] = MODELS
) -> DataFrame:
    """Return `st_il.st_event_attribution`: the rows that `touches` returns, once per model, with weight and value.

    Key: conversion_id, session_id, model. Per conversion and model the weights add up to exactly 1 and the values to
    exactly the conversion's value; an unattributed conversion keeps both whole. `effects` holds per conversion_type and
    channel the removal `effect` that `removal_effects` returns. Weights of model:

    - first_click, last_click: all to that touch. last_non_direct: all to the last touch that is not direct; where all
      are direct, to the last.
    - linear: the same to each. u_shape: 40 % to the first, 40 % to the last, 20 % shared between; position: the same
      with the weights of the settings; of two touches a / (a + b) to the first.
    - time_decay: as 2^(-age / half-life), by the exact age at the conversion.
    - data_driven: as the removal effect of the touch's channel, see `pma.marketing.markov`; where all are 0, linear.
    """
    summed = _with_sums(touched.join(F.broadcast(effects), on=["conversion_type", "channel"], how="left"), settings)
    pairs = [_shares(model, settings) for model in models]
    structs = [
        F.struct(F.lit(model).alias("model"), rounded(before).alias("before"), rounded(upto).alias("upto"))
        for model, (before, upto) in zip(models, pairs, strict=True)
    ]
    each = summed.select("*", F.inline(F.array(*structs)))
    shares = (F.col("before"), F.col("upto"))
    credited = each.select(
        "*",
        weight(*shares).alias("weight"),
        part(F.col("conversion_value"), *shares).alias("value"),
    )
    return credited.select(*EVENT_ATTRIBUTION.schema.names)


def _with_sums(touched: DataFrame, settings: AttributionSettings) -> DataFrame:
    """Add what the models need of the other touches of a conversion: sums before, up to and over all of them."""
    path = Window.partitionBy("conversion_id").orderBy("touched_at", "session_id")
    before = path.rowsBetween(Window.unboundedPreceding, -1)
    upto = path.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    whole = path.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    micros = F.unix_micros("touched_at")
    # Shares by age are the same whichever moment the age is counted to. To the last touch none of them is too small
    # for a number.
    age_days = (F.max(micros).over(whole) - micros) / F.lit(MICROS_PER_DAY)
    sized = touched.select(
        "*",
        decay(age_days, settings.half_life_days).alias("decayed"),
        F.coalesce("effect", F.lit(0.0)).alias("removed"),
        F.max(F.when(F.col("channel") != DIRECT, F.col("touch"))).over(whole).alias("last_non_direct"),
    )
    # The same numbers are added in the same order in all three frames: the sums of neighbours meet to the last bit.
    return sized.select(
        "*",
        *[
            F.sum(size).over(frame).alias(f"{size}_{name}")
            for size in ("decayed", "removed")
            for name, frame in (("before", before), ("upto", upto), ("total", whole))
        ],
    )


def _shares(model: str, settings: AttributionSettings) -> tuple[Column, Column]:
    """Return the cumulative shares of a model before a touch and up to it; an unattributed conversion is undivided."""
    touch, touches = F.col("touch"), F.col("touches")
    before, upto = _share(model, touch - 1, "before", settings), _share(model, touch, "upto", settings)
    return F.when(touches == 0, F.lit(0.0)).otherwise(before), F.when(touches == 0, F.lit(1.0)).otherwise(upto)


def _share(model: str, touch: Column, end: str, settings: AttributionSettings) -> Column:
    touches = F.col("touches")
    if model == "linear":
        return linear_share(touch, touches)
    if model == "last_non_direct":
        return one_share(touch, touches, F.col("last_non_direct"))
    if model in ("time_decay", "data_driven"):
        size = "decayed" if model == "time_decay" else "removed"
        return proportional_share(touch, touches, F.col(f"{size}_{end}"), F.col(f"{size}_total"))
    first, last = {
        "first_click": (1.0, 0.0),
        "last_click": (0.0, 1.0),
        "u_shape": U_SHAPE,
        "position": (settings.first_weight, settings.last_weight),
    }[model]
    return position_share(touch, touches, first, last)
