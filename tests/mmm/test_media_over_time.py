"""Media that work better from month to month: what a constant model misses, and a moving one finds."""

import numpy as np
import pandas as pd
import pytest

from pma.mmm.fit import fit_geo
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, ModelSpec, OverTimeSpec
from tests.mmm.media_world import media_world

WEEKS = 156
# Media lose half of their strength within the three years, around a wave of half a year.
STRENGTH = np.exp(np.linspace(0.35, -0.35, WEEKS) + 0.15 * np.sin(2 * np.pi * np.arange(WEEKS) / 40))
FIT = FitSettings(chains=2, tune=400, draws=400, checks=())


def fitted(world, is_on):
    room = MmmSettings(model=ModelSpec(over_time=OverTimeSpec(is_on=is_on)), fit=FIT)
    return fit_geo(world.rows.assign(target="uploads"), room).iloc[0]


@pytest.fixture(scope="module")
def fading():
    return media_world(strength=STRENGTH, seed=3)


@pytest.fixture(scope="module")
def moving(fading):
    return fitted(fading, is_on=True)


@pytest.fixture(scope="module")
def constant(fading):
    return fitted(fading, is_on=False)


def last_year(fit, world):
    """What all media brought in the last year, over the truth, less 1."""
    rows = pd.DataFrame(fit["mmm_contributions"])
    late = rows[(rows["kind"] == "paid") & (rows["week_start"] >= world.spend.index[-52].date())]
    return late["mean"].sum() / world.contributions.iloc[-52:].sum().sum() - 1


def test_the_weeks_in_which_media_work_better_are_found(moving):
    weeks = pd.DataFrame(moving["mmm_fit_weeks"])
    truth = STRENGTH / np.exp(np.log(STRENGTH).mean())
    assert np.corrcoef(weeks["media_factor"], truth)[0, 1] > 0.9
    inside = (weeks["media_factor_p05"] <= truth) & (truth <= weeks["media_factor_p95"])
    assert inside.mean() > 0.75
    assert np.log(weeks["media_factor"]).mean() == pytest.approx(0.0, abs=0.03)


def test_the_last_year_is_that_of_the_world_where_a_constant_model_misses_it(fading, moving, constant):
    assert abs(last_year(moving, fading)) < 0.08
    assert last_year(constant, fading) > 0.15


def test_a_constant_model_says_nothing_of_the_weeks(constant):
    weeks = pd.DataFrame(constant["mmm_fit_weeks"])
    assert weeks[["media_factor", "media_factor_p05", "media_factor_p95"]].isna().all().all()


def test_media_that_work_alike_in_all_weeks_are_left_so():
    world = media_world(seed=4)
    weeks = pd.DataFrame(fitted(world, is_on=True)["mmm_fit_weeks"])
    assert ((weeks["media_factor_p05"] <= 1) & (weeks["media_factor_p95"] >= 1)).mean() > 0.9
