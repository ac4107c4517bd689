"""Traffic: what an event's address and referrer say of where the visit came from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field, model_validator
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.marketing.channels import SourceCategories, category_of, core_of, read_source_categories
from pma.marketing.rules_file import read_rules
from pma.marketing.tables import SESSIONS
from pma.marketing.utm import host_of, parameter, query_of, with_parameters
from pma.section import Section

TAGS = ("source", "medium", "campaign", "content", "term")
# What `with_traffic` adds.
TRAFFIC = (*TAGS, "campaign_id", "click_id", "click_id_type", "referrer_medium", "referrer_host", "is_touch")


class SourceAliases(Section):
    """Other names of a source."""

    version: int = Field(ge=1)
    aliases: dict[str, tuple[str, ...]]


class ClickId(Section):
    """A parameter that an ad platform puts on links; see `conf/rules/click_ids.yml`."""

    parameter: str
    source: str
    medium: str | None = None
    is_paid: bool
    also: tuple[str, ...] = ()
    mediums: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _a_paid_one_has_a_medium(self) -> ClickId:
        if self.is_paid != (self.medium is not None):
            raise ValueError(f"{self.parameter}: give a medium to one that is paid, and to no other")
        return self


class ClickIds(Section):
    """The parameters in their order: of several on a link the first that agrees with its tags counts."""

    version: int = Field(ge=1)
    click_ids: tuple[ClickId, ...] = Field(min_length=1)
    campaign_ids: tuple[str, ...] = Field(min_length=1)


class IgnoredReferrers(Section):
    """Hosts that send a visitor back who was with us before."""

    version: int = Field(ge=1)
    hosts: tuple[str, ...]


class TrafficRules(Section):
    """All rules that say where a visit came from."""

    aliases: SourceAliases
    click_ids: ClickIds
    ignored: IgnoredReferrers
    categories: SourceCategories


def read_traffic_rules(rules: str | Path) -> TrafficRules:
    """Read the four files in the folder of rules. Raises TableError with the file and the fault."""
    return TrafficRules(
        aliases=read_rules(rules, "source_aliases.yml", SourceAliases, SESSIONS.name),
        click_ids=read_rules(rules, "click_ids.yml", ClickIds, SESSIONS.name),
        ignored=read_rules(rules, "ignored_referrers.yml", IgnoredReferrers, SESSIONS.name),
        categories=read_source_categories(rules),
    )


def may_be_touch(rules: TrafficRules, own_hosts: Sequence[str]) -> Column:
    """Say, by two quick looks, whether an event may be a touch: it has a parameter that counts, or came from outside.

    True for every event that `with_traffic` calls a touch, and for some others.
    """
    names = "|".join(["utm_[a-z]+", *[re.escape(rule.parameter) for rule in rules.click_ids.click_ids]])
    own = "|".join(re.escape(host) for host in own_hosts) or "(?!)"
    tagged = F.col("page_url").contains("?") & F.col("page_url").rlike(f"(?i)[?&;](?:{names})=")
    inside = F.col("referrer").rlike(rf"(?i)^https?://(?:[a-z0-9_-]+\.)*(?:{own})(?:[:/?#]|$)")
    return F.coalesce(tagged, F.lit(False)) | (F.coalesce(F.col("referrer"), F.lit("")) != "") & ~inside


def with_traffic(events: DataFrame, rules: TrafficRules, own_hosts: Sequence[str]) -> DataFrame:
    """Add the columns of TRAFFIC to frames that have `page_url` and `referrer`. One row per row, in its order.

    UTM tags are decoded and trimmed; source and medium in small letters, the source by its usual name. They win: a
    click id fills what they leave empty where it agrees with them, and is ignored where it does not. A referrer counts
    only where neither says anything: a search engine's or another site's, not our own and not one that is ignored. Its
    medium, organic or referral, stands apart in `referrer_medium`: a page that lost its tags may show the same
    referrer. `is_touch`: source, medium, campaign or click id is there. `referrer_host` is any host but our own.
    """
    kept = events.columns
    clicks = [rule.parameter for rule in rules.click_ids.click_ids]
    names = [*[f"utm_{tag}" for tag in TAGS], *rules.click_ids.campaign_ids, *clicks]
    host = F.when(F.col("referrer") != "", host_of(F.col("referrer")))
    told = with_parameters(events.withColumns({"query": query_of(F.col("page_url")), "host": host}), names)
    named = told.select(
        *kept,
        "keys",
        "values",
        *[_said(f"utm_{tag}").alias(f"utm_{tag}") for tag in ("campaign", "content", "term")],
        *[F.lower(_said(f"utm_{tag}")).alias(f"utm_{tag}") for tag in ("source", "medium")],
        F.coalesce(*[_said(name) for name in rules.click_ids.campaign_ids]).alias("utm_id"),
        F.when((F.col("host") != "") & ~_is_host(F.col("host"), own_hosts), F.col("host")).alias("referrer_host"),
    )
    clean = named.withColumns(
        {"utm_source": alias_of(F.col("utm_source"), rules.aliases), "core": core_of(F.col("referrer_host"))}
    )
    clicked = clean.withColumn("click", _click(rules.click_ids))
    tagged = F.coalesce("utm_source", "utm_medium", "utm_campaign", "click").isNotNull()
    host, core = F.col("referrer_host"), F.col("core")
    referred = F.when(~tagged & host.isNotNull() & ~_is_host(host, rules.ignored.hosts), host)
    found = clicked.withColumns(
        {"referred": referred, "kind": F.when(referred.isNotNull(), category_of(host, core, rules.categories))}
    )
    source = F.when(F.col("kind").isNotNull(), alias_of(core, rules.aliases)).otherwise(F.col("referred"))
    medium = F.when(F.col("kind") == "search", F.lit("organic")).when(F.col("referred").isNotNull(), F.lit("referral"))
    return found.select(
        *kept,
        F.coalesce("utm_source", _of_click(rules.click_ids, "source"), source).alias("source"),
        F.coalesce("utm_medium", _of_click(rules.click_ids, "medium")).alias("medium"),
        F.col("utm_campaign").alias("campaign"),
        F.col("utm_content").alias("content"),
        F.col("utm_term").alias("term"),
        F.col("utm_id").alias("campaign_id"),
        F.get("values", F.array_position("keys", F.col("click")).cast("int") - 1).alias("click_id"),
        F.col("click").alias("click_id_type"),
        medium.alias("referrer_medium"),
        "referrer_host",
        (tagged | F.col("referred").isNotNull()).alias("is_touch"),
    )


def alias_of(source: Column, aliases: SourceAliases) -> Column:
    """Return the usual name of a source in small letters."""
    return F.coalesce(_looked_up(source, {o: name for name, others in aliases.aliases.items() for o in others}), source)


def _looked_up(key: Column, values: Mapping[str, str]) -> Column:
    """Return the value of a key in a table of texts; null: it has none."""
    return F.create_map(*[F.lit(text) for pair in values.items() for text in pair])[key]


def _said(name: str) -> Column:
    """Return what a parameter says; null: nothing."""
    text = parameter(name)
    return F.when(text != "", text)


def _is_host(host: Column, hosts: Sequence[str]) -> Column:
    """Say whether a host is one of these or below one; null stays null."""
    if not hosts:
        return host != host
    return host.rlike(rf"(?:^|\.)(?:{'|'.join(re.escape(one) for one in hosts)})$")


def _click(rules: ClickIds) -> Column:
    """Return the parameter of the first click id that agrees with the tags; null: none does."""
    source, medium = F.col("utm_source"), F.col("utm_medium")
    found = []
    for rule in rules.click_ids:
        mediums = [*rule.mediums, *([rule.medium] if rule.medium else [])]
        by_source = F.coalesce(source, F.lit("")).isin(rule.source, *rule.also)
        by_medium = source.isNull() & F.coalesce(medium, F.lit("")).isin("", *mediums)
        there = F.array_contains("keys", rule.parameter)
        found.append(F.when(there & (by_source | by_medium), F.lit(rule.parameter)))
    return F.coalesce(*found)


def _of_click(rules: ClickIds, what: str) -> Column:
    """Return source or medium of the click id that was found; null: none, or it names no medium."""
    known = {rule.parameter: value for rule in rules.click_ids if (value := getattr(rule, what)) is not None}
    return _looked_up(F.col("click"), known)
