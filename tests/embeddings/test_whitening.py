from datetime import date

import numpy as np
import pytest

from pma.embeddings.sealed import SealedFileError
from pma.embeddings.settings import RepositorySettings
from pma.embeddings.whitening import WHITENING_FILE, fit_whitening, load_whitening, save_whitening

SETTINGS = RepositorySettings(weights={"purchases": 1.0, "store": 0.5}, whitening_floor=0.0)
BLOCKS = "customer_id string, as_of_date date, block string, vector array<float>"
DAY = date(2017, 6, 1)


def correlated(rows, seed=1):
    base = np.random.default_rng(seed).standard_normal((rows, 2))
    return (base @ np.array([[10.0, 9.0], [0.0, 1.0]])).astype(np.float32)


def whitened(spark, vectors, settings=SETTINGS):
    rows = [(str(i), DAY, "purchases", row.tolist()) for i, row in enumerate(vectors)]
    (whitening,) = fit_whitening(spark.createDataFrame(rows, BLOCKS), settings)
    return whitening, (vectors.astype(float) - whitening.mean) @ whitening.matrix


def test_whitened_vectors_are_uncorrelated_of_equal_variance_and_of_mean_length_one(spark):
    _, white = whitened(spark, correlated(400))
    np.testing.assert_allclose(np.cov(white.T), np.eye(2) / 2, atol=1e-5)
    assert np.mean((white**2).sum(axis=1)) == pytest.approx(1.0, rel=0.01)


def test_the_floor_keeps_part_of_the_order_of_the_variances(spark):
    softly = SETTINGS.model_copy(update={"whitening_floor": 1.0})
    _, white = whitened(spark, correlated(400), softly)
    first, second = np.var(white, axis=0)
    assert first > 10 * second
    assert np.mean((white**2).sum(axis=1)) == pytest.approx(1.0, rel=0.01)


def test_a_direction_without_variance_is_left_out(spark):
    rows = [(str(i), DAY, "purchases", [float(i), 5.0, float(-i)]) for i in range(9)]
    (whitening,) = fit_whitening(spark.createDataFrame(rows, BLOCKS), SETTINGS)
    assert whitening.length == 1


def test_a_models_whitening_is_kept_with_it_and_a_damaged_one_is_refused_with_the_fix(spark, tmp_path):
    whitening, _ = whitened(spark, correlated(50))
    save_whitening([whitening], tmp_path)
    (kept,) = load_whitening(tmp_path)
    assert (kept.block, kept.weight, kept.length) == ("purchases", 1.0, 2)
    np.testing.assert_array_equal(kept.mean, whitening.mean)
    np.testing.assert_array_equal(kept.matrix, whitening.matrix)

    (tmp_path / WHITENING_FILE).write_bytes((tmp_path / WHITENING_FILE).read_bytes()[:-1])
    with pytest.raises(SealedFileError, match=r"whitening: damaged.*Fix: restore the file, or delete it and run jobs/"):
        load_whitening(tmp_path)
