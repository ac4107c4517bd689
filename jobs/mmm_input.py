"""The weekly input of the media mix model, and what is missing in it: `bl.mmm_input`, `bl.mmm_readiness`, a page."""

from pyspark.sql import functions as F

from pma.marketing.tables import AD_SPEND, CONTEXT, CONVERSIONS, EXCHANGE_RATES
from pma.mmm.input.bike_events import read_bike_events
from pma.mmm.input.calendar import spanned_calendar
from pma.mmm.input.geo_panel import Judge
from pma.mmm.input.panel import Feeds, extent, mmm_input
from pma.mmm.input.readiness import readiness, readiness_rows, require_judged
from pma.mmm.input.tables import MMM_INPUT, MMM_READINESS
from pma.mmm.input.variables import read_variables
from pma.mmm.tables import MMM_LANDED
from pma.report.readiness_page import readiness_text, write_readiness_page
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """A geo that fails a check is kept out of the fit; the job goes on."""
    with job_run("mmm_input", argv) as run:
        tables, settings, room = run.tables, run.settings, run.settings.mmm
        regions, origin = settings.marketing.regions.countries, settings.feeds.data_origin
        rules, events = read_variables(settings.rules), read_bike_events(settings.rules)
        spend, conversions, context = (tables.read(spec) for spec in (AD_SPEND, CONVERSIONS, CONTEXT))
        feeds = Feeds(spend, conversions, context, settings.marketing.sessions.timezone)
        calendar = spanned_calendar(run.spark, extent(feeds, regions), events, room.panel)
        made = mmm_input(feeds, calendar, regions, rules, room.panel, origin)
        tables.replace(MMM_INPUT, made.withColumn("run_id", F.lit(run.run_id)))
        judge = Judge(room.readiness, rules, tables.read(EXCHANGE_RATES).toPandas(), regions)
        found = readiness(tables.read(MMM_INPUT), spend, judge, origin, settings.parallel)
        tables.replace(MMM_READINESS, readiness_rows(run.spark, found, run.run_id))
        # Where fits are made without Spark, somebody has to have made the table.
        tables.ensure(MMM_LANDED)
        print(f"{readiness_text(found)}\n{write_readiness_page(found, settings.report.path).resolve()}")
        require_judged(found, settings.parallel)


if __name__ == "__main__":
    main()
