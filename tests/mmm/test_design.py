"""What a model is given: scales, unknown weeks, and the data that cannot carry one."""

import numpy as np
import pandas as pd
import pytest

from pma.mmm.design import NotFitError, make_design
from pma.mmm.spec import FitSettings, MediaChange, ModelSpec, TrendSpec
from tests.mmm.media_world import media_world

ROWS = media_world(weeks=80, channels=2).rows
SPEC = ModelSpec(trend=TrendSpec(kind="linear"))


def design(rows=ROWS, spec=SPEC, **more):
    return make_design(rows, "uploads", spec, FitSettings(), **more)


def changed(variable, weeks, value, rows=ROWS):
    """The rows with a variable's value in some weeks (slice or list of places) replaced."""
    rows = rows.reset_index(drop=True)
    places = rows.index[rows["variable"] == variable]
    out = rows.copy()
    out.loc[places[weeks], "value"] = value
    return out


def test_one_outlier_of_spend_moves_no_scale():
    plain, odd = design(), design(changed("channel_0", [40], 1e9))
    assert odd.spend_scale == pytest.approx(plain.spend_scale, rel=0.05)
    assert odd.scale == plain.scale
    assert np.delete(odd.spend[:, 0], 40) == pytest.approx(np.delete(plain.spend[:, 0], 40), rel=0.05)


def test_controls_are_standardised_whatever_their_unit():
    other = changed("temperature", slice(None), 1e6 + 1e4 * ROWS[ROWS["variable"] == "temperature"]["value"].to_numpy())
    assert design(other).columns == pytest.approx(design().columns)
    column = design().columns[:, list(design().names).index("temperature")]
    assert (column.mean(), column.std()) == pytest.approx((0.0, SPEC.context_sigma))


def test_a_channel_that_starts_late_has_a_level_of_its_own_before():
    found = design(changed("channel_0", slice(0, 20), np.nan))
    assert found.has_gap.tolist() == [True, False]
    assert (found.unknown[:20, 0] == 1).all() and (found.unknown[20:] == 0).all()
    assert (found.spend[:20, 0] == 0).all() and (found.known[:20, 0] == 0).all()
    assert found.known.sum(axis=0) == pytest.approx([1.0, 1.0])
    assert "unknown in 20 weeks" in found.notes[0]


def test_a_hole_is_bridged_between_its_neighbours():
    rows = changed("channel_0", [29, 33], 1000.0)
    found = design(changed("channel_0", slice(30, 33), np.nan, rows))
    usual = 1000.0 / found.spend_scale[0]
    assert found.unknown[30:33, 0] == pytest.approx(usual)


def test_weeks_without_rows_are_unknown_and_not_explained():
    week = ROWS.groupby("variable").cumcount()
    found = design(ROWS[~week.between(30, 37)])
    assert len(found.weeks) == 80
    assert found.explained.sum() == 72
    assert found.unknown[30:38].all()


def test_a_week_that_has_only_begun_adds_no_parameter():
    rows = changed("channel_0", [79], np.nan, changed("channel_1", [79], np.nan))
    assert len(design(rows).weeks) == 79 and not design(rows).has_gap.any()


def test_hidden_incomplete_and_first_weeks_are_not_explained():
    last = ROWS["week_start"].max()
    cut = ROWS.assign(is_complete_week=(ROWS["week_start"] != last) | (ROWS["variable"] != "uploads"))
    assert design(cut).explained[-1] == 0
    hidden = pd.Index(sorted(set(ROWS["week_start"]))[-5:])
    assert design(hidden=hidden).explained[-6:].tolist() == [1, 0, 0, 0, 0, 0]
    burnt = design(spec=SPEC.model_copy(update={"burn_in_weeks": 4}))
    assert burnt.explained[:5].tolist() == [0, 0, 0, 0, 1]


def test_a_week_that_a_feed_of_spend_holds_a_part_of_is_unknown_and_not_small():
    last = ROWS["week_start"].max()
    cut = ROWS.assign(is_complete_week=(ROWS["week_start"] != last) | (ROWS["variable"] != "channel_0"))
    found = design(cut)
    assert found.explained[-1] == 1 and np.isnan(found.money[-1, 0]) and not np.isnan(found.money[-1, 1])
    assert found.unknown[-1].tolist() == [1.0, 0.0]
    assert "channel_0 has 1 weeks that its feed holds a part of: taken as unknown" in found.notes


def test_an_interaction_counts_in_usual_products_and_one_outlier_does_not_shrink_it():
    product = ROWS[ROWS["variable"] == "channel_0"].assign(variable="tv x search", role="interaction")
    product["value"] = np.r_[0.5 + 0.5 * (np.arange(len(product)) % 2)]
    outlier = product.assign(value=product["value"].where(np.arange(len(product)) != 7, 30.0))
    usual, wild = (design(pd.concat([ROWS, rows])) for rows in (product, outlier))
    at = [list(one.names).index("tv x search") for one in (usual, wild)]
    apart = [np.ptp(np.delete(one.columns[:, j], 7)) for one, j in zip((usual, wild), at, strict=True)]
    assert apart[1] == pytest.approx(apart[0], rel=0.35)
    column = wild.columns[:, at[1]] / SPEC.interaction_sigma
    assert column.max() - column.min() < 5.0


def test_columns_are_centred_over_the_explained_weeks():
    found = design(hidden=pd.Index(sorted(set(ROWS["week_start"]))[-20:]), spec=ModelSpec())
    for block in (found.columns, found.basis):
        assert found.explained @ block == pytest.approx(0, abs=1e-9)


def first(weeks):
    return pd.Index(sorted(set(ROWS["week_start"]))[:weeks])


def test_scales_of_a_first_window_are_the_same_whatever_follows():
    rows = ROWS.assign(value=ROWS["value"].where(ROWS.groupby("variable").cumcount() < 60, 3 * ROWS["value"] + 1))
    short, long = (
        design(rows, hidden=pd.Index(sorted(set(rows["week_start"]))[weeks:]), scaled_on=first(50))
        for weeks in (50, 78)
    )
    assert long.scale == short.scale == pytest.approx(design(rows, hidden=first(80)[50:]).scale)
    assert np.array_equal(long.spend_scale, short.spend_scale)
    assert long.effect_scale == pytest.approx(short.effect_scale)
    assert long.columns == pytest.approx(short.columns) and long.means == pytest.approx(short.means)
    assert design(rows, hidden=first(80)[78:]).scale > 1.05 * long.scale


def test_what_the_first_window_does_not_have_is_scaled_on_all_weeks():
    late = changed("channel_1", slice(0, 40), 0.0, changed("temperature", slice(0, 40), 7.0))
    plain, found = design(late), design(late, scaled_on=first(40))
    assert found.spend_scale[1] == plain.spend_scale[1] and found.spend_scale[0] != plain.spend_scale[0]
    assert (found.effect_scale > 0).all()
    place = list(plain.names).index("temperature")
    assert np.ptp(found.columns[:, place]) == pytest.approx(np.ptp(plain.columns[:, place]))


def test_a_channel_that_spends_in_hidden_weeks_alone_is_not_in_the_model():
    late = changed("channel_1", slice(0, 70), 0.0)
    found = design(late, hidden=first(80)[70:])
    assert found.channels == ("channel_0",)
    assert "channel_1 has no spend in any week that is explained" in " ".join(found.notes)


def test_a_spec_may_differ_for_a_channel_and_a_geo():
    change = MediaChange(saturation="logistic")
    spec = SPEC.model_copy(update={"geos": {"AT": {"channel_1": change}}, "channels": {"channel_0": change}})
    assert [one.saturation for one in design(spec=spec).media] == ["logistic", "hill"]
    assert [one.saturation for one in design(ROWS.assign(geo="AT"), spec).media] == ["logistic", "logistic"]


def without(rows, variable):
    return rows[rows["variable"] != variable]


BAD = {
    "few weeks": (ROWS[ROWS.groupby("variable").cumcount() < 10], "known in 10 weeks; a model needs 30"),
    "constant": (changed("uploads", slice(None), 7.0), "7 in every week"),
    "no target": (without(ROWS, "uploads"), "no rows of uploads"),
    "no paid channel": (without(without(ROWS, "channel_0"), "channel_1"), "no paid channel has any spend"),
    "zeros": (changed("channel_0", slice(None), 0.0, changed("channel_1", slice(None), 0.0)), "no paid channel"),
    "infinite": (changed("temperature", [3], np.inf), "temperature is infinite"),
    "twice": (pd.concat([ROWS, ROWS.iloc[:1]]), "more than one row in the week"),
    "daily": (ROWS.assign(week_start=ROWS["week_start"] + pd.Timedelta(days=1)), "no Monday"),
    "two currencies": (
        ROWS.assign(unit=np.where(ROWS["variable"] == "channel_1", "SEK", "EUR")),
        r"spend is in 2 currencies \(channel_0 in EUR, channel_1 in SEK\). Convert it",
    ),
    "negative target": (changed("uploads", slice(None), -np.arange(80.0)), "usual week of uploads is -39.5"),
}


@pytest.mark.parametrize("name", BAD)
def test_data_that_carry_no_model_are_refused_with_the_reason(name):
    rows, said = BAD[name]
    with pytest.raises(NotFitError, match=said):
        design(rows)


def test_a_channel_that_the_data_do_not_have_is_named():
    with pytest.raises(NotFitError, match=r"names radio.*there: channel_0, channel_1"):
        design(spec=SPEC.model_copy(update={"channels": {"radio": MediaChange(adstock="delayed")}}))


def test_odd_but_possible_data_are_noted():
    rows = changed("channel_0", [5], -100.0)
    rows = changed("temperature", slice(None), np.nan, rows)
    rows = changed("channel_1", slice(None), 0.0, rows)
    found = design(rows)
    assert found.channels == ("channel_0",) and found.spend[5, 0] == 0
    said = " ".join(found.notes)
    for part in ("1 weeks below zero", "temperature is unknown: it is not", "channel_1 has no spend"):
        assert part in said
