from pathlib import Path

import pytest
import yaml

from pma.mmm.input.variables import read_variables
from pma.tables import TableError

RULES = Path(__file__).parents[3] / "conf" / "rules"


def test_the_known_gaps_have_names_and_someone_who_can_fill_them():
    rules = read_variables(RULES)
    assert rules.owner("tv") == "who keeps the TV sheet"
    assert rules.owner("google_demand_gen_supply") == "the search team"
    assert rules.owner("youtube_flobikes") == "who keeps the YouTube sheet"
    assert rules.owner("strikes") == "the data engineers"
    assert rules.named("target") == ("uploads", "gmv")
    assert rules.of("price_index").of_region == "weighted"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weight": "sales"}, "weight sales is none of the variables"),
        ({"variables": [{"name": "uploads", "role": "target", "unit": "count"}]}, "the targets are"),
        ({"variables": [{"name": "tv", "role": "radio", "unit": "x"}]}, "role"),
    ],
)
def test_rules_that_cannot_be_are_refused_with_the_file(tmp_path, change, said):
    given = yaml.safe_load((RULES / "mmm_variables.yml").read_text())
    (tmp_path / "mmm_variables.yml").write_text(yaml.safe_dump({**given, **change}))
    with pytest.raises(TableError, match=said) as refused:
        read_variables(tmp_path)
    assert "mmm_variables.yml" in str(refused.value) and "Fix: " in str(refused.value)


def test_no_rules_are_refused(tmp_path):
    with pytest.raises(TableError, match="Fix: set `rules`"):
        read_variables(tmp_path)
