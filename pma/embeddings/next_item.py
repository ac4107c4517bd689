"""Next item: does a product vector find the product left out of a later basket?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.embeddings.settings import NextItemSettings, SgnsSettings

CHUNK = 512  # queries ranked at once: bounds the score matrix, whatever the catalogue


@dataclass(frozen=True)
class Space:
    """Product vectors in memory: `products` in the row order of `vectors`, float32 (products, size)."""

    products: tuple[str, ...]
    vectors: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Hits:
    """Hits and left-out products per test basket: two integer arrays of equal length."""

    hits: npt.NDArray[np.int64]
    queries: npt.NDArray[np.int64]

    @property
    def rate(self) -> float:
        """Share of left-out products that were found."""
        return float(self.hits.sum() / self.queries.sum())

    def interval(self) -> tuple[float, float]:
        """95 % interval of the rate; baskets are independent, the products of one basket are not."""
        residual = self.hits - self.rate * self.queries
        error = 1.96 * float(np.sqrt((residual**2).sum()) / self.queries.sum())
        return self.rate - error, self.rate + error


def ratio(left: Hits, right: Hits) -> tuple[float, float, float]:
    """Return left.rate / right.rate over the same baskets with its 95 % interval (paired, delta method).

    Raises ValueError if the two were measured on different baskets or the right one has no hit.
    """
    if not np.array_equal(left.queries, right.queries):
        raise ValueError("next item: the two arms rank different baskets; give both the same list")
    if right.hits.sum() == 0:
        raise ValueError("next item: the reference arm has no hit, so there is no ratio; draw more test baskets")
    value = left.rate / right.rate
    error = 1.96 * float(np.sqrt(((left.hits - value * right.hits) ** 2).sum()) / right.hits.sum())
    return value, value - error, value + error


def later_baskets(purchases: DataFrame, as_of: date, settings: NextItemSettings) -> list[list[str]]:
    """Collect the products of the test baskets: from `as_of` on, `settings.days` long, two products or more.

    At most `settings.baskets` of them, drawn by hash of basket_id, so that a rerun draws the same.
    """
    after = F.col("purchased_at") >= F.lit(as_of).cast("timestamp")
    until = F.col("purchased_at") < F.lit(as_of + timedelta(days=settings.days)).cast("timestamp")
    drawn = (
        purchases.where(after & until)
        .groupBy("basket_id")
        .agg(F.sort_array(F.collect_set("product_id")).alias("products"))
        .where(F.size("products") > 1)
        .orderBy(F.xxhash64("basket_id", F.lit(settings.seed)), "basket_id")
        .limit(settings.baskets)
    )
    return [list(row.products) for row in drawn.collect()]


def space(vectors: DataFrame) -> Space:
    """Collect vectors (`product_id`, `vector`) into memory, in the order of product_id."""
    rows = vectors.select("product_id", "vector").orderBy("product_id").toPandas()
    stacked = np.stack(rows["vector"].to_list()).astype(np.float32)
    return Space(tuple(rows["product_id"]), stacked)


def sgns_space(sentences: DataFrame, settings: SgnsSettings) -> Space:
    """Fit gensim's SGNS on the same baskets on one machine, one worker: equal input, equal vectors.

    sentences: `sentence_id`, `words`; collected to the driver: a measure on one machine, no step of the pipeline.
    Each basket is shuffled once with the seed, and the vectors are centred, as Spark's are.
    """
    from gensim.models import Word2Vec

    rng = np.random.default_rng(settings.seed)
    rows = sentences.select("sentence_id", "words").orderBy("sentence_id").toPandas()
    baskets = [list(rng.permutation(words)) for words in rows["words"]]
    model = Word2Vec(
        [baskets[i] for i in rng.permutation(len(baskets))],
        sg=1,
        hs=0,
        vector_size=settings.vector_size,
        window=settings.window,
        alpha=settings.step_size,
        epochs=settings.epochs,
        negative=settings.negative,
        ns_exponent=settings.ns_exponent,
        sample=settings.sample,
        min_count=settings.min_count,
        seed=settings.seed,
        workers=1,
    )
    vectors = model.wv.vectors
    return Space(tuple(model.wv.index_to_key), (vectors - vectors.mean(axis=0)).astype(np.float32))


def next_item_hits(learned: Space, baskets: Sequence[Sequence[str]], k: int) -> Hits:
    """Leave every product of every basket out once and rank the whole catalogue by the rest of the basket.

    The query is the mean of the other products' vectors at length 1; products are ranked by cosine; the products of
    the basket itself cannot be answers. A left-out product without a vector, or whose basket holds no other product
    with one, is a miss and counts. Ties go against the left-out product.
    """
    unit = learned.vectors / np.maximum(np.linalg.norm(learned.vectors, axis=1, keepdims=True), 1e-12)
    place = {product: i for i, product in enumerate(learned.products)}
    known = [np.array([place[p] for p in basket if p in place], dtype=np.int64) for basket in baskets]
    owner = np.repeat(np.arange(len(baskets)), [len(rows) if len(rows) > 1 else 0 for rows in known])
    targets = np.concatenate([rows for rows in known if len(rows) > 1] or [np.empty(0, dtype=np.int64)])
    sums = np.stack([unit[rows].sum(axis=0) for rows in known]) if known else np.empty((0, unit.shape[1]))
    hits = np.zeros(len(baskets), dtype=np.int64)
    for start in range(0, len(targets), CHUNK):
        rows, target = owner[start : start + CHUNK], targets[start : start + CHUNK]
        scores = (sums[rows] - unit[target]) @ unit.T
        at_target = scores[np.arange(len(target)), target].copy()
        for i, row in enumerate(rows):
            scores[i, known[row]] = -np.inf
        ahead = (scores >= at_target[:, None]).sum(axis=1)
        np.add.at(hits, rows, ahead < k)
    return Hits(hits, np.array([len(basket) for basket in baskets], dtype=np.int64))


def popularity_hits(counts: dict[str, int], baskets: Sequence[Sequence[str]], k: int) -> Hits:
    """Count the hits of the peer without vectors: the most bought products that the rest of the basket does not hold.

    counts: purchases by product_id before as_of; equal counts by product_id.
    """
    order = sorted(counts, key=lambda product: (-counts[product], product))
    rank = {product: i for i, product in enumerate(order)}
    found = []
    for basket in baskets:
        ranks = sorted(rank[product] for product in basket if product in rank)
        # The i-th best ranked product of the basket has i others of the basket before it, which are no answers.
        found.append(sum(at - i < k for i, at in enumerate(ranks)))
    return Hits(np.array(found, dtype=np.int64), np.array([len(basket) for basket in baskets], dtype=np.int64))
