"""Numbers as people read them."""

from __future__ import annotations

import math

NOTHING = "–"


def money(value: float, digits: int = 0) -> str:
    """Return an amount with thousands apart, 12,345."""
    return NOTHING if math.isnan(value) else _unsigned_zero(f"{value:,.{digits}f}")


def cost(value: float) -> str:
    """Return money for one thing, 12.34."""
    return money(value, 2)


def count(value: float) -> str:
    """Return credited things: shares of one are shown where there are few."""
    return NOTHING if math.isnan(value) else _unsigned_zero(f"{value:,.{0 if abs(value) >= 100 else 1}f}")


def percent(value: float) -> str:
    """Return a share, 12.3 %."""
    return NOTHING if math.isnan(value) else f"{_unsigned_zero(f'{100 * value:.1f}')} %"


def signed_percent(value: float) -> str:
    """Return a change with its sign, +12.3 %."""
    if math.isnan(value):
        return NOTHING
    text = f"{100 * value:+,.1f}"
    return f"{'0.0' if text in ('+0.0', '-0.0') else text.replace('-', '−')} %"


def _unsigned_zero(text: str) -> str:
    return text.lstrip("-") if not text.strip("-0.,") else text.replace("-", "−")
