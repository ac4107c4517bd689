"""Plans of fitted curves by their true worth: against today's money, and against the best that could be known."""

from functools import partial

import pandas as pd
import pytest
from joblib.externals.loky import get_reusable_executor

from pma.mmm.spec import FitSettings
from pma.planning.plan import plan_budget
from pma.planning.settings import PlanningSettings, PlanSettings
from tests.planning.fitted_market import clean_market, fitted_inputs, own_market, whole_market
from tests.planning.planned_market import score, true_gain, true_inputs
from tests.slow.fits import fitted

pytestmark = [pytest.mark.slow, pytest.mark.recovery]
# Half the draws of a usual fit; what is checked by fitting again is not looked at here.
FIT = FitSettings(chains=2, tune=400, draws=500, checks=())
# Better than today's plan in so many worlds, and nowhere worse by more.
BETTER, WORSE = 0.9, -0.01
DAYS_A_WEEK = 7
# Ways to plan that are looked at beside the settings as they are.
FREE = {"max_change_flagged": None}
ASKED = {
    "as set": {},
    "cells within 50%": {"max_change": 0.5, **FREE},
    "cells within 30%": {"max_change": 0.3, **FREE},
    "within 50%, worst fifth of draws": {"max_change": 0.5, "risk": 0.2, **FREE},
    "within 30%, worst fifth of draws": {"max_change": 0.3, "risk": 0.2, **FREE},
}
# All fits of these are flagged, so that cells move by max_change_flagged at most. That was chosen on other
# worlds: those of seeds 0 to 19.
WORLDS = range(20, 40)


def fits_of(make, seeds):
    """Fit both targets of every country of the worlds; rows of `fit_geo` by seed."""
    rows = []
    for seed in seeds:
        _, seen = make(seed)
        named = seen.assign(geo=seen["geo"] + f" of {seed}")
        rows += [named.assign(target=target) for target in ("uploads", "gmv")]
    found = fitted(pd.concat(rows, ignore_index=True), settings=FIT).reset_index()
    print(found["status"].value_counts().to_dict(), flush=True)
    names = found["geo"].str.split(" of ", expand=True)
    return dict(list(found.assign(geo=names[0]).groupby(names[1].astype(int))))


def scored(make, seed, fits):
    """One row per way to plan: what the plan truly gains in a world, and what it promised."""
    market, seen = make(seed)
    known = fitted_inputs(market, seen, fits)
    plans = {asked: _plan(known, **settings) for asked, settings in ASKED.items()}
    plans["true curves"] = _plan(true_inputs(market))
    ours = score(market, plans["as set"])
    rows = {asked: {"gain": true_gain(market, plan), **_promised(plan, ours.today)} for asked, plan in plans.items()}
    rows["as set"] |= {"possible": ours.possible, "anywhere": ours.free / ours.today - 1, "regret": ours.regret}
    return pd.DataFrame(rows).T.rename_axis("asked")


def _plan(known, **asked):
    return plan_budget(known, PlanningSettings(plan=PlanSettings(use_flagged=True, **asked)))


def _promised(planned, today):
    whole, month = planned.whole.iloc[0], pd.Timestamp(planned.rows["month"].iloc[0])
    promised = whole["gain"] * DAYS_A_WEEK / month.days_in_month / today
    return {"promised": promised, "p_better": whole["p_better"]}


def study(make, seeds, where):
    """`scored` for each world, by (seed, asked); printed."""
    fits = fits_of(make, seeds)
    parts = list(get_reusable_executor(max_workers=2).map(partial(scored, make), seeds, [fits[seed] for seed in seeds]))
    found = pd.concat(dict(zip(seeds, parts, strict=True)), names=["seed"]).astype(float)
    print(where, found.xs("as set", level="asked").map("{:+.2%}".format).to_string(), sep="\n")
    ways = found.groupby("asked", sort=False)
    table = ways.mean().assign(better=ways["gain"].apply(lambda gain: (gain > 0).mean()), least=ways["gain"].min())
    print(table.map("{:+.2%}".format).to_string(), flush=True)
    return found


def lines(found, where, has_bars):
    """The lines of the table: of the plan as it is set, and of one that knows the curves."""
    ours, told = (found.xs(asked, level="asked") for asked in ("as set", "true curves"))
    better, least, count = (ours["gain"] > 0).mean(), ours["gain"].min(), len(ours)
    bars = (f"{BETTER:.0%}", f"{WORSE:.0%}") if has_bars else (None, None)
    return (
        (f"{where}, {count} worlds: better than today's money", bars[0], f"{better:.0%}",
         better >= BETTER if has_bars else None),
        (f"{where}: the least gain", bars[1], f"{least:+.1%}", least >= WORSE if has_bars else None),
        (f"{where}: true gain, of what its limits allow", None,
         f"{ours['gain'].mean():+.1%} of {ours['possible'].mean():+.1%}", None),
        (f"{where}: regret, mean", None, f"{ours['regret'].mean():.1%}", None),
        (f"{where}: gain that the plan promises", None, f"{ours['promised'].mean():+.1%}", None),
        (f"{where}: true gain of a plan on true curves", None, f"{told['gain'].mean():+.1%}", None),
    )  # fmt: skip


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("make", "where"), [(clean_market, "plans, clean worlds"), (own_market, "plans, simulator as it is")]
)
def test_plans_of_fitted_curves_are_better_than_todays_money(make, where, judge):
    judge(*lines(study(make, WORLDS, where), where, has_bars=True))


@pytest.mark.timeout(3600)
def test_plans_of_the_marketplace_whose_fits_are_all_flagged_are_told(judge):
    """Spend follows demand there: without planning.plan.use_flagged the planner refuses."""
    where = "plans, marketplace, flagged fits"
    judge(*lines(study(whole_market, range(6), where), where, has_bars=False))
