"""Plan against actual: what was planned and expected of a month beside what came of it so far."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd

from pma.planning.tables import ALL

COUNTED = ("uploads", "gmv")
_DAYS = 7


def plan_actuals(plans: pd.DataFrame, outlook: pd.DataFrame, spend: pd.DataFrame, came: pd.DataFrame) -> pd.DataFrame:
    """Return rows of bl.plan_actuals less data_origin and run_id: of months of which the data have a day.

    `plans`: rows of bl.budget_plan; `outlook`: of bl.plan_outlook; `spend`: country x channel x week_start with
    `value`, money; `came`: country x target x week_start with `value`; both of whole weeks whose value is known. A
    week's money and targets are spread over its days alike; the days of a month that are known are those in weeks whose
    targets are, of all countries for (all). Money is held against the plan of the weeks and channels whose spend is
    known, targets of (all) against what was expected of the countries that have a fit of them. What was expected is of
    the whole month, and told right or wrong when that is over; it has in it what ads before the month still bring, as
    what is counted has; see `pma.planning.anyway`.
    """
    rows: list[dict[str, Any]] = []
    weeks = {str(country): set(map(_day, own["week_start"])) for country, own in came.groupby("country")}
    for (plan_id, month), planned in plans.groupby(["plan_id", "month"]):
        first = _day(month)
        countries = sorted(set(planned["country"]))
        shared = set.intersection(*(weeks.get(name, set()) for name in countries))
        expected = outlook[(outlook["plan_id"] == plan_id) & (outlook["month"] == month)] if len(outlook) else outlook
        for country in (ALL, *countries):
            days = days_of(shared if country == ALL else weeks.get(country, set()), first)
            if not days:
                continue
            mine = planned if country == ALL else planned[planned["country"] == country]
            for channel in (ALL, *sorted(set(mine["channel"]))):
                place = {"plan_id": plan_id, "month": first, "country": country, "channel": channel}
                own = mine if channel == ALL else mine[mine["channel"] == channel]
                row = {**place, **_spent(own, spend, days, first)}
                rows.append({**row, **_came(expected, came, countries, days, row)})
    return pd.DataFrame(rows)


def days_of(weeks: set[date], month: date) -> dict[date, int]:
    """Return how many days of a month are in each of some weeks, by their Mondays; weeks that have any."""
    end = (pd.Timestamp(month) + pd.offsets.MonthBegin(1)).date()
    found = {week: (min(week + timedelta(days=_DAYS), end) - max(week, month)).days for week in weeks}
    return {week: count for week, count in sorted(found.items()) if count > 0}


def _spent(planned: pd.DataFrame, spend: pd.DataFrame, days: dict[date, int], month: date) -> dict[str, Any]:
    whole, known = pd.Timestamp(month).days_in_month, sum(days.values())
    asked = planned["planned_spend"].astype(float)
    own = spend.merge(planned.assign(asked=asked)[["country", "channel", "asked"]], on=["country", "channel"])
    actual = _summed(own, days)
    so_far = _summed(own.assign(value=own["asked"] * _DAYS / whole), days) or 0.0
    return {
        "days": whole,
        "days_known": known,
        "planned_spend": float(asked.sum()),
        "planned_so_far": so_far,
        "actual_spend": actual,
        "spend_gap": None if actual is None else actual - so_far,
    }


def _came(
    expected: pd.DataFrame, came: pd.DataFrame, countries: list[str], days: dict[date, int], row: dict[str, Any]
) -> dict[str, Any]:
    """What was expected of a country and what came; nothing of a channel, which nobody counts."""
    found: dict[str, Any] = {}
    for metric in COUNTED:
        names = [f"expected_{metric}", f"expected_{metric}_p05", f"expected_{metric}_p95"]
        found |= dict.fromkeys([*names, f"actual_{metric}", f"{metric}_as_expected"])
        if row["channel"] != ALL:
            continue
        own = expected[expected["metric"] == metric] if len(expected) else expected
        counted = [name for name in countries if own.empty or name in set(own["country"])]
        of_country = came["country"].isin(counted if row["country"] == ALL else [row["country"]])
        mine = came[of_country & (came["target"] == metric)]
        actual = found[f"actual_{metric}"] = _summed(mine, days) if _is_whole(mine, days) else None
        if own.empty:
            continue
        for said in own[own["country"] == row["country"]].to_dict("records"):
            low, high = float(said["reached_p05"]), float(said["reached_p95"])
            found |= dict(zip(names, (float(said["reached"]), low, high), strict=True))
            if actual is not None and row["days_known"] == row["days"]:
                found[f"{metric}_as_expected"] = bool(low <= actual <= high)
    return found


def _is_whole(came: pd.DataFrame, days: dict[date, int]) -> bool:
    """Whether every country has every week: part of a sum is no sum."""
    return all(set(days) <= set(map(_day, own["week_start"])) for _, own in came.groupby("country")) and len(came) > 0


def _summed(values: pd.DataFrame, days: dict[date, int]) -> float | None:
    """Values of weeks by their days in the month; nothing where none is known."""
    share = values["week_start"].map(lambda week: days.get(_day(week), 0) / _DAYS)
    inside = share > 0
    return float((values["value"] * share)[inside].sum()) if inside.any() else None


def _day(moment: Any) -> date:
    return pd.Timestamp(moment).date()
