"""Fits of many worlds, two at a time, and what they say of each channel."""

from functools import partial

import pandas as pd

from pma.mmm.fit import fit_geo
from pma.mmm.landing import TASK
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, ModelSpec
from pma.mmm.tables import landed_ddl
from pma.parallel import ParallelSettings, map_groups

SETTINGS = FitSettings()


def fitted(rows, spec=None, method="bayes", settings=SETTINGS):
    """Fit each geo and target of `rows` (of bl.mmm_input, with `target`); the rows of `fit_geo`, by (geo, target)."""
    fit = partial(fit_geo, room=MmmSettings(model=spec or ModelSpec(), fit=settings))
    mapped = map_groups(rows.assign(method=method), fit, TASK, landed_ddl(), "joblib", ParallelSettings(workers=2))
    assert mapped.errors.empty, mapped.errors.to_string()
    return mapped.rows.set_index(["geo", "target"])


def channels_of(fits, truth):
    """One row per geo, target and channel: its summary, the fit's status, the truth, and how far they are apart.

    `truth`: ROAS by (geo, target, channel).
    """
    parts = {}
    for key, fit in fits.iterrows():
        assert fit["status"] != "failed", f"{key}: {fit['message']}"
        parts[key] = pd.DataFrame(list(fit["mmm_channel_summary"])).set_index("channel").assign(status=fit["status"])
    found = pd.concat(parts, names=["geo", "target"])
    found["truth"] = truth.reindex(found.index)
    found["error"] = (found["roas_p50"] / found["truth"] - 1).abs()
    found["inside"] = (found["roas_p05"] <= found["truth"]) & (found["truth"] <= found["roas_p95"])
    return found


def weekly(fit):
    """Mean contributions of a fit; weeks x components. Together they are the target that it expects."""
    rows = pd.DataFrame(list(fit["mmm_contributions"]))
    return rows.pivot(index="week_start", columns="component", values="mean")
