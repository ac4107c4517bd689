"""What each column of a hand-kept sheet is: the day, a place, money with its counts, context, or nobody knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pma.sources.platforms import SheetColumns


@dataclass(frozen=True)
class Roles:
    """What each column of a sheet is.

    `money` maps a raw name to its columns of clicks and impressions, `context` names what is no money, and `unknown`
    what nobody has said to be either.
    """

    date: str
    country: str | None
    currency: str | None
    campaign: str | None
    money: dict[str, tuple[str | None, str | None]]
    context: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def find_roles(header: Sequence[str], known: SheetColumns, kinds: Mapping[str, str]) -> Roles:
    """Say what each column of a sheet is; `kinds` has those whose names are known. Raises ValueError with the fault."""
    names = [name.lower() for name in header]
    if len(set(names)) < len(names):
        raise ValueError(f"names a column twice: {list(header)}")
    found = {
        role: next((name for name in names if name in getattr(known, role)), None)
        for role in ("date", "country", "currency", "campaign")
    }
    if found["date"] is None:
        raise ValueError(f"has no column of dates ({', '.join(known.date)}), only {list(header)}")
    rest = [name for name in header if name and name.lower() not in (*found.values(), *known.ignored)]
    if not rest:
        raise ValueError(f"has no column of money or context, only {list(header)}")
    counts = {
        kind: [name for name in rest if name not in kinds and re.search(getattr(known, kind), name, re.IGNORECASE)]
        for kind in ("clicks", "impressions")
    }
    values = [name for name in rest if name not in counts["clicks"] and name not in counts["impressions"]]
    money = [name for name in values if kinds.get(name) == "money"]
    others = [name for name in values if name not in money]
    owners = {kind: {name: _owner(name, money, others) for name in named} for kind, named in counts.items()}
    of = {kind: {owner: name for name, owner in owned.items()} for kind, owned in owners.items()}
    nobodys = [name for owned in owners.values() for name, owner in owned.items() if owner is None]
    return Roles(
        date=found["date"],
        country=found["country"],
        currency=found["currency"],
        campaign=found["campaign"],
        money={name: (of["clicks"].get(name), of["impressions"].get(name)) for name in money},
        context=tuple(name for name in others if kinds.get(name) == "context"),
        unknown=tuple(name for name in rest if name in nobodys or (name in others and name not in kinds)),
    )


def _owner(count: str, money: Sequence[str], others: Sequence[str]) -> str | None:
    """Return the column of money that a column of clicks or impressions belongs to; None: to one that is no money."""
    start = count.lower().rpartition("_")[0]
    alike = [name for name in money if start and name.lower().startswith(start)]
    is_others = any(start and name.lower().startswith(start) for name in others)
    if not alike and (is_others or not money):
        return None
    if len(money) == 1:
        return money[0]
    if len(alike) != 1:
        raise ValueError(f"{count} belongs to none or several of {list(money)}: let it begin like one of them")
    return alike[0]
