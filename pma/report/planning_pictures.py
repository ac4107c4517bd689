"""Pictures of a plan, as SVG: response curves, what budgets reach, and how likely goals are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pma.planning.tables import ALL
from pma.report.mmm_pictures import INK, PALETTE, SOFT, channel_colors
from pma.report.planning_curves import Curve, frontier_of, hit, largest_curves
from pma.report.planning_rows import PlanRows, records
from pma.report.planning_words import Unit
from pma.report.svg import Picture, drawn, grid, plain_numbers

CURVES = 10
BAND, BLUE, MOST_LINES = "#bcd3f7", "#1f6feb", 8


def curve_pictures(rows: PlanRows, unit: Unit) -> list[Picture]:
    """Return the response curves of the cells with most money. Raises ImportError where matplotlib is not installed."""
    colors = channel_colors(list(rows.budget["channel"]))
    return [_curve(one, colors[one.channel], unit) for one in largest_curves(rows, unit.metric, CURVES)]


def _curve(curve: Curve, color: str, unit: Unit) -> Picture:
    name = f"{curve.country} {curve.channel}"
    spend, mean, low, high = (curve.rows[column].to_numpy(dtype=float) for column in ("spend", "mean", "low", "high"))
    most = max(spend[-1], curve.today, curve.planned) * 1.03

    def draw(figure: Any) -> None:
        axes = figure.add_axes((0.17, 0.2, 0.79, 0.64))
        axes.fill_between(spend, low, high, color=color, alpha=0.18, lw=0)
        axes.plot(spend, mean, color=color, lw=2)
        axes.plot(curve.today, curve.at(curve.today), "o", mfc="white", mec=INK, mew=1.6, ms=7.5, zorder=4)
        axes.plot(curve.planned, curve.at(curve.planned), "o", color=color, mec="white", ms=9, zorder=5)
        axes.set_xlim(0, most)
        axes.set_ylim(0, max(float(high.max()), 1e-9) * 1.04)
        axes.set_title(name, color=color, fontweight="bold")
        axes.locator_params(nbins=4)
        _plain(axes)

    return Picture(f"{name}: {unit.title} a week by money a week", drawn(draw, (3.1, 2.2), None))


def frontier_picture(rows: PlanRows, unit: Unit, whole: Mapping[str, Any]) -> Picture | None:
    """Return what the best plan of each budget reaches, with the plan on it; none where no row is."""
    frontier = frontier_of(rows, unit.metric, ALL)
    if len(frontier) < 2:
        return None
    title = f"{unit.name[0].upper()}{unit.name[1:]} by budget, with all that comes without paid media"
    budget = frontier["budget"].to_numpy(dtype=float)
    low, middle, high, with_80, with_90 = (
        frontier[f"reached_{name}"].to_numpy(dtype=float) for name in ("p05", "p50", "p95", "with_80", "with_90")
    )

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        axes.fill_between(budget, low, high, color=BAND, alpha=0.6, lw=0, label="90 % of cases")
        axes.plot(budget, middle, color=BLUE, lw=2, label="as likely more as less")
        axes.plot(budget, with_80, color=INK, lw=1.2, ls=(0, (5, 2)), label="reached with 80 %")
        axes.plot(budget, with_90, color=INK, lw=1.2, ls=(0, (1, 1.5)), label="reached with 90 %")
        planned = float(whole["planned_spend"])
        at_plan = float(np.interp(planned, budget, middle))
        axes.plot(planned, at_plan, "o", color=BLUE, mec="white", ms=11, label="the plan")
        axes.set_xlabel(f"Budget, {unit.currency}")
        axes.set_title(title)
        _plain(axes)
        _legend_below(axes)

    return Picture(title, drawn(draw, (9.0, 3.9)), wide=True)


def hit_picture(rows: PlanRows, currency: str, planned: float) -> Picture | None:
    """Return the probability to reach each target by budget; none where no target has a frontier."""
    lines = hit_lines(rows)
    if not lines:
        return None
    title = "How likely a budget is to reach each target"

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        for level in (50, 80, 90):
            axes.axhline(level, color="#dde2e8", lw=0.8)
        axes.axvline(planned, color=SOFT, lw=1, ls=(0, (4, 2)), label="the plan's budget")
        for color, (name, budgets, chances) in zip(PALETTE, lines, strict=False):
            axes.plot(budgets, 100 * chances, color=color, lw=2, label=name)
        axes.set_ylim(0, 101)
        axes.set_yticks([0, 50, 80, 90, 100])
        axes.set_ylabel("probability, %")
        axes.set_xlabel(f"Budget, {currency}")
        axes.set_title(title)
        plain_numbers(axes.xaxis)
        _legend_below(axes)

    return Picture(title, drawn(draw, (9.0, 3.6)), wide=True)


def hit_lines(rows: PlanRows) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return name, budgets and probabilities of the targets that the frontier knows.

    It knows sums of all months of what is counted: a target of one month of several, and one of a ratio, have no line.
    """
    found: list[tuple[str, np.ndarray, np.ndarray]] = []
    for one in records(rows.targets):
        frontier = frontier_of(rows, str(one["metric"]), str(one["country"]))
        of_a_month = not (one["month"] is None or pd.isna(one["month"])) and len(rows.months) > 1
        if len(frontier) > 1 and not of_a_month and len(found) < MOST_LINES:
            found.append((str(one["target"]), *hit(frontier, float(one["goal"]))))
    return found


def _plain(axes: Any) -> None:
    plain_numbers(axes.xaxis)
    plain_numbers(axes.yaxis)
    grid(axes)


def _legend_below(axes: Any) -> None:
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=6)
