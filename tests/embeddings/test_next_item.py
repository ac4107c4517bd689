"""The leave-one-out measure against cases small enough to rank by hand."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from pma.embeddings.next_item import (
    Hits,
    Space,
    later_baskets,
    next_item_hits,
    popularity_hits,
    ratio,
    sgns_space,
)
from pma.embeddings.settings import NextItemSettings, SgnsSettings

# Angles in degrees: a, b, c lie together, z stands far off.
ANGLES = {"a": 0, "b": 10, "c": 25, "z": 170}
PLANE = Space(
    tuple(ANGLES), np.array([[np.cos(np.radians(t)), np.sin(np.radians(t))] for t in ANGLES.values()], dtype=np.float32)
)


def counts(hits):
    return hits.hits.tolist(), hits.queries.tolist()


def test_hits_are_ranked_over_the_catalogue_without_the_rest_of_the_basket():
    # {a, b}: each is first for the other. {a, c}: b lies nearer to both, so neither is first.
    assert counts(next_item_hits(PLANE, [["a", "b"], ["a", "c"]], k=1)) == ([2, 0], [2, 2])
    assert counts(next_item_hits(PLANE, [["a", "b"], ["a", "c"]], k=2)) == ([2, 2], [2, 2])
    # {a, b, c}: b is first for a and c; a and c have only z beside them.
    assert counts(next_item_hits(PLANE, [["a", "b", "c"]], k=1)) == ([3], [3])


def test_an_unknown_product_is_a_miss_and_counts():
    assert counts(next_item_hits(PLANE, [["a", "b", "new"], ["a", "new"]], k=1)) == ([2, 0], [3, 2])


def test_equal_vectors_are_no_free_hit():
    same = Space(PLANE.products, np.ones((4, 2), dtype=np.float32))
    assert counts(next_item_hits(same, [["a", "b"]], k=2)) == ([0], [2])


def test_popularity_skips_what_the_basket_holds():
    bought = {"p": 9, "q": 5, "r": 5, "s": 1}
    # p is first; q is first once p is in the basket; r has q before it; s has three before it, p and q of them held.
    assert counts(popularity_hits(bought, [["p", "q"], ["p", "r"], ["p", "q", "s"], ["new", "p"]], k=1)) == (
        [2, 1, 2, 1],
        [2, 2, 3, 2],
    )


def test_the_interval_is_that_of_whole_baskets():
    hits = Hits(np.array([1, 0, 3]), np.array([2, 2, 4]))
    # residuals 1 - 1, 0 - 1, 3 - 2 around the rate 4/8
    error = 1.96 * np.sqrt(2) / 8
    assert (hits.rate, *hits.interval()) == pytest.approx((0.5, 0.5 - error, 0.5 + error))


def test_the_ratio_of_equal_arms_is_one_without_error():
    hits = Hits(np.array([1, 0, 3]), np.array([2, 2, 4]))
    assert ratio(hits, hits) == (1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="different baskets"):
        ratio(hits, Hits(np.array([1]), np.array([2])))


def test_test_baskets_lie_between_as_of_and_its_window(spark):
    def line(basket, product, day):
        return (basket, product, datetime(2017, 11, *day, tzinfo=UTC))

    rows = [
        line("early", "p", (19, 23, 59)),
        line("early", "q", (19, 23, 59)),
        line("first", "q", (20, 0, 0)),
        line("first", "p", (20, 0, 0)),
        line("single", "p", (21, 9, 0)),
        line("last", "p", (26, 23, 59)),
        line("last", "r", (26, 23, 59)),
        line("late", "p", (27, 0, 0)),
        line("late", "q", (27, 0, 0)),
    ]
    frame = spark.createDataFrame(rows, "basket_id string, product_id string, purchased_at timestamp")
    settings = NextItemSettings(days=7)
    assert sorted(later_baskets(frame, date(2017, 11, 20), settings)) == [["p", "q"], ["p", "r"]]
    one = later_baskets(frame, date(2017, 11, 20), settings.model_copy(update={"baskets": 1}))
    assert one == later_baskets(
        frame.orderBy("product_id"), date(2017, 11, 20), settings.model_copy(update={"baskets": 1})
    )
    assert len(one) == 1


def test_sgns_is_reproducible_and_finds_the_planted_worlds(spark):
    pytest.importorskip("gensim")
    rng = np.random.default_rng(3)
    baskets = [
        [str(p) for p in rng.choice([f"{'ab'[i % 2]}{n}" for n in range(8)], 4, replace=False)] for i in range(200)
    ]
    rows = spark.createDataFrame(
        [(f"s{i}", words) for i, words in enumerate(baskets)], "sentence_id string, words array<string>"
    )
    # Among so few products each is frequent: thinned, hardly a basket would be left.
    settings = SgnsSettings(vector_size=8, min_count=1, step_size=0.15, epochs=20, sample=0)
    first, again = sgns_space(rows, settings), sgns_space(rows.orderBy("words"), settings)
    assert first.products == again.products
    assert np.array_equal(first.vectors, again.vectors)
    # 7 of the 15 other products are of the same world: by chance about half of the hits.
    held_out = [[f"a{i}", f"a{(i + 3) % 8}"] for i in range(8)] + [[f"b{i}", f"b{(i + 3) % 8}"] for i in range(8)]
    assert next_item_hits(first, held_out, k=7).rate == 1.0
