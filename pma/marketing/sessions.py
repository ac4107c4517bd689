"""Sessions: what one device did without a long pause and without a new campaign."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from pma.marketing.bots import BotRules, bot_rule, read_bot_rules, robots
from pma.marketing.channels import (
    FIELDS,
    FOUND,
    ChannelRules,
    category_of,
    channel_of,
    core_of,
    matchable,
    paid_for,
    read_channel_rules,
)
from pma.marketing.identities import is_known
from pma.marketing.settings import SessionSettings
from pma.marketing.tables import SESSIONS, UNKNOWN
from pma.marketing.traffic import TrafficRules, may_be_touch, read_traffic_rules, with_traffic
from pma.marketing.utm import path_of
from pma.section import Section
from pma.settings import digest

DIRECT = "(direct)"
NO_MEDIUM = "(none)"
NOT_SET = "(not set)"
MICROS_PER_DAY = 86_400_000_000
# How long a visitor may stay at a payment provider: checkout pages such as Stripe's are open for a day at most. Whoever
# comes from there later did not come back from paying.
PAYMENT_MINUTES = 24 * 60
# What a session takes from its first event, and from its first touch.
OF_FIRST = ("event_id", "country", "referrer_host", "page_url", "user_agent")
OF_TOUCH = (
    *("source", "medium", "referrer_medium", "campaign", "campaign_id"),
    *("content", "term", "click_id", "click_id_type"),
)


class SessionRules(Section):
    """All rules that make sessions."""

    traffic: TrafficRules
    channels: ChannelRules
    ga4: ChannelRules
    bots: BotRules


def read_session_rules(rules: str | Path) -> SessionRules:
    """Read all files in the folder of rules. Raises TableError with the file and the fault."""
    return SessionRules(
        traffic=read_traffic_rules(rules),
        channels=read_channel_rules(rules),
        ga4=read_channel_rules(rules, "ga4_channels.yml"),
        bots=read_bot_rules(rules),
    )


def made_with(rules: SessionRules, settings: SessionSettings) -> str:
    """Return the digest of everything, but the events and the identities, that sessions follow from."""
    return f"{digest(rules)}-{digest(settings, exclude={'rebuild', 'map_version'})}-{PAYMENT_MINUTES}"


def sessionise(
    events: DataFrame, identities: DataFrame, map_version: date, rules: SessionRules, settings: SessionSettings
) -> DataFrame:
    """Return the rows of `il.fct_user_sessions` for `st_il.st_events`; `identities` is the map of that version.

    Events of a device stand in the order occurred_at, received_at, event_id. A session ends

    - at a pause of more than `settings.pause_minutes`; exactly as long does not end it, midnight never does; nor does a
      pause of up to PAYMENT_MINUTES whose next event returns from a payment provider, without tags: it says nothing of
      where the visitor came from, and the order that follows is the visit's that he left to pay;
    - at an event with a new source, medium, campaign or click id: one that is not empty and differs from the one last
      said. Medium, campaign and click id are compared among the events of one source, campaign and click id among those
      of one medium as well: what a new source leaves empty is not taken from the one before.

    An event that says nothing (no tags, our own pages or a payment provider as referrer) continues the session, as does
    a first touch in a session that began without: the session takes the source of its first event that has one. Another
    site's referrer without tags, a search engine's too, does carry a source, and begins a session where it is a new
    one; it says no medium, so that a page that lost its tags and still shows Google as referrer continues Google's
    session. Without a touch the session is (direct) / (none).

    A session is the first user's whom one of its events names; of those that name none, the user's whose device it was
    when it began. Of events that the version of the map does not know of, the user is not known either.

    All events count, those of robots too, who are flagged: by user agent of the first event, or as a device with more
    than `settings.bot_events_per_day` events on one day in UTC. One shuffle of the events, by device; of most events
    only numbers are looked at: rows that begin nothing drop out after the first window.
    """
    steps = _runs(_spans(_lean(events, map_version, rules, settings), rules, settings))
    device = ["anonymous_id", "session"]
    whole = steps.groupBy(*device).agg(
        F.min("occurred_at").alias("started_at"),
        F.max("span_end").alias("ended_at"),
        F.sum("span_events").alias("events"),
        F.sum("span_pages").alias("page_views"),
        F.max("is_heavy").alias("is_heavy"),
        F.min("first").alias("first"),
        F.min("touch").alias("touch"),
        F.min("named").alias("named"),
    )
    owned = _owned(whole, identities).withColumns(
        {"map_version": F.lit(map_version), "user_agent": F.col("first.user_agent")}
    )
    judged = owned.join(F.broadcast(robots(events, rules.bots)), on="user_agent", how="left")
    return _described(judged, rules, settings)


def _lean(events: DataFrame, map_version: date, rules: SessionRules, settings: SessionSettings) -> DataFrame:
    """Return of each event what its device's task needs; of an address that is no touch's, no more than the path."""
    micros = F.unix_micros("occurred_at")
    looked = events.withColumn("may_be_touch", may_be_touch(rules.traffic, settings.own_hosts))
    touch = F.col("may_be_touch")
    return looked.select(
        "anonymous_id",
        "event_id",
        "occurred_at",
        "received_at",
        F.when(is_known(map_version), F.col("user_id")).alias("user_id"),
        "country",
        F.when(touch, F.col("page_url")).otherwise(F.substring_index("page_url", "?", 1)).alias("page_url"),
        F.when(touch, F.col("referrer")).alias("referrer"),
        "user_agent",
        "may_be_touch",
        (F.col("event_name") == "page_view").cast("int").alias("page"),
        F.floor(micros / F.lit(MICROS_PER_DAY)).cast("int").alias("day"),
        micros.alias("at"),
    )


def _in_order() -> WindowSpec:
    return Window.partitionBy("anonymous_id").orderBy("occurred_at", "received_at", "event_id")


def _spans(lean: DataFrame, rules: SessionRules, settings: SessionSettings) -> DataFrame:
    """Keep the events that may begin a session, each with what follows it up to the next kept one, and their traffic.

    Kept are: the first after a pause, which may turn out to return from paying, those that may be a touch, those that
    name another user than the event before, the one that makes a day too full, a device's last.
    """
    device = _in_order()
    upto = device.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    whole = device.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    limit = settings.bot_events_per_day
    seen = lean.select(
        "*",
        F.lag("at").over(device).alias("before"),
        F.lag("user_id").over(device).alias("user_before"),
        F.lead("at").over(device).isNull().alias("is_last"),
        F.row_number().over(upto).alias("place"),
        F.sum("page").over(upto).alias("pages"),
        F.lag("day", limit).over(device).alias("day_at_limit"),
        F.lag("day", limit + 1).over(device).alias("day_beyond"),
    )
    pause = F.col("at") - F.col("before") > settings.pause_minutes * 60_000_000
    full = (F.col("day_at_limit") == F.col("day")) & ~F.equal_null("day_beyond", "day")
    named = F.col("user_id").isNotNull() & ~F.equal_null("user_id", "user_before")
    marked = seen.withColumns(
        {"begins": F.coalesce(pause, F.lit(True)), "is_full": F.coalesce(full, F.lit(False)), "is_named": named}
    ).drop("day_at_limit", "day_beyond", "day", "user_before")
    chosen = marked.where("begins OR may_be_touch OR is_named OR is_full OR is_last")
    kept = with_traffic(chosen, rules.traffic, settings.own_hosts)
    # A host that is not our own and makes no touch is one that is ignored.
    returns = ~F.col("is_touch") & F.col("referrer_host").isNotNull()
    paid = returns & (F.col("at") - F.col("before") <= PAYMENT_MINUTES * 60_000_000)
    campaign = F.coalesce(F.lower("campaign"), F.col("campaign_id"))
    # What a session may take from the event is packed: each window copies it at once, not text by text.
    packed = kept.select(
        *("anonymous_id", "occurred_at", "received_at", "event_id", "at", "before", "place", "page", "pages"),
        *("is_full", "is_touch", "source", "medium", "click_id"),
        (F.col("begins") & ~F.coalesce(paid, F.lit(False))).alias("begins"),
        F.when(F.col("is_touch"), campaign).alias("campaign_key"),
        F.struct("place", *OF_FIRST).alias("first"),
        F.when(F.col("is_touch"), F.struct("place", *OF_TOUCH)).alias("touch"),
        F.when(F.col("user_id").isNotNull(), F.struct("place", "user_id")).alias("named"),
    )
    pages_before = F.col("pages") - F.col("page")
    return packed.select(
        "*",
        F.coalesce(F.lead("place").over(device) - F.col("place"), F.lit(1)).alias("span_events"),
        F.coalesce(F.lead(pages_before).over(device) - pages_before, F.col("page")).alias("span_pages"),
        F.timestamp_micros(F.coalesce(F.lead("before").over(device), F.col("at"))).alias("span_end"),
        F.max("is_full").over(whole).alias("is_heavy"),
        F.sum(F.col("begins").cast("int")).over(upto).alias("stretch"),
    )


def _runs(spans: DataFrame) -> DataFrame:
    """Number the sessions of each device in `session`: see `sessionise` for what begins one.

    The runs are numbered from the coarsest to the finest; each looks back at what was last said in the same coarser
    run.
    """
    steps = _split(spans, "stretch", ["source"], "source_run")
    steps = _split(steps, "source_run", ["medium"], "medium_run")
    return _split(steps, "medium_run", ["campaign_key", "click_id"], "session")


def _split(steps: DataFrame, run: str, names: list[str], finer: str) -> DataFrame:
    """Number in `finer` the runs within `run`: one more wherever one of the names says something new after a touch."""
    device = _in_order()
    earlier = device.rowsBetween(Window.unboundedPreceding, -1)
    upto = device.rowsBetween(Window.unboundedPreceding, Window.currentRow)

    def last(condition: Column, *more: str) -> Column:
        return F.last(F.when(condition, F.struct(run, *more)), ignorenulls=True).over(earlier)

    looked = steps.select(
        "*",
        last(F.col("is_touch")).alias("touched"),
        *[last(F.col(name).isNotNull(), name).alias(f"said_{name}") for name in names],
        F.lag(run).over(device).alias("run_before"),
    )
    is_new = F.lit(False)
    for name in names:
        same = F.equal_null(f"said_{name}.{run}", run) & F.equal_null(f"said_{name}.{name}", name)
        is_new = is_new | (F.col(name).isNotNull() & ~same)
    begins = (F.equal_null(f"touched.{run}", run) & is_new) | ~F.equal_null("run_before", run)
    kept = looked.withColumn("splits", begins.cast("int"))
    drop = ["touched", "run_before", "splits", *[f"said_{name}" for name in names]]
    return kept.withColumn(finer, F.sum("splits").over(upto)).drop(*drop)


def _owned(whole: DataFrame, identities: DataFrame) -> DataFrame:
    """Add the first user whom the session names, or else the one whose device it was when it began."""
    owner = F.col("user_id").alias("owner")
    stretches = identities.select(F.col("anonymous_id").alias("device"), "valid_from", "valid_to", owner)
    at = F.col("started_at")
    until = F.coalesce(at < F.col("valid_to"), F.lit(True))
    owned = (F.col("anonymous_id") == F.col("device")) & (at >= F.col("valid_from")) & until
    return whole.join(stretches, owned, how="left").withColumn("user_id", F.coalesce("named.user_id", "owner"))


def _described(sessions: DataFrame, rules: SessionRules, settings: SessionSettings) -> DataFrame:
    """Say of each session where it came from and what it was, in the columns of the table."""
    touched = F.col("touch").isNotNull()
    medium = F.coalesce("touch.medium", "touch.referrer_medium")
    plain = sessions.select(
        *("anonymous_id", "user_id", "map_version", "started_at", "ended_at", "events", "page_views"),
        F.when(touched, F.coalesce("touch.source", F.lit(NOT_SET))).otherwise(F.lit(DIRECT)).alias("source"),
        F.when(touched, F.coalesce(medium, F.lit(NOT_SET))).otherwise(F.lit(NO_MEDIUM)).alias("medium"),
        *[F.col(f"touch.{n}").alias(n) for n in ("campaign", "campaign_id", "content", "term")],
        *[F.col(f"touch.{n}").alias(n) for n in ("click_id", "click_id_type")],
        *[F.col(f"first.{n}").alias(n) for n in ("event_id", "country", "referrer_host", "page_url")],
        bot_rule(F.col("robot"), F.col("is_heavy")).alias("bot_rule"),
    )
    named = plain.withColumn("core", core_of(F.col("source")))
    category = category_of(F.col("source"), F.col("core"), rules.traffic.categories)
    known = named.withColumn("category", category)
    plainly = known.withColumns({f"known_{name}": matchable(F.col(name)) for name in FIELDS})
    fields = {name: F.col(f"known_{name}") for name in (*FIELDS, *FOUND)}
    found = paid_for(rules.channels, fields)
    grouped = plainly.withColumns({f"known_{name}": found[name] for name in FOUND})
    local = F.from_utc_timestamp("started_at", settings.timezone)
    values = {
        "session_id": F.md5(F.concat_ws("\n", "anonymous_id", "event_id").cast("binary")),
        "session_date": F.to_date(local),
        "country": F.coalesce(F.upper("country"), F.lit(UNKNOWN)),
        "landing_page": path_of(F.col("page_url")),
        "channel": channel_of(rules.channels, fields),
        "channel_ga4": channel_of(rules.ga4, fields),
        "rules_version": F.lit(rules.channels.version),
        "is_bot": F.col("bot_rule").isNotNull(),
        "made_with": F.lit(made_with(rules, settings)),
    }
    names = SESSIONS.schema.names
    return grouped.select(*[values[n].alias(n) if n in values else F.col(n) for n in names])
