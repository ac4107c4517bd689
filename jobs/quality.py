"""Measure what the vectors are worth, write `bl.embedding_quality`, and print it as a short table."""

from concurrent.futures import ThreadPoolExecutor

from pma.embeddings.measures import judge_name, measure_model, next_item_rows, quality_cuts, require_model, short_table
from pma.embeddings.plan import make_plan
from pma.embeddings.tables import EMBEDDING_QUALITY, PRODUCT_VECTORS
from pma.runs import job_run
from pma.sources.tables import PRODUCTS, PURCHASES


def main(argv: list[str] | None = None) -> None:
    """A model that was measured at the same cut with the same settings is printed again, not measured again."""
    with job_run("quality", argv) as run:
        tables, room = run.tables, run.settings.embeddings
        plan = make_plan(tables, run.settings)
        require_model(tables, plan)
        purchases, vectors = tables.read(PURCHASES), tables.read(PRODUCT_VECTORS).where(plan.where)
        cuts = quality_cuts(purchases, plan, room.penetration)
        judged_with = judge_name(room, cuts)
        judged_at = [f"'{cut}'" for cut in (plan.trained_as_of, *([cuts.test] if cuts else []))]
        here = f"{plan.where} AND cut IN ({', '.join(judged_at)})"
        tables.ensure(EMBEDDING_QUALITY)
        known = f"{plan.where} AND cut = {judged_at[-1]} AND judged_with = '{judged_with}'"
        if not tables.has(EMBEDDING_QUALITY, known):
            # gensim computes on one core for a minute or more: meanwhile all the rest.
            with ThreadPoolExecutor(max_workers=1) as beside:
                next_items = beside.submit(next_item_rows, purchases, vectors, plan, room)
                found = measure_model(tables, plan, cuts, run.settings) if cuts else []
                found += next_items.result()
            rows = [(plan.model_version, *row, judged_with, run.run_id) for row in found]
            measured = run.spark.createDataFrame(rows, EMBEDDING_QUALITY.schema)
            tables.replace(EMBEDDING_QUALITY, measured, where=here)
        print(short_table(tables.read(EMBEDDING_QUALITY).where(here), vectors, tables.read(PRODUCTS)))


if __name__ == "__main__":
    main()
