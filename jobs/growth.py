"""The Weekly Growth Update: `bl.report_weekly_growth_update`, its views, and the page of the last complete week."""

from pyspark.sql import functions as F

from pma.marketing.growth import require_totals, weekly_growth
from pma.marketing.growth_summary import growth_trend, last_complete_week
from pma.marketing.reach import data_reach, log_reach
from pma.marketing.tables import AD_SPEND, CAMPAIGNS, EVENT_ATTRIBUTION
from pma.marketing.weekly_tables import WEEKLY_GROWTH
from pma.query import publish_views
from pma.report.growth_page import growth_text, write_growth_page
from pma.report.growth_words import Facts
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """Nothing is written where the sums differ from those of spend and credit."""
    with job_run("growth", argv) as run:
        tables, room = run.tables, run.settings.marketing
        spend, credit = tables.read(AD_SPEND), tables.read(EVENT_ATTRIBUTION)
        rows = weekly_growth(spend, credit, tables.read(CAMPAIGNS), room, run.settings.feeds.data_origin).persist()
        require_totals(rows, spend, credit)
        log_reach(data_reach(spend, credit, room).collect())
        tables.replace(WEEKLY_GROWTH, rows.withColumn("run_id", F.lit(run.run_id)))
        publish_views(run.spark, run.settings.warehouse, run.settings.rules)
        report = tables.read(WEEKLY_GROWTH)
        week, trend = last_complete_week(report).toPandas(), growth_trend(report).toPandas()
        facts = Facts(room.spend.currency, room.sessions.timezone, room.attribution.window_days)
        page = write_growth_page(week, trend, facts, run.settings.report)
        print(f"{growth_text(week, trend, facts)}\n{page.resolve()}")


if __name__ == "__main__":
    main()
