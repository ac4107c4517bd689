"""The split of a budget over channels that brings the most, by response curves."""

from __future__ import annotations

import numpy as np

# The budget is split into so many equal parts: half a percent each.
PARTS = 200


def best_shares(spend: np.ndarray, response: np.ndarray, total: float, parts: int = PARTS) -> np.ndarray:
    """Return the shares of a weekly budget that maximise the summed response; (C,), they add up to 1.

    `spend`, (points, C): money a week, rising from 0, beyond whose last point a channel gets nothing; `response`, the
    same shape: what it brings. Where curves bend down the shares equalise marginal returns, to within a part. Exact on
    parts of the budget by dynamic programming, for S-shaped curves too, where a search along slopes ends at its start:
    the best of c channels is the best, over what channel c gets, of c - 1 channels with the rest. Of equal splits the
    one that gives less to later channels. Raises ValueError where the curves end before the budget is spent.
    """
    part = total / parts
    best = np.full(parts + 1, -np.inf)
    best[0] = 0.0
    gets = np.zeros((spend.shape[1], parts + 1), dtype=int)
    for c in range(spend.shape[1]):
        most = min(parts, int(np.floor(spend[-1, c] / part * (1 + 1e-9))))
        gained = np.interp(part * np.arange(most + 1), spend[:, c], response[:, c])
        # Row k: the channel gets k parts, the others what is left of each budget.
        options = np.full((most + 1, parts + 1), -np.inf)
        for k in range(most + 1):
            options[k, k:] = best[: parts + 1 - k] + gained[k]
        gets[c], best = options.argmax(axis=0), options.max(axis=0)
    if not np.isfinite(best[parts]):
        raise ValueError(f"the curves end before a budget of {total:g} is spent")
    shares, left = np.zeros(spend.shape[1]), parts
    for c in reversed(range(spend.shape[1])):
        shares[c] = gets[c, left] / parts
        left -= gets[c, left]
    return shares
