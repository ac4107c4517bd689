"""Before and after: what a model without lift tests expected of them, what it makes of them, and where they contradict.

A lift is expected as what the channel brought over the weeks of the test less what it would have brought without the
change of spend: adstock and the length of the test are in it. pymc-marketing compares with the difference of two
points of the saturation curve instead (`add_lift_test_measurements`), which is right only for a test without end.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pma.media.transforms import adstock, saturate
from pma.mmm.design import Design
from pma.mmm.effects import Fitted, Media, returns
from pma.mmm.layout import Draws
from pma.mmm.lift_tests import LiftTest, compact
from pma.mmm.outcome import Row
from pma.mmm.tables import MMM_CALIBRATION, OF_FIT

# So many standard deviations, of model and measurement together, are more than chance.
APART = 2.0
# Residuals that grow by this with the tests say that the weeks do not agree with them.
WORSE = 1.1
ENDS = ("p05", "p50", "p95")
COLUMNS = tuple(column.name for column in MMM_CALIBRATION.columns if column.name not in OF_FIT)


@dataclass(frozen=True)
class Belief:
    """What a fit makes of the tests of a design; D draws, N tests.

    lifts: expected, unit of the target, (D, N); roas: of the tested channels, (D, N); left: mean size of residuals.
    """

    lifts: np.ndarray
    roas: np.ndarray
    left: float


def calibrated(told: Row, design: Design, before: Fitted, after: Fitted) -> Row:
    """Return what a fit tells, with the rows of bl.mmm_calibration; a test that contradicts the weeks flags it.

    `before`: the fit without the tests of the design, `after`: that with them.
    """
    rows = calibration_rows(design, belief(design, before), belief(design, after))
    said = contradictions(rows)
    message = " ".join([*filter(None, [told["message"]]), *said]) or None
    doubtful = {
        row["channel"]: f"lift test {row['test_id']} contradicts the weeks"
        for row in rows
        if row["verdict"] == "contradicts"
    }
    summary = [_doubted(row, doubtful.get(row["channel"])) for row in told["mmm_channel_summary"]]
    return told | {
        "status": "flagged" if said else told["status"],
        "message": message,
        "not_trusted": [row["channel"] for row in summary if not row["is_trusted"]],
        "mmm_channel_summary": summary,
        "mmm_calibration": rows,
    }


def _doubted(row: Row, reason: str | None) -> Row:
    """A channel's row, not to be trusted for this reason unless there is one already; None: as it is."""
    if reason is None or not row["is_trusted"]:
        return row
    return row | {"is_trusted": False, "reason": f"{row['channel']}: {reason}"}


def belief(design: Design, fitted: Fitted) -> Belief:
    """Return what a fit makes of the tests of `design`, which it may have seen or not."""
    seen = design.explained > 0
    left = np.abs(design.value - fitted.mean.mean(axis=0))[seen].mean()
    lifts = expected_lifts(design, fitted.draws, fitted.media)
    return Belief(lifts, returns(design, fitted.media)[:, design.lifts.channel], float(left))


def expected_lifts(design: Design, draws: Draws, media: Media) -> np.ndarray:
    """Return the lift that each draw expects of each test of the design, unit of the target; (D, N)."""
    lifts = np.zeros((len(draws.level), len(design.lifts.tests)))
    data = compact(design, media.weights.shape[-1])
    for s, n in enumerate(data["lift_of"]):
        c = data["lift_channel"][s]
        spend = data["lift_spend"][s] + draws.gap[:, c, None] * data["lift_unknown"][s]
        level = adstock(spend[:, :, None], media.weights[:, c : c + 1])
        first, second = draws.saturation[:, c : c + 1, 0], draws.saturation[:, c : c + 1, 1]
        value = saturate(design.media[c].saturation, level, first, second)[:, :, 0]
        # Before the data (week below 0) nothing counts, whatever the factor.
        week = np.maximum(data["lift_week"][s] + np.arange(len(data["lift_counts"][s])), 0)
        lifts[:, n] += media.coefficient[:, c] * ((media.factor[:, week] * value) @ data["lift_counts"][s])
    return lifts


def calibration_rows(design: Design, before: Belief, after: Belief) -> list[Row]:
    """Rows of bl.mmm_calibration: of the tests that were used, and of those that were left out, with the reason."""
    rows = []
    for n, test in enumerate(design.lifts.tests):
        verdict = _verdict(test, before, after, n)
        parts = {"expected": (before.lifts, after.lifts), "roas": (before.roas, after.roas)}
        numbers = {
            f"{name}_{when}_{end}": float(value)
            for name, both in parts.items()
            for when, draws in zip(("before", "after"), both, strict=True)
            for end, value in zip(ENDS, np.quantile(draws[:, n], [0.05, 0.5, 0.95]), strict=True)
        }
        grown = after.left / before.left - 1
        sentence = _sentence(test, verdict, numbers, design.target, grown)
        rows.append({**vars(test), **numbers, "residual_growth": grown, "verdict": verdict, "sentence": sentence})
    for test, reason in design.lifts.left_out:
        rows.append({**vars(test), "verdict": "left_out", "sentence": f"It is left out: {reason}."})
    return [dict.fromkeys(COLUMNS) | row for row in rows]


def without_fit(tests: pd.DataFrame, fitted: Collection[tuple[str, str]], origin: str) -> pd.DataFrame:
    """Return rows of bl.mmm_calibration less run_id for lift tests whose country and target have no fit.

    `tests`: rows of il.lift_tests; `fitted`: countries and targets that have one.
    """
    rows: list[Row] = []
    for test in tests.to_dict("records"):
        country, target = str(test["country"]), str(test["target"])
        if (country, target) not in fitted:
            said = (
                f"It is left out: {target} of {country} has no fit of its own. See bl.mmm_runs, or correct country and "
                "target of the test"
            )
            named = {"geo_level": "country", "geo": country, "target": target, "method": "bayes", "data_origin": origin}
            of_test = {str(name): value for name, value in test.items()}
            rows.append(of_test | named | {"verdict": "left_out", "sentence": f"{said}."})
    names = [column.name for column in MMM_CALIBRATION.columns if column.name != "run_id"]
    return pd.DataFrame(rows, columns=names).astype(object)


def contradictions(rows: list[Row]) -> list[str]:
    """Return what a fit's message says of tests that contradict the weeks."""
    return [
        f"Lift test {row['test_id']} of {row['channel']} contradicts the weeks (bl.mmm_calibration): {row['sentence']}"
        for row in rows
        if row["verdict"] == "contradicts"
    ]


def _verdict(test: LiftTest, before: Belief, after: Belief, n: int) -> str:
    """Whether a test agrees with what was expected without it; if not, whether the model can follow it."""
    expected = before.lifts[:, n]
    if abs(test.lift - expected.mean()) <= APART * np.hypot(test.standard_error, expected.std()):
        return "agrees"
    missed = abs(test.lift - after.lifts[:, n].mean()) > APART * test.standard_error
    return "contradicts" if missed or after.left > WORSE * before.left else "corrects"


def _sentence(test: LiftTest, verdict: str, numbers: Row, target: str, grown: float) -> str:
    said = (
        f"It measured {_figure(test.lift)} {target} (standard error {_figure(test.standard_error)}); without it the "
        f"model expected {_between(numbers, 'expected_before')}"
    )
    moved = (
        f"ROAS of {test.channel}: {numbers['roas_before_p50']:.3g} ({_between(numbers, 'roas_before')}) without the "
        f"tests, {numbers['roas_after_p50']:.3g} ({_between(numbers, 'roas_after')}) with them."
    )
    if verdict == "agrees":
        return f"{said}: they agree. {moved}"
    if verdict == "corrects":
        return f"{said}: the weeks alone were wrong about {test.channel}, and the model follows the test. {moved}"
    return (
        f"{said}; with it, it expects {_between(numbers, 'expected_after')}, and what it does not explain of the weeks "
        f"{'grows' if grown > 0 else 'shrinks'} by {abs(grown):.0%}. Check days, spend and control group of the test. "
        f"If it was clean, something that is not measured moves {target} together with this spend: measure it, and "
        f"trust no channel that has no test. {moved}"
    )


def _between(numbers: Row, name: str) -> str:
    return f"{_figure(numbers[f'{name}_p05'])} to {_figure(numbers[f'{name}_p95'])}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
