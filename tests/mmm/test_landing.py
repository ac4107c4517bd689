"""Which fits are wanted, which geos are not ready, and which have landed already."""

from datetime import date

import pandas as pd
import pytest

from pma.mmm.landing import failed_runs, fits_text, lost_runs, make_tasks
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, MediaChange, ModelSpec
from pma.tables import TableError
from tests.mmm.media_world import media_world
from tests.mmm.tested_world import COLUMNS as TESTS

ROOM = MmmSettings(fit=FitSettings(targets=("uploads", "gmv"), methods=("bayes", "ridge")))


@pytest.fixture(scope="module")
def inputs():
    rows = media_world(weeks=40, channels=2).rows.assign(data_origin="a test", unit="count")
    return pd.concat([rows, rows.assign(geo="AT"), rows.assign(geo="DACH", geo_level="management_region")])


def found(geo, severity):
    names = ("geo_level", "geo", "variable", "check", "severity", "detail", "fix")
    return pd.DataFrame([("country", geo, "tv", "hole", severity, "3 weeks", "Ask the agency")], columns=names)


def test_every_ready_geo_of_the_level_is_fitted_for_each_target_and_method(inputs):
    tasks = make_tasks(inputs, found("AT", "warn"), ROOM)
    wanted = tasks.rows[["geo", "target", "method"]].drop_duplicates()
    assert sorted(wanted.itertuples(index=False, name=None)) == [
        (geo, target, method) for geo in ("AT", "DE") for target in ("gmv", "uploads") for method in ("bayes", "ridge")
    ]
    assert len(tasks.ids) == 8 and tasks.not_ready.empty


def test_a_geo_with_a_failed_check_is_told_with_its_words(inputs):
    tasks = make_tasks(inputs, found("AT", "fail"), ROOM)
    assert set(tasks.rows["geo"]) == {"DE"}
    assert set(tasks.not_ready["geo"]) == {"AT"} and len(tasks.not_ready) == 4
    assert tasks.not_ready["message"].iloc[0] == "tv: 3 weeks. Ask the agency"
    assert "AT gmv (bayes): not_ready. tv: 3 weeks" in fits_text(tasks.not_ready)


def test_what_has_landed_is_not_done_again_unless_something_changed(inputs):
    tasks = make_tasks(inputs, found("AT", "ok"), ROOM)
    assert tasks.without(tasks.ids).empty
    one = tasks.rows[tasks.rows["geo"] == "AT"]["fit_id"].unique()
    assert set(tasks.without(one)["geo"]) == {"DE"}
    other = make_tasks(inputs, found("AT", "ok"), ROOM.model_copy(update={"model": ModelSpec(lags=8)}))
    assert not set(other.ids) & set(tasks.ids)
    moved = inputs.assign(value=inputs["value"].where(inputs["geo"] != "DE", inputs["value"] * 2))
    again = make_tasks(moved, found("AT", "ok"), ROOM)
    assert set(again.without(tasks.ids)["geo"]) == {"DE"}


def test_a_lift_test_makes_its_own_country_and_target_anew(inputs):
    days = (date(2023, 5, 1), date(2023, 5, 28))
    tests = pd.DataFrame([("t", "uploads", "AT", "channel_0", *days, 1000.0, 500.0, 9.0, 3.0)], columns=list(TESTS))
    before = make_tasks(inputs, found("AT", "ok"), ROOM)
    after = make_tasks(inputs, found("AT", "ok"), ROOM, tests)
    again = after.without(before.ids)
    assert set(zip(again["geo"], again["target"], strict=True)) == {("AT", "uploads")}
    assert set(again["method"]) == {"bayes", "ridge"} and after.tests is tests


def test_a_change_of_the_ridge_alone_leaves_the_model(inputs):
    ridge = ROOM.ridge.model_copy(update={"iterations": 100})
    before = make_tasks(inputs, found("AT", "ok"), ROOM)
    after = make_tasks(inputs, found("AT", "ok"), ROOM.model_copy(update={"ridge": ridge}))
    assert set(after.without(before.ids)["method"]) == {"ridge"}


def test_a_fault_of_one_target_keeps_no_other_from_being_fitted(inputs):
    both = pd.concat([inputs, inputs[inputs["role"] == "target"].assign(variable="gmv")])
    readiness = found("AT", "fail").assign(variable="gmv")
    tasks = make_tasks(both, readiness, ROOM)
    assert set(tasks.rows[tasks.rows["geo"] == "AT"]["target"]) == {"uploads"}
    assert set(tasks.not_ready["target"]) == {"gmv"} and set(tasks.not_ready["geo"]) == {"AT"}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            ModelSpec(geos={"GE": {"tv": MediaChange(adstock="delayed")}}),
            r"mmm.model.geos names GE.*there: AT, DACH, DE",
        ),
        (ModelSpec(leave_out=("temprature",)), "mmm.model.leave_out names temprature"),
    ],
)
def test_a_name_that_is_nowhere_in_the_input_is_refused(inputs, model, said):
    with pytest.raises(TableError, match=said):
        make_tasks(inputs, found("AT", "ok"), ROOM.model_copy(update={"model": model}))


def test_a_fit_that_ended_nowhere_is_a_failed_run(inputs):
    tasks = make_tasks(inputs, found("AT", "ok"), ROOM)
    lost = lost_runs(tasks.rows, tasks.ids[1:], "ray")
    [row] = lost.to_dict("records")
    assert (row["fit_id"], row["status"], row["engine"]) == (tasks.ids[0], "failed", "ray")
    assert "It has ended nowhere" in row["message"] and row["geo"] in ("AT", "DE")


def test_a_fit_that_died_is_a_failed_run():
    error = {"geo_level": "country", "geo": "DE", "target": "gmv", "method": "bayes", "error_type": "WorkerDiedError"}
    errors = pd.DataFrame([{**error, "message": "killed", "traceback": None, "seconds": 3.0, "attempts": 3}])
    runs = failed_runs(errors, "ray", "a test")
    assert runs[["status", "message", "engine"]].iloc[0].tolist() == [
        "failed",
        "WorkerDiedError: killed (tried 3 times)",
        "ray",
    ]
