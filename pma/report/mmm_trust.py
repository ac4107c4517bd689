"""What was done to find out whether a fit can be believed: checks, lift tests, the choice of the model."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from pma.mmm.tables import ALL
from pma.report.layout import cell, items, row, table
from pma.report.mmm_fit import Fit, records
from pma.report.mmm_words import share
from pma.report.numbers import NOTHING, count, money

CHECKS = {
    "holdout": "Last weeks hidden: error of their forecast",
    "refresh": "Last weeks hidden: change of the returns",
    "placebo": "A channel that cannot work: its return",
    "prior": "Twice the effect assumed: pull on the returns",
    "ridge": "The ridge: spend on channels it puts elsewhere",
}
VERDICTS = {
    "agrees": "agrees",
    "corrects": "corrects the weeks",
    "contradicts": "contradicts the weeks",
    "left_out": "left out",
}


def trust_part(fit: Fit) -> str:
    """Return what was checked of a fit; nothing where nothing was."""
    parts = [_checks(fit.checks), _lift_tests(fit), _choice(fit)]
    shown = [part for part in parts if part]
    return "\n".join(["<h4>How far it was checked</h4>", *shown]) if shown else ""


def _checks(checks: pd.DataFrame) -> str:
    """The fit made again with changes that should not matter; what channels fail it one by one, in words."""
    if checks.empty:
        return ""
    whole = {str(one["check"]): one for one in records(checks[checks["channel"] == ALL])}
    named = [name for name in CHECKS if name in whole]
    lines = [row(CHECKS[name], _check(whole[name]), below=str(whole[name]["detail"])) for name in named]
    failed = checks[(checks["channel"] != ALL) & (checks["is_passed"] == False)]  # noqa: E712 (null is neither)
    said = [f"{one['channel']}: {one['detail']}." for one in records(failed.sort_values(["check", "channel"]))]
    shown = table("The fit made again, with a change that should not matter.", ["", "Found", "Most", "Passed"], lines)
    title = f"{len(said)} numbers of single channels that did not pass"
    return shown + (f"<details><summary>{title}</summary>{items(said)}</details>" if said else "")


def _check(one: Mapping[str, Any]) -> list[str]:
    known = not pd.isna(one["measure"])
    passed = ("yes" if one["is_passed"] else "no") if known else "could not be checked"
    return [cell(share(float(one["measure"])) if known else NOTHING), cell(share(float(one["limit"]))), cell(passed)]


def _lift_tests(fit: Fit) -> str:
    """What tests measured, beside what the model expected without them, and with them."""
    if fit.calibration.empty:
        return ""
    text = money if fit.words.is_money else count
    lines = []
    for one in records(fit.calibration.sort_values(["channel", "test_id"])):
        measured = f"{text(float(one['lift']))} ± {text(1.645 * float(one['standard_error']))}"
        expected = [_interval(one, f"expected_{when}", text) for when in ("before", "after")]
        cells = [cell(str(one["channel"])), cell(measured), *map(cell, expected), cell(VERDICTS[str(one["verdict"])])]
        lines.append(row(str(one["test_id"]), cells, below=str(one["sentence"])))
    caption = f"Lift tests, {fit.words.title.lower()} over their days; measured and expected with their 90 % interval."
    head = ["Test", "Channel", "Measured", "Model without tests", "Model with tests", "The test"]
    return table(caption, head, lines)


def _interval(one: Mapping[str, Any], name: str, text: Any) -> str:
    low, high = (one[f"{name}_{end}"] for end in ("p05", "p95"))
    return NOTHING if pd.isna(low) or pd.isna(high) else f"{text(float(low))} to {text(float(high))}"


def _choice(fit: Fit) -> str:
    """Which model select_mmm chose for the geo, why, and whether the fit has it."""
    chosen = fit.selection
    if chosen is None:
        return ""
    # The empty change is mmm.model itself.
    has_it = (chosen["settings"] or "{}") == (fit.run["settings"] or "{}")
    of = (
        "The fit has it."
        if has_it
        else "The fit does not have it, but mmm.model as it was set (mmm.fit.use_selection)."
    )
    said = f"Of the models that were tried on weeks they had not seen (select_mmm): {chosen['reason']} {of}"
    return f"<p>{escape(said)}</p>"
