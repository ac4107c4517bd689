"""Train the autoencoder on rolling dates under Horovod, and write the block of purchase metrics."""

from pathlib import Path

from pyspark.sql import functions as F

from pma.embeddings.blocks import write_block
from pma.embeddings.encoding import encode_purchases
from pma.embeddings.features import require_numbering
from pma.embeddings.launch import launch_training, only_trainer
from pma.embeddings.plan import make_plan
from pma.embeddings.tables import CUSTOMER_FEATURES, FEATURE_DICTIONARY, FEATURE_SCALES
from pma.embeddings.training import training_request
from pma.embeddings.training_rows import mounted, write_training_rows
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """A model whose file is there is not trained again; a killed training goes on from its checkpoint."""
    with job_run("autoencoder", argv) as run:
        tables, settings = run.tables, run.settings.embeddings.autoencoder
        plan = make_plan(tables, run.settings)
        folder = plan.folder(run.settings.artifacts)
        request = training_request(folder, settings, run.run_id)
        dictionary = mounted(run.spark, request.dictionary)
        features = plan.measured(tables.read(CUSTOMER_FEATURES))
        with only_trainer(folder):
            if not Path(request.model).exists():
                scales = tables.read(FEATURE_SCALES).where(plan.where)
                named = tables.read(FEATURE_DICTIONARY).join(scales, on="feature_index", how="inner")
                named.coalesce(1).write.mode("overwrite").parquet(dictionary)
                write_training_rows(
                    features.where(F.col("as_of_date").isin(*plan.training_dates)), request.rows, settings.shards
                )
                launch_training(request, run.spark)
        require_numbering(tables.read(FEATURE_DICTIONARY), run.spark.read.parquet(dictionary), str(folder))
        rows = features.where(F.col("as_of_date").isin(*plan.block_dates))
        write_block(tables, plan, "purchases", encode_purchases(rows, request.model))


if __name__ == "__main__":
    main()
