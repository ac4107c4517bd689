"""Uploads, orders and conversions, and which sessions they are credited to: `st_il.st_event_attribution`."""

from functools import partial

from pma.marketing.attribution import attribute
from pma.marketing.conversions import conversions
from pma.marketing.markov import EFFECTS, removal_effects, transition_counts
from pma.marketing.tables import CONVERSIONS, EVENT_ATTRIBUTION, LISTINGS, ORDERS, SESSIONS
from pma.marketing.touches import touches
from pma.runs import job_run
from pma.sources.external import read_mapped
from pma.sources.landing import land
from pma.sources.orders import check_listings, check_orders
from pma.sources.purchases import latest_clock


def main(argv: list[str] | None = None) -> None:
    """Listings first: an order is judged against them. All is computed anew: late sessions change old credit."""
    with job_run("attribution", argv) as run:
        tables, settings = run.tables, run.settings.marketing.attribution
        feeds = run.settings.feeds.located()
        mapped = partial(read_mapped, run.spark, feeds, section="feeds")
        landed = partial(land, tables, max_refused_share=feeds.max_refused_share, section="feeds")
        landed(LISTINGS, check_listings(mapped(LISTINGS), latest_clock()))
        listings = tables.read(LISTINGS)
        landed(ORDERS, check_orders(mapped(ORDERS), listings, latest_clock()))
        tables.replace(CONVERSIONS, conversions(listings, tables.read(ORDERS), feeds.data_origin))
        sold, sessions = tables.read(CONVERSIONS), tables.read(SESSIONS)
        touched = touches(sold, sessions, settings).persist()
        counts = transition_counts(touched, sold, sessions, settings).toPandas()
        effects = run.spark.createDataFrame(removal_effects(counts), EFFECTS)
        tables.replace(EVENT_ATTRIBUTION, attribute(touched, effects, settings))
        tables.say_origin(feeds.data_origin, LISTINGS, ORDERS, EVENT_ATTRIBUTION)


if __name__ == "__main__":
    main()
