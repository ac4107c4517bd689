"""A small simulated marketplace: its settings, its files, and its tables after all jobs of marketing."""

from __future__ import annotations

from pathlib import Path

import deltalake
import pandas as pd
import yaml

from pma.bundle import read_tasks
from pma.workflow import run_tasks
from tests.conftest import REPOSITORY, TEST_SPARK

JOBS = [REPOSITORY / f"conf/bundle/{name}.job.yml" for name in ("simulation", "marketing")]
REGIONS = {"DACH": ["DE", "AT"], "SOUTH": ["FR"]}
WEEKS = 64
TABLES = {
    "il.ad_spend": ["date", "ad_platform", "account_id", "campaign_id", "country"],
    "il.campaigns": ["ad_platform", "campaign_id", "campaign_name"],
    "il.variable_names": ["source", "raw_name"],
    "il.context": ["date", "country", "variable"],
    "il.fct_user_sessions": ["session_id"],
    "il.identities": ["map_version", "anonymous_id", "valid_from"],
    "il.conversions": ["conversion_id"],
    "st_il.st_event_attribution": ["conversion_id", "session_id", "model"],
    "st_il.quarantine": ["source_table", "load_kept", "row_hash"],
    "bl.report_weekly_growth_update": [
        *("yearweek", "management_region", "country", "channel", "campaign_id", "ad_platform")
    ],
    "bl.mmm_input": ["geo_level", "geo", "week_start", "variable"],
    "bl.mmm_readiness": ["geo_level", "geo", "variable", "check"],
    "truth.channel_roas": ["country", "target", "channel"],
}


def write_settings(folder: Path) -> Path:
    """Write `market.yml` and return its path; all that the jobs make lies beside it."""
    tree = {
        "spark": TEST_SPARK.model_dump(),
        "rules": str(REPOSITORY / "conf/rules"),
        "warehouse": {"path": str(folder / "warehouse")},
        "report": {"path": str(folder / "report")},
        "simulation": {
            "path": str(folder / "raw"),
            "regions": REGIONS,
            "weeks": WEEKS,
            "uploads_per_week": 8,
            "sessions_per_conversion": 3,
            "lift_tests": 2,
        },
        "feeds": {"folder": str(folder / "raw")},
        "marketing": {"regions": {"countries": REGIONS}},
    }
    path = folder / "market.yml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def run(conf: Path) -> dict[str, int]:
    """Run all tasks of both jobs and return the exit status of each that ran."""
    tasks = [task for file in JOBS for task in read_tasks(file, {"conf": str(conf)})]
    return {result.task.key: result.status for result in run_tasks(tasks, REPOSITORY)}


def rows(conf: Path, name: str) -> pd.DataFrame:
    """Return a table of the marketplace without its run ids, by key, read without Spark."""
    frame = deltalake.DeltaTable(str(conf.parent / "warehouse" / name.replace(".", "/"))).to_pandas()
    return frame.drop(columns="run_id", errors="ignore").sort_values(TABLES[name], ignore_index=True)
