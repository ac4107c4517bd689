"""The README's queries, asked of the shop: its customer and its date stand for those of the Journey."""

import re

import pytest

from pma.query import register
from pma.settings import load
from tests.jobs.shop import AS_OF, REPOSITORY

# The query, and of what it printed the line with the names of the columns.
SHOWN = re.findall(r'\$ make sql Q="(.*?)"\n\+[-+]+\n\|(.*?)\|\n', (REPOSITORY / "README.md").read_text(), re.DOTALL)


def test_the_readme_shows_three_queries():
    assert len(SHOWN) == 3


@pytest.mark.parametrize(("query", "columns"), SHOWN)
def test_a_query_of_the_readme_gives_rows_of_the_columns_that_it_shows(spark, shop, query, columns):
    register(spark, load([str(shop)]).warehouse)
    found = spark.sql(query.replace("'1'", "'c1'").replace("'2018-01-01'", f"'{AS_OF[1]}'"))
    assert found.columns == [name.strip() for name in columns.split("|")]
    assert found.count() > 0
