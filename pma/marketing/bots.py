"""Robots: which sessions no person made, by rule. They are flagged, not deleted."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.marketing.rules_file import read_rules
from pma.marketing.tables import SESSIONS
from pma.section import Section

TOO_MANY_EVENTS = "too_many_events"


class BotRule(Section):
    """Programs that say in their user agent who they are."""

    rule: str
    # A pattern of Java, found anywhere in the user agent, in small or capital letters.
    pattern: str


class BotRules(Section):
    """The rules in their order: the first that fits names the robot."""

    version: int = Field(ge=1)
    rules: tuple[BotRule, ...] = Field(min_length=1)


def read_bot_rules(rules: str | Path) -> BotRules:
    """Read `bots.yml` in the folder of rules. Raises TableError with the file and the fault."""
    return read_rules(rules, "bots.yml", BotRules, SESSIONS.name)


def robots(events: DataFrame, rules: BotRules) -> DataFrame:
    """Return the user agents of programs, and the name of the first rule that says so: `user_agent` (key), `robot`.

    There are far fewer user agents than sessions: each is looked at once.
    """
    # Judged is the maximum of each group, the agent itself: a condition on the key would be pushed down to the events.
    agents = events.groupBy("user_agent").agg(F.max("user_agent").alias("agent"))
    named = agents.select("user_agent", robot_of(F.col("agent"), rules).alias("robot"))
    return named.where("robot IS NOT NULL")


def robot_of(user_agent: Column, rules: BotRules) -> Column:
    """Return the name of the first rule that says robot; null: a person, as far as the user agent tells."""
    return F.coalesce(*[F.when(user_agent.rlike(f"(?i){rule.pattern}"), F.lit(rule.rule)) for rule in rules.rules])


def bot_rule(robot: Column, has_too_many_events: Column) -> Column:
    """Return why a session is a robot's; null: it is a person's, as far as anybody can tell.

    Many events on one day count last: a program that says its name is called by it.
    """
    return F.coalesce(robot, F.when(has_too_many_events, F.lit(TOO_MANY_EVENTS)))
