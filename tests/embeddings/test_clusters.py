"""Two kinds of customers, four kinds of products: clusters, segments and opportunities that can be told by hand."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from pma.embeddings.clusters import ClusterError, cluster_vectors, product_clusters
from pma.embeddings.opportunities import cluster_profiles, opportunity_block, opportunity_clusters
from pma.embeddings.settings import ClusterSettings, Word2VecSettings

AS_OF = date(2017, 6, 1)
MIDNIGHT = datetime(2017, 6, 1, tzinfo=UTC)
SETTINGS = ClusterSettings(
    clusters=4,
    segments=2,
    top=2,
    word2vec=Word2VecSettings(ordered=True, copies=1, vector_size=4, min_count=1, max_iter=3),
)
LINE = (
    "customer_id string, basket_id string, product_id string, store_id string, purchased_at timestamp, "
    "quantity double, spend double, discount double"
)
KINDS = ("bread", "jam", "nails", "paint")
AXIS = {kind: np.eye(4)[i] for i, kind in enumerate(KINDS)}


def line(customer, product, days_ago, basket=None):
    basket = basket or f"{customer}-{days_ago}"
    return (customer, basket, f"{product}0", "s1", MIDNIGHT - timedelta(days=days_ago), 1.0, 1.0, 0.0)


def receipts():
    """Bakers buy bread and jam, builders nails and paint; one baker buys no jam, one builder hardly any paint."""
    rows = [line(f"baker{i}", kind, day) for i in range(5) for kind in ("bread", "jam") for day in range(1, 9)]
    rows += [line(f"builder{i}", kind, day) for i in range(5) for kind in ("nails", "paint") for day in range(1, 9)]
    rows += [line("dry baker", "bread", day) for day in range(1, 9)]
    rows += [line("grey builder", "nails", day) for day in range(1, 9)] + [line("grey builder", "paint", 1)]
    return rows


def vectors(spark):
    rng = np.random.default_rng(2)
    rows = [
        (f"{kind}{i}", [float(x) for x in 3 * AXIS[kind] + rng.normal(0, 0.2, 4)], "word2vec" if i < 5 else "type")
        for kind in KINDS
        for i in range(6)
    ]
    return spark.createDataFrame(rows, "product_id string, vector array<float>, source string")


@pytest.fixture(scope="module")
def clusters(spark):
    return product_clusters(vectors(spark), SETTINGS).localCheckpoint()


@pytest.fixture(scope="module")
def number(clusters):
    """The number that k-means gave to each kind."""
    return {row.product_id[:-1]: row.cluster_id for row in clusters.collect() if row.product_id.endswith("0")}


@pytest.fixture(scope="module")
def products(spark):
    rows = [(f"{kind}{i}", "shop", None, kind) for kind in KINDS for i in range(6)]
    return spark.createDataFrame(rows, "product_id string, department string, category string, type string")


@pytest.fixture(scope="module")
def model(spark, products, clusters):
    lines = spark.createDataFrame(receipts(), LINE)
    return cluster_vectors(lines, products, clusters, AS_OF, SETTINGS).localCheckpoint()


def test_each_kind_is_one_cluster_fallback_products_included(clusters, number):
    assert sorted(number.values()) == [0, 1, 2, 3]
    rows = {row.product_id: row.cluster_id for row in clusters.collect()}
    assert rows == {f"{kind}{i}": number[kind] for kind in KINDS for i in range(6)}


def test_clusters_do_not_depend_on_the_order_of_the_rows(spark, clusters):
    mixed = product_clusters(vectors(spark).orderBy("vector"), SETTINGS)
    assert sorted(mixed.collect()) == sorted(clusters.collect())


def test_more_clusters_than_products_is_an_error(spark):
    with pytest.raises(ClusterError, match=r"learned 20 products, .* asks for 21 clusters.*Fix"):
        product_clusters(vectors(spark), SETTINGS.model_copy(update={"clusters": 21}))


def test_a_profile_is_the_share_of_visits_at_length_one(spark, clusters, number):
    # Two lines of one basket are one visit; a visit outside the window is none.
    lines = [line("ann", "bread", d) for d in (1, 2, 3)] + [line("ann", "jam", d) for d in (1, 2, 3, 4)]
    lines += [(*line("ann", "jam", 4, "ann-4b")[:2], "jam1", *line("ann", "jam", 4)[3:])]
    lines += [(*line("ann", "bread", 1)[:2], "bread1", *line("ann", "bread", 1)[3:]), line("ann", "nails", 31)]
    settings = SETTINGS.model_copy(update={"window_days": 30})
    rows = cluster_profiles(spark.createDataFrame(lines, LINE), clusters, [AS_OF], settings).collect()
    length = np.sqrt(3**2 + 5**2)
    assert {(row.customer_id, row.as_of_date, row.cluster_id): row.share for row in rows} == {
        ("ann", AS_OF, number["bread"]): pytest.approx(3 / length),
        ("ann", AS_OF, number["jam"]): pytest.approx(5 / length),
    }


def test_each_cluster_has_its_size_its_label_and_its_share_in_every_segment(model, number):
    rows = {row.cluster_id: row for row in model.collect()}
    assert {c: (row.products, row.label) for c, row in rows.items()} == {number[kind]: (6, kind) for kind in KINDS}
    # Five bakers at (1, 1)/sqrt 2 and the dry one at (1, 0); builders alike with (8, 1)/sqrt 65.
    half = np.sqrt(0.5)
    baker = {"bread": (5 * half + 1) / 6, "jam": 5 * half / 6, "nails": 0, "paint": 0}
    builder = {
        "bread": 0,
        "jam": 0,
        "nails": (5 * half + 8 / np.sqrt(65)) / 6,
        "paint": (5 * half + 1 / np.sqrt(65)) / 6,
    }
    order = [baker, builder] if rows[number["bread"]].segments[0] > 0 else [builder, baker]
    for kind in KINDS:
        assert rows[number[kind]].segments == pytest.approx([segment[kind] for segment in order], abs=1e-6)


def test_clusters_bought_by_the_same_customers_lie_nearer(model, number):
    vector = {row.cluster_id: np.array(row.vector) for row in model.collect()}

    def cosine(left, right):
        x, y = vector[number[left]], vector[number[right]]
        return x @ y / np.linalg.norm(x) / np.linalg.norm(y)

    assert cosine("bread", "jam") > cosine("bread", "nails")
    assert cosine("nails", "paint") > cosine("jam", "paint")


def test_an_opportunity_is_what_similar_customers_buy_and_he_does_not(spark, clusters, model, number):
    rows = opportunity_clusters(spark.createDataFrame(receipts(), LINE), clusters, model, [AS_OF], SETTINGS).collect()
    half = np.sqrt(0.5)
    found = {(row.customer_id, row.cluster_id): row.score for row in rows}
    assert {key: score for key, score in found.items() if " " in key[0]} == {
        ("dry baker", number["jam"]): pytest.approx(5 * half / 6, abs=1e-6),
        ("grey builder", number["paint"]): pytest.approx((5 * half + 1 / np.sqrt(65)) / 6 - 1 / np.sqrt(65), abs=1e-6),
    }
    # The others buy a little less bread or nails than the average of their kind, which is not far less.
    assert {key for key in found if " " not in key[0]} == set()


def test_how_much_less_is_far_less_is_a_setting(spark, clusters, model, number):
    lines = spark.createDataFrame(receipts(), LINE)
    lenient = SETTINGS.model_copy(update={"far_less": 1.0})
    rows = opportunity_clusters(lines, clusters, model, [AS_OF], lenient).collect()
    assert {(row.customer_id, row.cluster_id) for row in rows if " " not in row.customer_id} == {
        *((f"baker{i}", number["bread"]) for i in range(5)),
        *((f"builder{i}", number["nails"]) for i in range(5)),
    }


def test_the_block_is_the_mean_of_the_cluster_vectors_by_score(spark):
    model = spark.createDataFrame([(0, [1.0, 0.0]), (1, [0.0, 1.0])], "cluster_id int, vector array<float>")
    rows = [("ann", AS_OF, 0, 0.6), ("ann", AS_OF, 1, 0.2), ("bob", AS_OF, 1, 0.1)]
    opportunities = spark.createDataFrame(rows, "customer_id string, as_of_date date, cluster_id int, score double")
    settings = SETTINGS.model_copy(update={"word2vec": Word2VecSettings(vector_size=2)})
    block = opportunity_block(opportunities, model, settings).collect()
    assert {(row.customer_id, row.as_of_date): row.vector for row in block} == {
        ("ann", AS_OF): pytest.approx([0.75, 0.25]),
        ("bob", AS_OF): [0.0, 1.0],
    }


def test_purchases_from_as_of_on_change_nothing(spark, products, clusters, model):
    later = [line("dry baker", kind, 0, f"later {kind}") for kind in KINDS]
    lines = spark.createDataFrame(later + receipts(), LINE)
    assert sorted(cluster_vectors(lines, products, clusters, AS_OF, SETTINGS).collect()) == sorted(model.collect())
