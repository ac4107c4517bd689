"""Measure what the vectors are worth, write `bl.embedding_quality`, and print it as a short table."""

from concurrent.futures import ThreadPoolExecutor

from pma.embeddings.measures import measure_model, next_item_rows, short_table
from pma.embeddings.plan import make_plan
from pma.embeddings.tables import EMBEDDING_QUALITY, PRODUCT_VECTORS
from pma.runs import job_run
from pma.sources.tables import PRODUCTS, PURCHASES


def main(argv: list[str] | None = None) -> None:
    """A model that was measured is printed again, not measured again."""
    with job_run("quality", argv) as run:
        tables, room = run.tables, run.settings.embeddings
        plan = make_plan(tables, run.settings)
        if not tables.has(EMBEDDING_QUALITY, plan.where):
            vectors = tables.read(PRODUCT_VECTORS).where(plan.where)
            # gensim computes on one core for a minute or more: meanwhile all the rest.
            with ThreadPoolExecutor(max_workers=1) as beside:
                next_items = beside.submit(next_item_rows, tables.read(PURCHASES), vectors, plan, room)
                found = measure_model(tables, plan, run.settings)
                found += next_items.result()
            rows = [(plan.model_version, *row, run.run_id) for row in found]
            tables.replace(
                EMBEDDING_QUALITY, run.spark.createDataFrame(rows, EMBEDDING_QUALITY.schema), where=plan.where
            )
        measured = tables.read(EMBEDDING_QUALITY).where(plan.where)
        print(short_table(measured, tables.read(PRODUCT_VECTORS).where(plan.where), tables.read(PRODUCTS)))


if __name__ == "__main__":
    main()
