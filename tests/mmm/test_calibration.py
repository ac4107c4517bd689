"""Lift tests in a fit: what they mend, what they cannot, and what is said before and after."""

import numpy as np
import pandas as pd
import pytest

from pma.mmm.calibration import COLUMNS
from pma.mmm.fit import fit_geo, fit_id
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, ModelSpec, RidgeSettings, TrendSpec
from tests.mmm.tested_world import TestedWorld

ROOM = MmmSettings(
    model=ModelSpec(trend=TrendSpec(kind="linear"), yearly_order=1),
    fit=FitSettings(chains=2, tune=300, draws=300, kept_draws=20, min_ess=30, max_rhat=1.1, checks=()),
    ridge=RidgeSettings(iterations=600, trials=3),
)
CHANGES = (("search", 70, 5, 1.0), ("video", 100, 6, -1.0))


def fit(world, tests, method="bayes"):
    return fit_geo(world.rows.assign(target="uploads", method=method), ROOM, tests=tests).iloc[0]


def told(fitted):
    return pd.DataFrame(fitted["mmm_calibration"], columns=list(COLUMNS)).set_index("channel")


@pytest.fixture(scope="module")
def confounded():
    return TestedWorld(follows=1.0, changes=(("search", 70, 5, -1.0), CHANGES[1]), seed=3)


@pytest.fixture(scope="module")
def calibrated(confounded):
    return fit(confounded, confounded.tests)


def test_spend_that_follows_demand_is_credited_with_it_until_it_is_tested(confounded, calibrated):
    rows, truth = told(calibrated), confounded.roas
    before = (rows["roas_before_p50"] / truth - 1).abs()
    after = (rows["roas_after_p50"] / truth - 1).abs()
    assert (before > 0.4).all() and after["search"] < 0.25 and after["video"] < 0.4
    assert rows.loc["search", "roas_after_p05"] < truth["search"] < rows.loc["search", "roas_after_p95"]


def test_the_demand_that_spend_follows_is_a_component_of_its_own(confounded, calibrated):
    rows = pd.DataFrame(calibrated["mmm_contributions"])
    demand = rows[rows["kind"] == "demand"].set_index("week_start")
    assert set(demand["component"]) == {"demand followed by search"} and len(demand) == confounded.weeks
    assert np.corrcoef(demand["mean"], confounded.demand)[0, 1] > 0.5


def test_a_row_has_the_test_and_the_model_before_and_after_it(confounded, calibrated):
    rows, summary = told(calibrated), pd.DataFrame(calibrated["mmm_channel_summary"]).set_index("channel")
    assert rows["roas_after_p50"].to_dict() == pytest.approx(summary["roas_p50"].to_dict())
    row, test = rows.loc["search"], confounded.tests.set_index("channel").loc["search"]
    assert [row[name] for name in ("test_id", "starts_on", "lift")] == [
        test[name] for name in ("test_id", "starts_on", "lift")
    ]
    alone = fit(confounded, None)
    assert alone["mmm_calibration"] == []
    [without] = [one for one in alone["mmm_channel_summary"] if one["channel"] == "search"]
    assert row["roas_before_p50"] == without["roas_p50"]
    assert row["verdict"] != "agrees" and "without it the model expected" in row["sentence"]


def test_a_right_test_of_a_clean_world_agrees_and_leaves_no_flag():
    world = TestedWorld(changes=CHANGES)
    found = fit(world, world.tests)
    rows = told(found)
    assert set(rows["verdict"]) == {"agrees"} and (found["status"], found["message"]) == ("ok", None)
    widths = {when: rows[f"expected_{when}_p95"] - rows[f"expected_{when}_p05"] for when in ("before", "after")}
    assert (widths["after"] < widths["before"]).all()


def test_a_test_that_contradicts_the_weeks_is_flagged():
    world = TestedWorld(changes=CHANGES)
    tests = world.tests
    tests.loc[tests["channel"] == "video", "lift"] *= -1.0
    found = fit(world, tests)
    rows = told(found)
    assert rows["verdict"].to_dict() == {"search": "agrees", "video": "contradicts"}
    assert found["status"] == "flagged"
    assert "Lift test video 100 of video contradicts the weeks" in found["message"]
    assert "Check days, spend and control group" in rows.loc["video", "sentence"]


def test_a_test_that_is_left_out_has_a_row_with_the_reason():
    world = TestedWorld(changes=CHANGES[:1])
    found = fit(world, world.tests.assign(channel="radio"), method="ridge")
    [row] = found["mmm_calibration"]
    assert row["verdict"] == "left_out" and "radio is not among the paid channels" in row["sentence"]
    assert row["roas_before_p50"] is None and set(row) == set(COLUMNS)


def test_the_ridge_minds_tests_too(confounded):
    found = fit(confounded, confounded.tests, method="ridge")
    rows = told(found)
    truth = pd.Series(confounded.truths, index=["search", "video"])
    error = {when: (rows[f"expected_{when}_p50"] / truth - 1).abs() for when in ("before", "after")}
    assert (error["after"] < error["before"]).all() and error["after"].max() < 0.2


def test_a_fit_is_another_one_when_its_own_tests_change_and_only_then(confounded):
    rows, tests = confounded.rows.assign(target="uploads"), confounded.tests
    none = fit_id(rows, ROOM)
    assert fit_id(rows, ROOM, tests.iloc[:0]) == none
    for other in ({"country": "FR"}, {"target": "gmv"}):
        assert fit_id(rows, ROOM, tests.assign(**other)) == none
    known = fit_id(rows, ROOM, tests)
    assert known != none and fit_id(rows, ROOM, tests.iloc[::-1]) == known
    assert fit_id(rows, ROOM, tests.assign(lift=tests["lift"] + 1)) not in (known, none)
    off = ROOM.model_copy(update={"fit": ROOM.fit.model_copy(update={"calibrate": False})})
    assert fit_id(rows, off, tests) == none
    region = rows.assign(geo_level="management_region")
    assert fit_id(region, ROOM, tests) == fit_id(region, ROOM)


def test_a_setting_leaves_tests_out(confounded):
    settings = ROOM.fit.model_copy(update={"calibrate": False, "draws": 20, "tune": 20})
    room = ROOM.model_copy(update={"fit": settings})
    found = fit_geo(confounded.rows.assign(target="uploads"), room, tests=confounded.tests).iloc[0]
    assert found["mmm_calibration"] == [] and not any("lift test" in note for note in found["notes"])
    assert np.isfinite(found["mape"])
