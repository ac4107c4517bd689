"""The peers, each against its definition computed another way."""

import numpy as np
import pytest
from scipy import sparse

from pma.embeddings.baselines import Svd, ease_scores, rfm, sum_by_category


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    return sparse.csr_matrix(np.where(rng.random((20, 30)) < 0.3, rng.normal(size=(20, 30)), 0.0))


def test_svd_gives_rows_back_as_well_as_any_of_its_dimension_can(rows):
    left, values, right = np.linalg.svd(rows.toarray(), full_matrices=False)
    best = (left[:, :5] * values[:5]) @ right[:5]
    svd = Svd(rows)
    codes = svd.encode(rows, 5)
    assert codes.shape == (20, 5)
    assert svd.decode(codes) == pytest.approx(best, abs=1e-8)


def test_svd_places_new_rows_by_the_directions_of_the_old(rows):
    new = sparse.csr_matrix(np.random.default_rng(4).normal(size=(3, 30)))
    _, _, right = np.linalg.svd(rows.toarray(), full_matrices=False)
    assert np.abs(Svd(rows).encode(new, 4)) == pytest.approx(np.abs(new.toarray() @ right[:4].T), abs=1e-8)


def test_ease_is_a_ridge_regression_of_each_item_on_all_others():
    bought = (np.random.default_rng(5).random((40, 6)) < 0.4).astype(float)
    expected = np.zeros((40, 6))
    for item in range(6):
        others = np.delete(bought, item, axis=1)
        slope = np.linalg.solve(others.T @ others + 2.0 * np.eye(5), others.T @ bought[:, item])
        expected[:, item] = others @ slope
    assert ease_scores(sparse.csr_matrix(bought), 2.0) == pytest.approx(expected)


def test_rfm_takes_the_totals_of_recency_visits_and_spend_alone():
    names = ["total/all/recency/365", "total/all/visits/30", "total/all/quantity/30", "type/MILK/spend/30"]
    raw = sparse.csr_matrix([[9.0, 1.0, 5.0, 5.0], [0.0, 0.0, 0.0, 0.0]])
    assert rfm(raw, names).tolist() == [[np.log1p(9.0), np.log1p(1.0)], [0.0, 0.0]]


def test_the_score_of_a_category_is_the_sum_over_its_items():
    scores = np.array([[1.0, 2.0, 4.0, 8.0]])
    found = sum_by_category(scores, {0: "milk", 1: "bread", 3: "milk", 2: "unknown"}, ["bread", "milk", "tea"])
    assert found.tolist() == [[2.0, 9.0, 0.0]]
