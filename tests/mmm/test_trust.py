"""What a fit made again says: in worlds whose truth is known, and in those that hold nothing."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from pma.mmm.design import make_design
from pma.mmm.fit import fit_geo
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, ModelSpec, TrendSpec
from pma.mmm.trust import ALL, Again, Check, channel_doubts, check_fit, sentences
from tests.mmm.clean_world import SIX, clean_world
from tests.mmm.media_world import media_world

SHORT = FitSettings(
    chains=2,
    tune=300,
    draws=200,
    check_tune=200,
    check_draws=150,
    check_min_ess=5,
    kept_draws=10,
    min_ess=30,
    max_rhat=1.1,
)
CLEAN = ModelSpec(trend=TrendSpec(kind="linear"), yearly_order=2)


def checks(rows, fit=SHORT):
    found = fit_geo(rows.assign(target="uploads"), MmmSettings(model=CLEAN, fit=fit)).iloc[0]
    return found, pd.DataFrame(found["mmm_checks"]).set_index(["check", "channel"])


@pytest.fixture(scope="module")
def clean():
    return checks(clean_world(0).rows)


def test_a_clean_world_passes_all_checks(clean):
    fit, found = clean
    assert (fit["status"], fit["message"]) == ("ok", None)
    assert found["is_passed"].all()
    assert found["measure"]["holdout", ALL] < 0.06
    assert found["measure"]["refresh", ALL] < 0.05
    assert found["measure"]["placebo", ALL] < 0.2
    assert abs(found["measure"]["prior", ALL]) < 0.15


def test_each_check_has_a_row_for_the_geo_and_where_it_is_one_of_channels_for_each(clean):
    _, found = clean
    channels = list(SIX)
    assert sorted(found.index) == sorted(
        [("holdout", ALL), ("placebo", ALL), *(("refresh", c) for c in [ALL, *channels])]
        + [("prior", c) for c in [ALL, *channels]]
    )


def test_where_spend_brings_nothing_that_can_be_seen_the_prior_and_the_placebo_tell(clean):
    world = media_world(weeks=80, channels=3, noise=0.3, media_share=0.02)
    fit, found = checks(world.rows)
    assert found["measure"]["prior", ALL] > 0.3
    assert found["measure"]["placebo", ALL] > clean[1]["measure"]["placebo", ALL]
    assert fit["status"] == "flagged"


def test_a_check_whose_fit_has_not_settled_says_so_and_nothing_else():
    fit = SHORT.model_copy(update={"check_min_ess": 1e6, "checks": ("placebo",)})
    _, found = checks(media_world(weeks=60, channels=2).rows, fit)
    [row] = found.reset_index().to_dict("records")
    assert (row["check"], row["channel"], row["measure"], row["is_passed"]) == ("placebo", ALL, None, None)
    assert "could not be checked: its short fit has not settled" in row["detail"]


def test_a_break_in_the_last_weeks_is_a_forecast_that_misses():
    world = media_world(weeks=120, channels=2)
    week = world.rows.groupby("variable").cumcount()
    rows = world.rows.assign(
        value=world.rows["value"] * np.where((world.rows["variable"] == "uploads") & (week >= 116), 1.6, 1.0)
    )
    fit, found = checks(rows, SHORT.model_copy(update={"checks": ("refresh",)}))
    assert not found["is_passed"]["holdout", ALL]
    assert "The last 4 weeks, hidden from the model, are missed by" in fit["message"]
    assert set(found.reset_index()["check"]) == {"holdout", "refresh"}


def refreshed(rows, roas):
    """The refresh of a fit whose ROAS are given."""
    settings = SHORT.model_copy(update={"checks": ("refresh",)})
    remake = partial(remade, settings=settings)
    return check_fit(Again(rows, remake(rows, None), roas, remake, CLEAN, settings, 1))


def test_a_check_that_cannot_be_made_says_why():
    [check] = refreshed(media_world(weeks=33, channels=2).rows.assign(target="uploads"), np.ones((2, 2)))
    assert (check.check, check.channel, check.measure, check.is_passed) == ("refresh", ALL, None, None)
    assert "could not be checked: uploads is known in 29 weeks; a model needs 30" in check.detail
    assert sentences([check]) == [] and channel_doubts([check], ("channel_0",)) == [None]


def test_a_channel_that_only_the_last_weeks_know_is_compared_with_nothing():
    rows = media_world(weeks=60, channels=2).rows.assign(target="uploads")
    week = rows.groupby("variable").cumcount()
    rows["value"] = rows["value"].mask((rows["variable"] == "channel_0") & (week < 57))
    found = {one.channel: one for one in refreshed(rows, np.full((2, 2), 0.05)) if one.check == "refresh"}
    assert found["channel_0"].is_passed is None
    assert found["channel_0"].detail == "the last 4 weeks are all that is known of it"
    assert found["channel_1"].measure == found[ALL].measure


def remade(rows, hidden, settings):
    return make_design(rows, "uploads", CLEAN, settings, hidden)


def test_a_channel_that_fails_is_not_trusted_and_the_whole_is_a_sentence():
    failed = [Check("prior", "tv", 0.9, 0.5, "it follows"), Check("placebo", ALL, 0.8, 0.5, "made up gets 80%")]
    assert channel_doubts(failed, ("tv", "tiktok")) == ["tv: it follows", None]
    [sentence] = sentences(failed)
    assert sentence.startswith("Made up gets 80%. The model gives credit without a reason")
    assert Check("prior", "tv", 0.5, 0.5, "it follows").is_passed
