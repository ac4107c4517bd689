"""A clean geo of three years, into which tests plant one fault each."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from pma.mmm.input.geo_panel import Judge, geo_panel
from pma.mmm.input.readiness import find
from pma.mmm.input.variables import read_variables
from pma.mmm.settings import ReadinessSettings

RULES = read_variables(Path(__file__).parents[3] / "conf" / "rules")
WEEKS = [date(2023, 1, 2) + timedelta(days=7 * week) for week in range(156)]
N = len(WEEKS)
ROLES = {
    "uploads": "target",
    "gmv": "target",
    "tv": "paid",
    "tiktok": "paid",
    "affiliate": "paid",
    "meta_prospecting": "paid",
    "newsletter_sends": "organic",
    "temperature": "context",
    "price_index": "context",
    "eurobike": "calendar",
}
RATES = pd.DataFrame({"date": WEEKS, "currency": "CHF", "rate": 1.05})


def clean():
    """Series by name: values, impressions and gaps; nothing is wrong with any."""
    rng = np.random.default_rng(3)

    def money(mean):
        return mean * np.exp(0.3 * rng.standard_normal(N))

    series = {
        "uploads": np.round(100 * np.exp(0.15 * rng.standard_normal(N))),
        "gmv": money(60_000.0),
        "tv": money(500.0),
        "tiktok": money(300.0),
        "affiliate": money(200.0),
        "meta_prospecting": money(400.0),
        "newsletter_sends": np.round(9000 * rng.choice([1.0, 2.0, 3.0], N)),
        "temperature": 10 - 12 * np.cos(2 * np.pi * np.arange(N) / 52.18) + 2 * rng.standard_normal(N),
        "price_index": 100 * np.exp(0.02 * rng.standard_normal(N)),
        "eurobike": np.where(np.arange(N) % 52 == 26, 1.0, 0.0),
    }
    impressions = {"tiktok": series["tiktok"] * 250 * np.exp(0.05 * rng.standard_normal(N))}
    return {"values": series, "impressions": impressions, "gaps": {}, "incomplete": [], "feeds": [], "rates": RATES}


def feed(days, week, name="google", currency="CHF", unpriced=0):
    return {
        "role": "feed",
        "variable": name,
        "unit": currency,
        "week_start": week,
        "days": days,
        "unpriced": unpriced,
        "money": 7.0,
    }


def long_rows(world, geo="DE", level="country"):
    """The geo's rows as `map_groups` hands them to the checks."""
    rows = []
    for name, values in world["values"].items():
        gaps = world["gaps"].get(name, [None] * N)
        for place, week in enumerate(WEEKS):
            seen = world["impressions"].get(name)
            rows.append(
                {
                    "week_start": week,
                    "variable": name,
                    "role": ROLES.get(name, "paid"),
                    "value": np.nan if gaps[place] else float(values[place]),
                    "impressions": np.nan if seen is None else float(seen[place]),
                    "unit": "x",
                    "gap": gaps[place],
                    "is_complete_week": place not in world["incomplete"],
                }
            )
    frame = pd.DataFrame([*rows, *world["feeds"]], columns=[*rows[0], "days", "unpriced", "money"])
    frame["is_complete_week"] = frame["is_complete_week"].astype("boolean")
    return frame.assign(geo_level=level, geo=geo)


def findings(world, settings=None):
    judge = Judge(settings or ReadinessSettings(), RULES, world["rates"])
    return find(geo_panel(long_rows(world), judge))


def accused(world, settings=None):
    """{(check, variable): finding} of all that are not ok."""
    return {(f.check, f.variable): f for f in findings(world, settings) if f.severity != "ok"}
