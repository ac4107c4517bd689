"""Vectors of stores and their locations, and the three blocks of a customer that come from his preferred store."""

from functools import partial

from pma.embeddings.area import area_block, area_layout
from pma.embeddings.blocks import learned_once, write_block
from pma.embeddings.history import before, history
from pma.embeddings.location import location_block, location_vectors
from pma.embeddings.plan import make_plan
from pma.embeddings.store import fit_store_vectors, preferred_store, store_block
from pma.embeddings.tables import LOCATION_VECTORS, STORE_VECTORS
from pma.runs import job_run
from pma.sources.states import read_states
from pma.sources.tables import CUSTOMERS, PRODUCTS, PURCHASES, STORES


def main(argv: list[str] | None = None) -> None:
    """A model whose vectors are in the tables is not trained again."""
    with job_run("places", argv) as run:
        tables, room = run.tables, run.settings.embeddings
        plan = make_plan(tables, run.settings)
        purchases, stores, customers = (tables.read(spec) for spec in (PURCHASES, STORES, CUSTOMERS))
        fitted = partial(fit_store_vectors, purchases, tables.read(PRODUCTS), plan.trained_as_of, room.stores)
        vectors = learned_once(tables, plan, STORE_VECTORS, fitted)
        name_of = {state.code: state.name for state in read_states(run.settings.rules).states}
        named = partial(location_vectors, stores, name_of, room.locations)
        locations = learned_once(tables, plan, LOCATION_VECTORS, named)
        preferred = preferred_store(history(purchases, plan.block_dates)).persist()
        write_block(tables, plan, "store", store_block(preferred, vectors))
        # The levels of the demographics are the model's: those of its own time.
        layout = area_layout(customers.join(before(purchases, plan.trained_as_of), on="customer_id", how="left_semi"))
        write_block(tables, plan, "area", area_block(preferred, customers, layout, room.areas))
        write_block(tables, plan, "location", location_block(preferred, stores, locations))


if __name__ == "__main__":
    main()
