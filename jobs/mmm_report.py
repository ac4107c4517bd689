"""What the fits say, for people: `bl.roas_comparison`, its view, and the page of the media mix model."""

from pyspark.sql import functions as F

from pma.marketing.weekly_tables import WEEKLY_GROWTH
from pma.mmm.carryover import carryover
from pma.mmm.choice import selection_rows
from pma.mmm.input.tables import MMM_INPUT
from pma.mmm.roas_comparison import Sources, roas_comparison
from pma.mmm.tables import MMM_CHANNEL_SUMMARY, MMM_POSTERIOR, MMM_RUNS, ROAS_COMPARISON
from pma.query import publish_views
from pma.report.mmm_fit import SHOWN, MmmRows
from pma.report.mmm_page import mmm_text, write_mmm_page
from pma.report.mmm_words import Facts
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """The page is of the fits that the tables hold, whichever run made them."""
    with job_run("mmm_report", argv) as run:
        tables, settings, currency = run.tables, run.settings, run.settings.marketing.spend.currency
        sources = Sources(*map(tables.read, (MMM_CHANNEL_SUMMARY, MMM_RUNS, MMM_INPUT, WEEKLY_GROWTH)))
        compared = roas_comparison(sources, settings.mmm.comparison, currency)
        tables.replace(ROAS_COMPARISON, compared.withColumn("run_id", F.lit(run.run_id)))
        publish_views(run.spark, settings.warehouse, settings.rules)
        shown = [tables.read(spec).toPandas() for spec in SHOWN]
        rows = MmmRows(*[*shown, selection_rows(tables), carryover(tables.read(MMM_POSTERIOR).toPandas())])
        facts = Facts(run.run_id, currency)
        page = write_mmm_page(rows, facts, settings.report)
        print(f"{mmm_text(rows, facts)}\n{page.resolve()}")


if __name__ == "__main__":
    main()
