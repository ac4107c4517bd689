"""Rules of the ad platforms: how the columns of each one's exports become ours, and which file has which layout."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from pma.section import Section
from pma.tables import TableError

# Our columns of a row of spend, in their types; the first three of them every row of days must have.
COLUMNS = {
    "date": "date",
    "campaign_id": "string",
    "spend_local": "decimal(18,6)",
    "account_id": "string",
    "account_name": "string",
    "account_timezone": "string",
    "currency": "string",
    "campaign_name": "string",
    "campaign_status": "string",
    "campaign_type": "string",
    "bidding_type": "string",
    "country": "string",
    "targeting": "string",
    "ad_group_id": "string",
    "ad_id": "string",
    "impressions": "bigint",
    "clicks": "bigint",
    "platform_conversions": "decimal(18,6)",
    "platform_value": "decimal(18,6)",
    "updated_at": "timestamp",
}
# What describes rows of days, from the narrowest to the widest: each may tell the key of a wider one.
DESCRIBED = ("ad", "ad_group", "campaign", "account")
_NOT_A_NAME = re.compile(r"'(?:[^'\\]|\\.)*'|\bas\s+\w+(?:\([^)]*\))?", re.IGNORECASE)
_NAME = re.compile(r"`([^`]+)`|(?<![\w.])([A-Za-z_]\w*)(?!\w|\s*\()")
_WORDS = {"and", "or", "not", "null", "is", "in", "like", "case", "when", "then", "else", "end", "true", "false"}


class Layout(Section):
    """The columns of one kind of file, as `conf/rules/platforms.yml` explains them."""

    columns: dict[str, str | tuple[str, ...]] = Field(min_length=1)
    types: dict[str, str] = Field(default_factory=dict)
    optional: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    keep: str | None = None
    describes: Literal["ad", "ad_group", "campaign", "account"] | None = None
    ends_whole: bool = False
    exact: bool = False

    def expression(self, column: str, header: Iterable[str]) -> str | None:
        """Return the first of a column's expressions whose source columns the header has."""
        given = self.columns.get(column, ())
        known = {name.lower() for name in header}
        choices = (given,) if isinstance(given, str) else given
        return next((choice for choice in choices if source_columns(choice) <= known), None)

    def lacking(self, header: Sequence[str]) -> list[str]:
        """Return the first source column of each of our columns that cannot be had from the header."""
        known = {name.lower() for name in header}
        lacking = []
        for ours in self.columns:
            if ours not in self.optional and self.expression(ours, header) is None:
                given = self.columns[ours]
                first = given if isinstance(given, str) else given[0]
                lacking += sorted(source_columns(first) - known)
        return lacking

    def forbidden(self, header: Sequence[str]) -> list[str]:
        """Return the columns of the header that show another report."""
        known = {name.lower() for name in header}
        foreign = known - set().union(*[self.sources(ours) for ours in self.columns]) if self.exact else set()
        return sorted((known & {name.lower() for name in self.forbid}) | foreign)

    def free(self, header: Iterable[str]) -> set[str]:
        """Return the columns of a header, in small letters, that nothing here knows."""
        known = set().union(*[self.sources(ours) for ours in self.columns])
        return {name.lower() for name in header} - known - {name.lower() for name in self.unused}

    def sources(self, ours: str) -> set[str]:
        """Return every source column that one of ours may come from."""
        given = self.columns.get(ours, ())
        return set().union(*[source_columns(choice) for choice in ((given,) if isinstance(given, str) else given)])


class Platform(Section):
    """One ad platform: what a day is where no export says it, and the layouts of its files in order."""

    day_boundary: Literal["account", "utc"]
    layouts: dict[str, Layout] = Field(min_length=1)


class SheetColumns(Section):
    """Names of the columns of hand-kept sheets; every other column is a raw name, of money or of context."""

    date: tuple[str, ...] = ("date",)
    country: tuple[str, ...] = ("country",)
    currency: tuple[str, ...] = ("currency",)
    campaign: tuple[str, ...] = ("campaign",)
    ignored: tuple[str, ...] = ()
    clicks: str = "(^|_)clicks$"
    impressions: str = "(^|_)impressions$"


class PlatformRules(Section):
    """The mappings of all platforms."""

    version: int
    blanks: tuple[str, ...] = ()
    statuses: dict[str, Literal["enabled", "paused", "ended", "deleted"]]
    sheets: SheetColumns = SheetColumns()
    by_hand: dict[str, Layout] = Field(default_factory=dict)
    platforms: dict[str, Platform] = Field(min_length=1)

    def layouts(self, platform: str) -> dict[str, Layout]:
        """Return the layouts of a platform in their order, those of hand-kept files last."""
        return {**self.platforms[platform].layouts, **self.by_hand}


def source_columns(expression: str) -> set[str]:
    """Return the columns that a Spark SQL expression of the rules names, in small letters."""
    found = _NAME.findall(_NOT_A_NAME.sub(" ", expression))
    return {(quoted or name).lower() for quoted, name in found} - _WORDS


def read_platforms(rules: str | Path) -> PlatformRules:
    """Read `platforms.yml` in the folder of rules. Raises TableError with the file and the fault."""
    path = Path(rules) / "platforms.yml"
    if not path.exists():
        raise TableError(f"il.ad_spend: no {path}, which maps exports to our columns. Fix: set `rules` in the settings")
    try:
        read = PlatformRules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as fault:
        raise TableError(f"il.ad_spend: {path} is no list of mappings. Fix: {fault}") from fault
    for platform in read.platforms:
        for name, layout in read.layouts(platform).items():
            _require_sound(path, f"{platform}.{name}", layout)
    return read


def _require_sound(path: Path, place: str, layout: Layout) -> None:
    unknown = sorted(set(layout.columns) - set(COLUMNS))
    key = f"{layout.describes}_id" if layout.describes else "date"
    needed = [name for name in ((key,) if layout.describes else ("date", "spend_local")) if name not in layout.columns]
    if unknown or needed:
        raise TableError(
            f"il.ad_spend: {path}: layout {place} maps {unknown}, which we do not have, and does not map {needed}. "
            f"Fix: map only {list(COLUMNS)}"
        )


def find_layout(layouts: Mapping[str, Layout], header: Sequence[str]) -> str | None:
    """Return the name of the first layout that a header fits; None where it fits none."""
    for name, layout in _candidates(layouts, header).items():
        if not layout.lacking(header) and not layout.forbidden(header):
            return name
    return None


def explain(layouts: Mapping[str, Layout], header: Sequence[str]) -> str:
    """Say of a header that fits no layout what the nearest one lacks, and which column seems to be renamed."""
    ranked = sorted(_candidates(layouts, header).items(), key=lambda item: _distance(item[1], header))
    name, layout = ranked[0]
    parts = []
    free = sorted(layout.free(header))
    for column in layout.lacking(header):
        close = difflib.get_close_matches(column, free, n=1, cutoff=0.5)
        parts.append(f"lacks {column}" + (f" (renamed to {close[0]}?)" if close else ""))
    parts += [f"has {column}, which another report has" for column in layout.forbidden(header)]
    return f"layout {name} {', '.join(parts)}"


def _candidates(layouts: Mapping[str, Layout], header: Sequence[str]) -> dict[str, Layout]:
    """Return the layouts that a header may be of: with the date or the money of days it is no description."""
    known = {name.lower() for name in header}
    daily = {name: layout for name, layout in layouts.items() if layout.describes is None}
    of_days = set().union(*[layout.sources("date") | layout.sources("spend_local") for layout in daily.values()])
    return daily if known & of_days else dict(layouts)


def _distance(layout: Layout, header: Sequence[str]) -> tuple[float, int]:
    """How far a header is from a layout: the share of columns it lacks or must not have, then how many it must not."""
    wrong = len(layout.forbidden(header))
    return (len(layout.lacking(header)) + wrong) / len(layout.columns), wrong
