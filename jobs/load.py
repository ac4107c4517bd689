"""Load purchases, products, stores and customers from their sources into `il`."""

from functools import partial

from pma.runs import job_run
from pma.sources.external import read_mapped
from pma.sources.landing import land
from pma.sources.purchases import check_dimension, check_purchases, complete_customers, latest_clock
from pma.sources.states import FILLED, read_states, with_states
from pma.sources.tables import CUSTOMERS, PRODUCTS, PURCHASES, STORES


def main(argv: list[str] | None = None) -> None:
    """Dimensions first: a receipt line is judged against them."""
    with job_run("load", argv) as run:
        tables, settings = run.tables, run.settings.sources
        states = read_states(run.settings.rules)
        mapped = partial(read_mapped, run.spark, settings)
        land(tables, PRODUCTS, check_dimension(mapped(PRODUCTS), PRODUCTS), settings.max_refused_share)
        stores = with_states(mapped(STORES, FILLED), states)
        land(tables, STORES, check_dimension(stores, STORES), settings.max_refused_share)
        judged = check_purchases(
            mapped(PURCHASES), tables.read(PRODUCTS), tables.read(STORES), settings, latest_clock()
        )
        land(tables, PURCHASES, judged, settings.max_refused_share)
        customers = complete_customers(mapped(CUSTOMERS), tables.read(PURCHASES))
        land(tables, CUSTOMERS, check_dimension(customers, CUSTOMERS), settings.max_refused_share)


if __name__ == "__main__":
    main()
