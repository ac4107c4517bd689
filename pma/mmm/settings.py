"""Settings of the media mix model: its input, the checks of what is missing in it, the model and its fits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from pma.mmm.spec import FitSettings, ModelSpec, RidgeSettings
from pma.mmm.validation_settings import ValidationSettings
from pma.section import Section

GeoLevel = Literal["country", "management_region"]


class PanelSettings(Section):
    """The weekly input: which geos and variables, and what is made of them."""

    geo_levels: tuple[GeoLevel, ...] = Field(("country", "management_region"), description="levels that get an input")
    interactions: tuple[tuple[str, str], ...] = Field(
        (("tv", "google_search_brand"),), description="pairs of variables that get a feature of their own"
    )
    event_weeks_before: int = Field(1, ge=0, le=12, description="weeks before a bike event that its feature covers")
    event_weeks_after: int = Field(1, ge=0, le=12, description="weeks after a bike event that its feature covers")
    holiday_days_before: int = Field(0, ge=0, le=7, description="days before a public holiday that count as one too")
    holiday_days_after: int = Field(0, ge=0, le=7, description="days after a public holiday that count as one too")
    weeks: PositiveInt | None = Field(None, description="newest weeks that are kept; null: all there are")


class ReadinessSettings(Section):
    """When a check of the input warns, and when it keeps a geo out of the fit."""

    min_weeks: int = Field(52, ge=2, description="a geo with fewer weeks of both targets is not fitted")
    min_weeks_per_variable: float = Field(3.0, gt=0, description="a geo with fewer weeks per variable is not fitted")
    warn_weeks_per_variable: float = Field(
        7.0, gt=0, description="with fewer weeks per variable it is fitted, and said"
    )
    min_active_weeks: int = Field(8, ge=1, description="a channel with fewer weeks of spend says little")
    duplicate_correlation: float = Field(0.99, gt=0, le=1, description="two series as alike as this are one")
    warn_correlation: float = Field(
        0.9, gt=0, le=1, description="pairwise correlation that the model cannot split well"
    )
    warn_vif: float = Field(10.0, gt=1, description="variance inflation that the model cannot split well")
    fail_vif: float = Field(1000.0, gt=1, description="variance inflation at which the geo is not fitted")
    follows_target: float = Field(
        0.4,
        gt=0,
        le=1,
        description="correlation with the target of the week or of the weeks before from which spend is suspected to "
        "follow it",
    )
    outlier_deviations: float = Field(6.0, gt=0, description="robust deviations from the median of an outlier")
    level_shift: float = Field(3.0, gt=1, description="ratio of medians before and after that is a level shift")
    currency_jump: float = Field(0.1, gt=0, description="change of an exchange rate from day to day that is a jump")
    min_spend_share: float = Field(0.005, ge=0, lt=1, description="a channel with a smaller share of spend says little")
    warn_time_r2: float = Field(
        0.95, gt=0, le=1, description="share of a variable that trend and season explain, from which it says little"
    )
    prior_roas_median: float = Field(1.2, gt=0, description="median of a weak prior of every channel's ROAS")
    prior_roas_sigma: float = Field(0.9, gt=0, description="spread of its logarithm")
    warn_negative_baseline: float = Field(
        0.8, gt=0, le=1, description="probability by that prior that paid media bring more than all there is"
    )


class ComparisonSettings(Section):
    """The model beside attribution: which attribution model sentences speak of, and from when on."""

    attribution_model: Literal[
        "first_click", "last_click", "u_shape", "linear", "last_non_direct", "time_decay", "data_driven"
    ] = Field("last_click", description="attribution model that is set against the media mix model")
    least_gap: float = Field(
        0.2, ge=0, description="a smaller gap is no disagreement, even where it lies outside the model's interval"
    )


class MmmSettings(Section):
    """All of the room."""

    panel: PanelSettings = PanelSettings()
    readiness: ReadinessSettings = ReadinessSettings()
    model: ModelSpec = ModelSpec()
    fit: FitSettings = FitSettings()
    ridge: RidgeSettings = RidgeSettings()
    validation: ValidationSettings = ValidationSettings()
    comparison: ComparisonSettings = ComparisonSettings()
