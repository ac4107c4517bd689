"""Paths: the sessions that led to each conversion, the cause's touch among them, and visitors who never convert."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.simulation import chance
from pma.simulation.touches import ORDER, RANGES, UPLOAD, VISIT, touch_ranges
from pma.simulation.trade import end_of_data, expected, first_moment, tasks

if TYPE_CHECKING:
    from pma.simulation.marketplace import Marketplace
    from pma.simulation.settings import SimulationSettings

# Chances of a path of 1, 2, ... sessions, the converting one included.
LENGTHS = (0.18, 0.24, 0.22, 0.17, 0.11, 0.08)
MEAN_LENGTH = sum(length * chance for length, chance in enumerate(LENGTHS, 1))
LONGEST_DAYS = 24.0
# The cause's touch is the last one of so many paths; of the others any earlier one.
CAUSE_LAST = 0.6
# Of users: with a second device (which they take now and then), and on a device that somebody else uses too.
TWO_DEVICES, SECOND_DEVICE = 0.2, 0.35
SHARED_DEVICE = 0.03
# Of path sessions that do not convert, and of visitors who never do: already logged in.
REMEMBERED, MEMBERS = 0.3, 0.1
# Of robots: those who read thousands of pages, under the name of a browser.
CRAWLERS = 0.002


def conversions(listings: DataFrame, orders: DataFrame) -> DataFrame:
    """Put uploads and orders below each other.

    One row per conversion: who (UPLOAD or ORDER of `pma.simulation.touches`), object_id (listing or order), user_id,
    country (where it counts: an upload's origin, an order's destination), converted (milliseconds since 1970).
    """
    uploads = listings.select(
        F.lit(UPLOAD).alias("who"),
        F.col("listing_id").alias("object_id"),
        "user_id",
        "country",
        F.unix_millis("created_at").alias("converted"),
    )
    sales = orders.select(
        F.lit(ORDER).alias("who"),
        F.col("order_id").alias("object_id"),
        "user_id",
        "country",
        F.unix_millis("completed_at").alias("converted"),
    )
    return uploads.unionByName(sales)


def sessions(conversions: DataFrame, marketplace: Marketplace) -> DataFrame:
    """Draw the sessions of every conversion's path, and of as many visitors as the settings ask for.

    A path has 1 to 6 sessions within 25 days, of which the last converts; one of them has the touch of its cause.
    Sessions before the first day are not in the data.
    One row per session: session (its number, a hash), who (VISIT: never converts), object_id (listing or order; null),
    country, touch (see `pma.simulation.touches`), is_cause, converts, is_bot, is_crawler, device, user_id (null: no
    member), is_remembered (logged in from its first page on), moment (of the first page, or of the conversion where it
    converts; milliseconds since 1970).
    """
    settings = marketplace.settings
    seed = settings.seed
    each = _numbered(conversions, marketplace)
    on_path, converts = F.col("number") < F.col("length"), F.col("number") == F.col("length") - 1
    each = each.select(
        "*",
        F.xxhash64("path", "number").alias("session"),
        on_path.alias("on_path"),
        converts.alias("converts"),
        (on_path & (F.col("number") == F.col("cause_at"))).alias("is_cause"),
        (~on_path & (chance.uniform(seed, "robot", "path", "number") < F.lit(_robots(settings)))).alias("is_bot"),
    )
    each = each.withColumn("moment", _moment(marketplace))
    each = each.where(F.col("converts") | (F.col("moment") >= F.lit(first_moment(marketplace))))
    drawn = each.select("*", _draw(marketplace).alias("of"), chance.uniform(seed, "touch", "session").alias("at"))
    ranges = F.broadcast(conversions.sparkSession.createDataFrame(touch_ranges(marketplace), RANGES))
    within = (drawn["of"] == ranges["draw"]) & (drawn["at"] >= ranges["low"]) & (drawn["at"] < ranges["high"])
    return _with_people(drawn.join(ranges, within, how="inner"), marketplace).select(
        "session",
        F.when(F.col("on_path"), F.col("who")).otherwise(F.lit(VISIT)).alias("who"),
        F.when(F.col("on_path"), F.col("object_id")).alias("object_id"),
        *("country", "touch", "is_cause", "converts", "is_bot"),
        (F.col("is_bot") & (chance.uniform(seed, "crawler", "session") < F.lit(CRAWLERS))).alias("is_crawler"),
        *("device", "user_id", "is_remembered", "moment"),
    )


def _numbered(conversions: DataFrame, marketplace: Marketplace) -> DataFrame:
    """Make one row per session of each conversion: those of its path first, then those of visitors beside it."""
    seed = marketplace.settings.seed
    wanted = marketplace.settings.sessions_per_conversion
    # Where few sessions are wanted, more paths have one session only.
    long_enough = min(1.0, (wanted - 1) / (MEAN_LENGTH - 1))
    visitors = max(0.0, wanted - MEAN_LENGTH)
    drawn = conversions.repartition(tasks(marketplace), "object_id")
    drawn = drawn.withColumn("path", chance.key(seed, "path", "who", "object_id"))
    length = F.when(
        chance.uniform(seed, "has a path", "path") < F.lit(long_enough),
        chance.index(chance.uniform(seed, "length", "path"), LENGTHS) + 1,
    ).otherwise(F.lit(1))
    drawn = drawn.select(
        *drawn.columns,
        length.alias("length"),
        F.floor(F.lit(visitors) + chance.uniform(seed, "visitors", "path")).cast("int").alias("visitors"),
        place_of(marketplace, F.col("country")).alias("place"),
    )
    early = F.floor(chance.uniform(seed, "early touch", "path") * (F.col("length") - 1)).cast("int")
    is_last = (F.col("length") == 1) | (chance.uniform(seed, "cause", "path") < F.lit(CAUSE_LAST))
    drawn = drawn.withColumn("cause_at", F.when(is_last, F.col("length") - 1).otherwise(early))
    return drawn.withColumn("number", F.explode(F.sequence(F.lit(0), F.col("length") + F.col("visitors") - 1)))


def place_of(marketplace: Marketplace, country: Column) -> Column:
    """Return the place of a country in the settings' order, from 0 on."""
    return F.array_position(F.array(*map(F.lit, marketplace.settings.countries)), country) - 1


def _moment(marketplace: Marketplace) -> Column:
    """Draw when each session starts: a path's in order before the conversion, a visitor's within three days of it."""
    seed = marketplace.settings.seed
    converted = F.col("converted")
    clock = chance.time_of_day(seed, "visit", "session")
    # Earlier touches lie in strips of time, one behind the other, thinner towards the conversion.
    back = F.col("length") - 1 - F.col("number") - F.lit(0.9) * chance.uniform(seed, "lead", "session")
    back = F.pow(F.greatest(back, F.lit(0.0)) / F.greatest(F.col("length") - 1, F.lit(1)), F.lit(1.5))
    ahead = converted - (back * F.lit(LONGEST_DAYS * chance.DAY)).cast("bigint")
    earlier = F.when(chance.day_of(ahead) == chance.day_of(converted), ahead).otherwise(chance.day_of(ahead) + clock)
    days = F.floor(chance.uniform(seed, "day", "session") * F.lit(7.0)) - 3
    last = F.lit(end_of_data(marketplace) - chance.DAY)
    near = chance.day_of(converted) + days * F.lit(chance.DAY)
    beside = F.least(F.greatest(near, F.lit(first_moment(marketplace))), last) + clock
    moment = F.when(F.col("converts"), converted).when(F.col("on_path"), earlier).otherwise(beside)
    return moment.cast("bigint")


def _draw(marketplace: Marketplace) -> Column:
    """Number what the touch is drawn from, as `pma.simulation.touches.draw_number` does."""
    weeks, countries = len(marketplace.weeks), len(marketplace.settings.countries)
    since = F.when(F.col("is_cause"), F.col("converted")).otherwise(F.col("moment")) - F.lit(first_moment(marketplace))
    week = F.least(F.greatest(F.floor(since / F.lit(7 * chance.DAY)), F.lit(0)), F.lit(weeks - 1))
    who = F.when(F.col("is_cause"), F.col("who")).otherwise(F.lit(VISIT))
    return ((who * F.lit(countries) + F.col("place")) * F.lit(weeks) + week).cast("bigint")


def _with_people(each: DataFrame, marketplace: Marketplace) -> DataFrame:
    """Add device, user_id and is_remembered: some users have two devices, some devices two users."""
    seed = marketplace.settings.seed
    # A visitor comes once or twice; robots come from one place each, which is no visitor's.
    visitor = F.when(F.col("is_bot"), -1 - F.col("number")).otherwise(F.floor(F.col("number") / F.lit(2)).cast("int"))
    person = F.when(F.col("on_path"), chance.key(seed, "person", "user_id")).otherwise(
        F.xxhash64(chance.salt(seed, "visitor"), "path", visitor)
    )
    each = each.withColumn("person", person)
    is_second = (chance.uniform(seed, "two devices", "person") < F.lit(TWO_DEVICES)) & (
        chance.uniform(seed, "second device", "session") < F.lit(SECOND_DEVICE)
    )
    own = F.xxhash64(chance.salt(seed, "device"), "person", is_second)
    is_shared = F.col("on_path") & (chance.uniform(seed, "shares", "person") < F.lit(SHARED_DEVICE))
    households = F.array(*map(F.lit, _households(marketplace)))[F.col("place").cast("int")]
    household = F.floor(chance.uniform(seed, "household", "person") * households)
    shared = F.xxhash64(chance.salt(seed, "shared device"), "place", household)
    is_member = ~F.col("is_bot") & (chance.uniform(seed, "member", "person") < F.lit(MEMBERS))
    member = F.when(is_member, F.concat(F.lit("u"), chance.hexadecimal(F.col("person"))))
    remembered = chance.uniform(seed, "remembered", "session") < F.lit(REMEMBERED)
    return each.withColumns(
        {
            "device": F.when(is_shared, shared).otherwise(own),
            "user_id": F.when(F.col("on_path"), F.col("user_id")).otherwise(member),
            "is_remembered": ~F.col("on_path") | remembered,
        }
    )


def _households(marketplace: Marketplace) -> list[int]:
    """Return how many devices of two users there are in each country, about."""
    uploads = expected(marketplace.upload_contributions).groupby("country").sum()
    people: pd.Series = uploads.reindex(list(marketplace.settings.countries), fill_value=0.0)
    return [max(1, int(number * SHARED_DEVICE / 2)) for number in people]


def _robots(settings: SimulationSettings) -> float:
    """Return the chance that a session outside the paths is a robot's; of all sessions it is the settings' share."""
    wanted = settings.sessions_per_conversion
    outside = wanted - MEAN_LENGTH
    return min(1.0, settings.bot_share * wanted / outside) if outside > 0 else 0.0
