"""What the pages say of a group of rows of bl.report_weekly_growth_update: sums first, ratios of the sums then."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from pma.marketing.tables import UNATTRIBUTED

# How a comparison is said in the columns.
LAST_WEEK, LAST_YEAR = "_last_week", "_last_year"
_SUMMED = {
    "spend": "spend",
    "uploads": "sales_ads_{model}",
    "orders": "orders_{model}",
    "gmv": "gmv_{model}",
    "new_customers": "new_customers_{model}",
}


@dataclass(frozen=True)
class Measures:
    """Sums of one group in one week by one attribution model, and their ratios.

    nan: not known, nothing to divide by, or the cost of what nothing was spent on.
    """

    spend: float
    uploads: float
    orders: float
    gmv: float
    new_customers: float

    @property
    def cost_per_upload(self) -> float:
        """Reporting currency for one credited upload."""
        return self._cost(self.uploads)

    @property
    def cost_per_order(self) -> float:
        """Reporting currency for one credited order."""
        return self._cost(self.orders)

    @property
    def roas(self) -> float:
        """Credited order value for one unit of spend."""
        return ratio(self.gmv, self.spend)

    @property
    def cac(self) -> float:
        """Reporting currency for one credited new customer."""
        return self._cost(self.new_customers)

    def _cost(self, things: float) -> float:
        # Where nothing is spent, nothing costs 0.00 either.
        return ratio(self.spend, things) if self.spend else math.nan


@dataclass(frozen=True)
class Compared:
    """The same group this week, the week before, and in the same week of the year before."""

    now: Measures
    week: Measures
    year: Measures

    def changes(self, name: str) -> tuple[float, float]:
        """Return the relative change of a measure against last week and last year; nan: nothing to compare with."""
        value = getattr(self.now, name)
        return change(value, getattr(self.week, name)), change(value, getattr(self.year, name))


def compared(rows: pd.DataFrame, model: str = "u_shape") -> Compared:
    """Return the measures of all rows of one week together."""
    return Compared(measures(rows, model), measures(rows, model, LAST_WEEK), measures(rows, model, LAST_YEAR))


def measures(rows: pd.DataFrame, model: str = "u_shape", back: str = "") -> Measures:
    """Sum the rows; a sum of which no row has a value is nan."""
    return Measures(
        **{
            # Summed as they are, decimals exactly, and rounded once.
            name: _total(rows[f"{column.format(model=model)}{back}"])
            for name, column in _SUMMED.items()
        }
    )


def groups(rows: pd.DataFrame, by: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of each value of a column, the largest spend first, then by name; (unattributed) comes last."""
    parts = [(str(name), part) for name, part in rows.groupby(by, sort=True)]
    yield from sorted(parts, key=lambda part: (part[0] == UNATTRIBUTED, -_total(part[1]["spend"]), part[0]))


def unattributed_share(rows: pd.DataFrame, credit: str, model: str = "u_shape") -> float:
    """Return which share of a credit (`sales_ads`, `orders`, `gmv`) no session has."""
    column = f"{credit}_{model}"
    nobody = rows.loc[rows["channel"] == UNATTRIBUTED, column]
    return ratio(_total(nobody) if len(nobody) else 0.0, _total(rows[column]))


def ratio(above: float, below: float) -> float:
    """Divide; nan by zero or by what is not known."""
    return above / below if below else math.nan


def change(now: float, before: float) -> float:
    """Return by which share a value grew."""
    return ratio(now, before) - 1


def _total(values: pd.Series) -> float:
    known = values.dropna()
    return float(known.sum()) if len(known) else math.nan
