"""Worlds of a few countries and channels whose curves are known, as rows of the model's tables."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from pma.planning.response import horizon, responses

FIRST = date(2026, 12, 1)
LAST_WEEK = date(2026, 11, 23)
LAGS = 4


def posterior(countries=3, channels=3, draws=5, slope=1.0, seed=0, spread=0.1, targets=("gmv",)):
    """Rows of bl.mmm_posterior: Hill's curves, `slope` below or above 1 by channel around it."""
    random = np.random.default_rng(seed)
    rows = []
    for i in range(countries):
        for c in range(channels):
            usual = 1000.0 * np.exp(random.normal(0, 0.5))
            for target in targets:
                half, steep = np.exp(random.normal(0.2, 0.4)), slope + random.uniform(-0.1, 0.2)
                retention, height = random.uniform(0.1, 0.5), usual * np.exp(random.normal(1.2, 0.4))
                for draw in range(draws):
                    rows.append(
                        {
                            "geo_level": "country",
                            "geo": f"C{i}",
                            "target": target,
                            "method": "bayes",
                            "draw": draw,
                            "channel": f"channel_{c}",
                            "adstock": "geometric",
                            "adstock_first": float(np.clip(retention + spread * random.normal(0, 0.3), 0.01, 0.9)),
                            "adstock_second": 1.0,
                            "lags": LAGS,
                            "saturation": "hill",
                            "saturation_first": float(half * np.exp(spread * random.normal())),
                            "saturation_second": float(max(steep + spread * random.normal(0, 0.3), 0.5)),
                            "usual_spend": usual,
                            "coefficient": float(height * np.exp(spread * random.normal())),
                        }
                    )
    return pd.DataFrame(rows)


def weekly_spend(rows, weeks=8):
    """What each channel spent: its usual spend in each of the last weeks."""
    usual = rows.groupby(["geo", "channel"])["usual_spend"].first().reset_index()
    usual.columns = ["country", "channel", "value"]
    return pd.concat([usual.assign(week_start=LAST_WEEK - timedelta(weeks=w)) for w in range(weeks)])


def world(months=1, **kwargs):
    """The responses of a world."""
    rows = posterior(**kwargs)
    worth = rows[["geo", "target"]].drop_duplicates().rename(columns={"geo": "country"})
    worth["draws"] = [np.ones(rows["draw"].nunique()) * (1.0 if t == "gmv" else 20.0) for t in worth["target"]]
    return responses(rows, weekly_spend(rows), horizon(FIRST, months, LAGS), worth)


def money_today(made):
    """What a month like today costs; (C, M)."""
    days = np.array([pd.Timestamp(month).days_in_month for month in made.horizon.months])
    return made.spent[:, made.horizon.before - 1][:, None] * days / 7


def counted(made, money, month=None):
    """What a month, or all, counts of media by part and draw, (P, D): day by day, level by level, of Hill's curves.

    Days of the last week after the plan spend as the last week before it.
    """
    over = made.horizon
    weeks, spend = list(over.weeks), made.spent.copy()
    today, end = made.spent[:, over.before - 1], (pd.Timestamp(over.months[-1]) + pd.offsets.MonthEnd(1)).date()
    days_in = np.zeros(len(weeks))
    day = over.months[0]
    while day <= end or day.weekday() > 0:
        w = weeks.index(day - timedelta(days=day.weekday()))
        if day <= end:
            m = over.months.index(day.replace(day=1))
            spend[:, w] += money[:, m] / pd.Timestamp(day).days_in_month
            days_in[w] += month in (None, m)
        else:
            spend[:, w] += today / 7
        day += timedelta(days=1)
    found = np.zeros(made.first.shape)
    for p, cell in enumerate(made.part["cell"]):
        for t in np.flatnonzero(days_in):
            level = sum(made.weights[p, :, lag] * spend[cell, t - lag] for lag in range(LAGS)) / made.usual[p]
            powered = (level / made.first[p]) ** made.second[p]
            found[p] += made.coefficient[p] * powered / (1 + powered) * days_in[t] / 7
    return found
