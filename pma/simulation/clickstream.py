"""Events of the website of the simulated marketplace: pages, log-ins and conversions, and all that goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pma.marketing.tables import EVENTS
from pma.simulation import chance
from pma.simulation.landing_pages import PAGES, SITE, landing_url, spoiled
from pma.simulation.paths import conversions, sessions
from pma.simulation.touches import ORDER, TOUCHES, UPLOAD, touches
from pma.simulation.trade import end_of_data
from pma.tables import conform

if TYPE_CHECKING:
    from pma.simulation.marketplace import Marketplace

# Chances of 1, 2, ... pages in a session.
PAGE_COUNTS = (0.45, 0.22, 0.14, 0.09, 0.06, 0.04)
CRAWLED, CRAWL_GAP = 2_100, 11 * chance.SECOND
# Between pages lie 8 seconds to 4 minutes; in a few sessions the first pause is half an hour, to the second.
GAP, LONGEST_GAP = 8 * chance.SECOND, 30
AT_BOUNDARY = 0.01
BOUNDARY = tuple(30 * chance.MINUTE + off * chance.SECOND for off in (-1, 0, 1))
LOGS_IN = 0.85
PAYS_ELSEWHERE = 0.7
PROVIDERS = ("https://checkout.adyen.com/", "https://www.paypal.com/")
# Of all events: sent twice, and received hours or days later.
SENT_TWICE, LATE = 0.003, 0.005
# Of events that are no conversions: lose one of their ids, or come from a device with a wrong clock.
NO_EVENT_ID, NO_DEVICE, IN_1970, IN_2031 = 0.0001, 0.0001, 0.00005, 0.00005
NEW_YEAR_2031 = 1_924_992_000 * chance.SECOND
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/139.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
    "Instagram 390.0.0.28.85",
)
ROBOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "python-requests/2.32.4",
)


def events(listings: DataFrame, orders: DataFrame, marketplace: Marketplace) -> DataFrame:
    """Draw what the website saw of every session.

    `listings` and `orders`: as in `il.listings` and `il.orders`. Every conversion has one event at its very time, with
    the id of the listing or order in its address (`/<country>/listing/<id>/created`, `/<country>/order/<id>/done`).
    One row per event and sending, the columns of `st_il.st_events`.
    """
    return page_events(sessions(conversions(listings, orders), marketplace), marketplace)


def page_events(sessions: DataFrame, marketplace: Marketplace) -> DataFrame:
    """Turn sessions (see `pma.simulation.paths.sessions`) into their events, faults included.

    One row per event and sending, the columns of `st_il.st_events`.
    """
    seed = marketplace.settings.seed
    each = _timed(_landed(sessions, marketplace), seed)
    each = each.withColumn("place", F.explode(F.sequence(F.lit(0), F.col("events") - 1)))
    at = F.when(F.col("converts") & (F.col("place") == F.col("events") - 1), F.col("moment")).otherwise(_at(seed))
    each = each.select("*", at.cast("bigint").alias("at"), F.xxhash64("session", "place").alias("event"))
    each = each.where(F.col("at") < F.lit(end_of_data(marketplace)))
    copies = F.when(chance.uniform(seed, "sent twice", "event") < F.lit(SENT_TWICE), F.lit(2)).otherwise(F.lit(1))
    each = each.withColumn("sending", F.explode(F.sequence(F.lit(1), copies)))
    return conform(_sent(each, seed), EVENTS)


def _landed(sessions: DataFrame, marketplace: Marketplace) -> DataFrame:
    """Add the first page's address and referrer, by the touch; a share of the tags is spoiled."""
    settings = marketplace.settings
    seed = settings.seed
    links = sessions.sparkSession.createDataFrame(
        touches(marketplace)[[part.split()[0] for part in TOUCHES.split(", ")]], TOUCHES
    )
    each = sessions.join(F.broadcast(links.drop("channel", "campaign_id")), "touch", how="inner")
    is_spoiled = spoiled(settings.utm_noise, F.col("query").isNotNull(), chance.uniform(seed, "spoiled", "session")) & (
        F.size("spoiled") > 0
    )
    which = F.floor(chance.uniform(seed, "fault", "session") * F.size("spoiled")).cast("int")
    query = F.when(is_spoiled, F.col("spoiled")[which]).otherwise(F.col("query"))
    page = chance.one_of(chance.uniform(seed, "landing page", "session"), PAGES)
    click = F.concat(F.lit("Cj0KCQ"), chance.hexadecimal(chance.key(seed, "click", "session")))
    return each.select(
        *[name for name in sessions.columns if name != "touch"],
        "referrer",
        landing_url(F.col("country"), page, query, click).alias("landing"),
        F.concat(F.lit(f"{SITE}/"), F.lower("country"), F.lit("/")).alias("home"),
    )


def _timed(each: DataFrame, seed: int) -> DataFrame:
    """Add what a session consists of, when its first page was seen, and how its pages follow each other."""
    crawled = F.lit(CRAWLED) + F.floor(chance.uniform(seed, "crawled", "session") * F.lit(500.0)).cast("int")
    read = chance.index(chance.uniform(seed, "pages", "session"), PAGE_COUNTS) + 1
    has_login = F.col("converts") & ~F.col("is_remembered")
    has_login = has_login & (chance.uniform(seed, "logs in", "session") < F.lit(LOGS_IN))
    has_payment = F.col("converts") & (F.col("who") == ORDER)
    has_payment = has_payment & (chance.uniform(seed, "pays", "session") < F.lit(PAYS_ELSEWHERE))
    spread = F.pow(F.lit(float(LONGEST_GAP)), chance.uniform(seed, "gap", "session"))
    gap = F.when(F.col("is_crawler"), F.lit(CRAWL_GAP)).otherwise((F.lit(GAP) * spread).cast("int"))
    each = each.select(
        "*",
        F.when(F.col("is_crawler"), crawled).otherwise(read).alias("pages"),
        has_login.alias("has_login"),
        has_payment.alias("has_payment"),
        gap.cast("bigint").alias("gap"),
    )
    half_hour = chance.one_of(chance.uniform(seed, "which boundary", "session"), BOUNDARY)
    pause = F.when(chance.uniform(seed, "at boundary", "session") < F.lit(AT_BOUNDARY), half_hour).otherwise(
        F.lit(chance.SECOND) + (F.col("gap") * chance.uniform(seed, "first gap", "session")).cast("bigint")
    )
    count = F.col("pages") + sum((F.col(f).cast("int") for f in ("has_login", "has_payment", "converts")), F.lit(0))
    each = each.select("*", pause.cast("bigint").alias("pause"), count.cast("int").alias("events"))
    before = F.when(F.col("converts"), F.col("pause") + (F.col("events") - 2) * F.col("gap")).otherwise(F.lit(0))
    return each.withColumn("first", F.col("moment") - before)


def _at(seed: int) -> Column:
    """Return the time of a page: after the first pause one gap follows the other, each a little longer or shorter."""
    later = F.when(F.col("place") > 1, chance.uniform(seed, "wait", "session", "place") * F.lit(0.8) * F.col("gap"))
    waited = (F.col("place") - 1) * F.col("gap") + F.coalesce(later, F.lit(0.0)).cast("bigint")
    return F.col("first") + F.when(F.col("place") > 0, F.col("pause") + waited).otherwise(F.lit(0))


def _sent(each: DataFrame, seed: int) -> DataFrame:
    """Select the columns of the feed, as they were sent."""
    is_conversion = F.col("converts") & (F.col("place") == F.col("events") - 1)
    is_login = F.col("has_login") & (F.col("place") == F.col("pages"))
    is_payment = F.col("has_payment") & (F.col("place") == F.col("events") - 2)
    is_upload = F.col("who") == UPLOAD
    knows_user = F.col("is_remembered") | is_conversion | (F.col("has_login") & (F.col("place") >= F.col("pages")))
    page = chance.one_of(chance.uniform(seed, "page", "event"), PAGES)
    done = F.when(is_upload, F.concat(F.lit("listing/"), "object_id", F.lit("/created"))).otherwise(
        F.concat(F.lit("order/"), "object_id", F.lit("/done"))
    )
    path = (
        F.when(is_conversion, done)
        .when(is_login, F.lit("login"))
        .when(is_payment, F.lit("checkout/return"))
        .otherwise(page)
    )
    provider = chance.one_of(chance.uniform(seed, "provider", "session"), PROVIDERS)
    came_from = F.when(F.col("place") == 0, F.col("referrer")).when(is_payment, provider).otherwise(F.col("home"))
    name = F.when(is_upload, F.lit("sales_ad_created")).otherwise(F.lit("order_completed"))
    browser = chance.one_of(chance.uniform(seed, "browser", "device"), BROWSERS)
    robot = chance.one_of(chance.uniform(seed, "robot", "device"), ROBOTS)
    lot = F.when(is_conversion, F.lit(1.0)).otherwise(chance.uniform(seed, "broken", "event"))
    no_device = F.lit(NO_EVENT_ID + NO_DEVICE)
    return each.select(
        F.when(lot >= F.lit(NO_EVENT_ID), chance.hexadecimal(F.col("event"))).alias("event_id"),
        F.when((lot < F.lit(NO_EVENT_ID)) | (lot >= no_device), chance.hexadecimal(F.col("device"))).alias(
            "anonymous_id"
        ),
        F.when(knows_user, F.col("user_id")).alias("user_id"),
        F.timestamp_millis(_by_device_clock(lot)).alias("occurred_at"),
        F.timestamp_millis(F.col("at") + _underway(seed)).alias("received_at"),
        F.when(is_conversion, name).when(is_login, F.lit("login")).otherwise(F.lit("page_view")).alias("event_name"),
        "country",
        F.when(F.col("place") == 0, F.col("landing")).otherwise(F.concat("home", path)).alias("page_url"),
        came_from.alias("referrer"),
        F.when(F.col("is_bot") & ~F.col("is_crawler"), robot).otherwise(browser).alias("user_agent"),
    )


def _by_device_clock(lot: Column) -> Column:
    """Return the time that the device says: some think that it is 1970 or 2031."""
    within_day = F.col("at") - chance.day_of(F.col("at"))
    start = NO_EVENT_ID + NO_DEVICE
    return (
        F.when((lot >= F.lit(start)) & (lot < F.lit(start + IN_1970)), within_day)
        .when(
            (lot >= F.lit(start + IN_1970)) & (lot < F.lit(start + IN_1970 + IN_2031)),
            within_day + F.lit(NEW_YEAR_2031),
        )
        .otherwise(F.col("at"))
    )


def _underway(seed: int) -> Column:
    """Draw how long an event is underway, in ms: seconds, or 2 hours to 3 days; a second sending minutes more."""
    drawn = chance.uniform(seed, "underway", "event")
    late = F.lit(2.0 * 60 * chance.MINUTE) + drawn * F.lit(70.0 * 60 * chance.MINUTE)
    soon = F.lit(200.0) + drawn * F.lit(4.0 * chance.SECOND)
    is_late = chance.uniform(seed, "late", "event") < F.lit(LATE)
    again = (F.col("sending") - 1) * (F.lit(float(chance.MINUTE)) + drawn * F.lit(9.0 * chance.MINUTE))
    return (F.when(is_late, late).otherwise(soon) + again).cast("bigint")
