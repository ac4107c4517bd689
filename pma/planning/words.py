"""A plan in words, for the log and the report."""

from __future__ import annotations

import pandas as pd

from pma.planning.plan import Planned
from pma.planning.tables import ALL

_SHOWN = 8


def plan_text(planned: Planned, currency: str) -> str:
    """Return a plan's sum, its proof, its largest moves and its notes; a few lines."""
    whole, rows = planned.whole.iloc[0], planned.rows
    unit = currency if whole["objective"] in ("gmv", "margin") else whole["objective"]
    lines = [
        f"plan {whole['plan_id']}, {whole['months']} month(s) from {whole['first_month']:%Y-%m}: "
        f"{whole['planned_spend']:,.2f} {currency} (today {whole['current_spend']:,.2f})",
        f"  brings {whole['response']:,.0f} {unit} ({whole['response_p05']:,.0f} to {whole['response_p95']:,.0f}), "
        f"{whole['gain']:+,.0f} against today ({whole['gain_p05']:+,.0f} to {whole['gain_p95']:+,.0f}); "
        f"better than today with probability {whole['p_better']:.0%}",
        f"  it is proved to be within {whole['gap']:.2%} of the best that the limits allow"
        + ("" if pd.isna(whole["quantile"]) else "; the proof of a quantile is wide"),
    ]
    moved = rows.assign(change=rows["planned_spend"] - rows["current_spend"])
    moved = moved.reindex(moved["change"].abs().sort_values(ascending=False).index).head(_SHOWN)
    for row in moved.to_dict("records"):
        why = f", {row['binding_constraint']}" if row["binding_constraint"] else ""
        lines.append(
            f"  {row['month']:%Y-%m} {row['country']} {row['channel']}: {row['current_spend']:,.0f} to "
            f"{row['planned_spend']:,.0f}; one more brings {row['marginal_return']:.3g}{why}"
        )
    sums = planned.scenarios[(planned.scenarios["country"] == ALL) & (planned.scenarios["channel"] == ALL)]
    # What targets take is told by their own sentences.
    names = {"base", *(f"target: {name}" for name in planned.targets.get("target", []))}
    for row in sums[~sums["scenario"].isin(names)].to_dict("records"):
        lines.append(
            f"  {row['scenario']}: {row['spend']:,.0f} {currency}, {row['change']:+,.0f} {unit} against the plan "
            f"({row['change_p05']:+,.0f} to {row['change_p95']:+,.0f})"
        )
    lines += [f"  target {row['target']}: {row['message']}" for row in planned.targets.to_dict("records")]
    lines += [f"  {note}" for note in whole["notes"]]
    return "\n".join(lines)


def actuals_text(rows: pd.DataFrame, currency: str) -> str:
    """Return what came of plans so far, a line a month; or that no month of one has begun in the data."""
    if rows.empty:
        return "no month of a plan has a day in the data yet: there is nothing to compare"
    lines = []
    for row in rows[(rows["country"] == ALL) & (rows["channel"] == ALL)].to_dict("records"):
        spent = "spend is not known" if pd.isna(row["actual_spend"]) else f"{row['actual_spend']:,.0f} {currency} spent"
        unknown = row["planned_spend"] * row["days_known"] / row["days"] - row["planned_so_far"]
        if unknown > 0.5:
            spent += f" (what became of {unknown:,.0f} more that was planned is not known)"
        lines.append(
            f"plan {row['plan_id']}, {row['month']:%Y-%m}, {row['days_known']} of {row['days']} days: {spent}, "
            f"planned so far {row['planned_so_far']:,.0f}"
        )
        for metric in ("uploads", "gmv"):
            actual, expected, low, high = (
                row[name] for name in (f"actual_{metric}", *(f"expected_{metric}{end}" for end in ("", "_p05", "_p95")))
            )
            if pd.notna(actual) and pd.notna(expected):
                of_month = f"of the whole month {expected:,.0f} were expected ({low:,.0f} to {high:,.0f})"
                lines.append(f"  {actual:,.0f} {metric}; {of_month}")
    return "\n".join(lines)
