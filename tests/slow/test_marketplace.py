"""No silent failure: the simulated marketplace, confounded, collinear and full of holes, and worlds in between."""

import pandas as pd
import pytest

from pma.simulation.settings import SimulationSettings
from tests.mmm.clean_world import clean_world
from tests.mmm.simulated_market import SimulatedMarket, simulated_market
from tests.slow.fits import channels_of, fitted

pytestmark = [pytest.mark.slow, pytest.mark.recovery]
SEEDS = (3, 11, 23)
REGIONS = {"DACH": ("DE", "AT"), "SOUTH": ("FR", "IT"), "NORTH": ("PL",)}
# A fit whose median error of ROAS is larger is wrong.
WRONG = 0.25


def judged(rows, roas, where):
    """The lines of a study: wrong fits that nobody would notice, and fits that are flagged without need."""
    found = channels_of(fitted(rows), roas)
    by_fit = found.groupby(["geo", "target"]).agg(status=("status", "first"), error=("error", "median"))
    is_wrong, is_flagged = by_fit["error"] > WRONG, by_fit["status"] == "flagged"
    silent = by_fit[is_wrong & ~is_flagged]
    trusted = found[found["is_trusted"]]
    print(by_fit.to_string(), f"90 % intervals cover {found['inside'].mean():.1%}", sep="\n", flush=True)
    told = f"{len(silent)} of {is_wrong.sum()} wrong fits"
    without_need = f"{(is_flagged & ~is_wrong).sum()} of {(~is_wrong).sum()} fits that are not wrong"
    error = "none is" if trusted.empty else f"{trusted['error'].median():.0%} of {len(trusted)} channels"
    return (
        (f"{where}: median error above {WRONG:.0%} and not flagged", "none", told, silent.empty),
        (f"{where}: flagged without need", None, without_need, None),
        (f"{where}: median error of channels that are trusted", None, error, None),
    )


@pytest.mark.timeout(7200)
def test_no_fit_of_the_marketplace_is_wrong_in_silence(judge):
    markets = {seed: simulated_market(SimulationSettings(seed=seed, regions=REGIONS)) for seed in SEEDS}
    market = together(markets)
    rows = pd.concat([market.rows.assign(target=target) for target in ("uploads", "gmv")])
    judge(*judged(rows, market.roas, f"marketplace, {len(SEEDS)} seeds"))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("confounding", (0.5, 0.9))
def test_no_fit_is_wrong_in_silence_where_spend_follows_demand_that_nobody_measures(confounding, judge):
    """Spend moves and pauses as in clean worlds, so that the data look as if they knew; yet it follows demand."""
    worlds = {f"world {seed:02d}": clean_world(seed, swell=True, confounding=confounding) for seed in range(10)}
    rows = pd.concat([world.rows.assign(geo=name, target="uploads") for name, world in worlds.items()])
    roas = pd.concat({(name, "uploads"): world.roas for name, world in worlds.items()})
    judge(*judged(rows, roas, f"clean worlds with a swell, confounding {confounding}"))


def together(markets):
    """One marketplace of several: `DE of 3` is Germany by the seed 3."""
    rows, roas = [], []
    for seed, market in markets.items():
        rows.append(market.rows.assign(geo=market.rows["geo"] + f" of {seed}"))
        roas.append(market.roas.rename(lambda geo, seed=seed: f"{geo} of {seed}", level="geo"))
    return SimulatedMarket(pd.concat(rows, ignore_index=True), pd.concat(roas))
