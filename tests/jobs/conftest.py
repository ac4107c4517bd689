"""The small shop and the small marketplace, each run once for all tests that only read its tables."""

import pytest

from tests.jobs import market as marketplace
from tests.jobs.shop import run, write_settings, write_shop


@pytest.fixture(scope="session")
def shop(spark, tmp_path_factory):
    """The shop after one run of everything."""
    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder)
    conf = write_settings(folder)
    assert set(run(conf).values()) == {0}
    return conf


@pytest.fixture(scope="session")
def market(spark, tmp_path_factory):
    """The marketplace after one run of simulation and marketing."""
    conf = marketplace.write_settings(tmp_path_factory.mktemp("market"))
    assert set(marketplace.run(conf).values()) == {0}
    return conf
