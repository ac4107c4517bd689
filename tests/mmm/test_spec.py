"""The model's settings as a person writes them."""

import pytest
import yaml

from pma.mmm.spec import Prior
from pma.settings import SettingsError, load


def loaded(tmp_path, model):
    (tmp_path / "own.yml").write_text(yaml.safe_dump({"mmm": {"model": model}}))
    return load([tmp_path / "own.yml"]).mmm.model


def test_a_prior_of_another_family_takes_the_place_of_the_default(tmp_path):
    spec = loaded(tmp_path, {"media": {"half": {"family": "gamma", "alpha": 2, "beta": 3}}})
    assert spec.media.half == Prior(family="gamma", alpha=2.0, beta=3.0)
    assert spec.media.slope == Prior(family="log_normal", mu=0.25, sigma=0.25)


def test_the_roas_of_a_channel_in_one_country_has_its_prior(tmp_path):
    known = {"given_as": "roas", "prior": {"family": "log_normal", "mu": 0.5, "sigma": 0.2}}
    spec = loaded(tmp_path, {"geos": {"DE": {"tv": {"effect": known}}}, "channels": {"tv": {"adstock": "delayed"}}})
    there, elsewhere = spec.media_of("DE", "tv"), spec.media_of("AT", "tv")
    assert (there.effect.given_as, there.effect.prior.mu, there.adstock) == ("roas", 0.5, "delayed")
    assert (elsewhere.effect.given_as, elsewhere.adstock) == ("share", "delayed")
    assert spec.media_of("DE", "tiktok") == spec.media


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"media": {"half": {"family": "gamma", "mu": 1}}}, "gamma has the parameters alpha, beta; given: mu"),
        ({"media": {"half": {"family": "log_normal", "mu": 0, "sigma": -1}}}, "mmm.model.media.half.sigma: found -1"),
        ({"media": {"retention": {"family": "half_normal", "sigma": 1}}}, "its prior is a beta"),
        ({"media": {"slope": {"family": "beta", "alpha": 1, "beta": 1}}}, "slope may be any positive number"),
        ({"media": {"effect": {"prior": {"family": "beta", "alpha": 1, "beta": 1}}}}, "not beta"),
        ({"channels": {"tv": {"retention": {"family": "half_normal", "sigma": 1}}}}, "its prior is a beta"),
        ({"geos": {"DE": {"tv": {"half": {"family": "beta", "alpha": 1, "beta": 1}}}}}, "half may be any positive"),
        ({"media": {"adstock": "binomial"}}, "mmm.model.media.adstock: found 'binomial'"),
        ({"channels": {"tv": {"satturation": "hill"}}}, "did you mean saturation?"),
        ({"lags": 0}, "mmm.model.lags: found 0"),
    ],
)
def test_what_is_impossible_is_refused_by_its_key(tmp_path, model, said):
    with pytest.raises(SettingsError) as error:
        loaded(tmp_path, model)
    assert said in str(error.value)
