"""Workers of the engine `ray`."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import Any

import cloudpickle
import pyarrow as pa

from pma.parallel.group import GroupFunction, Outcome, run_pickled
from pma.parallel.pools import WorkerDiedError
from pma.parallel.settings import ParallelSettings

log = logging.getLogger(__name__)

STARTS = 3


class RayPool:
    """Ray tasks, one per group; joins the cluster that is there, else the address in the settings, else a local one."""

    shared_fate = False

    def __init__(self, fn: GroupFunction, schema: pa.Schema, settings: ParallelSettings) -> None:
        try:
            import ray
        except ImportError as error:
            raise ImportError("engine `ray` needs Ray: pip install 'pma[ray]'") from error
        work = cloudpickle.dumps((fn, schema))
        self._ray = ray
        self._running: set[Any] = set()
        self._ours = not ray.is_initialized()
        if self._ours:
            connect(settings)
        self.slots = max(1, int(ray.cluster_resources().get("CPU", 1))) * settings.in_flight_per_worker
        self._work = ray.put(work)
        # Ray's own retries are off: `drain` counts them, the same way for every pool.
        self._remote = ray.remote(num_cpus=1, max_retries=0)(run_pickled)

    def submit(self, table: bytes) -> Any:
        """Hand out one group."""
        handle = self._remote.remote(self._work, table)
        self._running.add(handle)
        return handle

    def wait(self, running: list[Any], seconds: float) -> list[Any]:
        """The handles that ended."""
        done, _ = self._ray.wait(running, num_returns=1, timeout=seconds)
        return done

    def result(self, handle: Any) -> Outcome:
        """Outcome of a handle, or WorkerDiedError."""
        self._running.discard(handle)
        gone = self._ray.exceptions
        try:
            return self._ray.get(handle)
        except (
            gone.WorkerCrashedError,
            gone.NodeDiedError,
            gone.LocalRayletDiedError,
            gone.OutOfMemoryError,
            gone.ObjectLostError,
        ) as error:
            raise WorkerDiedError(error) from error

    def close(self) -> None:
        """Leave the cluster if we came (a local one that we started ends with that); one that was there stays."""
        if not self._ray.is_initialized():
            return
        for handle in self._running:
            self._ray.cancel(handle, force=True)
        if self._ours:
            self._ray.shutdown()


def connect(settings: ParallelSettings) -> None:
    """Join the cluster in the settings, or start one on this machine."""
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.WARNING}
    if settings.ray_address is not None:
        ray.init(address=settings.ray_address, **quiet)
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    for start in range(1, STARTS + 1):
        before = _children()
        try:
            ray.init(
                address="local",
                num_cpus=settings.workers,
                object_store_memory=settings.ray_object_store_mb * 2**20,
                include_dashboard=False,
                **quiet,
            )
            return
        except Exception as error:
            # A start that failed leaves its processes behind, which would slow down the next.
            for process in _children() - before:
                process.kill()
                process.wait()
            # Ray gives its own helpers 15 s, fixed in its code, which a busy machine needs for their imports alone.
            if start == STARTS or "timed out during startup" not in str(error):
                raise
            log.warning("Ray did not come up in time (start %d of %d), trying again", start, STARTS)


def _children() -> set[Any]:
    """Processes of Ray that this process, or one of those, started."""
    import psutil  # comes with Ray

    found = set()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if any("/ray/" in part for part in child.cmdline()):
                found.add(child)
    return found
