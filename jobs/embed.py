"""Join all blocks into one vector per customer and date: `bl.customer_embeddings` and `bl.embedding_models`."""

from pyspark.sql import functions as F

from pma.embeddings.autoencoder import AUTOENCODER_FILE, Autoencoder
from pma.embeddings.plan import make_plan
from pma.embeddings.repository import encode, model_row, people, require_blocks, warn_of_kept
from pma.embeddings.tables import CUSTOMER_BLOCKS, CUSTOMER_EMBEDDINGS, EMBEDDING_MODELS
from pma.embeddings.whitening import WHITENING_FILE, fit_whitening, load_whitening, save_whitening
from pma.runs import job_run
from pma.sources.tables import CUSTOMERS, PURCHASES


def main(argv: list[str] | None = None) -> None:
    """Whitening is fitted once, on the customers of the training date; rows that are there are never changed."""
    with job_run("embed", argv) as run:
        tables, settings = run.tables, run.settings.embeddings
        plan = make_plan(tables, run.settings)
        blocks = tables.read(CUSTOMER_BLOCKS).where(plan.where).drop("model_version")
        folder = plan.folder(run.settings.artifacts)
        network = Autoencoder.load(folder / AUTOENCODER_FILE)
        require_blocks(blocks, settings.repository.weights, plan.block_dates)
        if not (folder / WHITENING_FILE).exists():
            trained = blocks.where(F.col("as_of_date") == F.lit(plan.trained_as_of))
            save_whitening(fit_whitening(trained, settings.repository), folder)
        whitenings = load_whitening(folder)
        everyone = people(tables.read(CUSTOMERS), tables.read(PURCHASES), plan.as_of_dates)
        rows = plan.stamp(encode(everyone, blocks, whitenings)).withColumn("run_id", F.lit(run.run_id)).persist()
        tables.merge(CUSTOMER_EMBEDDINGS, rows, update=False)
        warn_of_kept(tables.read(CUSTOMER_EMBEDDINGS).where(plan.where), rows)
        model = model_row(run.spark, plan, whitenings, network.metrics, settings, run.run_id)
        tables.merge(EMBEDDING_MODELS, model, update=False)


if __name__ == "__main__":
    main()
