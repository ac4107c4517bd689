"""Which models are tried: the one that is set, named changes, a grid; and what cannot be one."""

import json

import pandas as pd
import pytest
from pydantic import ValidationError

from pma.mmm.candidates import chosen_model, make_candidates
from pma.mmm.spec import ModelSpec, Prior
from pma.mmm.validation_settings import ValidationSettings
from pma.settings import SettingsError, load

MODEL = ModelSpec(yearly_order=4, lags=8)


def names(found):
    return [candidate.name for candidate in found]


def test_the_model_comes_first_then_named_changes_then_each_combination():
    grid = {"media": {"adstock": ["geometric", "delayed"]}, "yearly_order": [4, 0]}
    found = make_candidates(MODEL, {"no temperature": {"leave_out": ["temperature"]}}, grid)
    assert names(found) == [
        "model",
        "no temperature",
        # Geometric with four waves is the model itself.
        "adstock=geometric, yearly_order=0",
        "adstock=delayed, yearly_order=4",
        "adstock=delayed, yearly_order=0",
    ]
    assert found[1].spec == MODEL.model_copy(update={"leave_out": ("temperature",)})
    assert (found[4].spec.media.adstock, found[4].spec.yearly_order, found[4].spec.lags) == ("delayed", 0, 8)
    assert json.loads(found[4].settings) == {"media": {"adstock": "delayed"}, "yearly_order": 0}


def test_a_change_leaves_all_else_as_it_is_set():
    model = ModelSpec(media={"half": {"family": "gamma", "alpha": 2, "beta": 1}, "saturation": "tanh"}, lags=6)
    wide = {"family": "log_normal", "mu": -1.0, "sigma": 2.0}
    [_, found] = make_candidates(model, {"wide": {"media": {"effect": {"prior": wide}}}}, {})
    media = found.spec.media
    assert (media.saturation, media.half.family, found.spec.lags) == ("tanh", "gamma", 6)
    assert media.effect.prior == Prior(**wide) and media.effect.given_as == "share"


def test_values_of_a_grid_may_be_lists_and_groups():
    priors = [{"given_as": "share"}, {"given_as": "roas", "prior": {"family": "half_normal", "sigma": 2}}]
    grid = {"leave_out": [[], ["temperature"]], "media": {"effect": priors}}
    found = make_candidates(ModelSpec(), {}, grid)
    assert {(one.spec.leave_out, one.spec.media.effect.given_as) for one in found} == {
        (left, given) for left in ((), ("temperature",)) for given in ("share", "roas")
    }


def test_two_axes_of_one_name_are_told_apart():
    grid = {"media": {"adstock": ["geometric"]}, "channels": {"tv": {"adstock": ["delayed"]}}}
    assert names(make_candidates(ModelSpec(), {}, grid)) == [
        "model",
        "media.adstock=geometric, channels.tv.adstock=delayed",
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"candidates": {"model": {"lags": 3}}}, "candidate model: the name is taken"),
        ({"candidates": {"x": {"yearly": 3}}}, "candidate x: yearly: Extra inputs"),
        ({"candidates": {"x": {"media": {"adstock": "slow"}}}}, "candidate x: media.adstock: "),
        ({"grid": {"yearly_order": 3}}, "grid.yearly_order: found 3; give a list"),
        ({"grid": {"media": {"adstock": []}}}, "grid.media.adstock: found"),
        ({"grid": {"yearly_order": [99]}}, "candidate yearly_order=99: yearly_order: "),
    ],
)
def test_what_is_no_model_is_refused_when_settings_are_read(given, said):
    with pytest.raises(ValidationError, match=said):
        ValidationSettings(**given)
    with pytest.raises(SettingsError, match="mmm"):
        load(overrides=[f"mmm.validation={json.dumps(given)}"])


def test_a_geo_is_fitted_with_the_change_that_was_chosen_for_it():
    rows = pd.DataFrame({"geo": ["DE", "DE"], "settings": ['{"yearly_order": 1}'] * 2})
    assert chosen_model(MODEL, rows) == MODEL.model_copy(update={"yearly_order": 1})
    assert chosen_model(MODEL, rows.assign(settings=None)) == MODEL
    assert chosen_model(MODEL, rows[["geo"]]) == MODEL
