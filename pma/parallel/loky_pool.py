"""Workers of the engine `joblib`."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, wait
from typing import Any

import cloudpickle
import pyarrow as pa
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from pma.parallel.group import ONE_THREAD, GroupFunction, Outcome, run_pickled
from pma.parallel.pools import WorkerDiedError
from pma.parallel.settings import ParallelSettings


class LokyPool:
    """Processes of joblib's loky, started fresh (no fork), BLAS on one thread from the first import."""

    def __init__(self, fn: GroupFunction, schema: pa.Schema, settings: ParallelSettings) -> None:
        self.slots = settings.workers * settings.in_flight_per_worker
        self.shared_fate = self.slots > 1
        self._workers = settings.workers
        self._work: bytes = cloudpickle.dumps((fn, schema))
        self._executor: Any = None

    def submit(self, table: bytes) -> Any:
        """Hand out one group."""
        self._executor = self._executor or self._start()
        try:
            return self._executor.submit(run_pickled, self._work, table)
        except BrokenProcessPool:
            self.close()
            self._executor = self._start()
            return self._executor.submit(run_pickled, self._work, table)

    def _start(self) -> Any:
        return ProcessPoolExecutor(self._workers, env=ONE_THREAD)

    def wait(self, running: list[Any], seconds: float) -> list[Any]:
        """The handles that ended."""
        return list(wait(running, seconds, FIRST_COMPLETED).done)

    def result(self, handle: Any) -> Outcome:
        """Outcome of a handle, or WorkerDiedError."""
        try:
            return handle.result()
        except BrokenProcessPool as error:
            raise WorkerDiedError(str(error).strip().splitlines()[0]) from error

    def close(self) -> None:
        """End the processes."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)
            self._executor = None
