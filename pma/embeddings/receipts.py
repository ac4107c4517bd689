"""Last baskets of a customer: the words on their receipts, as vectors, pooled."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pma.embeddings.history import before
from pma.embeddings.pooling import weighted_mean
from pma.embeddings.pretrained import encode_phrases
from pma.embeddings.settings import ReceiptSettings
from pma.embeddings.text import WordRules, words
from pma.embeddings.word2vec import word_vectors


def last_baskets(history: DataFrame, baskets: int) -> DataFrame:
    """Return the last baskets of each customer at each date, by their latest line; the larger id breaks a tie.

    history: one row per receipt line x as_of_date.
    Returns: customer_id, as_of_date, basket_id (key), place INT (1 is the last).
    """
    ended = history.groupBy("customer_id", "as_of_date", "basket_id").agg(F.max("purchased_at").alias("ended_at"))
    latest_first = Window.partitionBy("customer_id", "as_of_date").orderBy(F.desc("ended_at"), F.desc("basket_id"))
    place = F.row_number().over(latest_first.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    return (
        ended.withColumn("place", place)
        .where(F.col("place") <= baskets)
        .select("customer_id", "as_of_date", "basket_id", "place")
    )


def fit_receipt_words(
    purchases: DataFrame, products: DataFrame, trained_as_of: date, settings: ReceiptSettings, rules: WordRules
) -> DataFrame:
    """Return the vector and the weight of each receipt word, from the baskets before `trained_as_of`.

    purchases: one row per receipt line. products: product_id, description.
    A sentence is a basket: all its distinct words. `word2vec` learns the vectors from the sentences; `wordllama` takes
    the pretrained vector of each word that the products have. The weight is the inverse document frequency over
    baskets, ln((N + 1) / (n + 1)).
    Returns: word STRING (key), vector ARRAY<FLOAT>, weight DOUBLE.
    """
    past = before(purchases, trained_as_of).select("basket_id", "product_id")
    per_product = _product_words(products, rules)
    in_basket = (
        past.join(per_product, on="product_id", how="inner")
        .select("basket_id", F.explode("words").alias("word"))
        .distinct()
    )
    frequency = in_basket.groupBy("word").agg(F.count("*").alias("n"))
    baskets = past.agg(F.count_distinct("basket_id").alias("baskets"))
    if settings.encoder == "word2vec":
        sentences = in_basket.groupBy(F.col("basket_id").alias("sentence_id")).agg(
            F.sort_array(F.collect_list("word")).alias("words")
        )
        vectors = word_vectors(sentences, settings.word2vec, "embeddings.receipts.word2vec")
    else:
        vectors = _pretrained(per_product, settings)
    return (
        vectors.join(frequency, on="word", how="left")
        .crossJoin(F.broadcast(baskets))
        .select("word", "vector", F.log((F.col("baskets") + 1) / (F.coalesce("n", F.lit(0)) + 1)).alias("weight"))
    )


def receipt_block(
    history: DataFrame, products: DataFrame, word_table: DataFrame, settings: ReceiptSettings, rules: WordRules
) -> DataFrame:
    """Return the mean vector of the lines of each customer's last baskets; a line is the weighted mean of its words.

    history: one row per receipt line x as_of_date. word_table: `fit_receipt_words`, one model's rows.
    Returns: customer_id, as_of_date (key), vector ARRAY<FLOAT>; no row where no line has a known word.
    """
    size = settings.vector_size
    lines = history.select("customer_id", "as_of_date", "basket_id", "product_id").join(
        last_baskets(history, settings.baskets), on=["customer_id", "as_of_date", "basket_id"], how="inner"
    )
    product_words = _product_words(products, rules).select("product_id", F.explode("words").alias("word"))
    product_vectors = weighted_mean(
        product_words.join(F.broadcast(word_table), on="word", how="inner"), ["product_id"], "word", size
    )
    rows = lines.join(product_vectors, on="product_id", how="inner").select(
        "customer_id",
        "as_of_date",
        F.struct("place", "product_id").alias("line"),
        F.lit(1.0).alias("weight"),
        "vector",
    )
    return weighted_mean(rows, ["customer_id", "as_of_date"], "line", size).select(
        "customer_id", "as_of_date", "vector"
    )


def _product_words(products: DataFrame, rules: WordRules) -> DataFrame:
    return products.where(F.col("description").isNotNull()).select(
        "product_id", words(F.col("description"), rules).alias("words")
    )


def _pretrained(per_product: DataFrame, settings: ReceiptSettings) -> DataFrame:
    """The distinct words reach the driver (Complete Journey: 2,200) and are encoded once each."""
    rows = per_product.select(F.explode("words").alias("word")).distinct().orderBy("word").collect()
    vocabulary = [row["word"] for row in rows]
    vectors = encode_phrases(vocabulary, settings.vector_size)
    return per_product.sparkSession.createDataFrame(
        list(zip(vocabulary, vectors.tolist(), strict=True)), "word string, vector array<float>"
    )
