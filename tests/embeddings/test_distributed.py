from types import SimpleNamespace

import numpy as np
import pytest

from pma.embeddings import distributed
from pma.embeddings.distributed import DistributedError, Single, connect, require_horovod


def test_one_process_keeps_what_it_has():
    alone = connect("single", ranks=2)
    assert (alone.rank, alone.size) == (0, 1)
    assert alone.total(np.array([1.5, 2.0])).tolist() == [1.5, 2.0]
    assert alone.average_gradients([1, 2]) == [1, 2]
    assert alone.from_first({"a": 1}) == {"a": 1}


def test_horovod_that_is_not_installed_is_said_so_with_the_fix(monkeypatch):
    monkeypatch.setattr(distributed, "find_spec", lambda name: None)
    with pytest.raises(
        DistributedError, match=r"Horovod is not installed\. Fix: install it with `make setup`.*backend=single"
    ):
        connect("horovod", ranks=2)


def test_horovod_built_without_tensorflow_is_said_so(monkeypatch, tmp_path):
    package = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(distributed, "find_spec", lambda name: package)
    with pytest.raises(DistributedError, match="built without TensorFlow"):
        require_horovod()


def test_horovod_is_never_replaced_by_one_process_in_silence(monkeypatch):
    monkeypatch.setattr(distributed, "find_spec", lambda name: None)
    with pytest.raises(DistributedError):
        connect("horovod", ranks=1)
    assert isinstance(connect("single", ranks=1), Single)
