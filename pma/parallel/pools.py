"""The loop that hands out groups to worker processes and runs those again whose worker died."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import pyarrow as pa

from pma.parallel.frames import encode
from pma.parallel.group import Outcome
from pma.parallel.settings import ParallelSettings


class WorkerDiedError(RuntimeError):
    """The process that ran a group was killed, ran out of memory or left; says what the pool said of it."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(" ".join(str(cause).split()) or type(cause).__name__)


class Pool(Protocol):
    """Workers that take groups."""

    slots: int
    """Groups they hold at one time."""
    shared_fate: bool
    """True when one dead worker takes down every group in flight, so that the guilty one is not known."""

    def submit(self, table: bytes) -> Any:
        """Hand out one group; returns a handle of it."""

    def wait(self, running: list[Any], seconds: float) -> list[Any]:
        """The handles that ended, as soon as there is one; none when so many seconds have passed."""

    def result(self, handle: Any) -> Outcome:
        """Outcome of a handle that ended. Raises WorkerDiedError when its worker did not live to give one."""

    def close(self) -> None:
        """Let the workers go."""


@dataclass
class _Task:
    place: int
    table: bytes
    attempts: int = 0
    deaths: int = 0
    suspect: bool = False
    started: float = field(default_factory=time.perf_counter)


def drain(
    groups: Iterable[pa.Table], pool: Pool, settings: ParallelSettings, tick: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, Outcome]]:
    """Place and outcome of every group exactly once, as each one is done; `pool.slots` groups in flight at most.

    A group whose worker died runs again, `max_retries` times at most, and then is an error. Where the guilty group is
    not known, all that were in flight run again one by one, and only a death while alone counts against a group.
    """
    fresh = (_Task(place, encode(table)) for place, table in enumerate(groups))
    again: deque[_Task] = deque()
    running: dict[Any, _Task] = {}
    while True:
        _fill(running, again, fresh, pool)
        if not running:
            return
        for handle in pool.wait(list(running), settings.log_every_seconds):
            task = running.pop(handle)
            alone = task.suspect or not pool.shared_fate
            try:
                outcome = pool.result(handle)
            except WorkerDiedError as error:
                task.suspect = True
                task.deaths += alone
                if task.deaths <= settings.max_retries:
                    again.append(task)
                    continue
                outcome = _died(task, error)
            yield task.place, replace(outcome, attempts=task.attempts)
        tick()


def _fill(running: dict[Any, _Task], again: deque[_Task], fresh: Iterator[_Task], pool: Pool) -> None:
    while len(running) < _room(running, again, pool):
        task = again.popleft() if again else next(fresh, None)
        if task is None:
            return
        task.attempts += 1
        running[pool.submit(task.table)] = task


def _room(running: dict[Any, _Task], again: deque[_Task], pool: Pool) -> int:
    suspects = bool(again) or any(task.suspect for task in running.values())
    return 1 if pool.shared_fate and suspects else pool.slots


def _died(task: _Task, error: WorkerDiedError) -> Outcome:
    message = f"the worker process died (killed, out of memory or left): {error}"
    return Outcome(None, time.perf_counter() - task.started, 1, type(error).__name__, message, None)
