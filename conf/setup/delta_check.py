"""Write and read one Delta table with nothing but the jars beside Spark: the end of the set-up proves itself."""

import tempfile

from pyspark.sql import SparkSession

with tempfile.TemporaryDirectory() as folder:
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.databricks.delta.snapshotPartitions", "1")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .getOrCreate()
    )
    spark.range(3).coalesce(1).write.format("delta").save(f"{folder}/three")
    rows = sorted(row.id for row in spark.read.format("delta").load(f"{folder}/three").collect())
    spark.stop()
    if rows != [0, 1, 2]:
        raise SystemExit(f"Delta wrote 0, 1, 2 and read {rows}")
