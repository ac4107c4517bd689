"""What an embedding must beat: SVD of the same inputs, RFM, and EASE on product types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse

RFM_METRICS = ("recency", "visits", "spend")


class Svd:
    """Exact SVD of inputs [n, W], without centring, so that a sparse matrix stays sparse.

    From the eigenvectors of X X' [n, n], since customers are fewer than inputs; directions of no variance are left out.
    """

    def __init__(self, fitted_on: sparse.csr_matrix) -> None:
        given = fitted_on.astype(np.float64)
        values, vectors = np.linalg.eigh((given @ given.T).toarray())
        kept = np.flatnonzero(values > values[-1] * 1e-9)[::-1]
        self._directions = np.asarray(given.T @ (vectors[:, kept] / np.sqrt(values[kept]))).T

    def encode(self, inputs: sparse.csr_matrix, dimension: int) -> np.ndarray:
        """Return the first coordinates [n, dimension]."""
        return np.asarray(inputs @ self._directions[:dimension].T)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the inputs [n, W] that the coordinates stand for."""
        return codes @ self._directions[: codes.shape[1]]


def rfm(raw: sparse.csr_matrix, names: Sequence[str]) -> np.ndarray:
    """Return log1p of recency, visits and spend over all windows [n, d], from raw features whose names are given.

    Recency of a customer without a purchase is 0 with no visits beside it, which the visits tell apart.
    """
    chosen = [i for i, name in enumerate(names) if name.startswith("total/") and name.split("/")[-2] in RFM_METRICS]
    return np.log1p(raw[:, chosen].toarray())


def ease_scores(bought: sparse.csr_matrix, penalty: float) -> np.ndarray:
    """Return the score [n, items] of each item for each customer by EASE, a linear autoencoder with a zero diagonal.

    `bought`: zeros and ones [n, items]. Closed form of Steck 2019 (Embarrassingly Shallow Autoencoders, eq. 8).
    """
    gram = (bought.T @ bought).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += penalty
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    weights[np.diag_indices_from(weights)] = 0.0
    return np.asarray(bought @ weights)


def sum_by_category(scores: np.ndarray, category_of: Mapping[int, str], categories: Sequence[str]) -> np.ndarray:
    """Return the scores of categories [n, C]: the sum over the items of each."""
    place = {category: column for column, category in enumerate(categories)}
    summed = np.zeros((len(scores), len(categories)))
    for item, category in category_of.items():
        if category in place:
            summed[:, place[category]] += scores[:, item]
    return summed
