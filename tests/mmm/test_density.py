"""The density that is written out: its gradient against differences, over every kind of channel and prior."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import special

from pma.mmm import density
from pma.mmm.design import make_design
from pma.mmm.layout import Layout
from pma.mmm.log_prior import digamma
from pma.mmm.spec import (
    Effect,
    FitSettings,
    LikelihoodSpec,
    MediaChange,
    MediaSpec,
    ModelSpec,
    OverTimeSpec,
    Prior,
    TrendSpec,
)
from tests.mmm.media_world import media_world
from tests.mmm.tested_world import COLUMNS as TESTS

KINDS = {
    "channel_0": MediaChange(adstock="geometric", saturation="hill"),
    "channel_1": MediaChange(adstock="delayed", saturation="logistic"),
    "channel_2": MediaChange(adstock="weibull_pdf", saturation="michaelis_menten"),
    "channel_3": MediaChange(adstock="weibull_cdf", saturation="tanh"),
}
HALF_NORMAL = Prior(family="half_normal", sigma=2.0)
SPECS = {
    "shares": ModelSpec(channels=KINDS),
    "coefficients": ModelSpec(
        channels=KINDS,
        media=MediaSpec(effect=Effect(given_as="coefficient", prior=HALF_NORMAL), slope=HALF_NORMAL),
        level_on="intercept",
        trend=TrendSpec(kind="piecewise"),
        likelihood=LikelihoodSpec(kind="normal"),
    ),
    "roas": ModelSpec(
        channels=KINDS,
        media=MediaSpec(effect=Effect(given_as="roas", prior=Prior(family="gamma", alpha=2.0, beta=4.0))),
        trend=TrendSpec(kind="none"),
        yearly_order=0,
    ),
    "few lags": ModelSpec(channels=KINDS, lags=5),
    "one lag": ModelSpec(channels=KINDS, lags=1),
    "media over time": ModelSpec(channels=KINDS, over_time=OverTimeSpec(is_on=True)),
    "coefficients over time": ModelSpec(
        channels=KINDS,
        media=MediaSpec(effect=Effect(given_as="coefficient", prior=HALF_NORMAL)),
        level_on="intercept",
        over_time=OverTimeSpec(is_on=True, length_weeks=13.0, waves=5),
    ),
}


def with_gaps(rows):
    """The first channel starts late, the second has a hole, five weeks of the target are not known."""
    week = rows.groupby("variable").cumcount()
    lost = (rows["variable"] == "channel_0") & (week < 30)
    lost |= (rows["variable"] == "channel_1") & week.between(60, 64)
    lost |= (rows["variable"] == "uploads") & week.between(100, 104)
    return rows.assign(value=rows["value"].mask(lost))


def layout_of(name, gaps, tests=False):
    rows = media_world(weeks=120).rows
    # The first channel pauses, longer than an ad works on.
    is_pause = (rows["variable"] == "channel_0") & rows.groupby("variable").cumcount().between(70, 90)
    rows = rows.assign(value=rows["value"].mask(is_pause, 0.0))
    spec = SPECS[name]
    tested = lift_rows(rows) if tests else None
    return Layout(make_design(with_gaps(rows) if gaps else rows, "uploads", spec, FitSettings(), tests=tested), spec)


def lift_rows(rows):
    """A test of each kind of channel: spend raised, cut, cut to nothing, new; whole weeks and parts of weeks."""
    wide = rows.pivot(index="week_start", columns="variable", values="value")
    plans = [(0, 35, 4, 1.5, 0, 0), (1, 98, 6, 2.0, 2, 3), (2, 5, 3, 0.6, 0, 0), (3, 50, 4, 1.8, 1, 2)]
    plans += [(1, 66, 2, 1.3, 0, 0), (2, 70, 3, np.inf, 0, 0)]
    found = []
    for place, first, weeks, times, late, early in plans:
        spent = wide[f"channel_{place}"].iloc[first : first + weeks].sum()
        start, end = wide.index[first] + timedelta(days=late), wide.index[first] + timedelta(days=7 * weeks - 1 - early)
        numbers = (spent / times, spent - spent / times, 30.0, 5.0)
        found.append((f"test {len(found)}", "uploads", "DE", f"channel_{place}", start, end, *numbers))
    return pd.DataFrame(found, columns=list(TESTS))


def value_of(layout, theta):
    gradient = np.empty(layout.size)
    return density.log_density(theta, gradient, layout.data), gradient


@pytest.mark.parametrize(("gaps", "tests"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("name", SPECS)
def test_the_gradient_is_the_slope(name, gaps, tests):
    layout = layout_of(name, gaps, tests)
    assert len(layout.design.lifts.tests) == (6 if tests else 0)
    for seed in range(3):
        theta = layout.start(seed)
        _, gradient = value_of(layout, theta)
        step = 1e-6
        for place in range(layout.size):
            up, down = theta.copy(), theta.copy()
            up[place] += step
            down[place] -= step
            slope = (value_of(layout, up)[0] - value_of(layout, down)[0]) / (2 * step)
            assert gradient[place] == pytest.approx(slope, rel=2e-5, abs=2e-3), layout.labels[place]


def test_every_place_of_the_vector_has_a_name():
    labels = layout_of("shares", gaps=True).labels
    assert all(labels) and len(set(labels)) == len(labels)


def test_digamma_is_that_of_scipy():
    for x in (0.02, 0.5, 1.0, 5.9, 6.1, 80.0):
        assert digamma(x) == pytest.approx(special.digamma(x), rel=1e-12)


def test_a_wild_point_is_worse_than_any_other():
    layout = layout_of("shares", gaps=True)
    value, _ = value_of(layout, np.full(layout.size, 40.0))
    assert value == -np.inf
