"""Whether a fit that has converged can be believed: the geo is fitted again with a change that should not matter.

Good diagnostics of the sampler say nothing of a model that is wrong; these do (Facure and Germano's refutation tests;
Recast's stability loop; the placebo and refresh tests of mmm-eval). Each costs a short fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pma.mmm.design import Design, NotFitError
from pma.mmm.diagnostics import least_ess
from pma.mmm.effects import Fitted, Media, returns
from pma.mmm.posterior import fit_design
from pma.mmm.spec import FitSettings, ModelSpec
from pma.mmm.tables import ALL

# So many times the effect that the prior expects.
FACTOR = 2.0
# The rows of a geo, and weeks whose target is hidden (None: none), to a design.
Remake = Callable[[pd.DataFrame, pd.Index | None], Design]


@dataclass(frozen=True)
class Check:
    """One row of bl.mmm_checks; measure: what was found, None where it could not be; limit: the most that passes."""

    check: str
    channel: str
    measure: float | None
    limit: float
    detail: str

    @property
    def is_passed(self) -> bool | None:
        """None: it could not be made."""
        return None if self.measure is None else bool(self.measure <= self.limit)


@dataclass(frozen=True)
class Again:
    """A fit to make again. rows: of bl.mmm_input; design, roas: of the fit itself, (draws, C); seed: of its own."""

    rows: pd.DataFrame
    design: Design
    roas: np.ndarray
    remake: Remake
    spec: ModelSpec
    settings: FitSettings
    seed: int

    def fit(self, design: Design) -> Fitted:
        """Return a short fit of a design that differs. Raises NotFitError where it has not settled."""
        short = {"chains": "check_chains", "tune": "check_tune", "draws": "check_draws"}
        settings = self.settings.model_copy(update={name: getattr(self.settings, of) for name, of in short.items()})
        _, sampled, fitted = fit_design(design, self.spec, settings, self.seed)
        effective = least_ess(sampled.theta)
        if not effective >= settings.check_min_ess:
            raise NotFitError(
                f"its short fit has not settled ({effective:.0f} effective draws): more mmm.fit.check_tune, check_draws"
            )
        return fitted


def check_fit(again: Again) -> list[Check]:
    """Return what the checks of the settings say; one that cannot be made has a row that says why."""
    made = {"refresh": refresh, "placebo": placebo, "prior": prior}
    found: list[Check] = []
    for name in again.settings.checks:
        try:
            found += made[name](again)
        except NotFitError as error:
            found.append(Check(name, ALL, None, 0.0, f"could not be checked: {error}"))
    return found


def refresh(again: Again) -> Iterator[Check]:
    """Hide the target of the last weeks: how wrong is the forecast of them, and how far does each ROAS move?"""
    design, settings = again.design, again.settings
    hidden = design.weeks[design.explained > 0][-settings.hidden_weeks :]
    fewer = again.remake(again.rows, hidden)
    fitted = again.fit(fewer)
    late = design.weeks.isin(hidden)
    missed = np.abs(fitted.mean.mean(axis=0) - design.value)[late]
    error = float(missed.sum() / np.abs(design.value[late]).sum())
    detail = f"the last {len(hidden)} weeks, hidden from the model, are missed by {error:.0%}"
    yield Check("holdout", ALL, error, settings.max_holdout_error, detail)
    before = dict(zip(design.channels, np.median(again.roas, axis=0).tolist(), strict=True))
    after = dict(zip(fewer.channels, np.median(returns(fewer, fitted.media), axis=0).tolist(), strict=True))
    # By name: a channel of the last weeks alone is not in the model without them.
    moved = {name: abs(after[name] / before[name] - 1) for name in design.channels if name in after}
    middle = float(np.median(list(moved.values())))
    detail = f"without the last {len(hidden)} weeks the middle ROAS would differ by {middle:.0%}"
    yield Check("refresh", ALL, middle, settings.max_refresh_change, detail)
    for name in design.channels:
        if name in moved:
            detail = f"without the last {len(hidden)} weeks its ROAS would differ by {moved[name]:.0%}"
        else:
            detail = f"the last {len(hidden)} weeks are all that is known of it"
        yield Check("refresh", name, moved.get(name), 2 * settings.max_refresh_change, detail)


def placebo(again: Again) -> Iterator[Check]:
    """Add a channel that cannot work, the largest one's spend with its weeks shuffled: what does it get?"""
    design, settings = again.design, again.settings
    name = design.channels[int(np.nanargmax(np.nansum(design.money, axis=0)))]
    real = again.rows[(again.rows["variable"] == name) & (again.rows["role"] == "paid")]
    known = real["value"].notna().to_numpy()
    values = real["value"].to_numpy(dtype=float, copy=True)
    values[known] = np.random.default_rng(again.seed).permutation(values[known])
    copied = f"placebo of {name}"
    more = again.remake(pd.concat([again.rows, real.assign(variable=copied, value=values)], ignore_index=True), None)
    media = again.fit(more).media
    at = more.channels.index(copied)
    true = [c for c in range(len(more.channels)) if c != at]
    usual = _together(more, media, true)
    ratio = float(np.median(returns(more, media)[:, at]) / usual)
    shuffled = f"a channel without effect ({name} with its weeks shuffled)"
    detail = f"{shuffled} gets {ratio:.0%} of the ROAS of all channels together"
    yield Check("placebo", ALL, ratio, settings.max_placebo, detail)


def prior(again: Again) -> Iterator[Check]:
    """Expect every effect to be twice as large: how much of that does each ROAS follow? 1: all, nothing was learned."""
    design, settings = again.design, again.settings
    media = again.fit(replace(design, effect_scale=FACTOR * design.effect_scale)).media
    moved = np.log(np.median(returns(design, media), axis=0) / np.median(again.roas, axis=0)) / np.log(FACTOR)
    middle = float(np.median(moved))
    detail = f"were twice the effect assumed beforehand, the middle ROAS would be {_larger(middle)}"
    yield Check("prior", ALL, middle, settings.max_prior_pull, detail)
    for name, pull in zip(design.channels, moved.tolist(), strict=True):
        detail = f"were twice the effect assumed beforehand, its ROAS would be {_larger(pull)}"
        yield Check("prior", name, pull, settings.max_prior_pull, detail)


def _larger(pull: float) -> str:
    change = FACTOR**pull - 1
    return f"{abs(change):.0%} {'larger' if change >= 0 else 'smaller'}"


def channel_doubts(found: list[Check], channels: tuple[str, ...]) -> list[str | None]:
    """Return for each channel why the checks say not to trust it, in words; None: they do not."""
    said = {one.channel: f"{one.channel}: {one.detail}" for one in found if one.is_passed is False}
    return [said.get(name) for name in channels]


def sentences(found: list[Check]) -> list[str]:
    """Return what a reader must know of the checks of the geo as a whole."""
    means = {
        "holdout": "Forecasts will be no better.",
        "refresh": "The next month may tell another story: do not move much money by one fit.",
        "placebo": "The model gives credit without a reason: test the largest channels before you believe it.",
        "prior": "The numbers are mostly what was assumed: vary spend, or test.",
        "ridge": "Where two methods differ, test before money moves.",
    }
    failed = [one for one in found if one.channel == ALL and one.is_passed is False]
    return [f"{one.detail[0].upper()}{one.detail[1:]}. {means[one.check]}" for one in failed]


def _together(design: Design, media: Media, channels: list[int]) -> float:
    """The ROAS of some channels together, median of its draws."""
    known = ~np.isnan(design.money)
    brought = np.einsum("dtc,tc->dc", media.brought, known)[:, channels].sum(axis=1)
    return float(np.median(brought) / np.nansum(design.money, axis=0)[channels].sum())
