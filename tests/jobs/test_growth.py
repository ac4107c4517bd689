"""The job of the weekly report over the small world: table, views and page, and a second run that changes nothing."""

import deltalake
import yaml

from jobs.growth import main
from pma.marketing.tables import AD_SPEND, CAMPAIGNS, EVENT_ATTRIBUTION
from pma.tables import WarehouseSettings
from pma.warehouse import Warehouse
from tests.conftest import REPOSITORY
from tests.marketing.growth_world import sources


def test_the_job_writes_report_views_and_page_and_a_second_run_changes_nothing(spark, tmp_path, capsys):
    folder = WarehouseSettings(path=str(tmp_path / "warehouse"))
    tables = Warehouse(spark, folder, run_id="test")
    for spec, rows in zip((AD_SPEND, EVENT_ATTRIBUTION, CAMPAIGNS), sources(spark), strict=True):
        tables.replace(spec, rows)
    conf = tmp_path / "small.yml"
    tree = {"warehouse": {"path": folder.path}, "report": {"path": str(tmp_path / "pages")}}
    conf.write_text(yaml.safe_dump({**tree, "rules": str(REPOSITORY / "conf" / "rules")}), encoding="utf-8")
    runs = []
    for _ in range(2):
        main(["--conf", str(conf)])
        table = deltalake.DeltaTable(str(tmp_path / "warehouse/bl/report_weekly_growth_update")).to_pandas()
        key = ["yearweek", "country", "channel", "campaign_id", "ad_platform"]
        kept = table.drop(columns="run_id").sort_values(key, ignore_index=True).to_csv()
        page = (tmp_path / "pages" / "weekly_growth_update.html").read_text(encoding="utf-8")
        runs.append((len(table), kept, page, capsys.readouterr().out))
    assert runs[0] == runs[1]
    assert runs[0][0] == 13
    assert runs[0][3].startswith("Weekly Growth Update, week 45 of 2026 (2 November to 8 November 2026), in EUR")
    region = "SELECT management_region FROM bl.growth_overview WHERE yearweek = 202645 ORDER BY spend DESC LIMIT 1"
    assert spark.sql(region).collect()[0][0] == "DACH"
