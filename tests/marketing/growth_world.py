"""A small world for the weekly report: rows of il.ad_spend, il.campaigns and st_il.st_event_attribution."""

from datetime import date, datetime
from decimal import Decimal

from pma.marketing.settings import MarketingSettings
from pma.marketing.tables import AD_SPEND, CAMPAIGNS, EVENT_ATTRIBUTION

SETTINGS = MarketingSettings()
UPLOAD, ORDER = "sales_ad_created", "order_completed"
_SPEND = {
    "account_id": "a1",
    "management_region": "as il.ad_spend has it",
    "country_rule": "export",
    "channel_rule": "name",
    "campaign_name": "of the day",
    "campaign_status": "unknown",
    "campaign_goal": "unknown",
    "bidding_type": "unknown",
    "currency": "EUR",
    "account_timezone": "Europe/Berlin",
    "run_id": "test",
}
_CREDIT = {"is_first": False, "touch": 1, "touches": 1, "value": 0}


def frame(spark, spec, rows):
    """Rows as dictionaries, the columns that they leave out null."""
    names = [column.name for column in spec.columns]
    decimals = {column.name for column in spec.columns if column.type.startswith("decimal")}

    def cell(row, name):
        value = row.get(name)
        return Decimal(str(value)) if name in decimals and value is not None else value

    return spark.createDataFrame([tuple(cell(row, name) for name in names) for row in rows], spec.schema)


def spent(day, campaign, country, channel, spend, impressions=None, clicks=None, **more):
    platform, campaign_id = campaign.split("/")
    given = {"date": day, "ad_platform": platform, "campaign_id": campaign_id, "country": country, "channel": channel}
    given |= {"spend": spend, "spend_local": spend or 0, "impressions": impressions, "clicks": clicks}
    return {**_SPEND, **given, **more}


def named(campaign, name, channel, first_day, last_day, **more):
    platform, campaign_id = campaign.split("/")
    given = {"ad_platform": platform, "campaign_id": campaign_id, "campaign_name": name, "channel": channel}
    facts = {"campaign_goal": "demand", "bidding_type": "target_roas", "campaign_status": "enabled"}
    return {**given, **facts, "first_day": first_day, "last_day": last_day, **more}


def credited(conversion, kind, at, country, session, channel, shares, **more):
    """One row per model: `shares` gives each model its weight, or its weight and value."""
    given = {"conversion_id": conversion, "conversion_type": kind, "converted_at": at, "country": country}
    given |= {"session_id": session, "channel": channel}
    for model, share in shares.items():
        weight, value = share if isinstance(share, tuple) else (share, 0)
        yield {**_CREDIT, **given, "model": model, "weight": weight, "value": value, **more}


def spend_rows():
    day = {n: date(2026, 11, n) for n in (3, 4, 8)}
    return [
        # The week of 2 November, from two accounts with other time zones.
        spent(day[3], "google/c1", "DE", "google_search_generic", "100.000001", 1000, 50),
        spent(
            day[8], "google/c1", "DE", "google_search_generic", "50", None, 10, account_id="a2", account_timezone="UTC"
        ),
        spent(date(2026, 10, 27), "google/c1", "DE", "google_search_generic", "40", 400, 20),
        spent(date(2025, 11, 5), "google/c1", "DE", "google_search_generic", "80", 700, 30),
        # Spend that nobody converted on; the week before the platform gave money back.
        spent(day[4], "meta/c2", "FR", "meta_prospecting", "30", 300, 3),
        spent(date(2026, 10, 27), "meta/c2", "FR", "meta_prospecting", "-5", 0, 0),
        # No exchange rate; no country; and a campaign that il.campaigns does not have.
        spent(
            day[8], "meta/c3", "(unknown)", "meta_retargeting", None, 10, 1, campaign_name="c3's", account_timezone=None
        ),
    ]


def campaign_rows():
    generic, forever = "google_search_generic", (date(2026, 1, 1), date(2026, 11, 8))
    return [
        named("google/c1", "DE new", generic, date(2026, 10, 25), date(2026, 11, 8)),
        named("google/c1", "DE Old", generic, date(2025, 1, 1), date(2026, 10, 24), bidding_type="manual"),
        named("meta/c2", "FR prosp", "meta_prospecting", *forever, campaign_status="paused"),
        named("meta/t1", "Twin", "meta_prospecting", *forever),
        named("meta/t2", "Twin", "meta_retargeting", *forever),
    ]


def credit_rows():
    at = datetime
    touch = {"touched_at": at(2026, 11, 2, 9)}
    nobody = {"touch": 0, "touches": 0, "session_id": "(unattributed)", "touched_at": None}
    rows = [
        # An upload in two sessions: one of campaign c1, by id, and one of nobody's.
        credited(
            "k1",
            UPLOAD,
            at(2026, 11, 3, 10),
            "DE",
            "s1",
            "other",
            {"first_click": 1, "last_click": 0, "u_shape": "0.5"},
            campaign_id="c1",
            **touch,
        ),
        credited(
            "k1",
            UPLOAD,
            at(2026, 11, 3, 10),
            "DE",
            "s2",
            "direct",
            {"first_click": 0, "last_click": 1, "u_shape": "0.5"},
            **touch,
        ),
        # A first order in Austria by c1's old name, in small letters; Sunday, half past eleven in Berlin.
        credited(
            "k2",
            ORDER,
            at(2026, 11, 8, 22, 30),
            "AT",
            "s3",
            "other",
            {"first_click": (1, 100), "u_shape": (1, 100)},
            is_first=True,
            campaign="de old",
            touched_at=at(2026, 10, 20),
        ),
        # Sunday in UTC, Monday in Berlin.
        credited(
            "k3",
            ORDER,
            at(2026, 11, 1, 23, 30),
            "DE",
            "(unattributed)",
            "(unattributed)",
            {"first_click": (1, "60.5"), "u_shape": (1, "60.5")},
            **nobody,
        ),
        credited("k4", UPLOAD, at(2026, 10, 28), "FR", "s4", "seo", {"u_shape": 1}, **touch),
        # A country of no region, a name of two campaigns, and a model that the report does not have.
        credited(
            "k5",
            ORDER,
            at(2026, 11, 4),
            "NO",
            "s5",
            "meta_prospecting",
            {"u_shape": (1, 7), "position": (1, 7)},
            campaign="Twin",
            **touch,
        ),
        credited(
            "k6",
            ORDER,
            at(2025, 11, 4),
            "DE",
            "s6",
            "other",
            {"u_shape": (1, 10)},
            campaign_id="c1",
            touched_at=at(2025, 11, 4),
        ),
    ]
    return [row for conversion in rows for row in conversion]


def sources(spark):
    """il.ad_spend, st_il.st_event_attribution and il.campaigns."""
    given = ((AD_SPEND, spend_rows()), (EVENT_ATTRIBUTION, credit_rows()), (CAMPAIGNS, campaign_rows()))
    return tuple(frame(spark, spec, rows) for spec, rows in given)
