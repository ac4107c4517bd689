"""A world of campaigns: fits of known curves, a monthly plan by hand, and what each campaign spent and was credited."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd

from pma.planning.campaign_mix import CampaignInputs
from pma.planning.plan import Inputs
from pma.planning.settings import CampaignSettings, PlanningSettings
from tests.planning.plan_world import FIRST, LAST_WEEK, posterior, weekly_spend

AS_OF = LAST_WEEK + timedelta(weeks=1)
GOALS = ("supply", "demand", "brand")
BIDDING = ("maximize_conversions", "target_cpa", "manual_cpc")


def fits(countries=2, channels=2, draws=8, **kwargs):
    """What the monthly plan was made of."""
    rows = posterior(countries, channels, draws, targets=("gmv", "uploads"), **kwargs)
    rows.loc[rows["target"] == "uploads", "coefficient"] /= 300.0
    runs = rows[["geo_level", "geo", "target", "method"]].drop_duplicates().assign(status="ok", message="")
    places = sorted(set(rows["geo"]))
    pairs = pd.DataFrame([{"origin_country": o, "destination_country": d} for o in places for d in places])
    home = pairs["origin_country"] == pairs["destination_country"]
    pairs = pairs.assign(orders=100, value_per_order=500.0, orders_per_upload=np.where(home, 0.4, 0.01))
    for name in ("gmv_per_upload", "p05", "p95"):
        pairs[name] = pairs["orders_per_upload"] * pairs["value_per_order"]
    pairs["orders_per_upload_p05"] = pairs["orders_per_upload_p95"] = pairs["orders_per_upload"]
    return Inputs(runs, rows, weekly_spend(rows), pd.DataFrame(), pairs)


def inputs(given, campaigns=3, factor=1.0, months=(FIRST,), seed=0):
    """What the weekly plan is made of: `factor` times today's money, and campaigns of random shares and credit."""
    random = np.random.default_rng(seed)
    cells = given.posterior.groupby(["geo", "channel"])["usual_spend"].first()
    budget, daily, credit, known = [], [], [], []
    for (country, channel), usual in cells.items():
        for month in months:
            money = factor * usual * pd.Timestamp(month).days_in_month / 7
            budget.append(
                {
                    "country": country,
                    "channel": channel,
                    "month": month,
                    "planned_spend": Decimal(round(money * 100)) / 100,
                }
            )
        shares = random.dirichlet(np.full(campaigns, 5.0))
        for k, share in enumerate(shares):
            key = {"country": country, "channel": channel, "campaign_id": f"{country}-{channel}-{k}"}
            key["ad_platform"] = "google"
            spent = share * usual
            daily += [{**key, "date": AS_OF - timedelta(days=day + 1), "spend": spent / 7} for day in range(28)]
            rate = np.exp(random.normal(0, 0.4)) / 20
            found = {
                "uploads": float(random.poisson(52 * spent * rate)),
                "orders": float(random.poisson(20 * spent * rate)),
            }
            credit.append({**key, "spend": 52 * spent, "most_week": 1.5 * spent, **found})
            known.append(
                {
                    **{name: key[name] for name in ("ad_platform", "campaign_id")},
                    "campaign_name": f"name of {key['campaign_id']}",
                    "campaign_status": "enabled",
                    "campaign_goal": GOALS[k % 3],
                    "bidding_type": BIDDING[k % 3],
                    "first_day": AS_OF - timedelta(days=400),
                    "last_day": AS_OF - timedelta(days=1),
                }
            )
    accounts = pd.DataFrame(credit)[["country", "channel", "campaign_id", "ad_platform"]]
    accounts = accounts.assign(account_id="one", currency="EUR", first_day=AS_OF - timedelta(days=360))
    return CampaignInputs(
        months=pd.DataFrame(budget).assign(plan_id="base"),
        objective="gmv",
        desired=pd.DataFrame({"country": ["C0"], "uploads_paid": [10.0]}),
        campaigns=pd.DataFrame(known),
        daily=pd.DataFrame(daily),
        accounts=accounts.assign(last_day=AS_OF - timedelta(days=1)),
        credit=pd.DataFrame(credit),
        rates=pd.DataFrame({"currency": ["CHF"], "rate": [1.25]}),
        currency="EUR",
        as_of=AS_OF,
    )


def settings(**campaigns):
    """Settings of the weekly plan; no least money a day unless it is asked for."""
    return PlanningSettings(campaigns=CampaignSettings(**{"least_daily": {"google": 0.0}, **campaigns}))


def changed(given, table, where, **values):
    """The inputs with some values of one table changed; `where`: from the table to the rows, as booleans."""
    rows = getattr(given, table).copy()
    at = where(rows)
    assert at.any()
    for name, value in values.items():
        rows[name] = rows[name].where(~at, value)
    return replace(given, **{table: rows})


def named(campaign):
    """Which rows are of a campaign."""
    return lambda rows: rows["campaign_id"] == campaign


def as_if(given, day):
    """The inputs as if the data went until before `day`: every day since costs what days do."""
    days = (day - given.as_of).days
    last = given.daily[given.daily["date"] == max(given.daily["date"])]
    more = [last.assign(date=given.as_of + timedelta(days=d)) for d in range(days)]
    return replace(given, daily=pd.concat([given.daily, *more], ignore_index=True), as_of=day)


DECEMBER = date(2026, 12, 1)
