"""Progress lines in the log."""

from __future__ import annotations

import logging
import time


class Progress:
    """Counts groups and says, every so many seconds, how far the job is."""

    def __init__(self, log: logging.Logger, engine: str, total: int | None, every_seconds: float) -> None:
        self.every_seconds = every_seconds
        self._log, self._engine, self._total = log, engine, total
        self._done = self._failed = 0
        self._started = self._said = time.monotonic()

    def add(self, failed: bool) -> None:
        """Count one group that ended."""
        self._done += 1
        self._failed += failed
        self.tick()

    def tick(self, done: int | None = None) -> None:
        """Say how far the job is when it is time; `done` where somebody else counts."""
        self._done = self._done if done is None else done
        if time.monotonic() - self._said >= self.every_seconds:
            self._say("running")

    def end(self, groups: int, failed: int) -> None:
        """Say how it ended."""
        self._done, self._total, self._failed = groups, groups, failed
        self._say("ended")

    def _say(self, state: str) -> None:
        self._said = time.monotonic()
        of = "" if self._total is None else f" of {self._total}"
        said = (self._engine, state, self._done, of, self._failed, self._said - self._started)
        self._log.info("map_groups on %s %s: %d%s groups, %d failed, %.0f s", *said)
