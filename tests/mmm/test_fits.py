"""Fits whose worker is killed or runs out of memory: a row each, and the others land."""

import os
import signal

import numpy as np
import pandas as pd

from pma.mmm import fits
from pma.mmm.fit import fit_geo
from pma.mmm.landing import failed_runs, make_tasks
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings
from pma.parallel import ParallelSettings
from tests.mmm.media_world import media_world

SHORT = {"chains": 1, "tune": 30, "draws": 20, "kept_draws": 5, "checks": ()}
ROOM = MmmSettings(fit=FitSettings(targets=("uploads",), methods=("bayes",), **SHORT))
GEOS = ("AT", "BE", "DE", "FR")


def mortal(rows, room, engine=None, tests=None):
    """A fit, but for AT, whose worker the system kills, and for FR, which wants more memory than there is."""
    geo = rows["geo"].iloc[0]
    if geo == "AT":
        os.kill(os.getpid(), signal.SIGKILL)
    if geo == "FR":
        np.ones(2**50)
    return fit_geo(rows, room, engine, tests)


def test_a_fit_whose_worker_dies_or_has_no_memory_is_a_row_and_the_others_land(monkeypatch):
    rows = media_world(weeks=40, channels=2).rows.assign(data_origin="a test", unit="count")
    inputs = pd.concat([rows.assign(geo=geo) for geo in GEOS])
    ready = pd.DataFrame(columns=["geo_level", "geo", "variable", "check", "severity", "detail", "fix"])
    tasks = make_tasks(inputs, ready, ROOM)
    landed = []
    monkeypatch.setattr(fits, "fit_geo", mortal)
    parallel = ParallelSettings(engine="joblib", workers=2, max_retries=1)
    mapped = fits.fit_tasks(tasks.rows, None, ROOM, parallel, lambda key, fit: landed.append((key[1], len(fit))))
    assert sorted(landed) == [("BE", 1), ("DE", 1)]
    runs = failed_runs(mapped.errors, "joblib", "a test").set_index("geo")
    assert runs["status"].to_dict() == {"AT": "failed", "FR": "failed"}
    assert "the worker process died (killed, out of memory or left)" in runs.loc["AT", "message"]
    assert "Unable to allocate" in runs.loc["FR", "message"]
