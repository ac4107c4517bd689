"""Spark ML Word2Vec over any sentences: baskets of products, sequences of clusters, words of a receipt."""

from __future__ import annotations

import logging

from pyspark.ml.feature import Word2Vec
from pyspark.ml.functions import vector_to_array
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.embeddings.settings import Word2VecSettings

logger = logging.getLogger(__name__)


class VocabularyError(ValueError):
    """No sentence is left to learn from; the message names the setting to change."""


def word_vectors(sentences: DataFrame, settings: Word2VecSettings, place: str) -> DataFrame:
    """Fit Word2Vec (skip-gram, hierarchical softmax) and return one vector per word of the vocabulary.

    sentences: one row per sentence, key `sentence_id`, with `words` ARRAY<STRING>. place: where the settings stand,
    as `embeddings.products.word2vec`, for the errors.
    Returns `word` STRING (key), `vector` ARRAY<FLOAT> of `settings.vector_size`.
    With one partition, equal sentences, settings and `spark.default.parallelism` (Spark counts words in so many tasks,
    whose order decides between words of equal count) give equal vectors, bit for bit. With more, the tasks of one
    executor write to the same weights at the same time (Spark shares a broadcast value), so that reruns differ.
    Raises VocabularyError if no word is frequent enough or no sentence keeps two words.
    """
    prepared = training_sentences(sentences, settings).persist()
    try:
        count = prepared.count()
        if not count:
            raise VocabularyError(
                f"{place}: no sentence holds two words that occur {settings.min_count} times or more before the "
                f"training date. Fix: lower {place}.min_count, or load more purchases (il.purchases)"
            )
        logger.info("word2vec: %d passes over %d sentences, on %d core", settings.max_iter, count, settings.partitions)
        model = Word2Vec(
            inputCol="words",
            outputCol="vector",
            vectorSize=settings.vector_size,
            windowSize=settings.window,
            stepSize=settings.step_size,
            maxIter=settings.max_iter,
            numPartitions=settings.partitions,
            seed=settings.seed,
            minCount=0,  # rare words are gone already, counted over the sentences as they came
            maxSentenceLength=settings.max_sentence_length,
        ).fit(prepared)
    finally:
        prepared.unpersist()
    return model.getVectors().select("word", vector_to_array(F.col("vector"), "float32").alias("vector"))


def training_sentences(sentences: DataFrame, settings: Word2VecSettings) -> DataFrame:
    """Return what Word2Vec reads: frequent words only, in the order asked for, in one partition and a fixed order.

    Returns one row per sentence and copy that keeps two words or more: `sentence_id`, `copy` INT (key), `words`
    ARRAY<STRING>. Unless `settings.ordered`, every copy holds the words in another order drawn by hash, since the
    order inside a basket carries no meaning and a window sees only near words.
    """
    words = sentences.select("sentence_id", F.posexplode("words").alias("position", "word"))
    counts = words.groupBy("word").agg(F.count("*").alias("occurrences"))
    kept = counts.where(F.col("occurrences") >= settings.min_count)
    total = kept.agg(F.sum("occurrences").alias("total"))
    frequent = kept.crossJoin(F.broadcast(total)).select("word", _keep_probability(settings.sample).alias("keep"))
    return (
        words.join(frequent, "word", "inner")
        .groupBy("sentence_id")
        .agg(F.sort_array(F.collect_list(F.struct("position", "word", "keep"))).alias("entries"))
        .where(F.size("entries") > 1)
        .select("sentence_id", "entries", F.explode(F.sequence(F.lit(0), F.lit(settings.copies - 1))).alias("copy"))
        .select("sentence_id", "copy", _in_order(F.col("entries"), settings).alias("words"))
        .where(F.size("words") > 1)
        # A fixed, mixed order in one partition: the vocabulary's ties and the training order depend on it.
        .repartition(1)
        .sortWithinPartitions("copy", F.xxhash64("sentence_id", F.lit(settings.seed)), "sentence_id")
        .select("sentence_id", "copy", "words")
    )


def _in_order(entries: Column, settings: Word2VecSettings) -> Column:
    """The words of one copy: thinned, then as they came or by hash. Row by row, so that a copy costs no shuffle."""

    def draw(entry: Column, purpose: str) -> Column:
        parts = [F.col("sentence_id"), F.col("copy"), entry["position"], entry["word"]]
        return F.xxhash64(*parts, F.lit(purpose), F.lit(settings.seed))

    if settings.sample > 0:
        entries = F.filter(entries, lambda entry: _unit(draw(entry, "keep")) < entry["keep"])
    if settings.ordered:
        return F.transform(entries, lambda entry: entry["word"])
    mixed = F.sort_array(
        F.transform(entries, lambda e: F.struct(draw(e, "order").alias("draw"), e["word"].alias("word")))
    )
    return F.transform(mixed, lambda entry: entry["word"])


def _unit(draw: Column) -> Column:
    """Map a hash to [0, 1)."""
    return F.pmod(draw, F.lit(1 << 30)) / F.lit(float(1 << 30))


def _keep_probability(sample: float) -> Column:
    """Frequent words are dropped at random with the formula of word2vec.c: sqrt(s/f) + s/f, f the word's share."""
    if sample == 0:
        return F.lit(1.0)
    ratio = F.lit(sample) * F.col("total") / F.col("occurrences")
    return F.sqrt(ratio) + ratio
