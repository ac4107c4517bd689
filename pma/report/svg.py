"""A picture as SVG; the same drawing gives the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

STYLE: Any = {
    "svg.hashsalt": "pma",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
}


@dataclass(frozen=True)
class Picture:
    """One picture: its title, its bytes, and whether it needs the whole width."""

    title: str
    svg: bytes
    wide: bool = False


def drawn(
    draw: Callable[[Any], None], size: tuple[float, float], layout: Literal["constrained"] | None = "constrained"
) -> bytes:
    """Return what `draw` draws on a figure of so many inches; without a layout it places its axes itself.

    Raises ImportError where matplotlib is not installed.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=size, layout=layout)
        draw(figure)
        kept = io.BytesIO()
        figure.savefig(kept, format="svg", metadata={"Date": None, "Creator": None})
    # A hundredth of a point is more than any screen shows, and half of the bytes.
    return re.sub(rb"(\d\.\d\d)\d+", rb"\1", kept.getvalue())


def time_axis(axes: Any, margin: float = 7.0, ticks: int = 6) -> None:
    """Dates below, at most so many of them, and so many days of room at both ends: a single week has a width, too."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    begin, end = axes.dataLim.intervalx
    axes.set_xlim(begin - margin, end + margin)
    locator = AutoDateLocator(maxticks=ticks)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def plain_numbers(axis: Any) -> None:
    """Thousands and millions as letters."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(short))


def grid(axes: Any, axis: str = "y") -> None:
    """Thin lines behind what is drawn."""
    axes.grid(axis=axis, color="#e6eaee")
    axes.set_axisbelow(True)


def short(value: float, _: int = 0) -> str:
    """Return 1.5 m for 1,500,000."""
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g} {letter}"
    return f"{value:g}"
