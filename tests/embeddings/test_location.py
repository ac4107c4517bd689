from datetime import date

import numpy as np
import pytest

from pma.embeddings.location import location_block, location_vectors
from pma.embeddings.pretrained import encode_phrases
from pma.embeddings.settings import LocationSettings

NAMES = {"OH": "Ohio", "TX": "Texas"}
D = date(2017, 6, 1)


def test_one_vector_of_length_one_per_state_and_a_code_means_its_name(spark):
    stores = spark.createDataFrame(
        [("1", "Texas"), ("2", "TX"), ("3", "Texas"), ("4", None)], "store_id string, state string"
    )
    rows = {r.location: r for r in location_vectors(stores, NAMES, LocationSettings()).collect()}
    assert set(rows) == {"Texas", "TX"}
    assert rows["TX"].vector == rows["Texas"].vector
    assert (len(rows["TX"].vector), rows["TX"].source) == (64, "wordllama")
    assert np.linalg.norm(rows["TX"].vector) == pytest.approx(1, abs=1e-6)


def test_the_block_is_the_vector_of_the_preferred_stores_state(spark):
    preferred = spark.createDataFrame(
        [("a", D, "s1", 3), ("b", D, "s2", 1), ("c", D, "nowhere", 1)],
        "customer_id string, as_of_date date, store_id string, visits bigint",
    )
    stores = spark.createDataFrame(
        [("s1", "Ohio", True), ("s2", "Utah", True), ("nowhere", None, False)],
        "store_id string, state string, is_standin boolean",
    )
    vectors = spark.createDataFrame(
        [("Ohio", [1.0, 0.0], "x"), ("Utah", [0.0, 1.0], "x")], "location string, vector array<float>, source string"
    )
    rows = {(r.customer_id, r.as_of_date): list(r.vector) for r in location_block(preferred, stores, vectors).collect()}
    assert rows == {("a", D): [1.0, 0.0], ("b", D): [0.0, 1.0]}


def test_the_pretrained_encoder_works_without_a_network_and_knows_neighbours(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the encoder asked for the network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    north, south, texas, milk = encode_phrases(["North Dakota", "South Dakota", "Texas", "milk"], 64)
    assert north @ south > north @ texas > north @ milk


def test_a_shorter_vector_is_the_head_of_the_longer_one():
    long, short = encode_phrases(["Ohio", "New York"], 256), encode_phrases(["Ohio", "New York"], 64)
    head = long[:, :64] / np.linalg.norm(long[:, :64], axis=1, keepdims=True)
    np.testing.assert_allclose(short, head, atol=1e-6)


def test_a_blank_phrase_is_refused():
    with pytest.raises(ValueError, match="phrase number 1 of 2 is blank"):
        encode_phrases(["Ohio", " "], 64)
