"""Optional columns that are gone from an export: renamed ones are refused by name, others are said in the log.

An export may lack an optional column, and have any column that no mapping knows: neither is a fault by itself. What
tells is the comparison with the earlier exports of the same series, and names that are alike.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pma.sources.export_lines import STAMP
from pma.sources.files import CsvFile
from pma.sources.platforms import Layout, PlatformRules, source_columns

logger = logging.getLogger(__name__)

TARGET = "il.ad_spend"
FIX = (
    "Fix: add the new name to its column in conf/rules/platforms.yml, or to `unused` of its layout where it is another "
    "thing"
)
# How alike two names are that may be of one thing: bid_strategy and bidding_strategy are by 0.86.
ALIKE = 0.85


@dataclass(frozen=True)
class Lost:
    """An optional column that an earlier export of the account had and this one lacks; `new` came in its place."""

    file: str
    column: str
    earlier: str
    new: tuple[str, ...]

    def __str__(self) -> str:
        """Say which column is gone, who had it, and what it may be called now."""
        renamed = f", and has {', '.join(self.new)} for the first time: renamed?" if self.new else ""
        return f"{self.file}: lacks {self.column}, which {self.earlier} has{renamed}"


def renamed(groups: Mapping[tuple[str, str, tuple[str, ...]], Sequence[CsvFile]], rules: PlatformRules) -> list[str]:
    """Return what is wrong with exports that lost an optional column and have a new one that no mapping knows.

    `groups` are the files by platform, layout and header. Without a new column the loss is a warning in the log, and so
    is an optional column that no export has where one that nothing knows is called alike.
    """
    series: dict[tuple[str, str, str], list[CsvFile]] = defaultdict(list)
    for (platform, layout, _), files in groups.items():
        for file in files:
            series[platform, layout, _series(file)].append(file)
    wrong = []
    for (platform, layout, _), files in sorted(series.items()):
        for lost in lost_columns(files, rules.layouts(platform)[layout]):
            if lost.new:
                wrong.append(f"{lost}")
            else:
                logger.warning("%s: %s. Later rows are without it. %s", TARGET, lost, FIX)
    for (platform, layout, header), files in groups.items():
        warn_of_alike(header, rules.layouts(platform)[layout], f"{files[0].name} ({len(files)} files of its header)")
    return wrong


def lost_columns(files: Iterable[CsvFile], layout: Layout) -> Iterator[Lost]:
    """Yield every loss of an optional column among exports of one series, from the oldest on.

    The first export without it is named, and the last one with it; a column that comes back may be lost again.
    """
    had: dict[str, CsvFile] = {}
    seen: set[str] = set()
    for file in sorted(files, key=_age):
        free = layout.free(file.header)
        here = {ours for ours in layout.optional if layout.expression(ours, file.header) is not None}
        for ours in [ours for ours in layout.optional if ours in had and ours not in here]:
            earlier = had.pop(ours)
            column = sorted(source_columns(layout.expression(ours, earlier.header) or "") - _lowered(file.header))[0]
            new = [name for _, name in sorted((-_likeness(name, column), name) for name in free - seen)]
            yield Lost(file.name, column, earlier.name, tuple(new))
        had |= dict.fromkeys(here, file)
        seen |= free


def warn_of_alike(header: Sequence[str], layout: Layout, where: str) -> None:
    """Say in the log which optional columns a header lacks while one that no mapping knows has nearly their name."""
    free = sorted(layout.free(header))
    for ours in layout.optional:
        if layout.expression(ours, header) is not None:
            continue
        pairs = [(_likeness(name, column), column, name) for column in sorted(layout.sources(ours)) for name in free]
        alike = [pair for pair in pairs if pair[0] >= ALIKE or set(pair[1].split("_")) <= set(pair[2].split("_"))]
        if alike:
            _, column, name = max(alike)
            logger.warning(
                "%s: %s lacks the optional column %s and has %s, which no mapping knows: is it the new name? %s",
                *(TARGET, where, column, name, FIX),
            )


def _series(file: CsvFile) -> str:
    """Name the exports that are alike but for their days: those of one account whose names differ in digits alone."""
    account, rest = file.name.split("/")[:-1][:2], "/".join(file.name.split("/")[2:] or file.name.split("/")[-1:])
    return "/".join([*account, re.sub(r"\d+", "#", rest)])


def _age(file: CsvFile) -> tuple[str, str]:
    """A file without a stamp is older than any with one."""
    stamp = re.search(STAMP, file.name)
    return (stamp.group(1) if stamp else "", file.name)


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _lowered(header: Sequence[str]) -> set[str]:
    return {name.lower() for name in header}
