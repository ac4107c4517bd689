"""Workers of the engine `joblib`."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, wait
from typing import Any

import cloudpickle
import pyarrow as pa
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool

from pma.parallel.group import ONE_THREAD, GroupFunction, Outcome, run_pickled
from pma.parallel.pools import WorkerDiedError
from pma.parallel.settings import ParallelSettings

IDLE_SECONDS = 30


class LokyPool:
    """Processes of joblib's loky, started fresh (no fork), BLAS on one thread from the first import.

    They serve later calls too (what a function compiled is still there) and leave after some idle seconds.
    """

    def __init__(self, fn: GroupFunction, schema: pa.Schema, settings: ParallelSettings) -> None:
        self.slots = settings.workers * settings.in_flight_per_worker
        self.shared_fate = self.slots > 1
        self._workers = settings.workers
        self._work: bytes = cloudpickle.dumps((fn, schema))
        self._running: set[Any] = set()
        self._executor: Any = None

    def submit(self, table: bytes) -> Any:
        """Hand out one group."""
        try:
            handle = self._living().submit(run_pickled, self._work, table)
        except BrokenProcessPool:  # it broke between the two calls
            handle = self._living().submit(run_pickled, self._work, table)
        self._running.add(handle)
        return handle

    def _living(self) -> Any:
        self._executor = get_reusable_executor(self._workers, timeout=IDLE_SECONDS, env=ONE_THREAD)
        return self._executor

    def wait(self, running: list[Any], seconds: float) -> list[Any]:
        """The handles that ended."""
        return list(wait(running, seconds, FIRST_COMPLETED).done)

    def result(self, handle: Any) -> Outcome:
        """Outcome of a handle, or WorkerDiedError."""
        self._running.discard(handle)
        try:
            return handle.result()
        except BrokenProcessPool as error:
            raise WorkerDiedError(error) from error

    def close(self) -> None:
        """End the processes when they are still at work that nobody waits for."""
        if self._running and self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)
