"""Context: what goes on beside paid media, from its feed and from hand-kept sheets, under clean names."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pma.checks import Check, judge, readable, refuse_copies
from pma.marketing.places import country_of
from pma.marketing.spend_rules import SpendRules
from pma.marketing.tables import CONTEXT
from pma.marketing.variables import NO_RULE, name_variable, plain


@dataclass(frozen=True)
class Context:
    """Judged rows of `il.context`, as `land` wants them, and the raw names that were seen: see `context_names`."""

    landed: DataFrame
    names: DataFrame


def context_tables(feed: DataFrame, sheets: DataFrame, rules: SpendRules) -> Context:
    """Name and judge the mapped feed of `il.context` together with the context of sheets."""
    named = named_context(from_feed(feed).unionByName(sheets), rules).persist()
    return Context(landed=judge_context(named, rules), names=context_names(named))


def from_feed(mapped: DataFrame) -> DataFrame:
    """Bring the mapped feed of `il.context` into the form of the context of sheets, with which it is united.

    One row per row of the feed: source (`il.context`), date, country, variable, value, faults (none), and `given` as
    text.
    """
    given = F.struct(*[F.col(f"given.{name}").cast("string").alias(name) for name in CONTEXT.schema.names])
    faults = F.array().cast("array<string>")
    return mapped.select(
        F.lit(CONTEXT.name).alias("source"), *CONTEXT.schema.names, faults.alias("faults"), given.alias("given")
    )


def named_context(rows: DataFrame, rules: SpendRules) -> DataFrame:
    """Give rows of context their clean name, as spend has it, and the code of a country that is given by its name.

    A name that no rule knows is only made plain, a country that nobody knows stays as it came. Adds raw_name and rule.
    One row per row.
    """
    found = rows.select("*", name_variable(plain(F.col("variable")), rules.variables).alias("found"))
    return found.select(
        *("source", "date"),
        F.coalesce(country_of(F.col("country"), rules.places), "country").alias("country"),
        F.coalesce("found.variable", F.nullif(plain(F.col("variable")), F.lit(""))).alias("variable"),
        *("value", "faults", "given"),
        F.col("variable").alias("raw_name"),
        F.col("found.rule").alias("rule"),
    )


def judge_context(named: DataFrame, rules: SpendRules) -> DataFrame:
    """Judge named rows: the columns of `il.context`, and `reasons`, `given`, `copies` as `land` wants them.

    Refused are a row with a fault, one that cannot be read, one of a media channel's money, which belongs into a sheet
    or an export, and a second and different row of a key, such as of two raw names of one variable. One row per
    different row.
    """
    names = CONTEXT.schema.names
    counted = named.groupBy("source", *names, "faults", "given", "rule").agg(F.count("*").alias("copies"))
    checks = [
        *readable(counted, CONTEXT),
        Check("money_in_context", F.col("rule").isin(*rules.variables.of_kind("money"))),
    ]
    judged = judge(counted, checks)
    # A line that could not be cut into fields lacks all of them, and is told by its fault alone.
    reasons = F.when(F.size("faults") > 0, F.col("faults")).otherwise(F.col("reasons"))
    kept = judged.select(*[*names, "copies"], F.struct("source", "given.*").alias("given"), reasons.alias("reasons"))
    return refuse_copies(kept, CONTEXT.key, ["value"], "duplicate_key")


def context_names(named: DataFrame) -> DataFrame:
    """Return source, raw_name, variable and rule of each row of context: what `variables.variable_names` wants."""
    known = F.when(F.col("rule") != NO_RULE, F.col("variable"))
    return named.select("source", "raw_name", known.alias("variable"), "rule")
