"""The choice among models where the truth is known: wrong ones are not chosen, whatever the world."""

from functools import partial

import pandas as pd
import pytest

from pma.mmm.fold_tables import folds_ddl
from pma.mmm.fold_tasks import TASK, make_fold_tasks
from pma.mmm.selection import GROUP, choose, with_changes
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings
from pma.mmm.validation import score_fold
from pma.mmm.validation_settings import ValidationSettings
from pma.parallel import ParallelSettings, map_groups
from tests.mmm.clean_world import clean_world
from tests.mmm.media_world import media_world

pytestmark = pytest.mark.slow
SEEDS = range(3)
NO_READINESS = pd.DataFrame(columns=["geo_level", "geo", "variable", "check", "severity", "detail", "fix"])
# What works from the first week on is modelled as if it worked six weeks later, for a week or two.
LATE = {
    "adstock": "delayed",
    "delay": {"family": "log_normal", "mu": 1.79, "sigma": 0.05},
    "retention": {"family": "beta", "alpha": 2, "beta": 8},
}
# Those without a season have fewer parameters than the right ones: the simplest of all is wrong.
WRONG = {
    "no season": {"yearly_order": 0},
    "no season, a line": {"yearly_order": 0, "trend": {"kind": "linear"}},
    "late": {"media": LATE},
    "late, a line": {"media": LATE, "trend": {"kind": "linear"}},
}
RIGHT = {
    "a line": {"trend": {"kind": "linear"}},
    "two waves": {"yearly_order": 2},
    "michaelis_menten": {"media": {"saturation": "michaelis_menten"}},
    "weibull": {"media": {"adstock": "weibull_pdf"}},
}


def study(worlds):
    """Scores of all candidates and folds, and the choice in each world."""
    room = MmmSettings(
        fit=FitSettings(targets=("uploads",)), validation=ValidationSettings(candidates={**WRONG, **RIGHT}, grid={})
    )
    rows = pd.concat([world.rows.assign(geo=name) for name, world in worlds.items()])
    tasks = make_fold_tasks(rows.assign(data_origin="a study", unit="count"), NO_READINESS, room)
    score = partial(score_fold, panels=tasks.panels, room=room)
    mapped = map_groups(tasks.tasks, score, TASK, folds_ddl(), "joblib", ParallelSettings(workers=2))
    assert mapped.errors.empty
    folds = with_changes(mapped.rows.astype(object))
    return folds, pd.DataFrame([choose(found) for _, found in folds.groupby(GROUP)])


def told(what, folds, chosen):
    fitted = folds[folds["candidate"] != "seasonal_naive"].astype({"seconds": float})
    print(f"{what}: {len(fitted)} folds of models, {fitted['seconds'].median():.2f} s each", flush=True)
    scores = ["crps", "mape", "coverage_90", "parameters", "roas_change", "turnover"]
    means = folds.assign(**folds[scores].astype(float)).groupby("candidate")[scores].mean()
    print(means.assign(chosen=chosen["candidate"].value_counts()).round(4).to_string(), flush=True)
    print(*chosen["reason"], sep="\n", flush=True)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("make", [clean_world, partial(media_world, channels=6)], ids=["simulator", "equations"])
def test_a_wrong_model_is_chosen_in_no_world(make):
    worlds = {f"world {seed:02d}": make(seed=seed) for seed in SEEDS}
    for world in worlds.values():
        # A temperature that is almost a season would stand in for it.
        world.rows.drop(world.rows.index[world.rows["variable"] == "temperature"], inplace=True)
    folds, chosen = study(worlds)
    told(f"{len(worlds)} worlds", folds, chosen)
    assert not set(chosen["candidate"]) & set(WRONG)
    assert (chosen["crps"] < chosen["naive_crps"]).all()
