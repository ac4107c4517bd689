"""Which lift tests a design takes, with what series of spend; and what it says of the others."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pma.mmm.calibration import expected_lifts
from pma.mmm.design import make_design
from pma.mmm.effects import media_effects
from pma.mmm.layout import Draws
from pma.mmm.lift_tests import compact, covered
from pma.mmm.spec import FitSettings, MediaSpec, ModelSpec, TrendSpec
from tests.mmm.tested_world import HALF, KEEP, SLOPE, TestedWorld

SPEC = ModelSpec(trend=TrendSpec(kind="none"), yearly_order=1, lags=30)
CHANGES = (("search", 60, 4, 0.5), ("video", 90, 6, -1.0), ("search", 100, 3, -0.5), ("video", 20, 2, 2.0))


@pytest.fixture(scope="module")
def world():
    return TestedWorld(weeks=120, changes=CHANGES)


def design_of(world, tests, spec=SPEC, rows=None):
    return make_design(world.rows if rows is None else rows, "uploads", spec, FitSettings(), tests=tests)


def truth_as_draws(world, design):
    """The world's own parameters as one draw."""
    names = design.channels
    unit = dict(zip(names, design.spend_scale / 1000.0, strict=True))
    brought = np.array([world.brought(name, world.spend[name]) for name in names])
    return Draws(
        level=np.ones(1),
        sigma=np.ones(1),
        nu=None,
        kappa=brought.mean(axis=1)[None] / design.scale,
        adstock=np.array([[[KEEP[name], 1.0] for name in names]]),
        saturation=np.array([[[HALF[name] / unit[name], SLOPE[name]] for name in names]]),
        gap=np.ones((1, len(names))),
        linear=np.zeros((1, len(design.names))),
        wave=np.zeros((1, 0)),
        drift=np.zeros((1, 0)),
    )


def test_the_expected_lift_is_that_of_the_world_to_the_end_of_the_test_and_no_further(world):
    design = design_of(world, world.tests)
    draws = truth_as_draws(world, design)
    found = expected_lifts(design, draws, media_effects(design, draws, SPEC.lags))[0]
    order = np.argsort(world.tests["test_id"])
    assert found == pytest.approx(world.truths[order], rel=1e-6)
    assert design.notes == ()


def test_a_test_of_weeks_is_no_test_without_end(world):
    """What adstock carries past the test is not in its lift: two weeks of video bring less than their steady state."""
    at = CHANGES.index(("video", 20, 2, 2.0))
    without = world.spend["video"].copy()
    without[20:22] = world.planned["video"][20:22]
    more = world.brought("video", world.spend["video"]) - world.brought("video", without)
    assert world.truths[at] < 0.8 * more.sum()


@settings(max_examples=40, deadline=None)
@given(first=st.integers(0, 100), days=st.integers(1, 40), change=st.sampled_from([-0.6, 0.4, 1.5]))
def test_media_without_memory_or_saturation_lift_by_what_a_days_spend_brings(first, days, change):
    """Whatever days a test covers: its lift is the change of spend times the ROAS."""
    world = TestedWorld(weeks=30, seed=3)
    starts = world.index[0].date() + timedelta(days=first)
    share = np.zeros(30)
    for day in range(first, first + days):
        share[day // 7] += 1 / 7
    usual = 1000.0 * np.ones(30)
    rows = world.rows
    rows.loc[rows["variable"] == "video", "value"] = usual * (1 + change * share)
    tests = pd.DataFrame(
        [("t", "uploads", "DE", "video", starts, starts + timedelta(days=days - 1), 1000.0 * share.sum(), 0, 1.0, 1.0)],
        columns=world.tests.columns,
    ).assign(spend_change=change * 1000.0 * share.sum())
    spec = ModelSpec(media=MediaSpec(saturation="michaelis_menten"), yearly_order=0, trend=TrendSpec(kind="none"))
    design = make_design(rows, "uploads", spec, FitSettings(min_weeks=10), tests=tests)
    assert design.notes == () and covered(design.weeks, design.lifts.tests[0]) == pytest.approx(share)
    c = design.channels.index("video")
    draws = truth_as_draws(world, design)
    draws.adstock[:] = 1e-9
    draws.saturation[:, :, 0] = 1e9
    media = media_effects(design, draws, spec.lags)
    roas = media.brought[0, :, c].sum() / design.money[:, c].sum()
    assert expected_lifts(design, draws, media)[0, 0] == pytest.approx(roas * tests["spend_change"].iloc[0], rel=1e-6)


def test_a_test_that_ends_inside_a_week_counts_less_than_that_week_and_more_than_none_of_it(world):
    whole = world.tests[world.tests["test_id"] == "search 60"]
    design = design_of(world, whole)
    cut = {days: whole.assign(ends_on=whole["ends_on"].iloc[0] - timedelta(days=days)) for days in (7, 4)}
    draws = truth_as_draws(world, design)
    found = []
    for tests in (whole, cut[4], cut[7]):
        one = design_of(world, tests.assign(spend=whole["spend"] * 0.9, spend_change=whole["spend_change"] * 0.9))
        found.append(expected_lifts(one, draws, media_effects(one, draws, SPEC.lags))[0, 0])
    assert found[0] > found[1] > found[2] > 0


def test_the_series_that_the_density_sees_are_the_weeks_of_the_test_and_the_lags_before(world):
    design = design_of(world, world.tests)
    data = compact(design, 12)
    assert data["lift_spend"].shape == (8, 6 + 12 - 1)
    s = list(data["lift_of"]).index(0)
    assert design.lifts.tests[0].test_id == "search 100"
    place = design.channels.index("search")
    assert data["lift_spend"][s][-14:] == pytest.approx(design.spend[103 - 14 : 103, place])
    assert data["lift_counts"][s].tolist() == [0.0] * 14 + [1.0] * 3


FAULTS = [
    ({"channel": "radio"}, "radio is not among the paid channels"),
    ({"starts_on": date(2022, 1, 3)}, "the data from 2023-01-02"),
    ({"ends_on": date(2029, 1, 7)}, "Correct its days"),
    ({"spend_change": 0.0}, "it did not change spend"),
    ({"standard_error": 0.0}, "no positive standard error"),
    ({"lift": np.nan}, "missing or infinite"),
    ({"spend": -5.0}, "less than nothing"),
    ({"lift": 1e6}, "more than all of uploads"),
    ({"spend": 4e9, "spend_change": 2e9}, "not micros"),
    ({"spend": 400.0, "spend_change": 200.0}, "reporting currency"),
]


@pytest.mark.parametrize(("wrong", "words"), FAULTS, ids=[words for _, words in FAULTS])
def test_a_test_that_cannot_be_is_left_out_with_a_reason_and_the_others_are_used(world, wrong, words):
    tests = world.tests
    for name, value in wrong.items():
        tests[name] = tests[name].astype(object)
        tests.loc[tests["test_id"] == "search 60", name] = value
    design = design_of(world, tests)
    [note] = design.notes
    assert "search 60 is left out" in note and words in note
    assert [test.test_id for test in design.lifts.tests] == ["search 100", "video 20", "video 90"]
    assert design.lifts.left_out[0][0].test_id == "search 60"


def test_a_cut_to_nothing_in_another_unit_is_found_by_what_was_usual(world):
    tests = world.tests[world.tests["test_id"] == "video 90"].copy()
    tests[["spend", "spend_change"]] *= 100
    [note] = design_of(world, tests).notes
    assert "would have spent 600,000" in note


def test_unknown_spend_in_the_weeks_of_a_test_leaves_it_out_and_unknown_target_does_not(world):
    week = world.rows.groupby("variable").cumcount()
    for name, used in (("uploads", True), ("search", False)):
        rows = world.rows.assign(value=world.rows["value"].mask((world.rows["variable"] == name) & (week == 61)))
        design = design_of(world, world.tests, rows=rows)
        assert ("search 60" in [test.test_id for test in design.lifts.tests]) is used, name
    assert any("spend of search is unknown in its weeks" in note for note in design.notes)


def test_tests_of_a_country_are_not_used_for_its_region_nor_for_others(world):
    region = world.rows.assign(geo_level="management_region", geo="DACH")
    design = design_of(world, world.tests.assign(country="DACH"), rows=region)
    assert design.lifts.tests == () and "none is used for a region" in design.notes[-1]
    for other in ({"country": "FR"}, {"target": "gmv"}):
        assert design_of(world, world.tests.assign(**other)).lifts.tests == ()
