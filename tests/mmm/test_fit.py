"""A fit of one geo: its rows, the truth of a world made by other code, and what it says of bad data."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from pma.media.transforms import adstock, adstock_weights, saturate
from pma.mmm.fit import COLUMNS, fit_geo
from pma.mmm.input.calendar import records
from pma.mmm.landing import TASK, TASK_DDL
from pma.mmm.settings import MmmSettings
from pma.mmm.spec import FitSettings, MediaSpec, ModelSpec, Prior, TrendSpec
from pma.mmm.tables import landed_ddl
from pma.parallel import ENGINES, ParallelSettings, map_groups
from pma.parallel.frames import to_pandas
from tests.mmm.clean_world import clean_world
from tests.mmm.media_world import media_world

SHORT = FitSettings(chains=2, tune=300, draws=300, kept_draws=40, min_ess=30, max_rhat=1.1, checks=())
CLEAN = ModelSpec(trend=TrendSpec(kind="linear"), yearly_order=2)


def room(model, fit):
    return MmmSettings(model=model, fit=fit)


@pytest.fixture(scope="module")
def world():
    return clean_world(0)


@pytest.fixture(scope="module")
def fit(world):
    return fit_geo(world.rows.assign(target="uploads"), room(CLEAN, SHORT)).iloc[0]


@pytest.fixture(scope="module")
def summary(fit):
    return pd.DataFrame(fit["mmm_channel_summary"]).set_index("channel")


def test_a_clean_fit_is_ok(fit):
    assert (fit["status"], fit["message"]) == ("ok", None)
    assert fit["media_share_p05"] < fit["media_share"] < fit["media_share_p95"] < 1.1 * fit["media_share"]
    assert fit["divergences"] < 6 and fit["r2"] > 0.9 and fit["mape"] < 0.03


def test_the_roas_of_a_clean_world_comes_back(world, summary):
    error = (summary["roas_p50"] / world.roas - 1).abs()
    assert error.median() < 0.12 and error.max() < 0.4
    truth = world.roas[summary.index]
    inside = (summary["roas_p05"] <= truth) & (truth <= summary["roas_p95"])
    assert inside.sum() >= 5


def test_components_add_up_to_the_expected_target(world, fit):
    rows = pd.DataFrame(fit["mmm_contributions"])
    assert not rows.duplicated(["week_start", "component"]).any()
    target = world.rows[world.rows["variable"] == "uploads"].set_index("week_start")["value"]
    total = rows.groupby("week_start")["mean"].sum()
    assert np.corrcoef(total, target)[0, 1] ** 2 == pytest.approx(fit["r2"], abs=0.02)
    assert total.mean() == pytest.approx(target.mean(), rel=0.01)
    assert (rows["p05"] <= rows["p50"]).all() and (rows["p50"] <= rows["p95"]).all()
    assert {"paid", "baseline", "seasonality", "trend", "event", "organic", "context"} == set(rows["kind"])


def test_a_summary_is_the_sum_of_its_weeks(fit, summary, world):
    rows = pd.DataFrame(fit["mmm_contributions"])
    paid = rows[rows["kind"] == "paid"].groupby("component")["mean"].sum()
    assert summary["contribution"].to_dict() == pytest.approx(paid.to_dict())
    assert summary["spend"].to_dict() == pytest.approx(world.spend.sum().to_dict())
    assert (summary["roas_mean"] * summary["spend"]).to_dict() == pytest.approx(summary["contribution"].to_dict())


def test_weeks_of_the_fit_show_the_error_and_the_coverage_that_its_run_says(world, fit):
    weeks = pd.DataFrame(fit["mmm_fit_weeks"])
    target = world.rows[world.rows["variable"] == "uploads"]
    assert weeks["week_start"].tolist() == target["week_start"].tolist() and weeks["is_explained"].all()
    assert weeks["actual"].tolist() == target["value"].tolist()
    error = (weeks["actual"] - weeks["expected"]).abs().mean() / weeks["actual"].mean()
    assert error == pytest.approx(fit["mape"])
    assert weeks["actual"].between(weeks["p05"], weeks["p95"]).mean() == pytest.approx(fit["coverage_90"])


def test_draws_are_enough_to_compute_contributions_again(world, fit, summary):
    draws = pd.DataFrame(fit["mmm_posterior"])
    assert draws.groupby("draw").size().eq(6).all()
    one = draws[draws["channel"] == "tv"]
    weights = adstock_weights("geometric", one[["adstock_first"]], one[["adstock_second"]], 12)
    spend = world.spend[["tv"]].to_numpy() / one["usual_spend"].iloc[0]
    level = saturate("hill", adstock(spend, weights), one[["saturation_first"]], one[["saturation_second"]])
    brought = one["coefficient"].to_numpy() * level[..., 0].sum(axis=1)
    assert brought.mean() == pytest.approx(summary.loc["tv", "contribution"], rel=0.05)


def test_curves_begin_at_nothing_and_rise(fit):
    curves = pd.DataFrame(fit["mmm_response_curves"])
    for _, curve in curves.groupby("channel"):
        assert curve["mean"].iloc[0] == 0 and (np.diff(curve["mean"]) > 0).all()
        assert curve["is_seen"].iloc[0]


def test_a_wrong_adstock_misses_the_same_world(world):
    """The negative control: what works for weeks is modelled as if it worked later and for one week."""
    late = Prior(family="log_normal", mu=np.log(6.0), sigma=0.05)
    wrong = CLEAN.model_copy(
        update={"media": MediaSpec(adstock="delayed", delay=late, retention=Prior(family="beta", alpha=2, beta=8))}
    )
    found = fit_geo(world.rows.assign(target="uploads"), room(wrong, SHORT)).iloc[0]
    summary = pd.DataFrame(found["mmm_channel_summary"]).set_index("channel")
    error = (summary["roas_p50"] / world.roas - 1).abs()
    assert error.median() > 0.3
    assert found["status"] == "flagged"


def test_one_week_of_thirty_times_the_spend_breaks_no_channel():
    world = clean_world(0, spike="google_pmax")
    found = fit_geo(world.rows.assign(target="uploads"), room(CLEAN, SHORT)).iloc[0]
    summary = pd.DataFrame(found["mmm_channel_summary"]).set_index("channel")
    error = (summary["roas_p50"] / world.roas - 1).abs()
    assert error.drop("google_pmax").median() < 0.12 and error.max() < 0.4


def test_outlier_weeks_of_the_target_are_survived(world):
    rows = world.rows.reset_index(drop=True)
    target = rows.index[rows["variable"] == "uploads"]
    rows.loc[target[[20, 70, 120]], "value"] *= [2.0, 0.4, 1.8]
    found = fit_geo(rows.assign(target="uploads"), room(CLEAN, SHORT)).iloc[0]
    summary = pd.DataFrame(found["mmm_channel_summary"]).set_index("channel")
    assert (summary["roas_p50"] / world.roas - 1).abs().median() < 0.15


def test_one_channel_is_enough():
    rows = media_world(weeks=104, channels=1).rows.assign(target="uploads")
    found = fit_geo(rows, room(CLEAN, SHORT)).iloc[0]
    assert found["channels"] == 1 and found["status"] in ("ok", "flagged")


def test_equal_seeds_give_equal_fits_and_another_geo_does_not(world):
    tiny = FitSettings(chains=1, tune=50, draws=20, checks=())
    rows = media_world(weeks=60, channels=2).rows.assign(target="uploads")
    first, again = (fit_geo(rows, room(CLEAN, tiny)).iloc[0] for _ in range(2))
    other = fit_geo(rows.assign(geo="AT"), room(CLEAN, tiny)).iloc[0]
    assert first["mmm_posterior"] == again["mmm_posterior"] and first["fit_id"] == again["fit_id"]
    assert first["mmm_posterior"] != other["mmm_posterior"] and first["fit_id"] != other["fit_id"]


def test_unknown_spend_widens_and_does_not_become_zero():
    rows = media_world(weeks=104, channels=2).rows
    week = rows.groupby("variable").cumcount()
    late = rows.assign(value=rows["value"].mask((rows["variable"] == "channel_0") & (week < 40)), target="uploads")
    found = fit_geo(late, room(CLEAN, SHORT)).iloc[0]
    paid = pd.DataFrame(found["mmm_contributions"]).query("component == 'channel_0'")
    width = (paid["p95"] - paid["p05"]).to_numpy()
    assert width[10:35].mean() > width[45:].mean() and paid["p95"].iloc[10:35].min() > 0
    [row] = [row for row in found["mmm_channel_summary"] if row["channel"] == "channel_0"]
    assert row["weeks"] == 64


def test_a_geo_that_carries_no_model_is_a_row(world):
    rows = world.rows[world.rows["variable"] != "uploads"].assign(target="uploads")
    found = fit_geo(rows, room(CLEAN, SHORT))
    assert list(found.columns) == list(COLUMNS)
    assert found["status"].iloc[0] == "failed" and "no rows of uploads" in found["message"].iloc[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_give_the_same_to_the_last_digit(engine, request):
    tiny = FitSettings(chains=1, tune=40, draws=20, kept_draws=5, check_chains=1, check_tune=40, check_draws=20)
    worlds = [media_world(weeks=60, channels=2, seed=i, geo=geo).rows for i, geo in enumerate(("AT", "DE"))]
    named = {"target": "uploads", "method": "bayes", "settings": None, "data_origin": "a test", "unit": "count"}
    rows = pd.concat(worlds).assign(fit_id="x", **named)
    columns = [part.split()[0] for part in TASK_DDL.split(", ")]
    frame = rows[columns]
    if engine == "pandas_udf":
        frame = request.getfixturevalue("spark").createDataFrame(records(frame), TASK_DDL)
    settings = ParallelSettings(workers=2, partitions=2, ray_object_store_mb=100)
    mapped = map_groups(frame, partial(fit_geo, room=room(CLEAN, tiny)), TASK, landed_ddl(), engine, settings)
    assert mapped.errors.empty
    found = mapped.rows if isinstance(mapped.rows, pd.DataFrame) else to_pandas(mapped.rows.toArrow())
    mapped.release()
    assert sorted(found["geo"]) == ["AT", "DE"]
    for geo, fit in found.set_index("geo").iterrows():
        alone = fit_geo(rows[rows["geo"] == geo], room(CLEAN, tiny)).iloc[0]
        for name in ("mmm_channel_summary", "mmm_posterior", "mmm_contributions", "mmm_checks"):
            assert pd.DataFrame(list(fit[name])).equals(pd.DataFrame(alone[name])), name
