"""Results that have ended and are not committed yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pandas as pd


class Batches:
    """Results of groups that land together, with the first that ends so many seconds after the last landing.

    A commit takes as long as a short fit, on a core that fits could use, and each one leaves a file. A job that is
    killed loses what has ended since the last landing.
    """

    def __init__(self, land: Callable[[pd.DataFrame], None], seconds: float) -> None:
        self.land, self.seconds = land, seconds
        self.held: list[pd.DataFrame] = []
        self.landed_at = time.monotonic()

    def add(self, _: tuple[Any, ...], rows: pd.DataFrame) -> None:
        """Take the rows of a group, and let all that are held land where it is time; as map_groups calls it."""
        self.held.append(rows)
        if time.monotonic() - self.landed_at >= self.seconds:
            self.flush()

    def flush(self) -> None:
        """Let those that are held land."""
        if self.held:
            self.land(pd.concat([one.astype(object) for one in self.held], ignore_index=True))
        self.held, self.landed_at = [], time.monotonic()

    def __enter__(self) -> Batches:
        return self

    def __exit__(self, *_: object) -> None:
        """What has ended lands when the job is stopped too."""
        self.flush()
