"""Spend that moves with the target: budget may follow demand, and no fit of the weeks can tell which follows which."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pma.mmm.collinearity import BEYOND_CHANCE, EARLIER_WEEKS, in_standard_errors, logarithm
from pma.mmm.design import Design

# A test whose lift is so many standard errors from nothing tells effect from demand.
CLEAR = 2.0


def suspicions(design: Design, follows: float) -> list[str | None]:
    """Return for each channel why its effect may be demand that came anyway, in words; None: nothing says so.

    Judged as in the check `follows_target` of bl.mmm_readiness, by the weeks that are explained: `follows` is the
    least correlation of the logarithms of spend and target, of the same week or the four before, that is suspected. A
    channel with a clear lift test is not suspected: the test says what spend itself does.
    """
    target = logarithm(pd.Series(np.where(design.explained > 0, design.value, np.nan)))
    earlier = target.rolling(EARLIER_WEEKS, min_periods=EARLIER_WEEKS).mean().shift(1)
    tests = design.lifts.tests
    clear = {test.channel for test in tests if abs(test.lift) >= CLEAR * test.standard_error}
    said: list[str | None] = []
    for c, name in enumerate(design.channels):
        spent = logarithm(pd.Series(design.money[:, c]))
        found = {}
        for weeks, series in (("the same week", target), ("the four weeks before", earlier)):
            value, errors = in_standard_errors(spent, series)
            found[weeks] = value if errors >= BEYOND_CHANCE else 0.0
        weeks = max(found, key=lambda name: found[name])
        if name in clear or found[weeks] < follows:
            said.append(None)
        else:
            said.append(
                f"{name}: its spend moves with {design.target} of {weeks} (correlation {found[weeks]:.2f}). Budget may "
                "follow demand, and demand that came anyway would count as its own. Test it (geo lift)"
            )
    return said
