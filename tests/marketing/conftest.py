import pytest

from pma.marketing.sessions import read_session_rules
from tests.marketing.clicks import RULES


@pytest.fixture(scope="module")
def rules():
    return read_session_rules(RULES)
