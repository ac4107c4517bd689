from pathlib import Path

import pytest

from pma.sources.states import read_states
from pma.tables import TableError


def test_the_rules_list_the_fifty_states_once_in_a_fixed_order():
    names = [state.name for state in read_states(Path(__file__).parents[2] / "conf/rules").states]
    assert len(set(names)) == len(names) == 50
    assert (names[0], names[4], names[42], names[49]) == ("Alabama", "California", "Texas", "Wyoming")


@pytest.mark.parametrize(
    "content", ["version: 1\nstates: [{code: AL}]", "version: 1\nrule: by hash\nstates: []", "states: ["]
)
def test_a_file_that_lists_no_states_is_refused_by_name(tmp_path, content):
    (tmp_path / "standin_states.yml").write_text(content)
    with pytest.raises(TableError, match=r"il.stores: .*standin_states\.yml is not a list of states"):
        read_states(tmp_path)


def test_a_folder_without_the_file_is_refused_with_the_fix(tmp_path):
    with pytest.raises(TableError, match=r"il.stores: no .*standin_states\.yml.* Fix: set `rules`"):
        read_states(tmp_path)
