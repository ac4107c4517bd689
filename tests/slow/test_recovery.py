"""The media mix model against known truth: ROAS of channels in clean worlds, with a negative control."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from pma.mmm.fit import fit_geo
from pma.mmm.landing import TASK
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, MediaSpec, ModelSpec, Prior
from pma.mmm.tables import landed_ddl
from pma.parallel import ParallelSettings, map_groups
from tests.mmm.clean_world import clean_world

pytestmark = pytest.mark.slow
SEEDS = range(20)
SETTINGS = FitSettings()
# Largest median error of a channel's ROAS by noise; what intervals of 90 % must cover.
BARS = {0.02: 0.07, 0.03: 0.10}
COVERS = (0.85, 0.97)
# What works from the first week on is modelled as if it worked six weeks later, for a week or two.
LATE = MediaSpec(
    adstock="delayed",
    delay=Prior(family="log_normal", mu=float(np.log(6.0)), sigma=0.05),
    retention=Prior(family="beta", alpha=2.0, beta=8.0),
)


def study(noise, spec):
    """One row per world and channel: truth, ROAS with its interval, status of the fit."""
    worlds = {f"world {seed:02d}": clean_world(seed, noise=noise) for seed in SEEDS}
    rows = pd.concat([world.rows.assign(geo=name, target="uploads", method="bayes") for name, world in worlds.items()])
    fit = partial(fit_geo, room=MmmSettings(model=spec, fit=SETTINGS))
    mapped = map_groups(rows, fit, TASK, landed_ddl(), "joblib", ParallelSettings(workers=2))
    assert mapped.errors.empty
    parts = [
        pd.DataFrame(list(row["mmm_channel_summary"])).assign(
            geo=row["geo"], status=row["status"], message=row["message"], seconds=row["seconds"], rss=row["peak_rss_mb"]
        )
        for row in mapped.rows.to_dict("records")
    ]
    found = pd.concat(parts, ignore_index=True)
    truth = pd.concat({name: world.roas for name, world in worlds.items()}).rename("truth")
    found = found.join(truth, on=["geo", "channel"])
    return found.assign(
        error=(found["roas_p50"] / found["truth"] - 1).abs(),
        inside=(found["roas_p05"] <= found["truth"]) & (found["truth"] <= found["roas_p95"]),
    )


def told(found, what):
    fits = found.drop_duplicates("geo")
    flagged = (fits["status"] == "flagged").sum()
    print(
        f"{what}: {len(fits)} worlds, median error {found['error'].median():.1%}, 90 % intervals cover "
        f"{found['inside'].mean():.1%}, flagged {flagged}, {fits['seconds'].median():.1f} s a fit, "
        f"{fits['rss'].max():.0f} MiB",
        flush=True,
    )
    print(*sorted(set(fits["message"].dropna())), sep="\n", flush=True)
    print(found.groupby("channel")["error"].median().map("{:.1%}".format).to_string(), flush=True)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("noise", BARS)
def test_the_roas_of_clean_worlds_comes_back(noise):
    found = study(noise, ModelSpec())
    told(found, f"noise {noise:.0%}")
    assert found["error"].median() <= BARS[noise]
    assert COVERS[0] <= found["inside"].mean() <= COVERS[1]


@pytest.mark.timeout(3600)
def test_a_wrong_adstock_fails_the_same_bar():
    found = study(0.02, ModelSpec(media=LATE))
    told(found, "noise 2%, wrong adstock")
    assert found["error"].median() > BARS[0.02]
    assert not COVERS[0] <= found["inside"].mean() <= COVERS[1]
