"""Peak memory of a process with all its descendants: Python, the JVM, its workers and Horovod's ranks together."""

from __future__ import annotations

import threading
from types import TracebackType

import psutil

SAMPLE_SECONDS = 2.0


class TreeMemory:
    """Samples a tree of processes in a thread while the `with` block runs; `peak_bytes` is the largest sum seen.

    A process counts with its proportional set size where the system knows it (Linux), so that memory shared between
    workers counts once; elsewhere with its resident set size. A descendant stays counted when its parent has died.
    """

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._seen: dict[int, psutil.Process] = {pid: self._root}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample_until_stopped, daemon=True)
        self.peak_bytes = 0

    def __enter__(self) -> TreeMemory:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _sample_until_stopped(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, self._sample())
            if self._stop.wait(SAMPLE_SECONDS):
                return

    def _sample(self) -> int:
        # One look at all processes of the machine: psutil's own `children` takes one for each parent it is asked of.
        children: dict[int, list[psutil.Process]] = {}
        for process in psutil.process_iter(["ppid"]):
            children.setdefault(process.info["ppid"], []).append(process)
        self._seen = {pid: process for pid, process in self._seen.items() if process.is_running()}
        parents = list(self._seen)
        while parents:
            new = [child for child in children.get(parents.pop(), ()) if child.pid not in self._seen]
            self._seen |= {child.pid: child for child in new}
            parents += [child.pid for child in new]
        return sum(_bytes_of(process) for process in self._seen.values())


def _bytes_of(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), "pss", None) or process.memory_info().rss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
