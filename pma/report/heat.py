"""Colours of cells by how much they have, or how much they change."""

from __future__ import annotations

UP, DOWN = (31, 111, 235), (217, 72, 15)
# No shade is so dark that black text on it is hard to read.
_MOST = 0.42


def shade(part: float) -> str:
    """Return a cell's style by its part of the most, from -1 (orange) over 0 (white) to 1 (blue)."""
    strength = min(abs(part), 1.0) * _MOST
    if strength < 0.01:
        return ""
    color = UP if part > 0 else DOWN
    red, green, blue = (round(255 - strength * (255 - one)) for one in color)
    return f' style="background:#{red:02x}{green:02x}{blue:02x}"'
