"""Rules of ad spend: files in the folder of rules, read and checked once per run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from pma.marketing.rules_file import read_rules
from pma.marketing.tables import AD_SPEND
from pma.section import Section


class VariableRule(Section):
    """Raw names of one clean variable, and whether its values are money or context."""

    rule: str
    kind: Literal["money", "context"]
    variable: str
    names: tuple[str, ...] = ()
    pattern: str | None = None


class VariableRules(Section):
    """Clean names of raw variables, in order; `money` fits the name of a column of money that none of them knows."""

    version: int
    money: str
    rules: tuple[VariableRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _says_each_once(self) -> VariableRules:
        names = [rule.rule for rule in self.rules]
        kinds = {(rule.variable, rule.kind) for rule in self.rules}
        if len(set(names)) < len(names) or len({variable for variable, _ in kinds}) < len(kinds):
            raise ValueError(
                "a rule's name stands there twice, or a variable is money by one rule and context by another"
            )
        return self

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """Return the names of the rules of a kind."""
        return tuple(rule.rule for rule in self.rules if rule.kind == kind)


class ChannelRule(Section):
    """Campaigns of one clean channel: what is not named fits all."""

    rule: str
    channel: str
    platforms: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    name: str | None = None


class ChannelRules(Section):
    """Clean channels of campaigns, in order, and the goals that their names tell."""

    version: int
    goals: tuple[str, ...]
    rules: tuple[ChannelRule, ...] = Field(min_length=1)


class PlaceRules(Section):
    """Countries with their other names, and the parts of countries that have a language of their own."""

    version: int
    nowhere: tuple[str, ...] = ()
    countries: dict[str, tuple[str, ...]] = Field(min_length=1)
    language_regions: tuple[str, ...] = ()


@dataclass(frozen=True)
class SpendRules:
    """All rules of the step from rows of spend to `il.ad_spend`."""

    variables: VariableRules
    channels: ChannelRules
    places: PlaceRules


def read_spend_rules(rules: str | Path) -> SpendRules:
    """Read variables.yml, media_channels.yml and places.yml. Raises TableError with the file and the fault."""
    return SpendRules(
        variables=read_rules(rules, "variables.yml", VariableRules, AD_SPEND.name),
        channels=read_rules(rules, "media_channels.yml", ChannelRules, AD_SPEND.name),
        places=read_rules(rules, "places.yml", PlaceRules, AD_SPEND.name),
    )
