"""Train the autoencoder on rolling dates under Horovod, and write the block of purchase metrics."""

from pyspark.sql import functions as F

from pma.embeddings.blocks import write_block
from pma.embeddings.encoding import encode_purchases
from pma.embeddings.features import require_numbering
from pma.embeddings.launch import train_once
from pma.embeddings.plan import make_plan
from pma.embeddings.tables import CUSTOMER_FEATURES, FEATURE_DICTIONARY, FEATURE_SCALES
from pma.embeddings.training import training_request
from pma.embeddings.training_rows import mounted
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """A model whose file is there is not trained again; a killed training goes on from its checkpoint."""
    with job_run("autoencoder", argv) as run:
        tables, settings = run.tables, run.settings.embeddings.autoencoder
        plan = make_plan(tables, run.settings)
        folder = plan.folder(run.settings.artifacts)
        request = training_request(folder, settings, run.run_id)
        features = plan.measured(tables.read(CUSTOMER_FEATURES))
        named, scales = tables.read(FEATURE_DICTIONARY), tables.read(FEATURE_SCALES).where(plan.where)
        training_rows = features.where(F.col("as_of_date").isin(*plan.training_dates))
        train_once(training_rows, named.join(scales, on="feature_index", how="inner"), request)
        require_numbering(named, run.spark.read.parquet(mounted(run.spark, request.dictionary)), str(folder))
        rows = features.where(F.col("as_of_date").isin(*plan.block_dates))
        write_block(tables, plan, "purchases", encode_purchases(rows, request.model))


if __name__ == "__main__":
    main()
