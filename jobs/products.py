"""Vectors of products and of their clusters, and the two blocks of a customer that come from them."""

from functools import partial

from pyspark.sql import DataFrame

from pma.embeddings.blocks import learned_once, write_block
from pma.embeddings.clusters import cluster_vectors, product_clusters
from pma.embeddings.history import history
from pma.embeddings.opportunities import opportunity_block, opportunity_clusters
from pma.embeddings.plan import make_plan
from pma.embeddings.products import product_vectors, top_products_block
from pma.embeddings.tables import CLUSTER_VECTORS, PRODUCT_VECTORS
from pma.runs import job_run
from pma.sources.tables import PRODUCTS, PURCHASES


def main(argv: list[str] | None = None) -> None:
    """A model whose vectors are in the tables is not trained again."""
    with job_run("products", argv) as run:
        tables, room = run.tables, run.settings.embeddings
        plan = make_plan(tables, run.settings)
        purchases, products = tables.read(PURCHASES), tables.read(PRODUCTS)

        def clustered() -> DataFrame:
            found = product_vectors(purchases, products, plan.trained_as_of, room.products).persist()
            return found.join(product_clusters(found, room.clusters), on="product_id", how="left")

        vectors = learned_once(tables, plan, PRODUCT_VECTORS, clustered)
        of_clusters = partial(cluster_vectors, purchases, products, vectors, plan.trained_as_of, room.clusters)
        clusters = learned_once(tables, plan, CLUSTER_VECTORS, of_clusters)
        seen = history(purchases, plan.block_dates)
        write_block(tables, plan, "products", top_products_block(seen, vectors, room.products))
        lacking = opportunity_clusters(purchases, vectors, clusters, plan.block_dates, room.clusters)
        write_block(tables, plan, "opportunities", opportunity_block(lacking, clusters, room.clusters))


if __name__ == "__main__":
    main()
