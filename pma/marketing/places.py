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
    one country wins, in the order export (or sheet), targeting, campaign_name, account; else (unknown) and none. The
    language region is the first in the same order that is one of that country: a campaign's name may tell the part of a
    country that another column gave. `rule` names what gave the country and, behind a plus, what gave the language
    region where that is another, as in `targeting + campaign_name`. One row per row of the frame.
    """
    # In steps: what a later step reads several times is computed once.
    targets = F.transform(F.split("targeting", "[,;|]"), lambda target: _code_of(target, rules))
    said = frame.select(
        "*",
        _code_of(F.col("country"), rules).alias("_own"),
        F.array_distinct(F.array_compact(targets)).alias("_targets"),
        F.split("campaign_name", _BETWEEN).alias("_words"),
        F.split("account_name", _BETWEEN).alias("_account"),
    )
    first, second, before_last, last = (F.try_element_at("_words", F.lit(at)) for at in (1, 2, -2, -1))
    account = F.transform("_account", lambda word, at: _account_code(word, at, rules))
    read = said.select(
        "*",
        *[word_country(word, rules).alias(name) for name, word in (("_1", first), ("_2", second), ("_3", last))],
        _pair(first, second, rules).alias("_begins"),
        _pair(before_last, last, rules).alias("_ends"),
        F.array_distinct(F.array_compact(account)).alias("_accounts"),
    )
    is_two = F.col("_1").isNotNull() & F.col("_2").isNotNull()
    # The end of a name that begins with a country may tell its part, and nothing else.
    part_of_first = F.when(F.col("_1").isNotNull() & (_country_in(F.col("_ends")) != F.col("_1")), F.col("_1"))
    by_name = F.when(~is_two, F.coalesce(part_of_first, "_ends", "_1", "_3"))
    named = read.select(
        *frame.columns,
        "_own",
        _only(F.col("_targets")).alias("_target"),
        F.coalesce("_begins", by_name).alias("_named"),
        _only(F.col("_accounts")).alias("_account"),
    )
    own = F.when(F.col("ad_platform") == SHEET, F.lit(SHEET)).otherwise(F.lit("export"))
    choices = [
        (F.col("_own"), own),
        (F.col("_target"), F.lit("targeting")),
        (F.col("_named"), F.lit("campaign_name")),
        (F.col("_account"), F.lit("account")),
    ]

    def first_of(*chosen: tuple[Column, Column, Column]) -> Column:
        return F.coalesce(*[F.when(c, F.struct(code.alias("code"), rule.alias("rule"))) for c, code, rule in chosen])

    found = first_of(*[(code.isNotNull(), _country_in(code), rule) for code, rule in choices])
    placed = named.select("*", found.alias("_found"))
    country = F.col("_found.code")
    parts = [(code.contains("-") & (_country_in(code) == country), code, rule) for code, rule in choices]
    divided = placed.select("*", first_of(*parts).alias("_part"))
    other = F.when(F.col("_part.rule") != F.col("_found.rule"), F.col("_part.rule"))
    at = F.struct(
        F.coalesce(country, F.lit(UNKNOWN)).alias("country"),
        F.col("_part.code").alias("language_region"),
        F.concat_ws(" + ", F.coalesce("_found.rule", F.lit("none")), other).alias("rule"),
    )
    return divided.select(*frame.columns, at.alias("place"))


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

    A campaign's name tells by its first word, else by its last. BE_FR at its start or end is a language region where
    the rules list it; two other countries at the start are none: nobody knows who got the money.
    """
    codes = {code: code for code in rules.countries}
    codes |= {alias: code for code, aliases in rules.countries.items() for alias in aliases if alias.isupper()}
    names = {alias.lower(): code for code, aliases in rules.countries.items() for alias in aliases if len(alias) > 3}
    return F.coalesce(_lookup(codes, word), _lookup(names, F.lower(word)))


def _code_of(text: Column, rules: PlaceRules) -> Column:
    """Return the language region that a column gives, BE-FR, BE_FR or `be fr`, or else its country."""
    pair = F.regexp_replace(F.upper(F.trim(text)), "[ _-]+", "-")
    return F.coalesce(F.when(pair.isin(*rules.language_regions), pair), country_of(text, rules))


def _pair(word: Column, following: Column, rules: PlaceRules) -> Column:
    """Return the language region that two words of a name are, such as BE-FR; null for what is none."""
    pair = F.concat_ws("-", word, following)
    return F.when(pair.isin(*rules.language_regions), pair)


def _account_code(word: Column, at: Column, rules: PlaceRules) -> Column:
    """Return the language region that begins at a word of the account's name, or the country that the word is."""
    # The second word of a pair is no country beside it.
    before, following = F.get("_account", at - 1), F.get("_account", at + 1)
    alone = F.when(_pair(before, word, rules).isNull(), word_country(word, rules))
    return F.coalesce(_pair(word, following, rules), alone)


def _country_in(code: Column) -> Column:
    """Return the country of a code: BE of BE-FR and of BE."""
    return F.substring_index(code, "-", 1)


def _only(codes: Column) -> Column:
    """Return the one code of several distinct ones, or the one country of all; null where there is none or more."""
    countries = F.array_distinct(F.transform(codes, _country_in))
    one = F.when(F.size(codes) == 1, codes).otherwise(countries)
    return F.when(F.size(countries) == 1, F.try_element_at(one, F.lit(1)))


def _lookup(pairs: Mapping[str, str], key: Column) -> Column:
    """Look a key up in a constant map, which Spark reads from JSON once: hundreds of literals would take it seconds."""
    return F.try_element_at(F.from_json(F.lit(json.dumps(dict(pairs))), "map<string,string>"), key)
