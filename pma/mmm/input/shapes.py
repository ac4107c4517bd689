"""Checks of one series at a time: constant, rare, jumping, outlying, at odds with its impressions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from math import erfc, log, sqrt

import numpy as np
import pandas as pd

from pma.mmm.input.geo_panel import ALL, Finding, GeoPanel, listed, weeks_of
from pma.mmm.series import varies

# A shift is judged with at least so many weeks on each side, and is sharp within so many.
SIDE_WEEKS, SHARP_WEEKS = 13, 4
# Normal data have a standard deviation of this many median, and mean, absolute deviations.
OF_MEDIAN, OF_MEAN = 1.4826, 1.2533
RECHECK = "Ask {owner} whether the numbers are right; if they are, nothing is to be done."


def zero_variance(panel: GeoPanel) -> Iterator[Finding]:
    """Series that are the same in every week; a target without variation cannot be explained."""
    for name in panel.named("target", "paid", "organic", "context"):
        series = panel.series(name)
        if len(series) < 2 or varies(series.to_numpy()):
            continue
        target, value = panel.roles[name] == "target", float(series.iloc[0])
        yield Finding(
            "zero_variance",
            name,
            "fail" if target else "warn",
            f"{value:g} in all {len(series)} weeks with data",
            "There is nothing to explain." if target else "Its effect cannot be told from the base: it is left out.",
            RECHECK.format(owner=panel.judge.rules.owner(name)),
            series.index[0],
            series.index[-1],
            value,
        )


def few_active_weeks(panel: GeoPanel) -> Iterator[Finding]:
    """Paid channels that spent in few weeks."""
    for name in panel.named("paid"):
        active = panel.series(name)
        active = active[active != 0]
        if 0 < len(active) < panel.settings.min_active_weeks:
            yield Finding(
                "few_active_weeks",
                name,
                "warn",
                f"spent in {weeks_of(len(active))} only",
                "So few weeks say little: the prior decides its effect.",
                "Ask the analysts to join it with another channel, or test it (geo lift test).",
                active.index[0],
                active.index[-1],
                float(len(active)),
            )


def small_share(panel: GeoPanel) -> Iterator[Finding]:
    """Paid channels with a tiny part of all spend."""
    totals = {name: float(panel.series(name).clip(lower=0).sum()) for name in panel.named("paid")}
    everything = sum(totals.values())
    for name, total in totals.items():
        if 0 < total < panel.settings.min_spend_share * everything:
            yield Finding(
                "small_share",
                name,
                "warn",
                f"{total / everything:.2%} of paid spend",
                "Its effect drowns in the noise: the prior decides it.",
                "Ask the analysts to join it with another channel.",
                measure=total / everything,
            )


def spend_without_impressions(panel: GeoPanel) -> Iterator[Finding]:
    """Weeks of spend without impressions, of a channel that has some in other weeks; and the reverse."""
    for name in panel.named("paid"):
        spend, seen = panel.values[name], panel.impressions[name]
        if not (seen > 0).any():
            continue
        for check, odd, words in (
            ("spend_without_impressions", (spend > 0) & ~(seen > 0), "money but no impressions"),
            ("impressions_without_spend", (spend == 0) & (seen > 0), "impressions but no money"),
        ):
            weeks = list(panel.values.index[odd.to_numpy()])
            if weeks:
                yield Finding(
                    check,
                    name,
                    "warn",
                    f"{words} in {weeks_of(len(weeks))}: {listed(weeks, 3)}",
                    "One of the two is wrong: these weeks teach the model a wrong effect.",
                    RECHECK.format(owner=panel.judge.rules.owner(name)),
                    weeks[0],
                    weeks[-1],
                    float(len(weeks)),
                )


def price_outliers(panel: GeoPanel) -> Iterator[Finding]:
    """Weeks whose spend per impression is far from the usual."""
    for name in panel.named("paid"):
        price = (panel.values[name] / panel.impressions[name]).replace([np.inf, -np.inf], np.nan).dropna()
        odd = outlying(price[price > 0], panel.settings.outlier_deviations, of_ratios=True)
        if not odd.empty:
            factor = float((odd / price.median()).abs().max())
            yield Finding(
                "price_outlier",
                name,
                "warn",
                f"money per impression is far from the usual in {weeks_of(len(odd))}: {listed(list(odd.index), 3)}",
                "Money or impressions of these weeks may be wrong, or prices rose: then money buys less than before.",
                RECHECK.format(owner=panel.judge.rules.owner(name)),
                odd.index[0],
                odd.index[-1],
                factor,
            )


def outliers(panel: GeoPanel) -> Iterator[Finding]:
    """Weeks far from the median in robust deviations: of money and counts by ratio, where they are not zero."""
    for name in panel.named("target", "paid", "organic", "context"):
        series = panel.series(name)
        of_ratios = panel.roles[name] in ("target", "paid")
        odd = outlying(series[series > 0] if of_ratios else series, panel.settings.outlier_deviations, of_ratios)
        if odd.empty:
            continue
        without = series.drop(odd.index)
        worst = float(odd.iloc[int((odd - series.median()).abs().to_numpy().argmax())])
        yield Finding(
            "outlier",
            name,
            "warn",
            f"{weeks_of(len(odd))} far from the usual: {listed(list(odd.index), 3)}; the farthest is {worst:,.6g}, the "
            f"median {series.median():,.6g}; standard deviation {series.std():,.4g} with, {without.std():,.4g} without",
            "A few weeks decide the scale of the variable, and with it all of its effect.",
            RECHECK.format(owner=panel.judge.rules.owner(name)),
            odd.index[0],
            odd.index[-1],
            float(len(odd)),
        )


def outlying(series: pd.Series, deviations: float, of_ratios: bool) -> pd.Series:
    """The values so many robust deviations from the median; of ratios: of logarithms, and twice or half of it at least.

    A deviation is 1.4826 median absolute ones, or 1.2533 mean absolute ones where half of the values are the same.
    """
    values = series.astype(float)
    if len(values) < 8:
        return values.iloc[:0]
    scaled = pd.Series(np.log(values), index=values.index) if of_ratios else values
    away = (scaled - scaled.median()).abs()
    spread = OF_MEDIAN * float(away.median()) or OF_MEAN * float(away.mean())
    if spread <= 0 or not varies(values.to_numpy()):
        return values.iloc[:0]
    odd = away >= deviations * spread
    return values[odd & (away >= np.log(2.0))] if of_ratios else values[odd]


def level_shifts(panel: GeoPanel) -> Iterator[Finding]:
    """Sharp lasting changes of level, in the weeks in which there is something."""
    for name in panel.named("target", "paid", "organic", "context"):
        series = panel.series(name)
        if (series < 0).any() or (panel.roles[name] == "context" and (series <= 0).any()):
            continue
        found = _shift(series[series > 0], panel.settings.level_shift)
        if found is None:
            continue
        week, ratio = found
        yield Finding(
            "level_shift",
            name,
            "warn",
            f"from the week of {week} on it is {ratio:.2g} times what it was before",
            "A change of definition or tracking looks like an effect of what else changed in that week.",
            RECHECK.format(owner=panel.judge.rules.owner(name)),
            week,
            series.index[-1],
            ratio,
        )


def _shift(series: pd.Series, least: float) -> tuple[date, float] | None:
    """The first week after the largest shift, and its ratio; None where none is large, lasting and sharp."""
    values = np.log(series.to_numpy(dtype=float))
    if len(values) < 2 * SIDE_WEEKS:
        return None
    near = np.median(np.lib.stride_tricks.sliding_window_view(values, SHARP_WEEKS), axis=1)
    best: tuple[float, int] | None = None
    for cut in range(SIDE_WEEKS, len(values) - SIDE_WEEKS + 1):
        sharp = near[cut] - near[cut - SHARP_WEEKS]
        if abs(sharp) < np.log(least):
            continue
        lasting = np.median(values[cut:]) - np.median(values[:cut])
        least_of_both = min(abs(lasting), abs(sharp))
        if lasting * sharp > 0 and least_of_both >= np.log(least) and (best is None or least_of_both > abs(best[0])):
            best = (float(np.sign(lasting) * least_of_both), cut)
    if best is None:
        return None
    # Medians of few weeks see the shift a week early or late: the largest step is it.
    around = range(max(best[1] - 2, 1), min(best[1] + 3, len(values)))
    cut = max(around, key=lambda place: abs(values[place] - values[place - 1]))
    return series.index[cut], float(np.exp(np.median(values[cut:]) - np.median(values[:cut])))


def negative_weeks(panel: GeoPanel) -> Iterator[Finding]:
    """Weeks below zero of money and counts."""
    for name in panel.named("target", "paid", "organic"):
        series = panel.series(name)
        weeks = list(series.index[(series < 0).to_numpy()])
        if weeks:
            yield Finding(
                "negative",
                name,
                "warn",
                f"below zero in {weeks_of(len(weeks))}: {listed(weeks, 3)}",
                "A credit of an earlier week: too high there, too low here, and no model knows negative spend.",
                f"Ask {panel.judge.rules.owner(name)} to book the credit in the week that it is for.",
                weeks[0],
                weeks[-1],
                float(len(weeks)),
            )


def zero_target(panel: GeoPanel) -> Iterator[Finding]:
    """Weeks in which a target is zero; a target that is mostly zero cannot be fitted."""
    for name in panel.named("target"):
        series = panel.series(name)
        weeks = list(series.index[(series == 0).to_numpy()])
        if not weeks or len(weeks) == len(series):
            continue
        fails = len(weeks) > len(series) / 2
        yield Finding(
            "zero_target",
            name,
            "fail" if fails else "warn",
            f"zero in {len(weeks)} of {len(series)} weeks: {listed(weeks, 3)}",
            "A week that was not counted looks like one in which marketing did nothing.",
            RECHECK.format(owner=panel.judge.rules.owner(name)),
            weeks[0],
            weeks[-1],
            len(weeks) / len(series),
        )


def negative_baseline(panel: GeoPanel) -> Iterator[Finding]:
    """Paid media that by a weak prior bring more than all there is: the base would be negative.

    Every channel's ROAS is log-normal; their sum weighted by spend is taken for log-normal too, with the same mean and
    variance (L. F. Fenton, The sum of log-normal probability distributions, 1960).
    """
    spends = np.array([panel.series(name).clip(lower=0).sum() for name in panel.named("paid")], dtype=float)
    value = float(panel.series("gmv").sum()) if "gmv" in panel.values else 0.0
    if value <= 0 or spends.sum() <= 0:
        return
    mu, sigma = np.log(panel.settings.prior_roas_median), panel.settings.prior_roas_sigma
    mean = float(spends.sum() * np.exp(mu + sigma**2 / 2))
    variance = float((spends**2).sum() * (np.exp(sigma**2) - 1) * np.exp(2 * mu + sigma**2))
    spread = sqrt(log(1 + variance / mean**2))
    probability = erfc((log(value) - log(mean) + spread**2 / 2) / (spread * sqrt(2))) / 2
    if probability >= panel.settings.warn_negative_baseline:
        yield Finding(
            "negative_baseline",
            ALL,
            "warn",
            f"with usual returns paid media would bring more than all of gmv (probability {probability:.0%}): spend is "
            f"{spends.sum() / value:.0%} of gmv",
            "Default priors are too high for this geo: the base comes out negative.",
            "Ask the analysts for priors of this geo, and whether all of gmv is counted.",
            measure=probability,
        )
