"""The pictures as they are drawn: what is written in them, in which colours."""

import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest

from pma.report.mmm_fit import OTHERS, cases
from pma.report.mmm_pictures import PALETTE, channel_colors, fit_pictures
from tests.report.mmm_world import channel, compared, fit_rows, market, rows_of, run

COLORS = channel_colors(["tiktok", "tv"])


def fits(rows):
    return {(case.geo, case.target): case.fit for case in cases(rows, "EUR") if case.fit is not None}


@pytest.fixture(scope="module")
def pictures():
    return fit_pictures(fits(market())["DE", "uploads"], COLORS)


def texts(picture):
    return {node.text for node in ElementTree.fromstring(picture.svg).iter() if node.tag.endswith("}text")}


def test_a_fit_has_its_pictures_each_a_drawing_of_its_own(pictures):
    assert list(pictures) == ["fit", "contributions", "roas", "carryover", "curve_tv", "curve_tiktok"]
    for picture in pictures.values():
        assert ElementTree.fromstring(picture.svg).tag.endswith("}svg")


def test_channels_are_written_where_they_are_drawn(pictures):
    assert {"tv", "tiktok (weak)"} <= texts(pictures["roas"])
    assert {"tv", "tiktok", OTHERS, "as it was", "Season", "Organic"} <= texts(pictures["contributions"])
    assert {"tv", "70 %", "35 to 84", "same week", "+2"} <= texts(pictures["carryover"])
    assert "What a channel brings: uploads per 1,000 EUR, with the 90 % interval" in texts(pictures["roas"])
    assert {"media mix model", "ridge, second opinion", "Last click"} <= texts(pictures["roas"])


def test_a_channel_has_one_colour_in_all_of_them(pictures):
    for name, color in COLORS.items():
        for kind in ("contributions", "roas", f"curve_{name}"):
            assert color.encode() in pictures[kind].svg, kind
    assert COLORS["tv"].encode() not in pictures["curve_tiktok"].svg


def test_colours_are_of_the_whole_report_and_sixteen_differ():
    names = [f"channel_{number:02}" for number in range(18)]
    colors = channel_colors(names[::-1])
    assert colors == channel_colors(names) and len(set(PALETTE)) == 16
    assert len(set(colors.values())) == 16 and colors["channel_16"] == colors["channel_00"]


def test_what_was_not_shown_to_the_model_is_told_apart():
    rows = market()
    seen = fit_pictures(fits(rows)["DE", "uploads"], COLORS)["fit"]
    assert "not shown to the model" not in texts(seen)
    rows.weeks.loc[rows.weeks["week_start"] == rows.weeks["week_start"].max(), "actual"] = 90.0
    assert "not shown to the model" in texts(fit_pictures(fits(rows)["DE", "uploads"], COLORS)["fit"])


def test_spend_beyond_all_that_was_seen_has_a_broken_line(pictures):
    assert b"stroke-dasharray" in pictures["curve_tv"].svg
    rows = market()
    rows.curves["is_seen"] = True
    curve = fit_pictures(fits(rows)["DE", "uploads"], COLORS)["curve_tv"]
    assert b"stroke-dasharray" not in curve.svg.replace(b"stroke-dasharray: none", b"")


def test_layers_of_a_week_add_up_to_what_is_expected_and_many_weeks_are_shown_by_four():
    tv = [channel("tv", 10.0, 0.1)]
    few, many = (fits(rows_of([run()], [fit_rows(tv, weeks=weeks)]))["DE", "uploads"] for weeks in (10, 70))
    assert len(few.layers()) == 10 and len(many.layers()) == 18
    for fit in (few, many):
        assert fit.layers().sum(axis=1).tolist() == pytest.approx([100.0] * len(fit.layers()))
    assert many.layers()["tv"].iloc[0] == pytest.approx(35.0)
    assert [*map(str, many.moving().index[:2])] == ["2025-01-06", "2025-02-03"]
    assert list(few.moving().columns) == ["seasonality", "organic"]


def test_returns_are_ordered_and_have_clicks_only_where_there_are_any():
    rows = rows_of(
        [run()],
        [fit_rows([channel("tv", 10.0, 0.1), channel("tiktok", 10.0, 0.3)])],
        [compared("tv", 0, "no_clicks"), compared("tiktok", 0.2, "agree")],
    )
    found = fits(rows)["DE", "uploads"].returns()
    assert found[["channel", "roas_mean", "clicks"]].fillna(-1).values.tolist() == [
        ["tiktok", 0.3, 0.2],
        ["tv", 0.1, -1],
    ]
    assert pd.isna(found["ridge_mean"]).all()
    assert "ridge, second opinion" not in texts(fit_pictures(fits(rows)["DE", "uploads"], COLORS)["roas"])


def test_equal_rows_give_equal_bytes(pictures):
    again = fit_pictures(fits(market())["DE", "uploads"], COLORS)
    assert {name: one.svg for name, one in again.items()} == {name: one.svg for name, one in pictures.items()}
