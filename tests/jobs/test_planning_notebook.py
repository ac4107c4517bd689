"""The notebook of a month's plan runs from top to bottom on tables by hand and shows what it promises."""

from datetime import timedelta

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from pma.mmm.input.tables import MMM_INPUT
from pma.mmm.tables import MMM_CONTRIBUTIONS, MMM_FIT_WEEKS, MMM_POSTERIOR, MMM_RUNS
from pma.planning.tables import UPLOAD_BRIDGE
from tests.conftest import REPOSITORY
from tests.jobs.delta_rows import write_rows
from tests.planning.plan_world import LAST_WEEK, posterior, weekly_spend

NOTEBOOK = REPOSITORY / "notebooks/planning.ipynb"
COUNTRIES = ("C0", "C1")


@pytest.fixture(scope="module")
def executed(spark, tmp_path_factory):
    tables = tmp_path_factory.mktemp("notebook") / "warehouse"
    draws = posterior(countries=2, channels=2, targets=("gmv", "uploads"), draws=20)
    draws.loc[draws["target"] == "uploads", "coefficient"] /= 300.0
    write_rows(tables, MMM_POSTERIOR, draws)
    fits = draws[["geo_level", "geo", "target", "method"]].drop_duplicates()
    write_rows(tables, MMM_RUNS, fits, status="flagged", message="a test")
    spend = weekly_spend(draws).rename(columns={"country": "geo", "channel": "variable"})
    write_rows(tables, MMM_INPUT, spend, geo_level="country", role="paid")
    weeks = [LAST_WEEK - timedelta(weeks=week) for week in range(8)]
    unpaid = pd.DataFrame([{"geo": geo, "week_start": week, "mean": 70.0} for geo in COUNTRIES for week in weeks])
    said = {"geo_level": "country", "target": "uploads", "method": "bayes", "component": "rest", "kind": "baseline"}
    write_rows(tables, MMM_CONTRIBUTIONS, unpaid, **said)
    past = pd.DataFrame([{"week_start": LAST_WEEK - timedelta(weeks=week)} for week in range(130)])
    counted = fits.merge(past, how="cross")
    usual = counted["target"].map({"uploads": 100.0, "gmv": 9000.0})
    write_rows(tables, MMM_FIT_WEEKS, counted.assign(actual=usual, expected=usual))
    pairs = pd.DataFrame([{"origin_country": a, "destination_country": b} for a in COUNTRIES for b in COUNTRIES])
    write_rows(tables, UPLOAD_BRIDGE, pairs.assign(gmv_per_upload=20.0, p05=15.0, p95=25.0))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PMA_WAREHOUSE", str(tables))
        patch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(REPOSITORY)}}).execute()
    return notebook


def test_it_shows_the_plan_a_limit_a_scenario_a_target_and_a_picture(executed):
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    text = "\n".join(output.get("text") or output["data"]["text/plain"] for output in outputs)
    assert "2 countries, 2 channels, weeks until 2026-11-23" in text
    assert "plan base, 1 month(s) from 2026-12" in text and "4 of 4 fits are flagged" in text
    for words in ("at most: the plan brings", "C1 may have", "ten percent more", "binding_constraint"):
        assert words in text
    assert "uploads in all countries of the plan" in text and "a probability of 50%" in text
    assert "p_hit_plan" in text and "reached_with_90" in text
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 1


def test_the_stored_notebook_carries_no_output():
    assert [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.get("outputs")] == []
