"""What an embedding must beat: SVD of the same inputs, RFM, and EASE on product types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

RFM_METRICS = ("recency", "visits", "spend")


class Svd:
    """Truncated SVD of inputs [n, W], without centring, so that a sparse matrix stays sparse."""

    def __init__(self, fitted_on: sparse.csr_matrix, dimension: int, seed: int) -> None:
        rank = min(dimension, min(fitted_on.shape) - 1)
        start = np.random.default_rng(seed).standard_normal(min(fitted_on.shape))
        _, values, self.directions = svds(fitted_on.astype(np.float64), k=rank, v0=start)
        self.directions = self.directions[np.argsort(-values)]

    def encode(self, inputs: sparse.csr_matrix) -> np.ndarray:
        """Return coordinates [n, dimension]."""
        return np.asarray(inputs @ self.directions.T)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the inputs [n, W] that the coordinates stand for."""
        return codes @ self.directions


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
