"""Folds land together, and none is lost that has ended when the job is stopped."""

from datetime import date
from functools import partial

import numpy as np
import pandas as pd
import pytest

from pma.mmm import fold_landing
from pma.mmm.batches import Batches
from pma.mmm.fold_landing import failed_folds, score_missing
from pma.mmm.fold_tables import MMM_FOLDS, folds_ddl
from pma.mmm.fold_tasks import COLUMNS as TASK_COLUMNS
from pma.mmm.fold_tasks import FoldTasks
from pma.mmm.settings import MmmSettings
from pma.mmm.validation import COLUMNS
from pma.parallel import Mapped, ParallelSettings
from pma.parallel.frames import to_spark

KEY = {"geo_level": "country", "geo": "DE", "target": "uploads", "candidate": "model"}


def fold(number, **more):
    row = {**KEY, "fold": number, "fold_id": f"id {number}", "status": "ok", "cutoff": date(2025, 1, 6)}
    lists = {"channels": ["tv", "tiktok"], "roas": np.array([0.5, np.nan]), "weights": np.array([0.3, 0.7])}
    return pd.DataFrame([{**row, **lists, "parameters": 7, "data_origin": "a test", **more}], columns=list(COLUMNS))


def landed(tables):
    return sorted(tables.read(MMM_FOLDS).select("fold_id").toPandas()["fold_id"])


def test_folds_are_held_until_it_is_time_and_then_land_in_one_commit(warehouse):
    warehouse.ensure(MMM_FOLDS)
    batches = Batches(partial(fold_landing._land, warehouse), seconds=1e6)
    for number in (1, 2, 3):
        batches.add((), fold(number, parameters=None if number == 2 else 7))
    before = warehouse.version(MMM_FOLDS)
    batches.flush()
    batches.flush()
    assert landed(warehouse) == ["id 1", "id 2", "id 3"] and warehouse.version(MMM_FOLDS) == before + 1
    batches.seconds = 0.0
    batches.add((), fold(4))
    assert landed(warehouse)[-1] == "id 4"
    rows = warehouse.read(MMM_FOLDS).orderBy("fold").collect()
    assert [row["parameters"] for row in rows] == [7, None, 7, 7]
    assert rows[0]["channels"] == ["tv", "tiktok"] and rows[0]["roas"] == [0.5, None]


def test_a_second_try_of_a_run_lands_what_the_first_did_not_and_nothing_twice(warehouse):
    """Of the engine on Spark, whose first try lost fold 1: a landing is named by what it lands."""
    warehouse.ensure(MMM_FOLDS)
    spark, score, parallel = warehouse.spark, None, ParallelSettings(engine="pandas_udf")
    for tried, ended in (((1, 2, 3), (2, 3)), ((1,), (1,)), ((2, 3), (2, 3))):
        rows = to_spark(spark, pd.concat([fold(number) for number in ended]), folds_ddl())
        mapped = Mapped(rows, pd.DataFrame(), len(tried))
        todo = pd.DataFrame([{**KEY, "fold": n, "fold_id": f"id {n}"} for n in tried], columns=list(TASK_COLUMNS))
        todo = todo.astype(object).where(todo.notna(), None)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(fold_landing, "map_groups", lambda *_, mapped=mapped: mapped)
            fold_landing._on_spark(warehouse, todo, score, parallel)
    assert landed(warehouse) == ["id 1", "id 2", "id 3"]


def test_a_fold_that_ended_nowhere_is_a_failed_one():
    names = [{**KEY, "fold": number, "fold_id": f"id {number}"} for number in (1, 2)]
    lost = fold_landing._lost(pd.DataFrame(names, columns=list(TASK_COLUMNS)), {"id 1"}, "ray")
    [row] = lost.to_dict("records")
    assert (row["fold_id"], row["status"], row["channels"]) == ("id 2", "failed", [])
    assert "It has ended nowhere" in row["message"]


def test_folds_that_have_ended_land_when_the_job_is_stopped(warehouse, monkeypatch):
    def stopped_at_the_third(task, **_):
        number = int(task["fold"].iloc[0])
        if number == 3:
            raise KeyboardInterrupt
        return fold(number)

    monkeypatch.setattr(fold_landing, "score_fold", stopped_at_the_third)
    names = [{**KEY, "fold": number, "fold_id": f"id {number}"} for number in (1, 2, 3, 4)]
    tasks = FoldTasks(pd.DataFrame(names, columns=list(TASK_COLUMNS)), {}, pd.DataFrame())
    room = MmmSettings()
    with pytest.raises(KeyboardInterrupt):
        score_missing(warehouse, tasks, room, ParallelSettings(engine="serial"))
    assert landed(warehouse) == ["id 1", "id 2"]
    monkeypatch.setattr(fold_landing, "score_fold", lambda task, **_: fold(int(task["fold"].iloc[0])))
    mapped = score_missing(warehouse, tasks, room, ParallelSettings(engine="serial"))
    assert mapped.groups == 2 and landed(warehouse) == ["id 1", "id 2", "id 3", "id 4"]


def test_a_fold_whose_worker_died_is_a_failed_row():
    errors = pd.DataFrame([{**KEY, "fold": 2, "error_type": "WorkerDiedError", "message": "killed", "attempts": 3}])
    [row] = failed_folds(errors.assign(seconds=3.0, traceback=None), "ray").to_dict("records")
    assert (row["status"], row["message"]) == ("failed", "WorkerDiedError: killed (tried 3 times)")
    assert (row["fold"], row["engine"], row["roas"]) == (2, "ray", [])
