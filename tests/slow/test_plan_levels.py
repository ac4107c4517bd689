"""Months of channels, then weeks of campaigns, against all campaigns at once, given true curves."""

import pandas as pd
import pytest

from tests.planning.campaign_truth import campaigns_of, even, joint, truly, two_levels
from tests.planning.fitted_market import quiet_market

pytestmark = [pytest.mark.slow, pytest.mark.recovery]
SEEDS, LOSS, LEARNING = range(8), 0.01, 0.2


@pytest.mark.timeout(1800)
def test_two_levels_lose_little(judge):
    rows = []
    for seed in SEEDS:
        market = quiet_market(seed)
        known = campaigns_of(market)
        best = joint(known)
        # What the joint plan truly brings, and as much more as its proof leaves open.
        most = truly(market, known, even(best.money)) * best.most / best.value
        free, kept = (1 - truly(market, known, two_levels(known, weekly=w)) / most for w in (None, LEARNING))
        rows.append({"campaigns": len(known.rows), "loss": free, "within": kept, "open": best.gap})
    found = pd.DataFrame(rows)
    print(found.to_string(), flush=True)
    where = f"two levels against all campaigns at once, {len(SEEDS)} worlds"
    judge(
        (f"{where}: worst loss", f"{LOSS:.0%}", f"{found['loss'].max():.2%}", found["loss"].max() <= LOSS),
        (f"the same, campaigns within {LEARNING:.0%} a week: mean loss", None, f"{found['within'].mean():.1%}", None),
    )
