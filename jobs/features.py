"""Measure what every customer bought before each date: `st_il.customer_features` and the names of its columns."""

from pyspark.sql import functions as F

from pma.embeddings.features import dictionary, feature_scales, measure
from pma.embeddings.plan import make_plan
from pma.embeddings.tables import CUSTOMER_FEATURES, FEATURE_DICTIONARY, FEATURE_SCALES
from pma.runs import job_run
from pma.sources.tables import PRODUCTS, PURCHASES, STORES
from pma.tables import TableError


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
        if not names.join(named, on="name", how="left_anti").isEmpty():
            raise TableError(f"{FEATURE_DICTIONARY.name}: another run has just taken the same indices. Fix: run again")
        features = measure(tables.read(PURCHASES), products, named, plan.feature_dates, settings)
        features = features.withColumn("measured_with", F.lit(plan.measured_with))
        days = ", ".join(f"'{day}'" for day in plan.feature_dates)
        tables.replace(CUSTOMER_FEATURES, features, where=f"as_of_date IN ({days})")
        trained = tables.read(CUSTOMER_FEATURES).where(f"as_of_date = '{plan.trained_as_of}'")
        scales = feature_scales(trained, settings)
        tables.replace(FEATURE_SCALES, plan.stamp(scales), where=plan.where)
        if not tables.has(FEATURE_SCALES, plan.where):
            raise TableError(
                f"st_il.feature_scales: no feature is had by {settings.min_customers} customers before "
                f"{plan.trained_as_of}. Fix: load more customers, or lower embeddings.features.min_customers"
            )


if __name__ == "__main__":
    main()
