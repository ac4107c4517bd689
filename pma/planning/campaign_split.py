"""One month's money of channels over their campaigns and weeks, in whole cents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pma.planning.cents import whole_cents
from pma.planning.learning import Reach, reach, switched_off
from pma.planning.settings import CampaignSettings
from pma.planning.water import Curves, pour

# Money a week that stands for no limit.
_NO_CAP = 1e15


@dataclass(frozen=True)
class Split:
    """The money of one month over its campaigns and weeks; K campaigns, P weeks of the month, C cells.

    spent, budget: whole cents, (K, P), what was spent already in the budget; unplaced: whole cents, (C, P); over: cents
    that were spent beyond the month's money, (C,). reach: the bounds, of the weeks that are left; off: (K,).
    """

    spent: np.ndarray
    budget: np.ndarray
    unplaced: np.ndarray
    over: np.ndarray
    rate: np.ndarray
    reach: Reach
    off: np.ndarray
    floor: np.ndarray
    cap: np.ndarray


def split_month(
    curves: Curves,
    campaigns: pd.DataFrame,
    cents: np.ndarray,
    weeks: pd.DataFrame,
    spent: np.ndarray,
    settings: CampaignSettings,
) -> Split:
    """Return the split of one month's money, whole cents by cell, (C,), over campaigns and the month's `weeks`.

    campaigns: cell, share, start, is_open, is_new, ad_platform, bidding_type, most_week; spent: money by campaign and
    week, (K, P), of the days that are over.
    """
    cell, count = campaigns["cell"].to_numpy(), len(cents)
    gone = np.rint(100 * np.maximum(spent, 0.0)).astype(np.int64)
    left: np.ndarray = cents - np.bincount(cell, gone.sum(axis=1), count).astype(np.int64)
    over, money = np.maximum(-left, 0), np.maximum(left, 0) / 100
    ahead = weeks["days_left"].to_numpy() > 0
    length = weeks["days_left"].to_numpy()[ahead] / 7
    floor, cap = _least(campaigns, settings), _most(campaigns, settings)
    worth = (curves.value[:, 1:] / curves.level[:, 1:]).max(axis=1)
    off = campaigns["is_open"].to_numpy() & switched_off(np.minimum(floor, cap), worth, cell, money, length)
    cap = np.where(off | ~campaigns["is_open"].to_numpy(dtype=bool), 0.0, cap)
    floor = np.minimum(floor, cap)
    # Where the least of the last one left is more than there is, it gets what there is.
    needed = np.bincount(cell, floor, count) * length.sum()
    floor = floor * np.minimum(np.divide(money, needed, out=np.ones(count), where=needed > 0), 1.0)[cell]
    start = np.maximum(campaigns["start"].to_numpy(dtype=float), floor)
    kept = reach(start, floor, cap, cell, money, length, settings.max_weekly_change)
    share = campaigns["share"].to_numpy()
    rate = pour(curves, cell, share, money - kept.unplaced, length, kept.low, kept.high) if ahead.any() else kept.low
    budget, unplaced = gone.copy(), np.zeros((count, len(weeks)), dtype=np.int64)
    if ahead.any():
        planned, unplaced[:, ahead] = _in_cents(rate * length, kept.unplaced, length, cell, np.maximum(left, 0))
        budget[:, ahead] += planned
    else:
        unplaced[:, -1] = np.maximum(left, 0)
    return Split(gone, budget, unplaced, over, rate, kept, off, floor, cap)


def _in_cents(
    money: np.ndarray, unplaced: np.ndarray, length: np.ndarray, cell: np.ndarray, total: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Money of campaigns, (K, P), and what no one may take, (C,), in whole cents that add up to `total`, (C,)."""
    cells, weeks = len(total), len(length)
    rest = unplaced[:, None] * length / length.sum()
    # By cell, then week, then campaign: a channel's week is right to the cent too. The rest comes last.
    group = np.concatenate([np.repeat(cell, weeks), np.repeat(np.arange(cells), weeks)])
    week = np.tile(np.arange(weeks), len(cell) + cells)
    order = np.lexsort((np.arange(len(group)), week, group))
    amounts = np.concatenate([money.ravel(), rest.ravel()])
    found = np.zeros(len(group), dtype=np.int64)
    found[order] = whole_cents(amounts[order], group[order], total)
    return found[: money.size].reshape(money.shape), found[money.size :].reshape(rest.shape)


def _least(campaigns: pd.DataFrame, settings: CampaignSettings) -> np.ndarray:
    """Least money a week that a campaign may get, (K,): the platform's, where it spends that much or is to begin."""
    least = 7 * np.array([settings.least_daily.get(name, 0.0) for name in campaigns["ad_platform"]])
    starts = campaigns["is_new"].to_numpy(dtype=bool) | (campaigns["today"].to_numpy() <= 0)
    counts = campaigns["is_open"].to_numpy(dtype=bool) & (starts | (campaigns["start"].to_numpy() >= least))
    return np.where(counts, least, 0.0)


def _most(campaigns: pd.DataFrame, settings: CampaignSettings) -> np.ndarray:
    """Most money a week that a campaign would spend, (K,): by a target, a bit more than it ever did."""
    seen = campaigns[["most_week", "today"]].to_numpy(dtype=float).max(axis=1)
    is_bound = campaigns["bidding_type"].isin(settings.target_bidding).to_numpy() & (seen > 0)
    more = 1.0 + (settings.max_weekly_change or 0.0)
    return np.where(is_bound, more * seen, _NO_CAP)
