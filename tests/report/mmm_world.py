"""Rows of the tables of fits that a page is made of, by hand: what a week consists of is said, nothing is fitted."""

from datetime import date, timedelta
from decimal import Decimal

import pandas as pd

from pma.mmm.fold_tables import MMM_SELECTION
from pma.mmm.tables import ATTRIBUTION_MODELS, FITS, MMM_CALIBRATION, MMM_RUNS, ROAS_COMPARISON
from pma.report.mmm_fit import MmmRows

MONDAY = date(2025, 1, 6)
NAMES = {
    "contributions": "bl.mmm_contributions",
    "summary": "bl.mmm_channel_summary",
    "curves": "bl.mmm_response_curves",
    "weeks": "bl.mmm_fit_weeks",
    "checks": "bl.mmm_checks",
    "calibration": "bl.mmm_calibration",
}
CARRYOVER = ["geo_level", "geo", "target", "method", "channel", "usual_spend", "lag", "mean", "p05", "p95"]


def run(geo="DE", target="uploads", method="bayes", status="ok", level="country", **said):
    """One row of bl.mmm_runs."""
    row = {**dict.fromkeys(column.name for column in MMM_RUNS.columns), "data_origin": "simulated market"}
    row |= {"geo_level": level, "geo": geo, "target": target, "method": method, "status": status}
    if status in ("ok", "flagged"):
        row |= {"weeks": 10, "channels": 2, "mape": 0.05, "r2": 0.9, "coverage_90": 0.9, "autocorrelation": 0.1}
        row |= {
            "media_share": 0.35,
            "media_share_p05": 0.2,
            "media_share_p95": 0.5,
            "rhat_max": 1.003,
            "ess_bulk_min": 900.0,
            "divergences": 0,
            "notes": [],
        }
    return {**row, **said}


def channel(name, spend, roas, reason=None):
    """One row of bl.mmm_channel_summary; the interval goes from half to twice the return."""
    row = {"channel": name, "spend": spend, "weeks": 10, "contribution": roas * spend, "share": 0.2}
    for part, value in (("contribution", roas * spend), ("roas", roas), ("mroas", roas / 2)):
        row |= {f"{part}_mean": value, f"{part}_p05": value / 2, f"{part}_p50": value, f"{part}_p95": value * 2}
    return {**row, "prior_width": 0.5, "is_trusted": reason is None, "reason": reason}


def week_rows(weeks):
    """Weeks in which 100 are expected; in the last the target is not known."""
    for number in range(weeks):
        known = number < weeks - 1
        row = {"week_start": MONDAY + timedelta(weeks=number), "actual": 101.0 if known else None, "expected": 100.0}
        yield {**row, "p05": 80.0, "p95": 120.0, "is_explained": known}


def parts(channels, weeks):
    """What the 100 of a week consist of: 50 baseline, a season of 5 up or down, 15 organic, the rest the channels'."""
    for number in range(weeks):
        season = 5.0 if number % 2 else -5.0
        named = [("baseline", "baseline", 50.0), ("seasonality", "seasonality", season), ("news", "organic", 15.0)]
        named += [(name, "paid", (35.0 - season) / len(channels)) for name in channels]
        for name, kind, mean in named:
            row = {"week_start": MONDAY + timedelta(weeks=number), "component": name, "kind": kind, "mean": mean}
            yield {**row, "p05": mean - 1, "p50": mean, "p95": mean + 1}


def check(name, measure, limit, detail, channel="(all)"):
    """One row of bl.mmm_checks."""
    passed = None if measure is None else measure <= limit
    row = {"check": name, "channel": channel, "measure": measure, "limit": limit}
    return {**row, "is_passed": passed, "detail": detail}


def lift_test(name, channel, lift, verdict, sentence):
    """One row of bl.mmm_calibration, with what was expected of it unless it is left out."""
    row = {**dict.fromkeys(column.name for column in MMM_CALIBRATION.columns), "test_id": name, "channel": channel}
    row |= {"starts_on": MONDAY, "ends_on": MONDAY + timedelta(days=27), "lift": lift, "standard_error": 100.0}
    if verdict != "left_out":
        row |= {"expected_before_p05": 900.0, "expected_before_p95": 2100.0}
        row |= {"expected_after_p05": 400.0, "expected_after_p95": 700.0}
    return {**row, "verdict": verdict, "sentence": sentence}


def fit_rows(summary, geo="DE", target="uploads", method="bayes", weeks=10, level="country", checks=(), tests=()):
    """All rows of one fit, by the names of MmmRows; `summary`, `checks`, `tests`: rows of `channel`, `check`..."""
    names = [row["channel"] for row in summary]
    key = {"geo_level": level, "geo": geo, "target": target, "method": method, "data_origin": "simulated market"}
    curves = [
        {"channel": name, "spend": 20.0 * n, "mean": 3.0 * n, "p05": 2.0 * n, "p95": 5.0 * n, "is_seen": n < 4}
        for name in names
        for n in range(6)
    ]
    carryover = [
        {"channel": name, "usual_spend": 50.0, "lag": lag, "mean": mean, "p05": mean / 2, "p95": min(1.0, mean * 1.2)}
        for name in names
        for lag, mean in enumerate((0.7, 0.2, 0.1))
    ]
    found = {"contributions": parts(names, weeks), "summary": summary, "curves": curves}
    found |= {"weeks": week_rows(weeks), "carryover": carryover, "checks": checks, "calibration": tests}
    return {name: [{**row, **key} for row in rows] for name, rows in found.items()}


def compared(name, clicks, verdict, sentence=None, geo="DE", target="uploads", level="country"):
    """One row of bl.roas_comparison; first click says a tenth more than the others."""
    row = {**dict.fromkeys(column.name for column in ROAS_COMPARISON.columns), "compared_model": "last_click"}
    row |= {"geo_level": level, "geo": geo, "target": target, "channel": name, "verdict": verdict, "sentence": sentence}
    for model in ATTRIBUTION_MODELS:
        returned = clicks * (1.1 if model == "first_click" else 1.0)
        row |= {f"credit_{model}": Decimal(str(clicks)), f"roas_{model}": returned}
    return row


def rows_of(runs, fits, comparison=(), selection=()):
    """Frames as the tables have them."""
    columns = {
        name: [c.name for c in spec.columns] for name, full in NAMES.items() for spec in FITS if spec.name == full
    }
    columns["carryover"] = CARRYOVER
    frames = {name: pd.DataFrame([row for fit in fits for row in fit[name]], columns=columns[name]) for name in columns}
    return MmmRows(
        runs=pd.DataFrame(runs, columns=[column.name for column in MMM_RUNS.columns]),
        comparison=pd.DataFrame(comparison, columns=[column.name for column in ROAS_COMPARISON.columns]),
        selection=pd.DataFrame(selection, columns=[column.name for column in MMM_SELECTION.columns]),
        **frames,
    )


WEAK = "tiktok: the data say little about it. Vary its spend"
FLAG = "What the model does not explain goes on from week to week."
CHOSEN = "no trend is within a standard error of the best and has the fewest parameters."
CHANGE = '{"trend": {"kind": "none"}}'
LEFT = "9 in every week: there is nothing to explain. Check its feed."
WAIT = "20 weeks, 52 are needed. Wait for more weeks."
OVER = "Last click credits tv with 9.0 uploads per 1,000 EUR, the model with 5.0 (2.5 to 10): clicks overstate it."
UNSURE = "Last click credits tiktok with 2.0 uploads per 1,000 EUR, the model with 3.0 (1.5 to 6.0), not to be trusted."


def market():
    """DE has fits of both targets, FR failed, BE is not ready, and there is a region."""
    uploads = [channel("tiktok", 1000.0, 0.003, WEAK), channel("tv", 4000.0, 0.005)]
    ridge = [channel("tiktok", 1000.0, 0.002), channel("tv", 4000.0, 0.006)]
    money = [channel("tiktok", 1000.0, 1.5), channel("tv", 4000.0, 2.5)]
    runs = [
        *(run(), run(method="ridge"), run(target="gmv", status="flagged", message=FLAG)),
        run("DACH", level="management_region"),
        *(run("FR", target=target, status="failed", message=LEFT) for target in ("uploads", "gmv")),
        run("BE", status="not_ready", message=WAIT),
    ]
    checks = [
        check("holdout", 0.07, 0.2, "the last 4 weeks are missed by 7%"),
        check("placebo", 0.6, 0.5, "a channel that cannot work gets 60% of the return"),
        check("prior", None, 0.5, "could not be checked: too few weeks"),
        check("refresh", 0.4, 0.3, "without the last 4 weeks its ROAS would differ by 40%", "tiktok"),
        check("refresh", 0.1, 0.3, "without the last 4 weeks its ROAS would differ by 10%", "tv"),
    ]
    tests = [
        lift_test("march", "tv", 500.0, "corrects", "The weeks alone were wrong about tv."),
        lift_test("radio", "radio", 130.0, "left_out", "radio is not among the paid channels."),
    ]
    selection = [{"geo_level": "country", "geo": "DE", "target": "uploads", "settings": CHANGE, "reason": CHOSEN}]
    fits = [
        fit_rows(uploads, checks=checks, tests=tests),
        fit_rows(ridge, method="ridge"),
        fit_rows(money, target="gmv"),
    ]
    fits.append(fit_rows(uploads, "DACH", level="management_region"))
    comparison = [
        compared("tv", 0.009, "clicks_overstate", OVER),
        compared("tiktok", 0.002, "not_trusted", UNSURE),
        compared("tv", 2.6, "agree", target="gmv"),
    ]
    return rows_of(runs, fits, comparison, selection)
