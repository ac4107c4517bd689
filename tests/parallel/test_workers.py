"""Workers that die, results that land one by one, thresholds."""

import logging
import os
import signal
import sys

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pma.parallel import GroupsFailedError, ParallelSettings, check_threshold, map_groups
from pma.parallel.frames import decode, encode
from pma.parallel.group import Outcome
from pma.parallel.pools import WorkerDiedError, drain

ID = "id BIGINT"


@pytest.fixture(params=["joblib", "pandas_udf", "ray"])
def mortal_engine(request):
    """Engines whose workers may die without the driver."""
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return request.param


@pytest.mark.parametrize(
    ("name", "death"), [("joblib", "kill"), ("pandas_udf", "kill"), ("ray", "kill"), ("ray", "exit")]
)
def test_a_group_whose_worker_is_killed_once_runs_again(spark, request, run, tmp_path, name, death):
    if name == "ray":
        request.getfixturevalue("ray_cluster")
    marker = tmp_path / "died"

    def die_once(frame):
        if frame["id"].iloc[0] == 2 and not marker.exists():
            marker.touch()
            if death == "exit":
                os._exit(1)
            os.kill(os.getpid(), signal.SIGKILL)
        return frame

    rows, errors, groups = run(spark.range(6), die_once, "id", ID, name)

    assert marker.exists()
    assert list(rows["id"]) == [0, 1, 2, 3, 4, 5]
    assert (len(errors), groups) == (0, 6)


def test_a_group_that_kills_every_worker_is_an_error_row_and_no_other_is_lost(spark, mortal_engine, run):
    def die(frame):
        if frame["id"].iloc[0] == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return frame

    rows, errors, groups = run(spark.range(6), die, "id", ID, mortal_engine, max_retries=1)

    assert list(rows["id"]) == [0, 1, 3, 4, 5]
    assert list(errors["id"]) == [2]
    assert list(errors["error_type"]) == ["WorkerDiedError"]
    # Where all in flight die together, the first death proves nothing.
    assert list(errors["attempts"]) == [3 if mortal_engine == "joblib" else 2]
    assert errors["message"][0].startswith("the worker process died (killed, out of memory or left): ")
    assert groups == 6


@pytest.mark.parametrize("name", ["serial", "joblib", "ray"])
def test_each_group_is_handed_over_once_as_it_is_done_and_not_kept(name, request):
    if name == "ray":
        request.getfixturevalue("ray_cluster")

    def double(frame):
        if frame["n"].iloc[0] == 5:
            raise ValueError("five")
        return frame.assign(n=frame["n"] * 2)

    landed = {}
    frame = pd.DataFrame({"geo": ["a", "a", "b", "c"], "n": [1, 2, 3, 5]})
    mapped = map_groups(
        frame, double, "geo", "geo STRING, n BIGINT", name, on_result=lambda key, rows: landed.setdefault(key, rows)
    )

    assert {key: list(rows["n"]) for key, rows in landed.items()} == {("a",): [2, 4], ("b",): [6]}
    assert list(mapped.rows.columns) == ["geo", "n"]
    assert (len(mapped.rows), list(mapped.errors["geo"]), mapped.groups) == (0, ["c"], 3)


def test_a_job_stops_when_landing_fails(pool_engine):
    def land(key, rows):
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        map_groups(pd.DataFrame({"id": range(50)}), lambda frame: frame, "id", ID, pool_engine, on_result=land)


def test_the_job_fails_only_past_the_threshold_and_names_groups_and_messages():
    def fail_even(frame):
        if frame["id"].iloc[0] % 2 == 0:
            raise ValueError(f"no {frame['id'].iloc[0]}")
        return frame

    mapped = map_groups(pd.DataFrame({"id": range(16)}), fail_even, "id", ID, "serial")

    assert list(mapped.rows["id"]) == [1, 3, 5, 7, 9, 11, 13, 15]
    check_threshold(mapped, ParallelSettings(max_failed_share=0.5))
    with pytest.raises(GroupsFailedError) as raised:
        check_threshold(mapped, ParallelSettings(max_failed_share=0.49))
    assert str(raised.value) == (
        "8 of 16 groups failed, parallel.max_failed_share allows 49%: id=0: ValueError: no 0; id=2: ValueError: no 2; "
        "id=4: ValueError: no 4; id=6: ValueError: no 6; id=8: ValueError: no 8; and 3 more"
    )


def test_no_groups_are_no_failure():
    mapped = map_groups(pd.DataFrame({"id": pd.Series([], dtype="int64")}), lambda frame: frame, "id", ID, "serial")

    assert (mapped.groups, len(mapped.rows), len(mapped.errors)) == (0, 0, 0)
    check_threshold(mapped, ParallelSettings(max_failed_share=0.0))


def test_ray_missing_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(ImportError, match=r"pip install 'pma\[ray\]'"):
        map_groups(pd.DataFrame({"id": [1]}), lambda frame: frame, "id", ID, "ray")


def test_progress_is_logged(caplog):
    caplog.set_level(logging.INFO, logger="pma.parallel")
    settings = ParallelSettings(log_every_seconds=1e-9)

    map_groups(pd.DataFrame({"id": [1, 2]}), lambda frame: frame if frame["id"].iloc[0] == 1 else 1 / 0, "id", ID,
               "serial", settings)  # fmt: skip

    assert [record.getMessage() for record in caplog.records] == [
        "map_groups on serial running: 1 of 2 groups, 0 failed, 0 s",
        "map_groups on serial running: 2 of 2 groups, 1 failed, 0 s",
        "map_groups on serial ended: 2 of 2 groups, 1 failed, 0 s",
    ]


class FakePool:
    """Workers whose deaths are planned: group i kills its worker `deaths[i]` times, and all with a shared fate."""

    def __init__(self, slots, shared_fate, deaths):
        self.slots, self.shared_fate = slots, shared_fate
        self.deaths, self.running, self.most, self.broken = dict(enumerate(deaths)), {}, 0, set()
        self.handles = 0

    def submit(self, table):
        self.handles += 1
        self.running[self.handles] = decode(table)["id"][0].as_py()
        self.most = max(self.most, len(self.running))
        return self.handles

    def wait(self, running, seconds):
        assert set(running) == set(self.running)
        if self.broken:
            return sorted(self.broken)
        first = running[-1]
        if self.deaths[self.running[first]]:
            self.deaths[self.running[first]] -= 1
            self.broken = set(self.running) if self.shared_fate else {first}
            return [first]  # the others are told one call later, as real pools may do
        return [first]

    def result(self, handle):
        group = self.running.pop(handle)
        if handle in self.broken:
            self.broken.discard(handle)
            raise WorkerDiedError(OSError(f"killed at {group}"))
        return Outcome(str(group).encode(), 0.0)

    def close(self):
        self.running.clear()


@given(
    deaths=st.lists(st.integers(0, 4), max_size=12),
    slots=st.integers(1, 5),
    shared=st.booleans(),
    retries=st.integers(0, 3),
)
def test_whoever_dies_every_group_ends_once_and_few_are_in_flight(deaths, slots, shared, retries):
    import pyarrow as pa

    pool = FakePool(slots, shared, deaths)
    groups = (pa.table({"id": [place]}) for place in range(len(deaths)))
    ended = list(drain(groups, pool, ParallelSettings(max_retries=retries)))

    assert sorted(place for place, _ in ended) == list(range(len(deaths)))
    assert pool.most <= slots
    for place, outcome in ended:
        if outcome.rows is None:
            assert deaths[place] > retries, "an innocent group was blamed"
        else:
            assert outcome.rows == str(place).encode()
        assert deaths[place] <= retries + 1 or outcome.rows is None, "forgiven more often than the settings allow"


def test_a_group_travels_without_the_rest_of_its_table():
    import pyarrow as pa

    table = pa.table({"id": range(100_000)})

    assert len(encode(table.slice(50_000, 10))) < 2_000
    assert decode(encode(table.slice(50_000, 10))).to_pydict() == {"id": list(range(50_000, 50_010))}


def test_ray_starts_a_cluster_of_its_own_and_takes_it_down():
    import ray

    ray.shutdown()  # the tests' own, where it runs: this test is the last that needs Ray
    frame = pd.DataFrame({"id": range(4)})
    mapped = map_groups(frame, lambda group: group, "id", ID, "ray", ParallelSettings(workers=1))

    assert list(mapped.rows["id"]) == [0, 1, 2, 3]
    assert not ray.is_initialized()
