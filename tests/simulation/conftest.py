"""The worlds that the tests of the simulated individuals share."""

import pytest

from tests.simulation.worlds import make_world


@pytest.fixture(scope="session")
def world():
    """A small world with much noise, for its clickstream."""
    demand = [0.6, 0.8, 1.0, 1.2, 1.4, 1.4, 1.2, 1.0, 0.8, 0.6]
    return make_world(80.0, demand, utm_noise=0.3, bot_share=0.05)


@pytest.fixture(scope="session")
def busy_world():
    """A world with many uploads, for the flows between its countries."""
    return make_world(2_000.0, [0.6, 0.8, 1.0, 1.2, 1.4, 1.4, 1.2, 1.0, 0.8, 0.6])
