"""A small world by hand: two countries of one region and one of none, five weeks, every kind of gap."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from pma.marketing.tables import AD_SPEND, CONTEXT, CONVERSIONS
from pma.mmm.input.panel import Feeds
from pma.mmm.input.variables import read_variables

RULES = read_variables(Path(__file__).parents[3] / "conf" / "rules")
W1, W2, W3, W4, W5 = (date(2025, 1, 6), date(2025, 1, 13), date(2025, 1, 20), date(2025, 1, 27), date(2025, 2, 3))
WEEKS = (W1, W2, W3, W4, W5)
REGIONS = {"DACH": ("DE", "AT")}
BRAND, GENERIC, DEMAND_GEN = "google_search_brand", "google_search_generic", "google_demand_gen_brand"

# date, platform, channel, country, spend (None: no exchange rate), impressions
SPEND = [
    (W1, "google", BRAND, "DE", "0.100000", 10),
    (date(2025, 1, 7), "google", BRAND, "DE", "0.200000", 5),
    (W2, "google", BRAND, "DE", "2", 20),
    (W4, "google", BRAND, "DE", "4", 40),
    (W1, "google", GENERIC, "DE", "7", 70),
    (W3, "google", GENERIC, "DE", "-3", 0),
    (W3, "google", DEMAND_GEN, "DE", "5", 50),
    (date(2025, 2, 9), "google", GENERIC, "DE", "9", 90),
    (W1, "google", BRAND, "AT", "0.3", 3),
    (W2, "google", BRAND, "AT", "1", None),
    (W4, "google", BRAND, "AT", "1", 1),
    (W5, "google", BRAND, "AT", "1", 1),
    (W1, "sheet", "tv", "DE", "100", None),
    (W3, "sheet", "tv", "DE", "50", None),
    *[(week, "sheet", "affiliate", "DE", "1", None) for week in WEEKS],
    (W1, "meta", "meta_prospecting", "DE", None, 8),
    (W2, "meta", "meta_prospecting", "DE", "6", 8),
    (date(2025, 1, 29), "meta", "meta_prospecting", "DE", "6", 8),
    (W2, "bing", "bing_search", "FR", "2", 2),
    (W1, "google", BRAND, "(unknown)", "99", 99),
]
# type, at (UTC), origin, destination, value
CONVERTED = [
    ("sales_ad_created", datetime(2025, 1, 6, 8), "DE", None, "0"),
    ("sales_ad_created", datetime(2025, 1, 7, 8), "DE", None, "0"),
    # Sunday night in UTC, Monday in Berlin.
    ("sales_ad_created", datetime(2025, 1, 12, 23, 30), "AT", None, "0"),
    ("sales_ad_created", datetime(2025, 1, 6, 8), "AT", None, "0"),
    ("sales_ad_created", datetime(2025, 1, 14, 8), "FR", None, "0"),
    ("sales_ad_created", datetime(2025, 1, 28, 8), "DE", None, "0"),
    ("sales_ad_created", datetime(2025, 2, 4, 8), "DE", None, "0"),
    ("sales_ad_created", datetime(2025, 2, 4, 8), "AT", None, "0"),
    ("order_completed", datetime(2025, 1, 6, 8), "DE", "FR", "800.5"),
    ("order_completed", datetime(2025, 2, 5, 8), "DE", "DE", "0.1"),
    ("order_completed", datetime(2025, 2, 5, 8), "AT", "AT", "0.2"),
    ("order_completed", datetime(2025, 2, 5, 8), "AT", None, "77"),
]
CONTEXT_ROWS = [
    (W1, "DE", "price_index", 100.0),
    (date(2025, 1, 8), "DE", "price_index", 102.0),
    (W1, "AT", "price_index", 110.0),
    (W2, "DE", "price_index", 103.0),
    (W1, "DE", "newsletter_sends", 10.0),
    (date(2025, 1, 9), "DE", "newsletter_sends", 20.0),
    (W3, "DE", "newsletter_sends", 5.0),
    (W1, "AT", "newsletter_sends", 1.0),
    (W3, "AT", "newsletter_sends", 2.0),
    (W1, "FR", "strikes", 3.0),
]


def spend_row(day, platform, channel, country, spend, impressions):
    money = None if spend is None else Decimal(spend)
    return {
        "date": day,
        "ad_platform": platform,
        "account_id": "a",
        "campaign_id": channel,
        "country": country,
        "management_region": country,
        "country_rule": "export",
        "channel": channel,
        "channel_rule": "r",
        "currency": "EUR" if spend else "XAU",
        "spend_local": money or Decimal(1),
        "spend": money,
        "impressions": impressions,
        "run_id": "t",
    }


def frame(spark, spec, rows):
    names = [column.name for column in spec.columns]
    return spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], spec.schema)


def feeds_of(spark):
    """The three sources as frames."""
    conversions = [
        {
            "conversion_id": f"{place}",
            "conversion_type": kind,
            "user_id": "u",
            "converted_at": at,
            "listing_id": "l",
            "origin_country": origin,
            "destination_country": destination,
            "country": destination or origin,
            "value": Decimal(value),
            "refunded_value": Decimal(0),
            "is_first": False,
            "data_origin": "t",
        }
        for place, (kind, at, origin, destination, value) in enumerate(CONVERTED)
    ]
    context = [dict(zip(("date", "country", "variable", "value"), row, strict=True)) for row in CONTEXT_ROWS]
    return Feeds(
        frame(spark, AD_SPEND, [spend_row(*row) for row in SPEND]),
        frame(spark, CONVERSIONS, conversions),
        frame(spark, CONTEXT, context),
        "Europe/Berlin",
    )
