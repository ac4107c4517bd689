"""Lift tests in the log-density: what a test measured against what the model expects of it, with slopes by hand."""

from __future__ import annotations

import numpy as np

from pma.media.compiled import jit
from pma.media.kernels import (
    ADSTOCK_1,
    ADSTOCK_2,
    EFFECT,
    GAP,
    SATURATION_1,
    SATURATION_2,
    adstocked,
    adstocked_back,
    saturated,
    saturated_back,
)


@jit
def lift_likelihood(data, own, weights, by_first, by_second, mean, factor, slopes, by_factor):  # type: ignore[no-untyped-def]
    """Return the log-likelihood of the tests, up to a constant; fill `slopes`, (6, channels), by kappa and parameters.

    `factor`: how strongly media work by week; what the tests pull at it is added to `by_factor`; (weeks,) both.

    Of `data`, a `pma.mmm.density.Data`: lift, lift_error: measured, and its standard error, in usual weeks of the
    target; (tests,). A test is a few series of spend, those with and without its change: lift_of, lift_channel,
    (series,), say whose they are; lift_spend, lift_unknown, (series, L): as `spend` and `unknown` there, the test's
    weeks and the lags before them; lift_counts, the same: how often the media of a week count; lift_week, (series,):
    which week the first of them is, before the data below 0. A lift is what the sum of counts times media brings: kappa
    over mean is their factor, as in every week. Slopes by adstock and gap level are by the parameters, those by
    saturation by their logarithms.
    """
    lift, lift_error, lift_of, lift_channel = data.lift, data.lift_error, data.lift_of, data.lift_channel
    lift_spend, lift_unknown, lift_week = data.lift_spend, data.lift_unknown, data.lift_week
    saturation_kind = data.saturation_kind
    slopes[:] = 0.0
    series, length = lift_spend.shape
    level, value = np.zeros((series, length)), np.empty((series, length))
    logs, back = np.empty((series, length)), np.empty(length)
    counted, expected, counts = np.empty(series), np.zeros(lift.shape[0]), data.lift_counts.copy()
    for s in range(series):
        c = lift_channel[s]
        adstocked(lift_spend[s], lift_unknown[s], own[GAP, c], weights[c], level[s])
        saturated(saturation_kind[c], level[s], own[SATURATION_1, c], own[SATURATION_2, c], value[s], logs[s])
        for t in range(max(-lift_week[s], 0), length):
            counts[s, t] *= factor[lift_week[s] + t]
        counted[s] = (counts[s] * value[s]).sum()
        expected[lift_of[s]] += own[EFFECT, c] / mean[c] * counted[s]
    apart = (lift - expected) / lift_error
    for s in range(series):
        c = lift_channel[s]
        pull = apart[lift_of[s]] / lift_error[lift_of[s]]
        slopes[EFFECT, c] += pull * counted[s] / mean[c]
        for t in range(length):
            back[t] = pull * own[EFFECT, c] / mean[c] * counts[s, t]
        for t in range(max(-lift_week[s], 0), length):
            week = lift_week[s] + t
            by_factor[week] += back[t] * value[s, t] / factor[week]
        by_1, by_2 = saturated_back(
            saturation_kind[c], level[s], own[SATURATION_1, c], own[SATURATION_2, c], value[s], logs[s], back
        )
        slopes[SATURATION_1, c] += by_1
        slopes[SATURATION_2, c] += by_2
        by_1, by_2, by_gap = adstocked_back(
            lift_spend[s], lift_unknown[s], own[GAP, c], weights[c], by_first[c], by_second[c], back
        )
        slopes[ADSTOCK_1, c] += by_1
        slopes[ADSTOCK_2, c] += by_2
        slopes[GAP, c] += by_gap
    return -0.5 * (apart * apart).sum()
