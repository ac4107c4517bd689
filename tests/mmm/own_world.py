"""Worlds of the simulator as it is, made as clean as its settings can: one country, six channels, nothing planted."""

import numpy as np
import pandas as pd

from pma.simulation.channels import CHANNEL_NAMES, UPLOADS
from pma.simulation.settings import SimulationSettings
from tests.mmm.clean_world import LEVEL, SIX
from tests.mmm.media_world import MediaWorld
from tests.mmm.simulated_market import marketplace, seen_rows


def own_world(seed, noise=0.02, media_share=0.35):
    """Return rows of bl.mmm_input and the truth of a country whose budgets follow no demand (confounding 0).

    Spend moves by a third, but for television's flights it never pauses, and a swell of demand that nobody measures
    stays in. Of the twelve channels six spend; what television and brand search bring together, which is nobody's own,
    is left out. The six bring `media_share` of the target.
    """
    places = [CHANNEL_NAMES.index(name) for name in SIX]
    structure = _of_six(_market(seed, noise, media_share), places)
    # Of what all twelve bring, whatever it is, the six have this part.
    part = structure.paid[UPLOADS][0].sum() / (media_share * LEVEL * len(structure.weeks))
    market = _market(seed, noise, media_share / (part * (1 - media_share) + media_share))
    structure = _of_six(market, places)
    brought, together = structure.paid[UPLOADS]
    index = market.weeks
    value = structure.uploads()[0] - together[0]
    target = pd.DataFrame({"week_start": index.date, "variable": "uploads", "role": "target", "value": value})
    rows = seen_rows(market)
    rows = rows[(rows["role"] != "interaction") & ((rows["role"] != "paid") | rows["variable"].isin(SIX))]
    everything = pd.concat([target.assign(geo_level="country", geo="DE", is_complete_week=True), rows])
    spend = pd.DataFrame(structure.spend[0, places].T, index=index, columns=list(SIX))
    effect = pd.DataFrame(brought[0, places].T, index=index, columns=list(SIX))
    return MediaWorld(everything.reset_index(drop=True), spend, effect)


def _market(seed, noise, media_share):
    size = 2.2
    return marketplace(
        SimulationSettings(
            seed=seed,
            regions={"DACH": ("DE",)},
            noise=noise,
            media_share=media_share,
            uploads_per_week=LEVEL / size,
            confounding=0.0,
            lift_tests=0,
            missing_feeds=False,
        )
    )


def _of_six(market, places):
    spend = np.zeros_like(market.structure.spend)
    spend[:, places] = market.structure.spend[:, places]
    return market.structure.with_spend(spend)
