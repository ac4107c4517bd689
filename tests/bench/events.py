"""A clickstream to measure sessions and attribution with: made by Spark from row numbers, the same on every machine."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pma.marketing.tables import EVENTS

SITE = "https://www.velomarket.example"
EVENTS_PER_SESSION = 4
SESSIONS_PER_USER = 6
# The first day, and how many there are.
FIRST_SECOND = 1_767_225_600  # 2026-01-01
DAYS = 90
SKEWED_USER_EVENTS = 1_000_000
# So many devices that none has the events of a robot, and that its sessions lie more than a pause apart.
SKEWED_USER_DEVICES = 100
# His sessions are in the windows of all his conversions that follow: a third of a quarter of a million of them, times
# these few, are less than two million pairs.
SKEWED_USER_CONVERSIONS = 24
SKEWED_HOUR_SHARE = 100 / (DAYS * 24)
COUNTRIES = ("DE", "AT", "CH", "NL", "BE", "FR", "IT", "ES", "DK", "PL")
PAGES = (
    "bikes",
    "bikes/road",
    "bikes/gravel",
    "bikes/mtb",
    "bikes/e-bikes",
    "sell",
    "search?q=rennrad&size=56",
    "account",
)
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
)
# Tags of half of the landings; %c is the country, %n a campaign's number, %k a click id.
TAGGED = (
    "utm_source=google&utm_medium=cpc&utm_campaign=%c_gads_search_brand_demand_0%n&utm_id=11%n&gclid=%k",
    "utm_source=google&utm_medium=cpc&utm_campaign=%c_gads_search_generic_supply_0%n&utm_id=12%n&gclid=%k",
    "utm_source=google&utm_medium=cpc&utm_campaign=%c_gads_pmax_demand_0%n&utm_id=13%n&gclid=%k",
    "utm_source=google&utm_medium=cpc&utm_campaign=%c_google_ads_DG_supply_supply_0%n&utm_id=14%n&gclid=%k",
    "utm_source=youtube&utm_medium=cpv&utm_campaign=%c_YT_Flobikes_brand_0%n&utm_id=15%n&gclid=%k",
    "utm_source=facebook&utm_medium=paid_social&utm_campaign=%c_fb_prosp_supply_0%n&utm_id=16%n&fbclid=%k",
    "utm_source=ig&utm_medium=paid_social&utm_campaign=%c_fb_retarg_demand_0%n&utm_id=17%n&fbclid=%k",
    "utm_source=tiktok&utm_medium=paid_social&utm_id=18%n&ttclid=%k",
    "utm_source=bikedeals&utm_medium=affiliate&utm_campaign=%c_aff_network_demand_0%n",
    "utm_source=newsletter&utm_medium=email&utm_campaign=weekly+news%20%n",
)
# Referrers of landings without tags, and "" for none.
REFERRERS = ("https://www.google.com/", "https://www.bing.com/", "https://rad-forum.example/thread/481", "", "", "")


def write_events(spark: SparkSession, path: str, events: int, skew: bool = False) -> None:
    """Write about so many events as Parquet, with the columns of `st_il.st_events`, over 90 days.

    4 events a session, 6 sessions a user, of two devices; half of the sessions land with tags, of the others half come
    from a search engine or another site. 30 % of the sessions log in; 1 % of the events convert (uploads and orders),
    always logged in. With `skew` one user, u-1, has up to 1 million of the events, half of them at most, on many
    devices, and few conversions; and one hour has 100 times the sessions of any other.
    """
    sessions = max(events // EVENTS_PER_SESSION, 1)
    heavy = min(SKEWED_USER_EVENTS, events // 2) // EVENTS_PER_SESSION if skew else 0
    numbered = spark.range(sessions).select(F.col("id").alias("s"))
    is_heavy = F.col("s") < heavy
    user = F.when(is_heavy, F.lit(-1)).otherwise(F.floor(F.col("s") / SESSIONS_PER_USER))
    begun = FIRST_SECOND + _even("second", DAYS * 86_400 - 7_200)
    rush = FIRST_SECOND + (DAYS // 2) * 86_400 + 20 * 3_600 + _even("rush", 3_600)
    # The heavy user's sessions stand one after the other and go round his devices.
    in_turn = FIRST_SECOND + F.col("s") * F.lit((DAYS * 86_400 - 7_200) / max(heavy, 1))
    # Every so many sessions, the last of them too.
    often = max(heavy // SKEWED_USER_CONVERSIONS, 1)
    his_converts = F.pmod(F.lit(heavy - 1) - F.col("s"), F.lit(often)) == 0
    visits = numbered.select(
        "s",
        user.alias("u"),
        F.when(is_heavy, in_turn)
        .when(F.lit(skew) & (_share("is_rush") < SKEWED_HOUR_SHARE), rush)
        .otherwise(begun)
        .alias("begun"),
        F.when(is_heavy, F.pmod("s", F.lit(SKEWED_USER_DEVICES))).otherwise(_even("device", 2)).alias("device"),
        # Whoever converts is logged in: 1 % of the events are 4 % of the sessions.
        F.when(is_heavy, his_converts).otherwise(_share("converts") < 0.01 * EVENTS_PER_SESSION).alias("converts"),
    )
    _rows(visits).write.mode("overwrite").parquet(path)


def _rows(visits: DataFrame) -> DataFrame:
    """Return the events of visits `s` of user `u` on his `device` from second `begun`, in the columns of the table."""
    step = visits.select(
        "*",
        _pick(COUNTRIES, F.pmod("u", F.lit(len(COUNTRIES)))).alias("land"),
        _pick(TAGGED, _even("tag", len(TAGGED))).alias("tags"),
        _pick(REFERRERS, _even("from", len(REFERRERS))).alias("sent_by"),
        (_share("is_tagged") < 0.5).alias("is_tagged"),
        (_share("logs_in") < 0.3).alias("logs_in"),
        F.concat(F.lit("d"), "u", F.lit("-"), "device").alias("dev"),
        F.explode(F.array(*[F.lit(i) for i in range(EVENTS_PER_SESSION)])).alias("i"),
    )
    first = F.col("i") == 0
    tags = F.col("tags")
    for mark, value in (
        ("%c", F.col("land")),
        ("%n", _even("campaign", 5).cast("string")),
        ("%k", F.hex(F.xxhash64("s"))),
    ):
        tags = F.replace(tags, F.lit(mark), value)
    page = F.concat(F.lit(f"{SITE}/"), F.lower("land"), F.lit("/"), _pick(PAGES, _even("page", len(PAGES), "i")))
    joint = F.when(page.contains("?"), F.lit("&")).otherwise(F.lit("?"))
    at = F.col("begun") + F.col("i") * F.lit(40) + _even("wait", 300, "i") * (F.col("i") > 0).cast("int")
    order = F.when(_even("kind", 3) == 0, F.lit("order_completed")).otherwise(F.lit("sales_ad_created"))
    last = F.col("i") == EVENTS_PER_SESSION - 1
    known = F.col("converts") | F.col("logs_in")
    values = {
        "event_id": F.concat(F.hex("s"), F.lit("-"), "i"),
        "anonymous_id": F.col("dev"),
        "user_id": F.when(known & (F.col("i") >= 2), F.concat(F.lit("u"), "u")),
        "occurred_at": F.timestamp_micros((at * 1_000_000).cast("bigint")),
        "received_at": F.timestamp_micros(((at + 1) * 1_000_000).cast("bigint")),
        "event_name": F.when(F.col("converts") & last, order)
        .when(known & (F.col("i") == 2), F.lit("login"))
        .otherwise(F.lit("page_view")),
        "country": F.col("land"),
        "page_url": F.when(first & F.col("is_tagged"), F.concat(page, joint, tags)).otherwise(page),
        "referrer": F.when(~first, F.concat(F.lit(f"{SITE}/"), F.lower("land"), F.lit("/")))
        .when(F.col("is_tagged"), F.lit(None))
        .otherwise(F.nullif("sent_by", F.lit(""))),
        "user_agent": _pick(AGENTS, F.pmod(F.xxhash64("dev"), F.lit(len(AGENTS)))),
    }
    return step.select(*[values[name].alias(name) for name in EVENTS.schema.names])


def _even(name: str, below: int, *more: str) -> Column:
    """A whole number from 0 on, drawn by the visit's number and the name of the draw."""
    return F.pmod(F.xxhash64(F.lit(name), "s", *more), F.lit(below))


def _share(name: str) -> Column:
    return _even(name, 1_000_000) / 1_000_000


def _pick(texts: tuple[str, ...], place: Column) -> Column:
    return F.array(*[F.lit(text) for text in texts])[place.cast("int")]
