"""The README's queries, asked of the small shop and the small marketplace, with names of theirs."""

import re

import pytest

from pma.query import register
from pma.settings import load
from pma.views import read_views
from tests.jobs.shop import AS_OF, REPOSITORY

# The query, and of what it printed the line with the names of the columns.
SHOWN = re.findall(r'\$ make sql Q="(.*?)"\n\+[-+]+\n\|(.*?)\|\n', (REPOSITORY / "README.md").read_text(), re.DOTALL)
OF_MARKETING = re.compile(r"growth_|attribution_models|mmm_|truth\.")


def test_the_readme_shows_three_queries_of_the_embeddings_and_one_of_each_view_and_of_what_is_missing():
    of_marketing = [query for query, _ in SHOWN if OF_MARKETING.search(query)]
    for view in ("growth_overview", "growth_by_channel", "growth_by_campaign", "attribution_models", "mmm_readiness"):
        assert any(f"bl.{view}" in query for query in of_marketing), view
    assert (len(SHOWN) - len(of_marketing), len(of_marketing)) == (3, 5)


@pytest.mark.parametrize(("query", "columns"), SHOWN)
def test_a_query_of_the_readme_gives_rows_of_the_columns_that_it_shows(spark, request, query, columns):
    conf = request.getfixturevalue("market" if OF_MARKETING.search(query) else "shop")
    settings = load([str(conf)])
    register(spark, settings.warehouse, read_views(settings.rules))
    found = spark.sql(query.replace("'1'", "'c1'").replace("'2018-01-01'", f"'{AS_OF[1]}'"))
    assert found.columns == [name.strip() for name in columns.split("|")]
    assert found.count() > 0
