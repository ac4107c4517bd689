"""What the engines share in tests: one small Ray cluster, and one way to read a result."""

import pandas as pd
import pytest

from pma.parallel import ENGINES, ParallelSettings, map_groups
from pma.parallel.frames import to_pandas
from pma.parallel.ray_pool import connect


@pytest.fixture(scope="session")
def ray_cluster():
    """A real cluster on this machine that stays between calls; `map_groups` must join it and leave it running."""
    import ray

    connect(ParallelSettings(workers=2, ray_object_store_mb=100))
    yield ray
    ray.shutdown()


@pytest.fixture(params=ENGINES)
def engine(request):
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return request.param


@pytest.fixture(params=["joblib", "ray"])
def pool_engine(request):
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return request.param


@pytest.fixture
def run():
    """`map_groups` with the rows as a pandas frame in key order, whatever the engine."""

    def run(frame, fn, key, schema, engine, **settings):
        mapped = map_groups(frame, fn, key, schema, engine, ParallelSettings(partitions=4, **settings))
        rows = mapped.rows
        if not isinstance(rows, pd.DataFrame):
            keys = [key] if isinstance(key, str) else list(key)
            rows = to_pandas(rows.toArrow()).sort_values(keys, kind="stable", ignore_index=True)
            mapped.release()
        return rows, mapped.errors, mapped.groups

    return run
