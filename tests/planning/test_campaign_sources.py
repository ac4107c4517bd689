"""What the weekly plan reads: the plan's months, and the one that has begun."""

from datetime import date

import pytest

from pma.planning.campaign_sources import planned_months

DECEMBER, NOVEMBER, JANUARY = date(2026, 12, 1), date(2026, 11, 1), date(2027, 1, 1)


@pytest.mark.parametrize(
    ("count", "as_of", "months"),
    [
        (1, date(2026, 11, 30), [NOVEMBER, DECEMBER]),
        (2, date(2026, 11, 2), [NOVEMBER, DECEMBER, JANUARY]),
        (1, date(2026, 12, 15), [DECEMBER]),
    ],
)
def test_the_month_that_has_begun_is_planned_on_where_it_is_right_before(count, as_of, months):
    assert planned_months(DECEMBER, count, as_of) == months
