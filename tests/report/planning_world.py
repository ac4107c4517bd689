"""Rows of a plan's tables, by hand: two countries, three channels, December 2026; nothing is planned."""

from datetime import date
from decimal import Decimal

import pandas as pd
from scipy.special import ndtri

from pma.planning.tables import UPLOAD_BRIDGE
from pma.report.planning_rows import OF_PLAN, plan_rows

MONTH = date(2026, 12, 1)
SAID = {"plan_id": "base", "data_origin": "simulated market", "run_id": "R1.plan_budget"}
WEEKS = ((date(2026, 12, 1), date(2026, 12, 6)), (date(2026, 12, 7), date(2026, 12, 13)))
LIMIT, SHARED = "at most 50% from today", "budget of 2026-12"
FLAGGED = "1 of 4 fits are flagged: read bl.mmm_runs before you move much money"
EASY = "9,000 EUR of order value with 80 %: 800 EUR are enough."
FAR = "500 uploads in DE cannot be reached: the most is 420."


def spread(name, mean, half):
    """A mean over draws and its interval."""
    return {name: mean, f"{name}_p05": mean - half, f"{name}_p50": mean, f"{name}_p95": mean + half}


def frame(name, rows):
    """Rows of a table of planning; what is not said is null."""
    return pd.DataFrame([{**SAID, **row} for row in rows], columns=[column.name for column in OF_PLAN[name].columns])


def whole(**said):
    """The row of bl.budget_plans."""
    row = {"objective": "gmv", "risk": 1.0, "quantile": None, "first_month": MONTH, "months": 1}
    row |= {"current_spend": 1000.0, "planned_spend": Decimal("1000.00"), **spread("response", 5000.0, 600.0)}
    row |= {
        "current_response": 4800.0,
        **spread("gain", 200.0, 100.0),
        "p_better": 0.995,
        "value": 5000.0,
        "most": 5006.0,
        "gap": 0.0012,
    }
    return {**row, "notes": [FLAGGED], **said}


def cell(country, channel, now, planned, why=SHARED, returned=5.0, **said):
    """A row of bl.budget_plan: what it brings is five times its money."""
    row = {"month": MONTH, "country": country, "channel": channel, "current_spend": now}
    row |= {"planned_spend": Decimal(str(planned)), **spread("response", 5.0 * planned, 10.0)}
    row |= {"current_response": 5.0 * now, **spread("gain", 5.0 * (planned - now), 10.0), "marginal_return": returned}
    row |= {"p_better": 0.8 if now != planned else None}
    return {**row, "binding_constraint": why, "most_seen": 500.0, "is_seen": True, **said}


def uploads(country, number, becomes):
    """A row of bl.desired_uploads: a quarter come by paid media."""
    row = {"month": MONTH, "country": country, "uploads": number, "uploads_anyway": 0.75 * number}
    return {**row, **spread("uploads_paid", number / 4, number / 10), "gmv_by_destination": becomes}


def scenario(name, country, channel, spend, change, money=0.0):
    """A row of bl.scenarios."""
    row = {"scenario": name, "country": country, "channel": channel, "spend": spend, "spend_change": money}
    row |= {**spread("response", 5000.0 + change, 600.0), **spread("change", change, 50.0), "return": 4.5}
    row |= {**spread("return_change", -0.5, 0.1), **spread("gmv_change", change, 50.0)}
    return {**row, **spread("uploads_change", change / 10, 5.0)}


def target(name, metric, country, goal, message, is_reachable=True, **said):
    """A row of bl.targets."""
    row = {"target": name, "metric": metric, "country": country, "goal": goal, "probability": 0.8, "message": message}
    row |= {"is_reachable": is_reachable, "most": goal * (1.2 if is_reachable else 0.84), "spend": Decimal("800.00")}
    row |= {"spend_change": -200.0, **spread("reached", goal, goal / 10)}
    return {**row, "p_hit": 0.8, "p_hit_plan": 0.85, "p_hit_today": 0.7, **said}


def budget(metric, country, factor, mean, deviation):
    """A row of bl.budget_frontier: what is reached is normal."""
    row = {"metric": metric, "country": country, "budget_factor": factor, "budget": 1000.0 * factor}
    row |= {"spend": 1000.0 * factor, **spread("response", mean, deviation)}
    for name, exceeded in (("p05", 0.95), ("p50", 0.5), ("p95", 0.05), ("with_80", 0.8), ("with_90", 0.9)):
        row[f"reached_{name}"] = mean - deviation * ndtri(exceeded)
    return {**row, "reached": mean}


def campaign(name, country, channel, platform, a_day, week=0, status="enabled", **said):
    """A row of bl.campaign_plan: so much money for each day of the week, none of it spent, and ten uploads."""
    first, last = WEEKS[week]
    days, nothing = (last - first).days + 1, Decimal("0.00")
    money = Decimal(str(a_day)) * days
    row = {"week_start": first, "week_end": last, "month": MONTH, "country": country, "channel": channel}
    row |= {"campaign_id": name, "ad_platform": platform, "campaign_name": f"{country}_{name}", "currency": "EUR"}
    row |= {"campaign_status": status, "campaign_goal": "supply", "bidding_type": "cpc", "current_budget": 60.0}
    row |= {"budget": money, "budget_local": money, **spread("uploads", 10.0, 2.0), **spread("response", 50.0, 9.0)}
    row |= {"spent": nothing, "spent_local": nothing, "days_left": days}
    return {**row, "marginal_return": 5.0, "binding_constraint": None, **said}


def begun(name, country, channel, platform, spent, left, days_left, **said):
    """A row of the week from 7 to 13 December in progress: money spent so far, and money for the days that are left."""
    spent, money = Decimal(spent), Decimal(spent) + Decimal(left)
    facts = {"budget": money, "budget_local": money, "spent": spent, "spent_local": spent, "days_left": days_left}
    return campaign(name, country, channel, platform, "0.00", week=1, **{**facts, **said})


def over(rows, week_start):
    """Rows of bl.campaign_plan as if a week of them were over, its money spent."""
    rows = rows.copy()
    is_over = rows["week_start"] == week_start
    for spent, money in (("spent", "budget"), ("spent_local", "budget_local")):
        rows[spent] = rows[spent].mask(is_over, rows[money])
    rows["days_left"] = rows["days_left"].mask(is_over, 0)
    return rows.assign(binding_constraint=rows["binding_constraint"].mask(is_over, "spent"))


def curve(geo, target, channel, height):
    """Rows of a response curve: twice the money brings twice as much."""
    for spend in (0.0, 50.0, 100.0, 150.0):
        mean = height * spend / 100.0
        yield {"geo": geo, "target": target, "channel": channel, "spend": spend, "mean": mean} | {
            "p05": 0.7 * mean,
            "p95": 1.4 * mean,
        }


def bridge(origin, destination, gmv, value=400.0):
    """A row of bl.upload_bridge."""
    row = {"origin_country": origin, "destination_country": destination, "gmv_per_upload": gmv, "orders": 10}
    return {**row, "orders_per_upload": gmv / value, "value_per_order": value}


def market():
    """The frames of a whole plan by the names of PlanRows."""
    cells = [
        cell("DE", "google_pmax", 200.0, 300.0, LIMIT, returned=6.0),
        cell("DE", "tv", 400.0, 400.0),
        cell("FR", "google_pmax", 300.0, 150.0, LIMIT, returned=3.0),
        cell("FR", "meta_prospecting", 100.0, 150.0, is_seen=False),
    ]
    scenarios = [scenario("base", "(all)", "(all)", 1000.0, 0.0)]
    scenarios += [scenario("without tv", "(all)", "(all)", 1000.0, -300.0)]
    scenarios += [scenario("without tv", "(all)", "tv", 0.0, -2000.0, -400.0)]
    scenarios += [scenario("without tv", "DE", "(all)", 900.0, -500.0, -100.0)]
    scenarios += [scenario("target: easy", "(all)", "(all)", 800.0, -100.0)]
    targets = [target("easy", "gmv", "(all)", 9000.0, EASY)]
    targets += [target("far", "uploads", "DE", 500.0, FAR, False, p_hit=0.4, p_hit_plan=0.1, p_hit_today=0.004)]
    campaigns = [
        *(campaign("11", "DE", "google_pmax", "google", "10.00", week) for week in (0, 1)),
        *(campaign("11", "FR", "google_pmax", "google", "5.00", week) for week in (0, 1)),
        campaign("12", "DE", "google_pmax", "google", "0.00"),
        campaign("13", "DE", "google_pmax", "google", "4.00", status="paused"),
        campaign("new", "DE", "google_pmax", "google", "7.00", status="new", campaign_name="a new one"),
        campaign("21", "FR", "meta_prospecting", "meta", "3.00", binding_constraint="at most 20% a week"),
        campaign("31", "FR", "tiktok", "tiktok", "2.00", currency="HUF", budget_local=Decimal("4700.00")),
    ]
    seen = [c for geo in ("DE", "FR") for c in curve(geo, "gmv", "google_pmax", 100.0)]
    seen += [*curve("DE", "uploads", "google_pmax", 2.0), *curve("DE", "gmv", "tv", 50.0)]
    known = [bridge("DE", "DE", 30.0), bridge("DE", "FR", 10.0), bridge("FR", "DE", 5.0), bridge("FR", "FR", 20.0)]
    accounts = [("google", "11", "1234567890"), ("meta", "21", "77")]
    bridges = pd.DataFrame(known, columns=[column.name for column in UPLOAD_BRIDGE.columns])
    return {
        "whole": frame("whole", [whole()]),
        "budget": frame("budget", cells),
        "uploads": frame("uploads", [uploads("DE", 400.0, {"DE": 12000.0, "FR": 4000.0}), uploads("FR", 80.0, {})]),
        "scenarios": frame("scenarios", scenarios),
        "targets": frame("targets", targets),
        "frontier": frame("frontier", [budget("gmv", "(all)", f, 6000.0 + 3000.0 * f, 500.0) for f in (0.0, 1.0, 2.0)]),
        "campaigns": frame("campaigns", campaigns),
        "curves": pd.DataFrame(seen),
        "bridge": bridges,
        "accounts": pd.DataFrame(accounts, columns=["ad_platform", "campaign_id", "account_id"]),
    }


def rows(**changed):
    """The plan, with other frames for some."""
    return plan_rows(**{**market(), **changed})


def without(*names):
    """The plan, with no rows in some tables."""
    whole_market = market()
    return plan_rows(**{**whole_market, **{name: whole_market[name].iloc[:0] for name in names}})
