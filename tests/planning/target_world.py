"""Worlds whose next month can be lived through many times: what a goal's money reaches there, counted week by week."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from pma.planning.plan import Inputs
from tests.planning.plan_world import FIRST, LAGS, LAST_WEEK, posterior, weekly_spend

WEEKS = 156
# Deviation of a week's chance, the share that it keeps from week to week, and the height of the season.
CHANCE, KEEPS, SEASON = 0.04, 0.3, 0.1
# Of what comes, media bring about a third.
ANYWAY = 2.0
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Truth:
    """One draw of truth and the past that it made.

    rows: of bl.mmm_posterior, the true curves, one per country and channel. level: of what comes anyway a week, by
    country. seed: of its chance.
    """

    rows: pd.DataFrame
    level: pd.Series
    seed: int

    def anyway(self, weeks, number=0):
        """What comes without media in so many weeks up to and from the last of the past; (countries, weeks).

        `number`: of the future; the past is the same in all of them.
        """
        random = np.random.default_rng([self.seed, 0])
        past = self._chance(random, WEEKS, np.zeros(len(self.level)))
        ahead = self._chance(np.random.default_rng([self.seed, 1 + number]), weeks, past[:, -1])
        chance = np.concatenate([past, ahead], axis=1)
        return self.usual(weeks) * (1 + chance)

    def usual(self, weeks):
        """The same without chance."""
        week = np.arange(WEEKS + weeks)
        return self.level.to_numpy()[:, None] * (1 + SEASON * np.cos(2 * np.pi * week / 52.18))

    def media(self, spend):
        """What media bring by country and week: (cells, weeks) of money, in the order of rows; adstock, then Hill."""
        found = pd.DataFrame(0.0, index=self.level.index, columns=range(spend.shape[1]))
        for row, money in zip(self.rows.to_dict("records"), spend, strict=True):
            weights = row["adstock_first"] ** np.arange(LAGS)
            level = np.convolve(money, weights / weights.sum())[: len(money)] / row["usual_spend"]
            powered = (level / row["saturation_first"]) ** row["saturation_second"]
            found.loc[row["geo"]] += row["coefficient"] * powered / (1 + powered)
        return found.to_numpy()

    def _chance(self, random, weeks, before):
        found = np.empty((len(before), weeks))
        for t in range(weeks):
            step = random.standard_normal(len(before))
            before = KEEPS * before + np.sqrt(1 - KEEPS**2) * CHANCE * step
            found[:, t] = before
        return found


def truths(count, draws=60, seed=0, **size):
    """Return what a planner knows of curves, rows of bl.mmm_posterior of so many draws, and as many truths beside it.

    Truths come from where the draws come from: no draw is nearer to a truth than another.
    """
    rows = posterior(draws=draws + count, seed=seed, spread=0.25, **{"countries": 2, "channels": 2, **size})
    level = rows[rows["draw"] == 0].groupby("geo")["coefficient"].sum() * ANYWAY / 2
    known = rows[rows["draw"] < draws]
    of_truth = [rows[rows["draw"] == draws + n].reset_index(drop=True) for n in range(count)]
    return known, [Truth(one, level, number) for number, one in enumerate(of_truth)]


def inputs_of(truth, known):
    """Return what a plan is made of: the draws, spend as usual in all weeks, the past as it was and is explained."""
    paid = weekly_spend(known, weeks=WEEKS + LAGS)
    usual = truth.rows["usual_spend"].to_numpy()[:, None] * np.ones(WEEKS + LAGS)
    brought = truth.media(usual)[:, LAGS:]
    weeks = [LAST_WEEK - _WEEK * (WEEKS - 1 - t) for t in range(WEEKS)]
    parts = [
        pd.DataFrame({"country": country, "target": "gmv", "week_start": weeks, "actual": actual, "expected": expected})
        for country, actual, expected in zip(
            truth.level.index, truth.anyway(0) + brought, truth.usual(0) + brought, strict=True
        )
    ]
    runs = known[["geo_level", "geo", "target", "method"]].drop_duplicates().assign(status="ok", message=None)
    unpaid = pd.DataFrame({"country": truth.level.index, "week_start": LAST_WEEK, "value": 0.0})
    return Inputs(runs, known, paid, unpaid, _no_bridge(truth.level.index), weeks=pd.concat(parts, ignore_index=True))


def lived(truth, money, futures):
    """Return what a month with so much money, (cells,), counts in each future: (futures,) of all countries together.

    What older money still brings in the month too, and not what its own brings later; after it money is as usual.
    """
    days = _days()
    usual = truth.rows["usual_spend"].to_numpy()[:, None]
    before = np.repeat(usual, LAGS, axis=1)
    ahead = usual * (1 - days / 7) + money[:, None] * days / days.sum()
    media = truth.media(np.concatenate([before, ahead], axis=1))[:, LAGS:]
    return (media * days / 7).sum() + came(truth, futures)


def came(truth, futures):
    """Return what comes in the month without media, in each future; (futures,) of all countries together."""
    days = _days()
    return np.array([(truth.anyway(len(days), n)[:, WEEKS:] * days / 7).sum() for n in range(futures)])


def usual_month(truth):
    """Return what a month like today counts, but for chance: what comes anyway, a year on, and what media bring."""
    days = _days()
    usual = truth.rows["usual_spend"].to_numpy()[:, None] * np.ones(LAGS + len(days))
    return float(((truth.usual(len(days))[:, WEEKS:] + truth.media(usual)[:, LAGS:]) * days / 7).sum())


def money_of(planned, name, rows):
    """The money of the plan that reaches a target, from its rows of bl.scenarios; (cells,) in the order of `rows`."""
    told = planned.scenarios[planned.scenarios["scenario"] == f"target: {name}"]
    return (
        told.set_index(["country", "channel"])["spend"]
        .loc[list(zip(rows["geo"], rows["channel"], strict=True))]
        .to_numpy()
    )


def _next_month():
    return date(FIRST.year + FIRST.month // 12, FIRST.month % 12 + 1, 1)


def _days():
    """Days of the month in each of the weeks after the last known one."""
    count = -(-((_next_month() - LAST_WEEK).days) // 7)
    return np.array([_shared(LAST_WEEK + _WEEK * (t + 1), FIRST, _next_month()) for t in range(count)])


def _shared(week, start, end):
    return max(0, (min(week + _WEEK, end) - max(week, start)).days)


def _no_bridge(countries):
    """Nothing is uploaded here; value comes at home."""
    pairs = pd.MultiIndex.from_product([countries] * 2, names=["origin_country", "destination_country"])
    nothing = ("gmv_per_upload", "p05", "p95", "orders_per_upload", "orders_per_upload_p05", "orders_per_upload_p95")
    return pd.DataFrame(
        {**dict.fromkeys(nothing, 0.0), "value_per_order": 100.0, "orders": 10}, index=pairs
    ).reset_index()
