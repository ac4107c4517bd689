"""Measure what every customer bought before each date: `st_il.customer_features` and the names of its columns."""

from pyspark.sql import functions as F

from pma.embeddings.features import dictionary, feature_scales, measure, require_named, require_scales
from pma.embeddings.plan import make_plan
from pma.embeddings.tables import CUSTOMER_FEATURES, FEATURE_DICTIONARY, FEATURE_SCALES
from pma.runs import job_run
from pma.sources.tables import PRODUCTS, PURCHASES, STORES


def main(argv: list[str] | None = None) -> None:
    """Dictionary first: its indices name the values."""
    with job_run("features", argv) as run:
        tables, settings = run.tables, run.settings.embeddings.features
        plan = make_plan(tables, run.settings)
        products = tables.read(PRODUCTS)
        tables.ensure(FEATURE_DICTIONARY)
        names = dictionary(products, tables.read(STORES), settings, tables.read(FEATURE_DICTIONARY))
        tables.merge(FEATURE_DICTIONARY, names, update=False)
        named = tables.read(FEATURE_DICTIONARY)
        require_named(names, named)
        features = measure(tables.read(PURCHASES), products, named, plan.feature_dates, settings)
        features = features.withColumn("measured_with", F.lit(plan.measured_with))
        days = ", ".join(f"'{day}'" for day in plan.feature_dates)
        tables.replace(CUSTOMER_FEATURES, features, where=f"as_of_date IN ({days})")
        trained = tables.read(CUSTOMER_FEATURES).where(f"as_of_date = '{plan.trained_as_of}'")
        tables.replace(FEATURE_SCALES, plan.stamp(feature_scales(trained, settings)), where=plan.where)
        require_scales(tables.read(FEATURE_SCALES).where(plan.where), settings, plan.trained_as_of)


if __name__ == "__main__":
    main()
