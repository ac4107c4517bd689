"""A fold of a candidate: what it may see, what it says, and that wrong models are not chosen."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest

from pma.mmm.fold_tables import folds_ddl
from pma.mmm.fold_tasks import TASK, TASK_DDL, make_fold_tasks
from pma.mmm.input.calendar import records
from pma.mmm.selection import choose, with_changes
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, ModelSpec, TrendSpec
from pma.mmm.validation import COLUMNS, score_fold
from pma.mmm.validation_settings import FoldFit, ValidationSettings
from pma.parallel import ENGINES, ParallelSettings, map_groups
from pma.parallel.frames import to_pandas
from tests.mmm.media_world import media_world

# The context of these worlds is almost a season: without it only a season can be one.
MODEL = ModelSpec(trend=TrendSpec(kind="linear"), yearly_order=1, leave_out=("temperature",))
NO_READINESS = pd.DataFrame(columns=["geo_level", "geo", "variable", "check", "severity", "detail", "fix"])
# What works from the first week on is modelled as if it worked six weeks later, for a week or two.
LATE = {
    "media": {
        "adstock": "delayed",
        "delay": {"family": "log_normal", "mu": 1.79, "sigma": 0.05},
        "retention": {"family": "beta", "alpha": 2, "beta": 8},
    }
}
WRONG = {"no season": {"yearly_order": 0}, "late": LATE}


def room(candidates=None, folds=3, fit=None, **more):
    validation = ValidationSettings(
        folds=folds, candidates=candidates or {}, grid={}, fit=fit or FoldFit(), first_window_weeks=60, **more
    )
    return MmmSettings(model=MODEL, fit=FitSettings(targets=("uploads",)), validation=validation)


def tasks_of(rows, settings):
    return make_fold_tasks(rows.assign(data_origin="a test", unit="count"), NO_READINESS, settings)


def scored(rows, settings, keep=lambda task: True):
    tasks = tasks_of(rows, settings)
    wanted = [place for place, task in enumerate(tasks.tasks.to_dict("records")) if keep(task)]
    found = [score_fold(tasks.tasks.iloc[[place]], tasks.panels, settings) for place in wanted]
    return pd.concat([part.astype(object) for part in found], ignore_index=True)


@pytest.fixture(scope="module")
def world():
    return media_world(weeks=156, channels=4)


@pytest.fixture(scope="module")
def folds(world):
    """All folds of a world whose truth is a geometric adstock and a strong season."""
    return with_changes(scored(world.rows, room(WRONG)))


def test_wrong_candidates_are_not_chosen(folds):
    """The adstock of this world is at once and its season strong; the wrong ones are simpler or as simple."""
    row = choose(folds)
    assert (row["candidate"], row["folds"], row["compared"]) == ("model", 3, 3)
    means = folds.groupby("candidate")["crps"].mean()
    assert means["no season"] > 2 * means["model"] and means["late"] > 1.2 * means["model"]


def test_a_good_forecast_is_near_what_noise_allows(world, folds):
    """CRPS of the true distribution, a normal, is on average its deviation over the root of pi: 2 % of the week."""
    mine = folds[folds["candidate"] == "model"]
    usual = world.rows[world.rows["variable"] == "uploads"]["value"].median()
    least = 0.02 * 500 / np.sqrt(np.pi) / usual
    assert 0.5 * least < mine["crps"].mean() < 2 * least
    assert mine["mape"].mean() < 0.035 and mine["coverage_90"].mean() > 0.7
    assert mine["crps"].mean() < 0.7 * folds[folds["candidate"] == "seasonal_naive"]["crps"].mean()


def test_every_fold_says_what_it_was(folds):
    mine = folds[folds["candidate"] == "model"].sort_values("fold")
    assert mine["status"].tolist() == ["ok"] * 3 and mine["fold"].tolist() == [1, 2, 3]
    assert mine["train_weeks"].tolist() == [132, 140, 148] and mine["holdout_weeks"].tolist() == [8] * 3
    assert [str(day) for day in mine["cutoff"]] == ["2025-07-14", "2025-09-08", "2025-11-03"]
    # Level, sigma, nu; season, event and line; of each channel effect, retention, half and slope.
    assert mine["parameters"].tolist() == [3 + 2 + 1 + 1 + 4 * 4] * 3
    assert mine["settings"].iloc[0] == "{}"
    late = folds[folds["candidate"] == "late"]
    assert json.loads(late["settings"].iloc[0]) == LATE


def test_advice_is_told_with_how_far_it_moved(world, folds):
    mine = folds[folds["candidate"] == "model"].sort_values("fold")
    for row in mine.to_dict("records"):
        assert row["channels"] == list(world.spend.columns) and sum(row["weights"]) == pytest.approx(1.0)
        truth = world.roas.to_numpy()
        assert np.median(np.abs(np.array(row["roas"]) / truth - 1)) < 0.35
    assert mine["roas_change"].iloc[0] is None and mine["turnover"].iloc[0] is None
    assert (mine["roas_change"].iloc[1:] < 0.3).all() and (mine["turnover"].iloc[1:] < 0.4).all()


TINY = FoldFit(chains=1, tune=50, draws=30)


def test_no_fold_sees_the_target_that_it_forecasts_nor_a_week_after(world):
    settings = room(folds=2, fit=TINY)
    first = scored(world.rows, settings, lambda task: task["fold"] == 1).set_index("candidate")
    week = world.rows.groupby("variable").cumcount()
    held = week.between(140, 147) & (world.rows["variable"] == "uploads")
    lifted = world.rows.assign(value=world.rows["value"].where(~held, 3 * world.rows["value"]))
    other = scored(lifted, settings, lambda task: task["fold"] == 1).set_index("candidate")
    assert first.loc["model", ["roas", "weights"]].tolist() == other.loc["model", ["roas", "weights"]].tolist()
    assert (other["mape"] > 0.5).all() and (first["mape"] < 0.2).all()
    later = week > 147
    changed = world.rows.assign(value=world.rows["value"].where(~later, 2 * world.rows["value"] + 7))
    again = scored(changed, settings, lambda task: task["fold"] == 1).set_index("candidate")
    same = ["crps", "mape", "coverage_90", "roas", "weights"]
    pd.testing.assert_frame_equal(first[same], again[same])
    assert not (first["fold_id"] == again["fold_id"]).any()


def test_a_candidate_that_the_data_cannot_carry_is_a_row_with_its_message(world):
    settings = room({"radio": {"channels": {"radio": {"adstock": "delayed"}}}}, folds=1, fit=TINY)
    found = scored(world.rows, settings)
    assert list(found.columns) == list(COLUMNS)
    failed = found.set_index("candidate").loc["radio"]
    assert failed["status"] == "failed" and "names radio" in failed["message"] and failed["crps"] is None
    assert choose(with_changes(found))["left_out"] == ["radio"]


def test_candidates_share_folds_and_ids_change_with_what_decides_a_score(world):
    tasks = tasks_of(world.rows, room(WRONG)).tasks
    assert len(tasks) == 4 * 3 and tasks["fold_id"].is_unique
    assert tasks.groupby("fold")["cutoff"].nunique().tolist() == [1, 1, 1]
    again = tasks_of(world.rows, room(WRONG)).tasks
    assert again["fold_id"].tolist() == tasks["fold_id"].tolist()
    fewer = tasks_of(world.rows, room({"late": LATE})).tasks
    assert set(fewer["fold_id"]) < set(tasks["fold_id"])
    longer = tasks_of(world.rows, room(WRONG, fit=FoldFit(draws=201))).tasks
    assert not set(longer["fold_id"]) & set(tasks["fold_id"])


def test_a_geo_too_young_for_a_fold_is_said(world):
    young = world.rows[world.rows.groupby("variable").cumcount() < 67]
    found = tasks_of(young, room())
    assert found.tasks.empty and found.panels == {}
    assert found.not_scored["reason"].tolist() == [
        "Too few weeks to judge a forecast: it takes 60 to learn from and 8 to forecast "
        "(mmm.validation.first_window_weeks, horizon_weeks)."
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_give_equal_folds_to_the_last_digit(engine, request):
    settings = room(folds=2, fit=TINY)
    worlds = [media_world(weeks=90, channels=2, seed=i, geo=geo).rows for i, geo in enumerate(("AT", "DE"))]
    tasks = tasks_of(pd.concat(worlds), settings)
    frame = tasks.tasks
    if engine == "pandas_udf":
        frame = request.getfixturevalue("spark").createDataFrame(records(frame), TASK_DDL)
    parallel = ParallelSettings(workers=2, partitions=2, ray_object_store_mb=100)
    score = partial(score_fold, panels=tasks.panels, room=settings)
    mapped = map_groups(frame, score, TASK, folds_ddl(), engine, parallel)
    assert mapped.errors.empty
    found = mapped.rows if isinstance(mapped.rows, pd.DataFrame) else to_pandas(mapped.rows.toArrow())
    mapped.release()
    found = found.sort_values(list(TASK), ignore_index=True)
    alone = scored(pd.concat(worlds), settings).sort_values(list(TASK), ignore_index=True)
    assert len(found) == 2 * 2 * 2
    for name in ("fold_id", "status", "crps", "mape", "coverage_90", "divergences"):
        assert found[name].astype(object).where(found[name].notna(), None).tolist() == alone[name].tolist(), name
    for name in ("channels", "roas", "weights"):
        assert [list(cell) for cell in found[name]] == [list(cell) for cell in alone[name]], name
