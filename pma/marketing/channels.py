"""Channels: ordered, versioned rules over source, medium, campaign and click id, as one Column."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from pathlib import Path

from pydantic import Field, model_validator
from pyspark.sql import Column
from pyspark.sql import functions as F

from pma.marketing.rules_file import read_rules
from pma.marketing.tables import SESSIONS
from pma.marketing.variables import plain
from pma.section import Section

# What a rule may ask for: what is known of a session (`category` is what the source is, see `category_of`), and what
# `paid_for` finds in that.
FIELDS = ("source", "medium", "campaign", "category", "click_id_type")
FOUND = ("platform", "words")
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
    platform: tuple[str, ...] = ()
    # Patterns of Java, found anywhere unless they say otherwise.
    source_like: str | None = None
    medium_like: str | None = None
    campaign_like: str | None = None
    words_like: str | None = None


class AdPlatform(Section):
    """An ad platform: the sources that it sells clicks of, and the click ids that only its ads have."""

    sources: tuple[str, ...] = Field(min_length=1)
    click_ids: tuple[str, ...] = ()


class ChannelRules(Section):
    """The rules in their order: the first that holds gives the channel. `paid` is the pattern of mediums that cost."""

    version: int = Field(ge=1)
    otherwise: str
    paid: str = "(?!)"
    platforms: dict[str, AdPlatform] = Field(default_factory=dict)
    rules: tuple[ChannelRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _asks_for_platforms_that_are_listed(self) -> ChannelRules:
        for rule in self.rules:
            if unknown := set(rule.platform) - {"", *self.platforms}:
                raise ValueError(f"the channel {rule.channel} is of a platform that is not listed: {sorted(unknown)}")
        return self


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

    `fields` are the columns of FIELDS as `matchable` makes them, and those of FOUND where the rules ask for them: they
    should be columns of the frame by now, since every rule looks at them.
    """
    first, *others = rules.rules
    found = F.when(_holds(first, fields), first.channel)
    for rule in others:
        found = found.when(_holds(rule, fields), rule.channel)
    return found.otherwise(rules.otherwise)


def matchable(value: Column) -> Column:
    """Return a value as rules compare it: in small letters, "" where it is not known."""
    return F.lower(F.coalesce(value, F.lit("")))


def paid_for(rules: ChannelRules, fields: Mapping[str, Column]) -> dict[str, Column]:
    """Return the columns of FOUND, for the columns of FIELDS as `matchable` makes them.

    `platform` is the ad platform that was paid for the click, "" where none of the rules' was. `words` are medium and
    campaign in one text, made plain as spend makes the names of campaigns.
    """
    bought = fields["medium"].rlike(rules.paid)
    platforms = [
        F.when(fields["click_id_type"].isin(*of.click_ids) | (bought & fields["source"].isin(*of.sources)), name)
        for name, of in rules.platforms.items()
    ]
    words = plain(F.concat_ws(" ", fields["medium"], fields["campaign"]))
    return {"platform": F.coalesce(*platforms, F.lit("")), "words": words}


def _holds(rule: ChannelRule, known: Mapping[str, Column]) -> Column:
    conditions = [known[name].isin(*names) for name in (*FIELDS, "platform") if (names := getattr(rule, name))]
    for name in ("source", "medium", "campaign", "words"):
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
