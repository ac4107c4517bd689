"""The job that makes a plan readable, on tables by hand: what it writes is what the page and files are of."""

import shutil
from datetime import date

import pandas as pd
import pytest
import yaml

from jobs.plan_report import main
from pma.marketing.tables import AD_SPEND
from pma.mmm.tables import MMM_RESPONSE_CURVES, MMM_RUNS
from pma.planning.tables import CAMPAIGN_PLAN, TARGETS, UPLOAD_BRIDGE
from pma.report.planning_page import planning_page
from pma.report.planning_rows import OF_PLAN
from tests.conftest import REPOSITORY, TEST_SPARK
from tests.jobs.delta_rows import write_rows
from tests.report.planning_world import market, rows, without


@pytest.fixture(scope="module")
def planned(spark, tmp_path_factory):
    """A folder with the tables of a plan, another plan's rows beside them; the fits of FR are flagged."""
    folder = tmp_path_factory.mktemp("plan_report")
    frames, tables = market(), folder / "warehouse"
    for name, spec in OF_PLAN.items():
        write_rows(tables, spec, pd.concat([frames[name], frames[name].assign(plan_id="other")]))
    fit = {"geo_level": "country", "method": "bayes", "run_id": "before", "data_origin": "simulated market"}
    write_rows(tables, MMM_RESPONSE_CURVES, frames["curves"], **fit)
    fits = frames["curves"][["geo", "target"]].drop_duplicates()
    status = ["flagged" if geo == "FR" else "ok" for geo in fits["geo"]]
    write_rows(tables, MMM_RUNS, fits.assign(status=status), **fit)
    write_rows(tables, UPLOAD_BRIDGE, frames["bridge"])
    earlier = frames["accounts"].assign(date=date(2026, 1, 1), account_id="an older account")
    write_rows(tables, AD_SPEND, pd.concat([frames["accounts"].assign(date=date(2026, 11, 1)), earlier]))
    return folder


def run(folder, **plan):
    given = {
        "rules": str(REPOSITORY / "conf" / "rules"),
        "spark": TEST_SPARK.model_dump(),
        "warehouse": {"path": str(folder / "warehouse")},
        "report": {"path": str(folder / "report")},
        "planning": {"plan": {"use_flagged": True, **plan}},
    }
    (folder / "report.yml").write_text(yaml.safe_dump(given))
    main(["--conf", str(folder / "report.yml")])


def test_the_job_writes_page_spreadsheet_and_files_of_its_plan_and_says_where(planned, capsys):
    run(planned)
    report = planned / "report"
    names = ["google_ads_budgets.csv", "meta_budgets.csv", "plan.xlsx", "planning.html"]
    assert sorted(path.name for path in report.iterdir()) == names
    assert (report / "planning.html").read_text(encoding="utf-8") == planning_page(rows(), "EUR")
    assert "123-456-7890,11,DE_11,15.00,Daily" in (report / "google_ads_budgets.csv").read_text()
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Plan for December 2026, base: 1,000.00 EUR")
    assert said[-4:] == [str((report / name).resolve()) for name in (names[3], names[2], *names[:2])]


def test_without_targets_campaigns_and_flagged_fits_the_plan_is_told_all_the_same(planned, tmp_path):
    shutil.copytree(planned / "warehouse", tmp_path / "warehouse")
    for spec in (TARGETS, CAMPAIGN_PLAN):
        shutil.rmtree(tmp_path / "warehouse" / spec.layer / spec.table)
    run(tmp_path, use_flagged=False)
    shown = (tmp_path / "report" / "planning.html").read_text(encoding="utf-8")
    curves = without("targets", "campaigns").curves.query("geo != 'FR'")
    frames = {name: market()[name].iloc[:0] for name in ("targets", "campaigns")}
    assert shown == planning_page(rows(**frames, curves=curves), "EUR")
    assert "FR google_pmax: order value a week" in planning_page(rows(**frames), "EUR")
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["plan.xlsx", "planning.html"]


def test_a_plan_that_was_not_made_is_refused_with_the_names_of_those_that_were(planned):
    with pytest.raises(ValueError, match=r"bl.budget_plans has no plan 'mine'. It has base, other."):
        run(planned, plan_id="mine")


def test_a_weekly_plan_that_does_not_say_which_days_are_left_is_to_be_made_again(planned, tmp_path):
    shutil.copytree(planned / "warehouse", tmp_path / "warehouse")
    write_rows(tmp_path / "warehouse", CAMPAIGN_PLAN, market()["campaigns"].assign(days_left=None))
    with pytest.raises(ValueError, match=r"bl.campaign_plan does not say of plan 'base' which days are left.*Run plan"):
        run(tmp_path)
