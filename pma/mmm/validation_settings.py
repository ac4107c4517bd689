"""Settings of the cross-validation: which models are tried, and on which weeks they are judged."""

from __future__ import annotations

from typing import Any

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pma.mmm.candidates import make_candidates
from pma.mmm.spec import ModelSpec
from pma.section import Section

# Two waves of a year more or less, an effect that is spread or at once, and a curve with one parameter less.
GRID: dict[str, Any] = {
    "media": {"adstock": ["geometric", "weibull_pdf"], "saturation": ["hill", "michaelis_menten"]},
    "yearly_order": [2, 3],
}


class FoldFit(Section):
    """Chains of a fold: shorter than those of a fit, as means and quantiles of a forecast need fewer draws."""

    chains: PositiveInt = Field(2, description="chains of the sampler")
    tune: PositiveInt = Field(200, description="draws of each chain that only adapt the sampler")
    draws: PositiveInt = Field(200, description="draws of each chain that are kept")
    max_rhat: PositiveFloat = Field(1.2, description="a fold with a larger R-hat has no score")


class ValidationSettings(Section):
    """Cross-validation over time: which models are tried, and on which weeks they are judged."""

    folds: PositiveInt = Field(6, description="times that the model is cut off and forecasts, the last one at the end")
    horizon_weeks: PositiveInt = Field(8, description="weeks that a fold forecasts and is judged by")
    step_weeks: PositiveInt = Field(8, description="weeks from one cut to the next")
    first_window_weeks: PositiveInt = Field(
        78, description="fewest weeks that a fold learns from; earlier cuts drop out"
    )
    candidates: dict[str, dict[str, Any]] = Field(
        {}, description="<name>: what differs from mmm.model, such as {leave_out: [temperature]}"
    )
    grid: dict[str, Any] = Field(
        GRID,
        description="like mmm.model, with lists of values in the place of values: each combination is a candidate too",
    )
    fit: FoldFit = FoldFit()
    land_seconds: PositiveFloat = Field(
        10.0, description="folds that end land together, so often: a commit costs as much as a fold"
    )
    land_folds: PositiveInt = Field(2000, description="engine pandas_udf: folds that land together")

    @model_validator(mode="after")
    def _candidates_are_models(self) -> ValidationSettings:
        make_candidates(ModelSpec(), self.candidates, self.grid)
        return self
