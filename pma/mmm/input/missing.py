"""Checks of what is not there: variables, weeks, days, exchange rates."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from pma.mmm.input.gaps import AFTER, BEFORE, HOLE
from pma.mmm.input.geo_panel import ALL, Finding, GeoPanel, listed, periods, spoken, weeks_of
from pma.mmm.input.variables import HOLIDAYS

UNSEEN = (
    "The model cannot see it: what it brings counts as demand that comes anyway, or goes to channels that run at the "
    "same time."
)
CALENDAR_UNSEEN = "Weeks with days off look like weak or strong marketing."
SHORTER = "These weeks cannot be used for it: the model learns from fewer weeks and trusts its prior more."
LEFT_OUT = "These weeks are left out of the fit: the model learns from fewer weeks."
NO_TARGET = "There is nothing to explain: no model without both targets."
ENTER = "Ask {owner} to deliver it, with 0 where nothing was spent; where it never ran, nothing is to be done."
DELIVER = "Ask {owner} to deliver the missing weeks, with 0 where there was nothing."


def never_data(panel: GeoPanel) -> Iterator[Finding]:
    """Variables without a value in any week."""
    weeks = panel.every.index
    for name in panel.named("target", "paid", "organic", "context", "calendar"):
        kinds = set(panel.gaps[name].dropna())
        if panel.every[name].notna().any() or not kinds:
            continue
        target = panel.roles[name] == "target"
        fix, cost = ENTER.format(owner=panel.judge.rules.owner(name)), NO_TARGET if target else UNSEEN
        if name == HOLIDAYS:
            cost = CALENDAR_UNSEEN
            fix = "Ask the data engineers to add the country's public holidays: the holiday table does not have it."
        yield Finding(
            "never_data",
            name,
            "fail" if target else "warn",
            f"no data at all, {weeks[0]} to {weeks[-1]}",
            cost,
            fix,
            weeks[0],
            weeks[-1],
            float(len(weeks)),
        )


def before_first_data(panel: GeoPanel) -> Iterator[Finding]:
    """Variables whose data begin later than the input."""
    yield from _of_gap(panel, BEFORE, "before_first_data", "no data before {next}: {weeks} missing")


def after_last_data(panel: GeoPanel) -> Iterator[Finding]:
    """Variables whose data end before the input does."""
    yield from _of_gap(panel, AFTER, "after_last_data", "no data since {first}: {weeks} missing")


def holes(panel: GeoPanel) -> Iterator[Finding]:
    """Weeks without data between others that have some."""
    yield from _of_gap(panel, HOLE, "hole", "{weeks} missing in between: {runs}")


def _of_gap(panel: GeoPanel, gap: str, check: str, words: str) -> Iterator[Finding]:
    for name in panel.named("target", "paid", "organic", "context", "calendar"):
        # What lacks in a week that is not over may yet come.
        weeks = panel.every.index[(panel.gaps[name] == gap).to_numpy()]
        missing = [week for week in weeks if week not in panel.cut_weeks]
        if not missing or panel.every[name].isna().all():
            continue
        known = panel.every.index[panel.every[name].notna()]
        runs = periods(missing)
        yield Finding(
            check,
            name,
            "warn",
            words.format(next=known[0], first=missing[0], weeks=weeks_of(len(missing)), runs=spoken(runs)),
            LEFT_OUT if panel.roles[name] == "target" else SHORTER,
            DELIVER.format(owner=panel.judge.rules.owner(name)),
            missing[0],
            missing[-1],
            float(len(missing)),
        )


def missing_days(panel: GeoPanel) -> Iterator[Finding]:
    """Feeds that delivered fewer days of a week than they usually do, inside their life."""
    for feed, rows in panel.feeds.groupby("variable"):
        days = rows.groupby("week_start")["days"].max().sort_index()
        usual = float(days.median())
        inside = days.iloc[1:-1]
        short = list(inside.index[(inside < usual).to_numpy()])
        if usual < 7 or not short:
            continue
        yield Finding(
            "missing_days",
            str(feed),
            "warn",
            f"fewer than 7 days delivered in {weeks_of(len(short))}: {spoken(periods(short))}",
            "Spend of these weeks looks lower than it was: the channels' effect looks larger.",
            "Ask the data engineers to export these weeks again; where nothing ran then, nothing is to be done.",
            short[0],
            short[-1],
            float(len(short)),
        )


def no_rate(panel: GeoPanel) -> Iterator[Finding]:
    """Spend in a currency that has no exchange rate."""
    bad = panel.feeds[panel.feeds["unpriced"].fillna(0) > 0]
    for currency, rows in bad.groupby("unit"):
        yield Finding(
            "no_exchange_rate",
            str(currency),
            "warn",
            f"{int(rows['unpriced'].sum())} rows of spend in {currency} have no exchange rate "
            f"({listed(sorted(rows['variable'].unique()))})",
            SHORTER,
            "Ask the data engineers for the rates of these days.",
            rows["week_start"].min(),
            rows["week_start"].max(),
            float(rows["unpriced"].sum()),
        )


def currency_jump(panel: GeoPanel) -> Iterator[Finding]:
    """Exchange rates of the geo's currencies that change much from one day to the next."""
    used = set(panel.feeds["unit"].dropna())
    for currency, rows in panel.judge.rates.groupby("currency"):
        if currency not in used:
            continue
        rates = rows.sort_values("date").set_index("date")["rate"].astype(float)
        change = (rates / rates.shift(1) - 1).abs().dropna()
        jumps = change[change >= panel.settings.currency_jump]
        if jumps.empty:
            continue
        yield Finding(
            "currency_jump",
            str(currency),
            "warn",
            f"the rate of {currency} changes by {jumps.max():.0%} from one day to the next on "
            f"{listed(list(jumps.index), 3)}",
            "Spend in the reporting currency jumps though nothing else was bought.",
            "Ask finance whether the rate is right; a wrong one is mended in the table of rates.",
            jumps.index[0],
            jumps.index[-1],
            float(jumps.max()),
        )


def partial_week(panel: GeoPanel) -> Iterator[Finding]:
    """Weeks in which the conversions begin or end."""
    if panel.cut_weeks:
        weeks = sorted(panel.cut_weeks)
        yield Finding(
            "partial_week",
            ALL,
            "warn",
            f"the data begin or end inside the week of {listed(weeks)}",
            "A week of few days looks like a bad week; it is left out of the checks and of the fit.",
            "Nothing: it is complete with the next run.",
            weeks[0],
            weeks[-1],
            float(len(weeks)),
        )


def too_few_weeks(panel: GeoPanel) -> Iterator[Finding]:
    """Fewer complete weeks of both targets than a fit needs."""
    weeks = panel.usable_weeks()
    if weeks < panel.settings.min_weeks:
        yield Finding(
            "too_few_weeks",
            ALL,
            "fail",
            f"both targets are known in {weeks} complete weeks, {panel.settings.min_weeks} are needed",
            "A year's season cannot be told from marketing: the geo is not fitted.",
            "Wait, deliver older conversions, or model the country within its region.",
            measure=float(weeks),
        )


def weeks_per_variable(panel: GeoPanel) -> Iterator[Finding]:
    """Fewer weeks than the number of variables that vary asks for."""
    weeks, count = panel.usable_weeks(), len(panel.varying("paid", "organic", "context", "calendar", "interaction"))
    ratio = weeks / count if count else float("inf")
    if ratio >= panel.settings.warn_weeks_per_variable:
        return
    fails = ratio < panel.settings.min_weeks_per_variable
    yield Finding(
        "weeks_per_variable",
        ALL,
        "fail" if fails else "warn",
        f"{weeks} weeks for {count} variables, {ratio:.1f} each",
        "The geo is not fitted." if fails else "The prior decides much of the split between channels.",
        "Ask the analysts to join channels or leave out events, or to model the country within its region.",
        measure=ratio,
    )


def unplaced_spend(feeds: pd.DataFrame) -> Iterator[Finding]:
    """Money that no rule could give to a country: rows of feeds without one."""
    money = feeds["money"].astype(float).sum()
    yield Finding(
        "unplaced_spend",
        ALL,
        "warn",
        f"{money:,.2f} of spend has no country ({listed(sorted(feeds['variable'].unique()))})",
        "It is in no model: channels look cheaper than they are.",
        "Ask the team of the platform to name the country in account or campaign, or add a rule for it.",
        feeds["week_start"].min(),
        feeds["week_start"].max(),
        float(money),
    )
