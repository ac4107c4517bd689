"""Channels: ordered, versioned rules over source, medium, campaign and click id, as one Column."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from pathlib import Path

from pydantic import Field
from pyspark.sql import Column
from pyspark.sql import functions as F

from pma.marketing.rules_file import read_rules
from pma.marketing.tables import SESSIONS
from pma.section import Section

# What a rule may ask for; `category` is what the source is, see `category_of`.
FIELDS = ("source", "medium", "campaign", "category", "click_id_type")
# `de.search.yahoo.com`, `m.facebook.com` and `bing.co.uk` are hosts of `yahoo`, `facebook` and `bing`.
_CORE = (
    r"^(?:(?:www|m|l|lm|mobile|touch|web|search|images|out|old)\.)*+(?:[a-z]{2}\.(?:search\.)?)??"
    r"([^./]+)(?:\.[a-z]{2,4}){0,2}$"
)


class ChannelRule(Section):
    """One rule: every condition that it has must hold. Names are in small letters; "" is what is not known."""

    channel: str
    source: tuple[str, ...] = ()
    medium: tuple[str, ...] = ()
    campaign: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    click_id_type: tuple[str, ...] = ()
    # Patterns of Java, found anywhere unless they say otherwise.
    source_like: str | None = None
    medium_like: str | None = None
    campaign_like: str | None = None


class ChannelRules(Section):
    """The rules in their order: the first that holds gives the channel."""

    version: int = Field(ge=1)
    otherwise: str
    rules: tuple[ChannelRule, ...] = Field(min_length=1)


class Category(Section):
    """Sources of one kind: names that stand for their hosts too, and names that stand for themselves alone."""

    names: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()


class SourceCategories(Section):
    """What well-known sources are; the first category that has the source."""

    version: int = Field(ge=1)
    categories: dict[str, Category] = Field(min_length=1)


def read_channel_rules(rules: str | Path, name: str = "channels.yml") -> ChannelRules:
    """Read the internal grouping, or `ga4_channels.yml`. Raises TableError with the file and the fault."""
    return read_rules(rules, name, ChannelRules, SESSIONS.name)


def read_source_categories(rules: str | Path) -> SourceCategories:
    """Read `source_categories.yml` in the folder of rules. Raises TableError with the file and the fault."""
    return read_rules(rules, "source_categories.yml", SourceCategories, SESSIONS.name)


def channel_of(rules: ChannelRules, fields: Mapping[str, Column]) -> Column:
    """Return the channel of the first rule that holds, else the rules' `otherwise`; never null.

    `fields` are the columns of FIELDS as `matchable` makes them: they should be columns of the frame by now, since
    every rule looks at them.
    """
    first, *others = rules.rules
    found = F.when(_holds(first, fields), first.channel)
    for rule in others:
        found = found.when(_holds(rule, fields), rule.channel)
    return found.otherwise(rules.otherwise)


def matchable(value: Column) -> Column:
    """Return a value as rules compare it: in small letters, "" where it is not known."""
    return F.lower(F.coalesce(value, F.lit("")))


def _holds(rule: ChannelRule, known: Mapping[str, Column]) -> Column:
    conditions = [known[name].isin(*names) for name in FIELDS if (names := getattr(rule, name))]
    for name in ("source", "medium", "campaign"):
        pattern = getattr(rule, f"{name}_like")
        if pattern is not None:
            conditions.append(known[name].rlike(pattern))
    return reduce(lambda left, right: left & right, conditions, F.lit(True))


def core_of(source: Column) -> Column:
    """Return the name inside a source that is a host, `google` of `www.google.co.uk`; any other name as it is."""
    core = F.regexp_extract(source, _CORE, 1)
    return F.when(core == "", source).otherwise(core)


def category_of(source: Column, core: Column, categories: SourceCategories) -> Column:
    """Return what a source in small letters is, `core` being the name inside it; null: nothing that is listed."""
    found = [
        F.when(core.isin(*category.names) | source.isin(*category.exact), F.lit(name))
        for name, category in categories.categories.items()
    ]
    return F.coalesce(*found)
