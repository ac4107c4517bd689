"""Sentences of two worlds whose words never meet: what word2vec must and must not learn from them."""

import numpy as np
import pytest

from pma.embeddings.settings import Word2VecSettings
from pma.embeddings.word2vec import VocabularyError, training_sentences, word_vectors

SETTINGS = Word2VecSettings(vector_size=8, min_count=3, copies=8, max_iter=2, window=5)


def two_worlds(sentences=80, size=4):
    rng = np.random.default_rng(5)
    worlds = [[f"{world}{i}" for i in range(8)] for world in "ab"]
    return [(f"s{i:03}", [str(w) for w in rng.choice(worlds[i % 2], size, replace=False)]) for i in range(sentences)]


def frame(spark, rows):
    return spark.createDataFrame(rows, "sentence_id string, words array<string>")


def fitted(spark, rows, settings=SETTINGS):
    found = word_vectors(frame(spark, rows), settings, "embeddings.products.word2vec")
    return {row.word: tuple(row.vector) for row in found.collect()}


@pytest.fixture(scope="module")
def vectors(spark):
    return fitted(spark, two_worlds())


def test_the_nearest_word_is_one_of_the_same_world(vectors):
    words = sorted(vectors)
    unit = np.array([np.array(vectors[w]) / np.linalg.norm(vectors[w]) for w in words])
    cosine = unit @ unit.T - 2 * np.eye(len(words))
    nearest = {word: words[int(cosine[i].argmax())] for i, word in enumerate(words)}
    assert {word: near[0] for word, near in nearest.items()} == {word: word[0] for word in words}


def test_a_rerun_on_shuffled_rows_gives_the_same_bits(spark, vectors):
    rows = two_worlds()
    assert fitted(spark, rows[40:] + rows[:40][::-1]) == vectors


def test_another_seed_gives_other_vectors(spark, vectors):
    other = fitted(spark, two_worlds(), SETTINGS.model_copy(update={"seed": 18}))
    assert other.keys() == vectors.keys()
    assert other != vectors


def test_rare_words_are_left_out_before_training(spark, vectors):
    rows = [*two_worlds(), ("t1", ["rare", "a0"]), ("t2", ["rare"])]
    assert fitted(spark, rows).keys() == vectors.keys()


def test_baskets_are_copied_in_other_orders(spark):
    settings = Word2VecSettings(min_count=1, copies=6)
    rows = training_sentences(frame(spark, [("x", list("abcdefgh")), ("alone", ["a"])]), settings).collect()
    assert [(row.sentence_id, row.copy) for row in rows] == [("x", copy) for copy in range(6)]
    assert {"".join(sorted(row.words)) for row in rows} == {"abcdefgh"}
    assert len({tuple(row.words) for row in rows}) == 6


def test_ordered_sentences_keep_order_and_repeated_words(spark):
    settings = Word2VecSettings(min_count=1, copies=1, ordered=True)
    rows = training_sentences(frame(spark, [("x", ["b", "a", "b", "c"])]), settings).collect()
    assert [row.words for row in rows] == [["b", "a", "b", "c"]]


def test_subsampling_thins_frequent_words_as_the_formula_says(spark):
    # `hot` is half of all words: kept with sqrt(s / 0.5) + s / 0.5 = 0.52 at s = 0.08; the others always.
    rows = [(f"s{i}", ["hot", f"w{i % 40}"]) for i in range(2000)]
    settings = Word2VecSettings(min_count=1, copies=1, sample=0.08)
    kept = training_sentences(frame(spark, rows), settings).collect()
    expected = 2000 * (np.sqrt(0.08 / 0.5) + 0.08 / 0.5)
    assert abs(len(kept) - expected) < 4 * np.sqrt(2000 * 0.56 * 0.44)  # a sentence left with one word is dropped
    assert all(len(row.words) == 2 for row in kept)


def test_nothing_to_learn_from_is_an_error_that_names_the_setting(spark):
    with pytest.raises(VocabularyError, match=r"Fix: lower embeddings\.receipts\.word2vec\.min_count"):
        word_vectors(frame(spark, [("x", ["a", "b"])]), SETTINGS, "embeddings.receipts.word2vec")
