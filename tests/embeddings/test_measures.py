"""The measures of a model as text; `tests/jobs` measures a whole shop."""

from datetime import UTC, date, datetime

import pytest

from pma.embeddings.measures import next_item_rows, short_table
from pma.embeddings.plan import Plan
from pma.embeddings.settings import EmbeddingSettings
from pma.embeddings.tables import EMBEDDING_QUALITY, PRODUCT_VECTORS
from pma.sources.tables import PRODUCTS


@pytest.fixture
def catalogue(spark):
    """Three products that word2vec learned, milk nearest to bread, and one that borrows its vector."""
    learned = {"milk": [1.0, 0.0], "bread": [1.0, 0.1], "soap": [0.0, 1.0]}
    names = PRODUCT_VECTORS.schema.names
    rows = [{"product_id": name, "vector": vector, "source": "word2vec"} for name, vector in learned.items()]
    rows.append({"product_id": "salt", "vector": [1.0, 0.0], "source": "type"})
    fixed = {"model_version": "m", "purchases": 9, "idf": 1.0, "cluster_id": 0}
    cells = [[{**fixed, **row}[name] for name in names] for row in rows]
    vectors = spark.createDataFrame(cells, PRODUCT_VECTORS.schema)
    products = spark.createDataFrame([(name, *[None] * 4, name.upper()) for name in learned], PRODUCTS.schema)
    return vectors, products


def quality(spark, *rows):
    return spark.createDataFrame([("m", *row, "digest", "run") for row in rows], EMBEDDING_QUALITY.schema)


def test_the_short_table_has_a_line_per_arm_best_first_and_the_nearest_products(spark, catalogue):
    measured = quality(
        spark,
        ("penetration", "rfm", "auc", "2017-11-20", 0.6, 0.55, 0.65),
        ("penetration", "embedding", "auc", "2017-11-20", 0.7, 0.65, 0.75),
        ("penetration", "embedding", "lift_at_10", "2017-11-20", 2.5, None, None),
        ("penetration", "embedding", "base_rate", "2017-11-20", 0.1, None, None),
    )
    head, *lines = short_table(measured, *catalogue).splitlines()
    assert " ".join(head.split()) == "task arm measures (95 % interval); the rest in bl.embedding_quality"
    assert [" ".join(line.split()) for line in lines[:2]] == [
        "penetration embedding auc 0.7000 (0.650 to 0.750) lift_at_10 2.5000",
        "penetration rfm auc 0.6000 (0.550 to 0.650)",
    ]
    assert lines[2:] == [
        "",
        "The ten products bought most, and the nearest three of each:",
        "  BREAD: MILK, SOAP",
        "  MILK: BREAD, SOAP",
        "  SOAP: BREAD, MILK",
    ]


def test_where_nothing_was_measured_the_table_says_so(spark, catalogue):
    assert short_table(quality(spark), *catalogue).startswith("Nothing was measured; the log says what is missing.")


def test_more_baskets_than_gensim_may_read_are_measured_without_it(spark, catalogue):
    vectors, _ = catalogue
    cut = date(2017, 11, 20)
    lines = [
        (basket, product, datetime(2017, 11, day, tzinfo=UTC))
        for basket, day in (("b1", 1), ("b2", 2), ("b3", 21))
        for product in ("milk", "bread")
    ]
    purchases = spark.createDataFrame(lines, "basket_id string, product_id string, purchased_at timestamp")
    room = EmbeddingSettings.model_validate({"next_item": {"max_sgns_baskets": 1}})
    rows = next_item_rows(purchases, vectors, Plan("m", "h", cut, (cut,), (cut,), "w"), room)
    # Milk and bread are nearest to each other, and both are among the three most bought.
    assert [row[:5] for row in rows] == [
        ("next_item", "word2vec", "hit_at_10", "2017-11-20", 1.0),
        ("next_item", "popularity", "hit_at_10", "2017-11-20", 1.0),
    ]
