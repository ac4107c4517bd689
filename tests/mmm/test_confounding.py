"""Spend that follows demand: suspected without a test, given a place in the model with one."""

from dataclasses import replace

import numpy as np
import pytest

from pma.mmm.confounding import DEMAND, suspicions, with_demand, without_tests
from pma.mmm.design import make_design
from pma.mmm.spec import FitSettings, ModelSpec, TrendSpec
from tests.mmm.clean_world import clean_world
from tests.mmm.media_world import media_world
from tests.mmm.tested_world import TestedWorld

SPEC, SETTINGS = ModelSpec(trend=TrendSpec(kind="linear"), yearly_order=1), FitSettings()
FOLLOWS = SETTINGS.follows_target
CHANGES = (("search", 70, 5, 1.0), ("video", 100, 6, -1.0))


COLUMNS = ("demand followed by search",) * 2


def design_of(world, tests=None):
    return make_design(world.rows, "uploads", SPEC, SETTINGS, tests=tests)


@pytest.mark.parametrize("seed", range(3))
def test_the_channel_that_follows_demand_is_suspected_and_the_other_is_not(seed):
    said = dict(
        zip(("search", "video"), suspicions(design_of(TestedWorld(follows=1.0, seed=seed)), FOLLOWS), strict=True)
    )
    assert "its spend moves with uploads of the same week" in said["search"] and "Test it" in said["search"]
    assert said["video"] is None


def test_few_channels_of_clean_worlds_are_suspected():
    designs = [make_design(clean_world(seed).rows, "uploads", SPEC, SETTINGS) for seed in range(4)]
    said = [one for design in designs for one in suspicions(design, FOLLOWS)]
    assert len(said) == 24 and sum(one is not None for one in said) <= 2


def test_a_clear_test_ends_suspicion_and_one_that_could_not_tell_does_not():
    world = TestedWorld(follows=1.0, changes=CHANGES)
    assert suspicions(design_of(world, world.tests), FOLLOWS) == [None, None]
    unclear = world.tests.assign(standard_error=world.tests["lift"].abs())
    assert suspicions(design_of(world, unclear), FOLLOWS)[0] is not None


def test_demand_that_a_tested_channel_follows_has_a_column_of_planned_spend():
    world = TestedWorld(follows=1.0, changes=CHANGES)
    bare, design = design_of(world), design_of(world, world.tests)
    assert design.names == (*bare.names, *COLUMNS) and design.kinds[-2:] == (DEMAND, DEMAND)
    column, bent = design.columns[:, -2:].T
    assert np.corrcoef(column, np.minimum(world.planned["search"], 5 * design.spend_scale[0]))[0, 1] == pytest.approx(1)
    assert column.std() == pytest.approx(SPEC.context_sigma)
    assert bent.std() == pytest.approx(SPEC.context_sigma) and bent @ column == pytest.approx(0.0, abs=1e-9)
    assert np.corrcoef(column**2, bent)[0, 1] > 0.5
    rotated = (design.columns @ design.rotation).T @ (design.columns @ design.rotation)
    assert rotated == pytest.approx(np.diag(np.diag(rotated)), abs=1e-9)


def test_a_week_without_spend_says_nothing_of_demand():
    world = TestedWorld(follows=1.0, changes=CHANGES)
    rows = world.rows
    rows.loc[(rows["variable"] == "search") & (rows.groupby("variable").cumcount() < 4), "value"] = 0.0
    design = make_design(rows, "uploads", SPEC, SETTINGS, tests=world.tests)
    columns = design.columns[:, -2:]
    assert (
        columns[:4] == pytest.approx(np.tile(columns[0], (4, 1)))
        and np.abs(columns[:4]).max() < 0.1 * SPEC.context_sigma
    )


def test_without_its_tests_a_design_is_what_it_was():
    world = TestedWorld(follows=1.0, changes=CHANGES)
    bare, back = design_of(world), without_tests(design_of(world, world.tests))
    for name in ("columns", "means", "none", "rotation", "basis", "spend"):
        assert np.array_equal(getattr(bare, name), getattr(back, name)), name
    assert (bare.names, bare.kinds) == (back.names, back.kinds) and back.lifts.tests == ()


def test_a_tested_channel_that_follows_nothing_has_no_such_column():
    world = TestedWorld(changes=CHANGES)
    assert DEMAND not in design_of(world, world.tests).kinds


def test_a_design_without_linear_columns_takes_one():
    spec = ModelSpec(trend=TrendSpec(kind="none"), yearly_order=0)
    world = TestedWorld(follows=1.0, changes=CHANGES)
    design = make_design(world.rows, "uploads", spec, SETTINGS, tests=world.tests)
    assert design.names == COLUMNS and design.rotation.shape == (2, 2)
    assert without_tests(design).rotation.shape == (0, 0)
    same = replace(design, lifts=without_tests(design).lifts)
    assert with_demand(same, FOLLOWS, 0.1) is same


def test_a_world_whose_channels_are_most_of_it_says_nothing_of_weeks_that_are_few():
    design = make_design(media_world(weeks=40, channels=2).rows, "uploads", SPEC, SETTINGS)
    assert suspicions(design, FOLLOWS) == [None, None]
