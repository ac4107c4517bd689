"""The media mix model against known truth: ROAS of channels in clean worlds, with a negative control."""

import numpy as np
import pandas as pd
import pytest

from pma.mmm.design import make_design
from pma.mmm.spec import MediaSpec, ModelSpec, Prior
from tests.mmm.clean_world import LEVEL, clean_world
from tests.mmm.own_world import own_world
from tests.slow.fits import SETTINGS, channels_of, fitted

pytestmark = [pytest.mark.slow, pytest.mark.recovery]
SEEDS = range(20)
# Largest median error of a channel's ROAS by noise; what intervals of 90 % must cover.
BARS = {0.02: 0.07, 0.03: 0.10}
COVERS = (0.85, 0.97)
# Where spend hardly moves, data hold less, and this many times the error of a regression that is told the shapes is
# as much as a model may have that is not.
UNTOLD = 1.25
# What works from the first week on is modelled as if it worked six weeks later, for a week or two.
LATE = MediaSpec(
    adstock="delayed",
    delay=Prior(family="log_normal", mu=float(np.log(6.0)), sigma=0.05),
    retention=Prior(family="beta", alpha=2.0, beta=8.0),
)


def study(worlds, spec=None, method="bayes"):
    """One row per world and channel: truth, ROAS with its interval, status of the fit."""
    named = {f"world {seed:02d}": world for seed, world in worlds.items()}
    rows = pd.concat([world.rows.assign(geo=name, target="uploads") for name, world in named.items()])
    truth = pd.concat({(name, "uploads"): world.roas for name, world in named.items()})
    fits = fitted(rows, spec, method)
    found = channels_of(fits, truth)
    print(
        f"{len(fits)} worlds, median error {found['error'].median():.1%}, 90 % intervals cover "
        f"{found['inside'].mean():.1%}, {fits['seconds'].median():.1f} s a fit, {fits['peak_rss_mb'].max():.0f} MiB",
        *sorted(set(fits["message"].dropna())),
        found.groupby("channel")["error"].median().map("{:.1%}".format).to_string(),
        sep="\n",
        flush=True,
    )
    return found


def covers(found):
    """The line's words and whether they hold."""
    share = found["inside"].mean()
    return f"{COVERS[0]:.0%} to {COVERS[1]:.0%}", f"{share:.1%}", bool(COVERS[0] <= share <= COVERS[1])


def flagged(found):
    """How many worlds are flagged, of how many."""
    status = found["status"].groupby("geo").first()
    return f"{(status == 'flagged').sum()} of {len(status)}"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("noise", BARS)
def test_the_roas_of_clean_worlds_comes_back(noise, judge):
    found = study({seed: clean_world(seed, noise=noise) for seed in SEEDS})
    error, where = found["error"].median(), f"clean worlds, noise {noise:.0%}"
    judge(
        (f"{where}: median error of ROAS", f"{BARS[noise]:.0%} or less", f"{error:.1%}", error <= BARS[noise]),
        (f"{where}: 90 % intervals cover", *covers(found)),
        (f"{where}: flagged without need", None, flagged(found), None),
    )


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("share", [0.15, 0.6])
def test_intervals_hold_where_media_bring_less_or_more_than_the_prior_expects(share, judge):
    """The prior expects about 40 % of the target of all media; the worlds above have 35 %."""
    found = study({seed: clean_world(seed, media_share=share) for seed in SEEDS})
    where = f"clean worlds, media {share:.0%} of the target, noise 2%"
    judge(
        (f"{where}: median error of ROAS", None, f"{found['error'].median():.1%}", None),
        (f"{where}: 90 % intervals cover", *covers(found)),
        (f"{where}: flagged without need", None, flagged(found), None),
    )


@pytest.mark.timeout(3600)
def test_the_ridge_is_a_rough_second_opinion_of_the_same_worlds(judge):
    found = study({seed: clean_world(seed) for seed in SEEDS}, method="ridge")
    judge(("the ridge, clean worlds, noise 2%: median error of ROAS", None, f"{found['error'].median():.1%}", None))


@pytest.mark.timeout(3600)
def test_a_wrong_adstock_fails_the_same_bar(judge):
    found = study({seed: clean_world(seed) for seed in SEEDS}, ModelSpec(media=LATE))
    error, (bar, told, holds) = found["error"].median(), covers(found)
    judge(
        ("wrong adstock on purpose: median error", f"above {BARS[0.02]:.0%}", f"{error:.1%}", error > BARS[0.02]),
        ("wrong adstock on purpose: 90 % intervals cover", f"not {bar}", told, not holds),
        ("wrong adstock on purpose: flagged", None, flagged(found), None),
    )


def told_the_shapes(world, noise):
    """Errors of the ROAS by a regression that knows adstock and saturation of all channels; effects alone are free.

    Least squares under the true covariance: noise, and the swell of demand (6 % of what comes anyway, of which 0.9 is
    left a week later).
    """
    design = make_design(world.rows, "uploads", ModelSpec(), SETTINGS)
    week = np.arange(len(design.y))
    swell = (0.06 * 0.65 * LEVEL) ** 2 * 0.9 ** np.abs(week[:, None] - week)
    weight = np.linalg.inv((noise * LEVEL) ** 2 * np.eye(len(week)) + swell)
    media = world.contributions[list(design.channels)].to_numpy()
    columns = np.column_stack([media, design.columns, np.ones(len(week))])
    factor = np.linalg.solve(columns.T @ weight @ columns, columns.T @ weight @ design.value)
    return np.abs(factor[: media.shape[1]] - 1)


@pytest.mark.timeout(3600)
def test_worlds_of_the_simulator_as_it_is_come_back_as_far_as_their_data_reach(judge):
    noise = 0.02
    worlds = {seed: own_world(seed, noise) for seed in SEEDS}
    reach = float(np.median([told_the_shapes(world, noise) for world in worlds.values()]))
    found = study(worlds)
    error, where = found["error"].median(), f"simulator as it is, noise {noise:.0%}"
    bar = f"{UNTOLD * reach:.0%} or less: {UNTOLD} times that of a regression told all shapes"
    judge(
        (f"{where}: median error of ROAS", bar, f"{error:.1%}", error <= UNTOLD * reach),
        (f"{where}: 90 % intervals cover", *covers(found)),
        (f"{where}: flagged", None, flagged(found), None),
    )
