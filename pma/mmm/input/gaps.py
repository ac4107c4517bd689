"""Why a value is null: the words of `bl.mmm_input.gap`, and how the gaps of several rows become one."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

BEFORE, AFTER, HOLE, NEVER = "before_first_data", "after_last_data", "hole", "never"
# Of several gaps the first that is there: a hole can be mended, what ended or had not begun cannot.
ORDER = (HOLE, BEFORE, AFTER, NEVER)


def known_gap(week: str, first: str, last: str) -> Column:
    """Return the gap of a week without data, by the first and last week that have some (null: there are none)."""
    return (
        F.when(F.col(first).isNull(), F.lit(NEVER))
        .when(F.col(week) < F.col(first), F.lit(BEFORE))
        .when(F.col(week) > F.col(last), F.lit(AFTER))
        .otherwise(F.lit(HOLE))
    )


def combined_gap(gap: str) -> Column:
    """Aggregate: the first of ORDER among the rows' gaps; null where no row has one."""
    return F.coalesce(*[F.max(F.when(F.col(gap) == name, F.lit(name))) for name in ORDER])
