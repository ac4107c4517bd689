"""The weekly input of the media mix model, and what is missing in it: `bl.mmm_input`, `bl.mmm_readiness`, a page."""

from pyspark.sql import functions as F

from pma.marketing.tables import AD_SPEND, CONTEXT, CONVERSIONS, EXCHANGE_RATES
from pma.mmm.bike_events import read_bike_events
from pma.mmm.calendar import CALENDAR, calendar_weeks, mondays, public_holidays, records
from pma.mmm.geo_panel import Judge
from pma.mmm.panel import Feeds, extent, mmm_input
from pma.mmm.readiness import readiness, require_judged
from pma.mmm.tables import MMM_INPUT, MMM_READINESS
from pma.mmm.variables import read_variables
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
        span = extent(feeds, regions)
        holidays = public_holidays(span.countries, range(span.first_day.year, span.last_day.year + 2))
        weeks = mondays(span.first_day, span.last_day)
        days = records(calendar_weeks(span.countries, weeks, holidays, events, room.panel))
        calendar = run.spark.createDataFrame(days, CALENDAR)
        made = mmm_input(feeds, calendar, regions, rules, room.panel, origin)
        tables.replace(MMM_INPUT, made.withColumn("run_id", F.lit(run.run_id)))
        judge = Judge(room.readiness, rules, tables.read(EXCHANGE_RATES).toPandas(), regions)
        found = readiness(tables.read(MMM_INPUT), spend, judge, origin, settings.parallel)
        rows = run.spark.createDataFrame(records(found.assign(run_id=run.run_id)), MMM_READINESS.schema)
        tables.replace(MMM_READINESS, rows)
        print(f"{readiness_text(found)}\n{write_readiness_page(found, settings.report.path).resolve()}")
        require_judged(found, settings.parallel)


if __name__ == "__main__":
    main()
