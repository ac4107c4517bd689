"""Clean names: of raw variables, and of the channel that a campaign is of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pma.marketing.spend_rules import ChannelRule, ChannelRules, SpendRules, VariableRule, VariableRules
from pma.marketing.tables import UNKNOWN, VARIABLE_NAMES

NO_RULE = "none"


def plain(text: Column) -> Column:
    """Return a name in small letters, with one _ for whatever stands between letters and digits."""
    return F.trim(F.regexp_replace(F.lower(text), "[^\\p{L}0-9]+", "_"), F.lit("_"))


def name_variable(name: Column, rules: VariableRules) -> Column:
    """Return struct<variable, rule> of a raw name made plain, by the first rule that fits; null and `none` without."""
    choices = [F.when(_fits_variable(name, rule), _named(rule.variable, rule.rule)) for rule in rules.rules]
    return F.coalesce(*choices, _named(None, NO_RULE))


def classify_media(platform: Column, kind: Column, name: Column, cleaned: Column, rules: ChannelRules) -> Column:
    """Return struct<variable, rule, raw_name> of a campaign by its platform, type and name: its channel.

    `cleaned` is the name made plain, empty without one. `raw_name` is the part of the name by which it was known, or
    the type; the whole name where no rule fits.
    """
    whole = F.coalesce(name, F.lit(UNKNOWN))
    choices = []
    for rule in rules.rules:
        seen = _seen(name, F.regexp_extract(cleaned, rule.name, 0)) if rule.name else F.coalesce(kind, platform)
        seen = seen if rule.name or rule.types else platform
        found = _named(rule.channel, rule.rule).withField("raw_name", seen)
        choices.append(F.when(_fits_channel(platform, F.lower(kind), cleaned, rule), found))
    return F.coalesce(*choices, _named(None, NO_RULE).withField("raw_name", whole))


def campaign_goal(cleaned: Column, rules: ChannelRules) -> Column:
    """Return the goal that a campaign's plain name tells: its last word that is one; `unknown` where it tells none."""
    goals = F.filter(F.split(cleaned, "_"), lambda word: word.isin(*rules.goals))
    return F.coalesce(F.try_element_at(goals, F.lit(-1)), F.lit("unknown"))


def column_kinds(spark: SparkSession, names: Sequence[str], rules: VariableRules) -> dict[str, str]:
    """Return what the columns of a sheet are by their names: `money` or `context`; what nobody knows is left out."""
    raw = spark.createDataFrame([(name,) for name in names], "name string").select(
        "name", plain(F.col("name")).alias("p")
    )
    rule = name_variable(F.col("p"), rules).getField("rule")
    kind = (
        F.when(rule.isin(*rules.of_kind("context")), F.lit("context"))
        .when(rule.isin(*rules.of_kind("money")), F.lit("money"))
        .when(F.col("p").rlike(f"^(?:{rules.money})$"), F.lit("money"))
    )
    found = raw.select("name", kind.alias("kind")).where("kind IS NOT NULL")
    return {row["name"]: row["kind"] for row in found.collect()}


def variable_names(named: DataFrame, rules: SpendRules) -> DataFrame:
    """Return `il.variable_names`: every raw name that was seen, in exports, sheets and context.

    `named` has source, raw_name, variable and rule, of each row of spend and context. One row per source and raw name:
    a name that two rules read (the type of a campaign decided) has the first of the clean names.
    """
    first = F.min(F.struct(F.col("variable").isNull().alias("unknown"), "variable", "rule"))
    version = F.lit(rules.variables.version).cast("int").alias("rules_version")
    one = named.where("raw_name IS NOT NULL").groupBy("source", "raw_name").agg(first.alias("first"))
    found = one.select("source", "raw_name", "first.variable", "first.rule", version)
    return found.select(*VARIABLE_NAMES.schema.names)


def _fits_variable(name: Column, rule: VariableRule) -> Column:
    fits = [name.isin(*rule.names)] if rule.names else []
    fits += [name.rlike(f"^(?:{rule.pattern})$")] if rule.pattern else []
    return reduce(lambda one, other: one | other, fits, F.lit(False))


def _fits_channel(platform: Column, kind: Column, name: Column, rule: ChannelRule) -> Column:
    fits = [platform.isin(*rule.platforms)] if rule.platforms else []
    fits += [kind.isin(*rule.types)] if rule.types else []
    fits += [name.rlike(rule.name)] if rule.name else []
    return reduce(lambda one, other: one & other, fits, F.lit(True))


def _named(variable: str | None, rule: str) -> Column:
    return F.struct(F.lit(variable).cast("string").alias("variable"), F.lit(rule).alias("rule"))


def _seen(name: Column, part: Column) -> Column:
    """Return a part of a cleaned name as it stands in the name, where cleaning has moved no letter."""
    trimmed = F.trim(part, F.lit("_"))
    at = F.instr(F.regexp_replace(F.lower(name), "[^\\p{L}0-9]", "_"), trimmed)
    return F.when(at > 0, F.substring(name, at, F.length(trimmed))).otherwise(trimmed)
