"""Pictures of one fit of the media mix model, as SVG: a channel has the same colour in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pma.report.mmm_fit import OTHERS, Fit, records
from pma.report.mmm_words import KINDS
from pma.report.svg import Picture, drawn, grid, plain_numbers, time_axis

# Told apart side by side, in print too; a seventeenth channel has the first one's colour again.
PALETTE = (
    *("#1f6feb", "#e8590c", "#2b8a3e", "#c2255c", "#7048e8", "#12a5b5", "#e0a800", "#8d5524"),
    *("#74b816", "#f06595", "#1c3f7a", "#b197fc", "#0b5345", "#ff8787", "#5c7cfa", "#a9a032"),
)
MOVING_STYLES = (
    *(("#1c2430", (0, (4, 2))), ("#1c2430", "-"), ("#b9770e", "-")),
    *(("#2e7d5b", "-"), ("#8a94a2", "-"), ("#8a94a2", (0, (1, 1))), ("#b9770e", (0, (4, 2)))),
)
INK, SOFT, BAND = "#1c2430", "#8a94a2", "#bcd3f7"
ROW = 0.36


def channel_colors(channels: Sequence[str]) -> dict[str, str]:
    """Return a colour for each channel, by its place among all channels of the report."""
    return {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(sorted(set(channels)))}


def fit_pictures(fit: Fit, colors: Mapping[str, str]) -> dict[str, Picture]:
    """Return the pictures of a fit by their file's name: fit, contributions, roas, carryover, curve_<channel>.

    Raises ImportError where matplotlib is not installed.
    """
    return {
        "fit": _fit(fit),
        "contributions": _contributions(fit, colors),
        "roas": _returns(fit, colors),
        "carryover": _carryover(fit, colors),
        **{f"curve_{name}": _curve(fit, name, colors[name]) for name in fit.channels},
    }


def _fit(fit: Fit) -> Picture:
    title = f"{fit.words.title} a week: as they were, and as the model expects them"
    weeks = fit.weeks
    days = pd.to_datetime(weeks["week_start"])

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        low, high, mean = (weeks[name].to_numpy(dtype=float) for name in ("p05", "p95", "expected"))
        axes.fill_between(days, low, high, color=BAND, lw=0, label="90 % of weeks should lie here")
        axes.plot(days, mean, color="#1f6feb", lw=1.4, label="expected by the model")
        seen = weeks["is_explained"].to_numpy(dtype=bool)
        actual = weeks["actual"].to_numpy(dtype=float)
        axes.plot(days[seen], actual[seen], ".", color=INK, ms=4, label="as it was")
        unseen = ~seen & ~np.isnan(actual)
        if unseen.any():
            axes.plot(days[unseen], actual[unseen], "x", color="#c2255c", ms=4, label="not shown to the model")
        axes.set_ylim(bottom=min(0.0, float(np.nanmin(low))))
        axes.set_ylabel(fit.words.unit_of_week)
        time_axis(axes, ticks=8)
        _whole(axes, title)
        _legend_below(axes)

    return Picture(title, drawn(draw, (9.0, 3.3)), wide=True)


def _contributions(fit: Fit, colors: Mapping[str, str]) -> Picture:
    layers, moving = fit.layers(), fit.moving()
    actual = fit.by_span(fit.weeks.set_index("week_start")["actual"].astype(float))
    spans = "" if len(layers) == len(fit.weeks) else ", means of four weeks"
    title = f"Where the {fit.words.title.lower()} of a week came from{spans}"
    days = pd.to_datetime(layers.index)
    shades = {OTHERS: "#d5dae1", **colors}

    def draw(figure: Any) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.3))
        above.stackplot(
            days,
            layers.to_numpy().T,
            labels=list(layers.columns),
            colors=[shades[name] for name in layers.columns],
            edgecolor="white",
            linewidth=0.4,
        )
        above.plot(pd.to_datetime(actual.index), actual, color=INK, lw=1.1, label="as it was")
        above.set_ylim(bottom=min(0.0, float(layers[OTHERS].min())))
        above.set_ylabel(fit.words.unit_of_week)
        _whole(above, title)
        _legend_beside(above, reverse=True)
        for kind, (color, dashes) in zip(moving.columns, MOVING_STYLES, strict=False):
            below.plot(days, moving[kind], color=color, lw=1.3, ls=dashes, label=KINDS[kind])
        below.axhline(0, color=SOFT, lw=0.6)
        below.set_ylabel("more or less")
        time_axis(below, 0, ticks=8)
        _whole(below, "What moves it beside paid media")
        _legend_beside(below, reverse=False)

    return Picture(title, drawn(draw, (9.0, 5.3)), wide=True)


def _returns(fit: Fit, colors: Mapping[str, str]) -> Picture:
    title = f"What a channel brings: {fit.words.per}, with {fit.span}"
    rows = fit.returns()
    scale = fit.words.scale
    limit = _limit(rows, scale)

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        places = np.arange(len(rows))[::-1]
        for place, row in zip(places, records(rows), strict=True):
            color = colors[row["channel"]]
            faded = 1.0 if row["is_trusted"] else 0.35
            _whisker(axes, place + 0.14, row, "roas", scale, limit, color=color, alpha=faded, lw=4.5)
            face = color if row["is_trusted"] else "white"
            axes.plot(min(row["roas_mean"] * scale, limit), place + 0.14, "o", mfc=face, mec=color, ms=6.5)
            _whisker(axes, place - 0.16, row, "ridge", scale, limit, color=SOFT, alpha=0.8, lw=1.2)
            axes.plot(min(row["ridge_mean"] * scale, limit), place - 0.16, "D", color=SOFT, ms=3.6)
            axes.plot(min(row["clicks"] * scale, limit), place, "|", color=INK, ms=11, mew=1.6)
        axes.set_yticks(
            places, [name + _mark(ok) for name, ok in zip(rows["channel"], rows["is_trusted"], strict=True)]
        )
        axes.set_xlim(0, limit * 1.03)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.tick_params(axis="y", length=0)
        axes.set_title(title)
        plain_numbers(axes.xaxis)
        grid(axes, "x")
        _key(axes, fit)

    return Picture(title, drawn(draw, (9.0, 1.1 + ROW * max(len(rows), 2))), wide=True)


def _limit(rows: pd.DataFrame, scale: float) -> float:
    """Where the axis ends: all trusted intervals and all middles are on it; what is longer runs off, with an arrow."""
    trusted, most = rows[rows["is_trusted"]], 2.5 * rows["roas_mean"].max()
    ends = [*trusted["roas_p95"], *rows["clicks"], *rows["ridge_mean"], min(most, rows["roas_p95"].max())]
    return float(np.nanmax([*ends, 1e-9])) * scale


def _whisker(
    axes: Any, place: float, row: Mapping[str, Any], name: str, scale: float, limit: float, **style: Any
) -> None:
    low, high = row[f"{name}_p05"] * scale, row[f"{name}_p95"] * scale
    if np.isnan(low):
        return
    axes.plot([min(low, limit), min(high, limit)], [place, place], solid_capstyle="butt", **style)
    if high > limit:
        axes.plot(limit * 1.012, place, ">", color=style["color"], alpha=style["alpha"], ms=4)


def _mark(is_trusted: bool) -> str:
    return "" if is_trusted else " (weak)"


def _key(axes: Any, fit: Fit) -> None:
    from matplotlib.lines import Line2D

    shown = [
        Line2D([], [], marker="o", color=INK, lw=3.5, ms=6, label=fit.main_name),
        Line2D(
            [], [], marker="o", mfc="white", mec=INK, color="#b9bfc8", lw=3.5, ms=6, label="the same, not to be trusted"
        ),
    ]
    if fit.has_ridge:
        shown.append(Line2D([], [], marker="D", color=SOFT, lw=1.2, ms=3.6, label="ridge, second opinion"))
    if fit.clicks_name:
        shown.append(Line2D([], [], marker="|", color=INK, lw=0, ms=10, mew=1.6, label=fit.clicks_name))
    axes.legend(handles=shown, frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.09), ncols=4)


def _carryover(fit: Fit, colors: Mapping[str, str]) -> Picture:
    from matplotlib.colors import to_rgb

    title = "How long an ad works: share of its effect by week after it (90 % interval below)"
    shares = fit.carryover
    lags = sorted(int(lag) for lag in shares["lag"].unique())[:9]

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        for place, name in enumerate(reversed(fit.channels)):
            rows = shares[(shares["channel"] == name) & shares["lag"].isin(lags)].sort_values("lag")
            base = np.array(to_rgb(colors[name]))
            for lag, mean, low, high in rows[["lag", "mean", "p05", "p95"]].itertuples(index=False, name=None):
                shade = 1 - min(1.0, 0.06 + 1.1 * mean) * (1 - base)
                axes.barh(place, 0.96, left=lag - 0.48, height=0.9, color=shade)
                # The weights of the eye for red, green and blue.
                ink = "white" if shade @ (0.299, 0.587, 0.114) < 0.55 else INK
                said = "" if high < 0.005 else f"{mean:.0%}".replace("%", " %")
                axes.text(lag, place + 0.13, said, ha="center", va="center", fontsize=8, color=ink)
                spread = "" if high < 0.005 else f"{low * 100:.0f} to {high * 100:.0f}"
                axes.text(lag, place - 0.24, spread, ha="center", va="center", fontsize=6, color=ink)
        axes.set_yticks(range(len(fit.channels)), list(reversed(fit.channels)))
        axes.set_xticks(lags, ["same week", *[f"+{lag}" for lag in lags[1:]]])
        axes.set_ylim(-0.5, len(fit.channels) - 0.5)
        axes.set_xlim(-0.5, len(lags) - 0.5)
        axes.tick_params(length=0)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        axes.set_title(title)

    return Picture(title, drawn(draw, (9.0, 0.8 + 0.37 * max(len(fit.channels), 2))), wide=True)


def _curve(fit: Fit, name: str, color: str) -> Picture:
    title = f"{name}: {fit.words.title.lower()} a week by money a week"
    rows = fit.curves[fit.curves["channel"] == name].sort_values("spend")
    spend, mean, low, high = (rows[column].to_numpy(dtype=float) for column in ("spend", "mean", "p05", "p95"))
    seen = rows["is_seen"].to_numpy(dtype=bool)
    most = spend[seen][-1]
    usual = fit.usual_spend[name]

    def draw(figure: Any) -> None:
        axes = figure.add_axes((0.15, 0.2, 0.81, 0.64))
        axes.axvspan(0, most, color="#f1f4f8", lw=0)
        axes.fill_between(spend, low, high, color=color, alpha=0.22, lw=0)
        axes.plot(spend[seen], mean[seen], color=color, lw=2)
        if not seen.all():
            beyond = spend >= most
            axes.plot(spend[beyond], mean[beyond], color=color, lw=1.4, ls=(0, (3, 2)))
        axes.plot(usual, np.interp(usual, spend, mean), "o", color=color, mec="white", ms=8)
        axes.set_xlim(0, spend[-1])
        axes.set_ylim(0, max(float(high.max()), 1e-9) * 1.04)
        axes.set_title(name, color=color, fontweight="bold")
        axes.locator_params(nbins=4)
        plain_numbers(axes.xaxis)
        plain_numbers(axes.yaxis)
        grid(axes)

    return Picture(title, drawn(draw, (3.1, 2.1), None))


def _whole(axes: Any, title: str) -> None:
    axes.set_title(title)
    plain_numbers(axes.yaxis)
    grid(axes)


def _legend_beside(axes: Any, reverse: bool) -> None:
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), reverse=reverse)


def _legend_below(axes: Any) -> None:
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=4)
