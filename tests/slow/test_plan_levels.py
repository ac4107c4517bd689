"""Months of channels, then weeks of campaigns, against all campaigns at once, given true curves."""

import pandas as pd
import pytest

from tests.planning.campaign_truth import campaigns_of, joint, two_levels
from tests.planning.fitted_market import quiet_market

pytestmark = [pytest.mark.slow, pytest.mark.recovery]
SEEDS, LOSS, LEARNING = range(8), 0.01, 0.2


@pytest.mark.timeout(1800)
def test_two_levels_lose_little(judge):
    rows = []
    for seed in SEEDS:
        known = campaigns_of(quiet_market(seed))
        best = joint(known)
        free, kept = (two_levels(known, weekly=weekly)[0] for weekly in (None, LEARNING))
        rows.append({"campaigns": len(known.rows), "loss": 1 - free / best.most, "within": 1 - kept / best.most})
    found = pd.DataFrame(rows)
    print(found.to_string(), flush=True)
    where = f"two levels against all campaigns at once, {len(SEEDS)} worlds"
    judge(
        (f"{where}: worst loss", f"{LOSS:.0%}", f"{found['loss'].max():.2%}", found["loss"].max() <= LOSS),
        (f"the same, campaigns within {LEARNING:.0%} a week: mean loss", None, f"{found['within'].mean():.1%}", None),
    )
