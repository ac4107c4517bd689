"""Marks on a line within a cell of a table: two points, or a point and its range; no pictures, sharp anywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """What lies at the left and the right end of a line."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """The place of a value, percent of the line's width."""
        width = self.high - self.low
        return round(100 * min(max((value - self.low) / width, 0.0), 1.0), 1) if width > 0 else 0.0


def from_to(scale: Scale, now: float, planned: float) -> str:
    """Return a cell with today's point, the plan's, the way between them, and a bar of what both have."""
    kind = "up" if planned > now else "down"
    base = f'<i class="base" style="width:{scale.at(min(now, planned))}%"></i>'
    return _cell(base, _way(scale, now, planned, kind), _pin(scale, now, "now"), _pin(scale, planned, "plan"))


def around(scale: Scale, value: float, low: float, high: float) -> str:
    """Return a cell with a difference, its range, and a line at zero."""
    kind = "up" if low > 0 else "down" if high < 0 else "even"
    zero = f'<i class="zero" style="left:{scale.at(0.0)}%"></i>'
    return _cell(zero, _way(scale, low, high, kind), _pin(scale, value, kind))


def _cell(*marks: str) -> str:
    return f'<td class="lane"><div aria-hidden="true">{"".join(marks)}</div></td>'


def _way(scale: Scale, first: float, second: float, kind: str) -> str:
    left, right = sorted((scale.at(first), scale.at(second)))
    return f'<i class="way {kind}" style="left:{left}%;width:{right - left:.1f}%"></i>'


def _pin(scale: Scale, value: float, kind: str) -> str:
    return f'<i class="pin {kind}" style="left:{scale.at(value)}%"></i>'
