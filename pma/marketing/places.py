"""Country and language region of spend: by what the export says, or by names."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.marketing.settings import RegionSettings
from pma.marketing.spend_rules import PlaceRules
from pma.marketing.tables import SHEET, UNKNOWN

_BETWEEN = "[^\\p{L}0-9]+"


def place(frame: DataFrame, rules: PlaceRules) -> DataFrame:
    """Add `place`, a struct of country, language_region and rule.

    `frame` has country (the export's own), targeting, campaign_name, account_name and ad_platform. The first that gives
    one country wins, in the order export (or sheet), targeting, campaign_name, account; else (unknown) and none.
    One row per row of the frame.
    """
    # In steps: what a later step reads several times is computed once.
    words = F.split("campaign_name", _BETWEEN).alias("_words")
    targets = F.transform(F.split("targeting", "[,;|]"), lambda target: country_of(target, rules)).alias("_targets")
    account = F.transform(F.split("account_name", _BETWEEN), lambda word: word_country(word, rules)).alias("_account")
    said = frame.select("*", country_of(F.col("country"), rules).alias("_own"), targets, account, words)
    first, second, last = (F.try_element_at("_words", F.lit(at)) for at in (1, 2, -1))
    read = said.select(
        "*",
        F.concat_ws("-", first, second).isin(*rules.language_regions).alias("_is_pair"),
        *[word_country(word, rules).alias(name) for name, word in (("_1", first), ("_2", second), ("_3", last))],
    )
    is_two = F.col("_1").isNotNull() & F.col("_2").isNotNull() & ~F.col("_is_pair")
    named = read.select(
        "*",
        F.when(~F.coalesce(is_two, F.lit(False)), F.coalesce("_1", "_3")).alias("_named"),
        F.when(F.col("_is_pair"), F.concat_ws("-", first, second)).alias("_region"),
    )
    own = F.when(F.col("ad_platform") == SHEET, F.lit(SHEET)).otherwise(F.lit("export"))
    choices = [
        (F.col("_own"), own),
        (_only(F.col("_targets")), F.lit("targeting")),
        (F.col("_named"), F.lit("campaign_name")),
        (_only(F.col("_account")), F.lit("account")),
    ]
    found = F.coalesce(
        *[F.when(one.isNotNull(), F.struct(one.alias("country"), rule.alias("rule"))) for one, rule in choices]
    )
    placed = named.select("*", found.alias("_found"))
    country = F.coalesce("_found.country", F.lit(UNKNOWN))
    # A name may tell the part of a country that another column gave.
    part = F.when((F.col("_named") == country) & (F.col("_1") == country), F.col("_region"))
    rule = F.coalesce("_found.rule", F.lit("none"))
    at = F.struct(country.alias("country"), part.alias("language_region"), rule.alias("rule"))
    return placed.select(*frame.columns, at.alias("place"))


def country_of(text: Column, rules: PlaceRules) -> Column:
    """Return the code of a country that a column gives by code or name; null for what is none."""
    given = F.upper(F.trim(text))
    is_code = given.rlike("^[A-Z]{2}$") & ~given.isin(*rules.nowhere)
    names = {alias.lower(): code for code, aliases in rules.countries.items() for alias in (code, *aliases)}
    return F.coalesce(_lookup(names, F.lower(given)), F.when(is_code, given))


def management_region(country: Column, regions: RegionSettings) -> Column:
    """Return the region that a country is managed in; a country of none is one of its own name."""
    pairs = {one: region for region, members in regions.countries.items() for one in members}
    return F.coalesce(_lookup(pairs, country), country)


def word_country(word: Column, rules: PlaceRules) -> Column:
    """Return the country of a word of a name: a listed code in capitals, or a name of four letters or more.

    A campaign's name tells by its first word, else by its last. BE_FR at its start is a language region where the rules
    list it; two other countries there are none: nobody knows who got the money.
    """
    codes = {code: code for code in rules.countries}
    codes |= {alias: code for code, aliases in rules.countries.items() for alias in aliases if alias.isupper()}
    names = {alias.lower(): code for code, aliases in rules.countries.items() for alias in aliases if len(alias) > 3}
    return F.coalesce(_lookup(codes, word), _lookup(names, F.lower(word)))


def _only(countries: Column) -> Column:
    """Return the one country of several words; null where they name none or more than one."""
    distinct = F.array_distinct(F.array_compact(countries))
    return F.when(F.size(distinct) == 1, F.try_element_at(distinct, F.lit(1)))


def _lookup(pairs: Mapping[str, str], key: Column) -> Column:
    """Look a key up in a constant map, which Spark reads from JSON once: hundreds of literals would take it seconds."""
    return F.try_element_at(F.from_json(F.lit(json.dumps(dict(pairs))), "map<string,string>"), key)
