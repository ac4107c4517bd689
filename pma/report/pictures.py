"""Pictures of how the weeks went, as SVG; the same rows give the same bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pma.report.svg import Picture, drawn, grid, plain_numbers, time_axis

SMALL, WIDE = (4.2, 2.4), (9.0, 3.0)
# So many channels or regions have a colour of their own.
COLORS = 10
_SUMS = {"spend": "spend", "uploads": "sales_ads_u_shape", "orders": "orders_u_shape", "gmv": "gmv_u_shape"}


def trend_pictures(trend: pd.DataFrame, currency: str, weeks: int) -> list[Picture]:
    """Return pictures of the last complete weeks beside those of the year before.

    `trend` has one row per week x region x channel: yearweek, week_start, is_complete_week, management_region, channel,
    spend, sales_ads_u_shape, orders_u_shape, gmv_u_shape. Raises ImportError where matplotlib is not installed.
    """
    complete = trend[trend["is_complete_week"]]
    floats = complete.assign(**{name: complete[column].astype(float) for name, column in _SUMS.items()})
    by_week = floats.groupby(["yearweek", "week_start"])[list(_SUMS)].sum().reset_index("week_start")
    by_week["cost per upload"] = by_week["spend"] / by_week["uploads"].where(by_week["uploads"] != 0)
    by_week["return on ad spend"] = by_week["gmv"] / by_week["spend"].where(by_week["spend"] != 0)
    titles = {
        "spend": f"Spend, {currency}",
        "uploads": "Uploads",
        "orders": "Orders",
        "gmv": f"Order value, {currency}",
        "cost per upload": f"Spend per upload, {currency}",
        "return on ad spend": "Order value per unit of spend",
    }
    pictures = [_beside_last_year(by_week, name, title, weeks) for name, title in titles.items()]
    latest = by_week.index[-weeks:]
    recent = floats[floats["yearweek"].isin(latest)]
    return [
        *pictures,
        _stacked(recent, f"Spend by channel, {currency}"),
        _by_region(recent, f"Uploads by region, the {COLORS} largest at most"),
    ]


def _beside_last_year(by_week: pd.DataFrame, name: str, title: str, weeks: int) -> Picture:
    latest = by_week.iloc[-weeks:]
    # A week of the year before has the number less 100; where there is none, the line has a gap.
    before = by_week[name].reindex(latest.index - 100)

    def draw(axes: Any) -> None:
        days = pd.to_datetime(latest["week_start"])
        axes.plot(days, before.to_numpy(), color="#a9b4c2", label="a year before")
        axes.plot(days, latest[name].to_numpy(), color="#1f6feb", label="last weeks")
        axes.legend(frameon=False, fontsize=8, loc="best")
        axes.set_ylim(bottom=min(0.0, np.nanmin([0.0, *latest[name], *before])))

    return Picture(title, _svg(draw, SMALL, title))


def _stacked(recent: pd.DataFrame, title: str) -> Picture:
    spent = recent.groupby("channel")["spend"].sum().sort_values(ascending=False, kind="stable")
    named = [name for name in spent.index if spent[name] > 0][:COLORS]
    shown = recent["channel"].where(recent["channel"].isin(named), "all others")
    by_channel = recent.groupby(["week_start", shown])["spend"].sum().unstack(fill_value=0).clip(lower=0)
    order = [name for name in [*named, "all others"] if name in by_channel]

    def draw(axes: Any) -> None:
        from matplotlib import colormaps

        colors = [*[colormaps["tab10"](number) for number in range(len(named))], "#c9d1d9"]
        days = pd.to_datetime(by_channel.index)
        axes.stackplot(days, by_channel[order].to_numpy().T, labels=order, colors=colors)
        _legend_beside(axes, reverse=True)

    return Picture(title, _svg(draw, WIDE, title), wide=True)


def _by_region(recent: pd.DataFrame, title: str) -> Picture:
    by_region = recent.groupby(["week_start", "management_region"])["uploads"].sum().unstack()
    largest = by_region.sum().sort_values(ascending=False, kind="stable").index[:COLORS]

    def draw(axes: Any) -> None:
        for name in largest:
            axes.plot(pd.to_datetime(by_region.index), by_region[name].to_numpy(), label=name)
        axes.set_ylim(bottom=0)
        _legend_beside(axes, reverse=False)

    return Picture(title, _svg(draw, WIDE, title), wide=True)


def _legend_beside(axes: Any, reverse: bool) -> None:
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), reverse=reverse)


def _svg(draw: Any, size: tuple[float, float], title: str) -> bytes:
    def whole(figure: Any) -> None:
        axes = figure.add_subplot()
        draw(axes)
        axes.set_title(title)
        grid(axes)
        time_axis(axes)
        plain_numbers(axes.yaxis)

    return drawn(whole, size)
