"""The bridge against the simulator's truth: value of orders by destination, on ten by ten countries."""

import numpy as np
import pandas as pd
import pytest

from pma.planning.bridge import upload_bridge
from pma.planning.exits import upload_exits
from pma.planning.metrics import worth_of
from pma.planning.settings import BridgeSettings
from pma.simulation.marketplace import simulate
from pma.simulation.settings import SimulationSettings
from pma.simulation.trade import listings, orders
from tests.planning.simulated_trade import PAIR, by_destination, counted, drawn_exits, true_bridge

pytestmark = [pytest.mark.slow, pytest.mark.recovery]
SEEDS = range(20)
BAR = 0.05
# Of ten destinations by twenty worlds, as many lie within the bar as the noise of single prices allows.
WITHIN = 0.95
# Uploads of the last months alone: where most of what counting takes for unsold is only not sold yet.
YOUNG = 120
# A country whose uploads began so many days ago, and one where next to nothing can have sold yet.
BEGAN, BEGINS = 60, 3
# Half the width of a 90 % interval of a normal, in deviations.
HALF_WIDTH = 1.6449


def compared(market, exits, settings):
    """One row per destination: how far the bridge's value, and that of counting, is from the truth; is it inside."""
    found = upload_bridge(exits, settings).set_index(PAIR).sort_index()
    truth = true_bridge(market, settings.window_days, settings.horizon_days)
    spread = (found["p95"] - found["p05"]) / (2 * HALF_WIDTH)
    true, ours, count = (
        by_destination(market, value.sort_index(), settings.window_days)
        for value in (truth["gmv_per_upload"], found["gmv_per_upload"], counted(found))
    )
    # Origins are estimated apart from each other: their errors add up as squares.
    uploads = market.structure.uploads()[:, -(settings.window_days // 7) :].sum(axis=1)
    variance = (spread * np.repeat(uploads, len(uploads))) ** 2
    width = HALF_WIDTH * np.sqrt(variance.groupby("destination_country").sum())
    return pd.DataFrame(
        {"error": ours / true - 1, "counting": count / true - 1, "is_inside": (ours - true).abs() <= width}
    )


def worlds(settings):
    """`compared` for each world of SEEDS, by (seed, destination)."""
    found = {}
    for seed in SEEDS:
        market = simulate(SimulationSettings(seed=seed))
        found[seed] = compared(market, drawn_exits(market, settings.window_days), settings)
    return pd.concat(found, names=["seed"])


@pytest.mark.timeout(600)
def test_value_by_destination_comes_back(judge):
    found = worlds(BridgeSettings())
    bias = found["error"].groupby("destination_country").mean()
    worst = found["error"].abs().groupby("seed").max()
    print(found["error"].unstack().map("{:+.1%}".format).to_string(), flush=True)
    within = (found["error"].abs() <= BAR).mean()
    where = f"bridge, 10 x 10 countries, {len(SEEDS)} worlds"
    judge(
        (f"{where}: GMV by destination, mean error of the worst one", f"{BAR:.0%}", f"{bias.abs().max():.1%}",
         bias.abs().max() <= BAR),
        (f"{where}: destinations within {BAR:.0%} in one world", f"{WITHIN:.0%}", f"{within:.1%}", within >= WITHIN),
        (f"{where}: the worst of ten destinations, median of worlds", f"{BAR:.0%}", f"{worst.median():.1%}",
         worst.median() <= BAR),
        (f"{where}: the worst of all", None, f"{worst.max():.1%}", None),
        (f"{where}: 90 % intervals cover", "85% to 97%", f"{found['is_inside'].mean():.1%}",
         0.85 <= found["is_inside"].mean() <= 0.97),
    )  # fmt: skip


@pytest.mark.timeout(600)
def test_counting_is_far_off_where_the_bridge_is_not(judge):
    found = worlds(BridgeSettings(window_days=YOUNG, horizon_days=YOUNG))
    ours, count = found["error"].mean(), found["counting"].mean()
    whole = worlds(BridgeSettings(draws=10))["counting"].mean()
    judge(
        (f"bridge of the last {YOUNG} days: mean error", "1%", f"{ours:+.1%}", abs(ours) <= 0.01),
        (f"negative control, sold over uploaded, last {YOUNG} days: mean error", "worse than -5%", f"{count:+.1%}",
         count < -BAR),
        ("negative control, sold over uploaded, two years: mean error", None, f"{whole:+.1%}", None),
    )  # fmt: skip


def new_countries():
    """How far an upload's value, and that of counting, is from the truth; is it inside. By days of watch.

    In each world uploads of one country began BEGAN days ago, of the next one BEGINS days ago. The truth of the first
    is at the demand of its own weeks, of the second at that of all: it has none of its own.
    """
    settings, rows = BridgeSettings(), []
    for seed in SEEDS:
        market = simulate(SimulationSettings(seed=seed))
        countries = market.settings.countries
        young = {countries[(seed + n) % len(countries)]: days for n, days in enumerate((BEGAN, BEGINS))}
        found = upload_bridge(drawn_exits(market, settings.window_days, young), settings)
        for country, days in young.items():
            window = BEGAN if days == BEGAN else settings.window_days
            truth = true_bridge(market, window, settings.horizon_days)["gmv_per_upload"][country].sum()
            draws = worth_of(found, [country], "gmv", 2000, seed).set_index("target")["draws"]["uploads"]
            low, high = np.quantile(draws, (0.05, 0.95))
            own = found[found["origin_country"] == country]
            rows.append(
                {
                    "days": days,
                    "orders": own["orders"].sum(),
                    "error": own["gmv_per_upload"].sum() / truth - 1,
                    "counting": counted(own).sum() / truth - 1,
                    "is_inside": low <= truth <= high,
                    "width": (high - low) / 2 / truth,
                }
            )
    return pd.DataFrame(rows).set_index("days")


@pytest.mark.timeout(600)
def test_an_upload_of_a_new_country_is_worth_what_it_will_become(judge):
    found = new_countries()
    print(found.groupby("days").agg(["mean", "std"]).to_string(), flush=True)
    lines = []
    for days, bar in ((BEGAN, BAR), (BEGINS, 2 * BAR)):
        of = found.loc[days]
        where = f"bridge, a country whose uploads began {days} days ago, {of['orders'].mean():.1f} orders"
        bias, cover = of["error"].mean(), of["is_inside"].mean()
        lines += [
            (f"{where}: value of an upload, mean error", f"{bar:.0%}", f"{bias:+.1%}", abs(bias) <= bar),
            (f"{where}: 90 % intervals cover", "85% or more", f"{cover:.0%}", cover >= 0.85),
            (f"{where}: half the width of the interval", None, f"{of['width'].mean():.0%}", None),
        ]
    for days, count in found["counting"].groupby("days", sort=False).mean().items():
        control = f"negative control, sold over uploaded, a country whose uploads began {days} days ago: mean error"
        lines.append((control, "worse than -5%", f"{count:+.1%}", count < -BAR))
    judge(*lines)


@pytest.mark.timeout(900)
def test_sparks_exits_of_a_marketplace_tell_the_same(spark, judge):
    settings, market = BridgeSettings(), simulate(SimulationSettings())
    listed = listings(spark, market).persist()
    end = market.settings.last_day + pd.Timedelta(days=1)
    exits = upload_exits(listed, orders(listed, market), end, settings.window_days).toPandas()
    listed.unpersist()
    found = compared(market, exits, settings)
    print(found.map(lambda value: f"{value:+.1%}" if isinstance(value, float) else value).to_string(), flush=True)
    worst = found["error"].abs().max()
    judge(("bridge, one marketplace through Spark: the worst of ten destinations", f"{BAR:.0%}", f"{worst:.1%}",
           worst <= BAR))  # fmt: skip
