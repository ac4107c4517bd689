"""Spend that moves with the target: budget may follow demand, and no fit of the weeks can tell which follows which."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pma.mmm.lift_tests import clearly_tested, no_lifts, without_changes
from pma.mmm.linear import principal_axes
from pma.mmm.series import followed

if TYPE_CHECKING:
    from pma.mmm.design import Design

# The kind of a column of demand that spend follows.
DEMAND = "demand"
# Spend beyond so many usual weeks says no more of demand: an outlier is a campaign or a mistake.
MOST = 5.0


def suspicions(design: Design, follows: float) -> list[str | None]:
    """Return for each channel why its effect may be demand that came anyway, in words; None: nothing says so.

    Judged as in the check `follows_target` of bl.mmm_readiness, by the weeks that are explained: `follows` is the
    least correlation of the logarithms of spend and target, of the same week or the four before, that is suspected. A
    channel with a clear lift test is not suspected: the test says what spend itself does.
    """
    tested = clearly_tested(design)
    found = zip(design.channels, _follows(design, follows), strict=True)
    return [None if name in tested else said for name, said in found]


def with_demand(design: Design, follows: float, sigma: float) -> Design:
    """Return the design with two columns of demand for each suspected channel that a lift test has measured.

    What the weeks know of such a channel is the sum of its effect and of the demand that its budget follows; the test
    knows the effect. Without a place for the demand the model would bend adstock and saturation until both seem true,
    and the channel's total would be wrong in spite of the test. The columns are spend as it was planned, in deviations,
    and its square: a budget may follow demand by a curve. Weeks without spend stand at its mean, so that a pause still
    tells of the effect alone. `sigma`: prior deviation of their effects, in usual weeks of the target.
    """
    tested = clearly_tested(design)
    followed = [
        c for c, said in enumerate(_follows(design, follows)) if said is not None and design.channels[c] in tested
    ]
    seen = design.explained > 0
    for c in followed:
        once = _deviations(np.minimum(_planned(design, c), MOST), seen)
        square = once**2
        # What of the square is not the straight line.
        square = square - once * np.nansum((once * square)[seen]) / np.nansum((once * once)[seen])
        name = f"demand followed by {design.channels[c]}"
        for column in (once, _deviations(square, seen)):
            design = _with_column(design, name, np.nan_to_num(column) * sigma)
    return design


def without_tests(design: Design) -> Design:
    """Return the design as it is without its tests, and so without what only they can tell from media."""
    kept = [j for j, kind in enumerate(design.kinds) if kind != DEMAND]
    return replace(
        design,
        lifts=no_lifts(len(design.weeks)),
        names=tuple(design.names[j] for j in kept),
        kinds=tuple(design.kinds[j] for j in kept),
        columns=design.columns[:, kept],
        means=design.means[kept],
        none=design.none[kept],
        rotation=principal_axes(design.columns[:, kept], design.explained),
    )


def _planned(design: Design, channel: int) -> np.ndarray:
    """Planned spend of the weeks that had some; NaN where a channel did not run, which is decided apart."""
    planned = without_changes(design, channel)
    return np.where(np.isnan(design.money[:, channel]) | (planned <= 0), np.nan, planned)


def _deviations(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    deviations: np.ndarray = (values - np.nanmean(values[seen])) / np.nanstd(values[seen])
    return deviations


def _with_column(design: Design, name: str, column: np.ndarray) -> Design:
    """The design with one column more, that counts from its mean."""
    mean = float(column @ design.explained / design.explained.sum())
    columns = np.column_stack([design.columns, column - mean])
    return replace(
        design,
        names=(*design.names, name),
        kinds=(*design.kinds, DEMAND),
        columns=columns,
        means=np.append(design.means, mean),
        none=np.append(design.none, 0.0),
        rotation=principal_axes(columns, design.explained),
    )


def _follows(design: Design, least: float) -> list[str | None]:
    """Return what says of each channel that its spend follows the target; None: nothing."""
    target = pd.Series(np.where(design.explained > 0, design.value, np.nan))
    said: list[str | None] = []
    for c, name in enumerate(design.channels):
        found = followed(pd.Series(_planned(design, c)), target)
        weeks = max(found, key=lambda name: found[name])
        sentence = (
            f"{name}: its spend moves with {design.target} of {weeks} (correlation {found[weeks]:.2f}). Budget may "
            "follow demand, and demand that came anyway would count as its own. Test it (geo lift)"
        )
        said.append(sentence if found[weeks] >= least else None)
    return said
