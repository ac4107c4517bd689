"""Long chains of the density that is written out, and of pymc-marketing's own MMM: the same posterior."""

import numpy as np
import pytest

from pma.mmm.design import make_design
from pma.mmm.layout import Layout
from pma.mmm.spec import FitSettings
from tests.bench.mmm import SPEC, distances, ours, theirs
from tests.mmm.media_world import media_world

pytestmark = pytest.mark.slow
LONG = FitSettings(chains=4, tune=1000, draws=2000)
CHANNELS = 3


@pytest.mark.timeout(1800)
def test_contributions_are_those_of_pymc_marketing_within_monte_carlo_error():
    layout = Layout(make_design(media_world(channels=CHANNELS).rows, "uploads", SPEC, LONG), SPEC)
    first, second = ours(layout, LONG)["total"], theirs(layout, LONG)["total"]
    apart = distances(first, second)
    print("apart in Monte Carlo errors:", np.round(apart, 2), flush=True)
    # Of three normal numbers none is beyond 3.5 but once in seven hundred times.
    assert np.abs(apart).max() < 3.5
    for quantile in (0.05, 0.5, 0.95):
        pair = [np.quantile(draws.reshape(-1, CHANNELS), quantile, axis=0) for draws in (first, second)]
        spread = second.reshape(-1, CHANNELS).std(axis=0)
        assert np.abs(pair[0] - pair[1]).max() < 0.15 * spread.max()
