"""The same measurement as DuckDB SQL: sessions, channels and credit from the same Parquet files, on one machine."""

from pathlib import Path

import duckdb
import pandas as pd

PAUSE_MINUTES = 30
PAYMENT_HOURS = 24
WINDOW_DAYS = 30
BOT_EVENTS_PER_DAY = 2000
ORDER_VALUE = 100
OWN_HOST = "velomarket.example"
MODELS = ("first_click", "last_click", "u_shape", "linear")
CAMPAIGN_TOKENS = {
    "yt_flobikes": "youtube_flobikes",
    "google_ads_dg_brand": "google_demand_gen_brand",
    "google_ads_dg_supply": "google_demand_gen_supply",
    "google_ads_dg_demand": "google_demand_gen_demand",
    "gads_pmax": "google_pmax",
    "gads_search_brand": "google_search_brand",
    "gads_search_generic": "google_search_generic",
    "fb_prosp": "meta_prospecting",
    "fb_retarg": "meta_retargeting",
    "tt_reach": "tiktok",
    "aff_network": "affiliate",
}
ALIASES = {
    "fb": "facebook",
    "ig": "instagram",
    "yt": "youtube",
    "yt-ads": "youtube",
    "tt": "tiktok",
    "nl": "newsletter",
}
PROVIDERS = "paypal|klarna|adyen|stripe"
ROBOTS = "googlebot|bingbot|yandex|baiduspider|ahrefs|semrush|headlesschrome|^curl|^python|bot\\b|crawler|spider"


def duckdb_attribution(path: Path, threads: int = 2, target: Path | None = None) -> pd.DataFrame:
    """Return weight, value and rows of credit per model, conversion_type and channel, in this order.

    `path` holds `events/*.parquet`, with the columns of `st_il.st_events` and each event once, and where there is one
    `conversions/*.parquet`, with those of `il.conversions`. Without it, every event of a conversion's name with a user
    is one, an order worth ORDER_VALUE. With `target`, sessions and credit are written there, as a job would.
    """
    with duckdb.connect() as db:
        db.execute(f"SET threads = {threads}")
        db.execute("SET TimeZone = 'UTC'")
        db.execute("SET preserve_insertion_order = false")
        db.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{path}/events/*.parquet')")
        db.execute(f"CREATE VIEW conversions AS {_conversions(path)}")
        db.execute(f"CREATE TABLE sessions AS {SESSIONS}")
        db.execute(f"CREATE TABLE credit AS {CREDIT}")
        if target is not None:
            for name in ("sessions", "credit"):
                db.execute(f"COPY {name} TO '{target}/{name}.parquet' (FORMAT parquet)")
        found = db.execute(
            """SELECT model, conversion_type, channel, count(*) AS credits, sum(weight) AS weight, sum(value) AS value
            FROM credit GROUP BY ALL ORDER BY ALL"""
        )
        # Not through numpy: sums of decimals stay exact.
        return pd.DataFrame(found.fetchall(), columns=[column[0] for column in found.description])


def _conversions(path: Path) -> str:
    if (path / "conversions").exists():
        return f"SELECT * FROM read_parquet('{path}/conversions/*.parquet')"
    return f"""SELECT event_id AS conversion_id, event_name AS conversion_type, user_id, occurred_at AS converted_at,
        (CASE WHEN event_name = 'order_completed' THEN {ORDER_VALUE} ELSE 0 END)::DECIMAL(18, 6) AS value
        FROM events WHERE event_name IN ('sales_ad_created', 'order_completed') AND user_id IS NOT NULL"""


def _tag(name: str) -> str:
    """SQL for a parameter of the address, decoded once and trimmed; null: it is not there, or empty."""
    found = f"regexp_extract(page_url, '[?&](?:amp;)?{name}=([^&#]*)', 1)"
    return f"nullif(trim(url_decode(replace({found}, '+', ' '))), '')"


def _named(source: str) -> str:
    cases = " ".join(f"WHEN '{other}' THEN '{name}'" for other, name in ALIASES.items())
    return f"CASE {source} {cases} ELSE {source} END"


def _split(table: str, run: str, names: list[str], finer: str) -> str:
    """SQL that numbers in `finer` the runs within `run`: one more wherever a name says something new after a touch."""
    earlier = f"PARTITION BY anonymous_id, {run} ORDER BY {ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    is_new = " OR ".join(
        f"({n} IS NOT NULL AND {n} IS DISTINCT FROM last_value({n} IGNORE NULLS) OVER earlier)" for n in names
    )
    upto = f"PARTITION BY anonymous_id ORDER BY {ORDER} ROWS UNBOUNDED PRECEDING"
    return f"""SELECT *, sum(splits) OVER ({upto}) AS {finer}
        FROM (
            SELECT * EXCLUDE (splits), CASE WHEN coalesce(bool_or(is_touch) OVER earlier, false) AND ({is_new})
                OR row_number() OVER (PARTITION BY anonymous_id, {run} ORDER BY {ORDER}) = 1 THEN 1 ELSE 0 END AS splits
            FROM {table}
            WINDOW earlier AS ({earlier})
        )"""


ORDER = "occurred_at, received_at NULLS FIRST, event_id"
CHANNEL = f"""CASE
    {" ".join(f"WHEN contains(lower(campaign), '{token}') THEN '{name}'" for token, name in CAMPAIGN_TOKENS.items())}
    WHEN medium IN ('email', 'e-mail') OR source IN ('newsletter', 'email') THEN 'newsletter'
    WHEN medium IN ('affiliate', 'affiliates', 'partner') THEN 'affiliate'
    WHEN source = 'youtube' AND regexp_full_match(medium, '.*cp.*|ppc|paid.*') THEN 'youtube'
    WHEN source = 'google' AND regexp_full_match(medium, '.*cp.*|ppc|paid.*') THEN 'google_search_generic'
    WHEN source IN ('facebook', 'instagram') AND medium = 'retargeting' THEN 'meta_retargeting'
    WHEN source IN ('facebook', 'instagram') AND regexp_full_match(medium, '.*cp.*|ppc|paid.*') THEN 'meta_other'
    WHEN source = 'tiktok' AND regexp_full_match(medium, '.*cp.*|ppc|paid.*') THEN 'tiktok'
    WHEN source = '(direct)' THEN 'direct'
    WHEN regexp_full_match(medium, '.*cp.*|ppc|paid.*') OR medium IN ('display', 'banner') THEN 'other'
    WHEN medium = 'organic' THEN 'seo'
    WHEN medium IN ('social', 'social-network', 'social-media')
        OR source IN ('facebook', 'instagram', 'tiktok', 'youtube', 'twitter', 'pinterest') THEN 'social_posts'
    WHEN medium IN ('referral', 'app', 'link') THEN 'referral'
    ELSE 'other' END"""
HOST = "regexp_extract(lower(referrer), '^[a-z]+://(?:www\\.)?([^/?#:]+)', 1)"
SEARCH = "regexp_extract(host, '(?:^|\\.)(google|bing|yahoo|duckduckgo|ecosia|yandex|baidu)\\.', 1)"
TAGGED = f"""SELECT anonymous_id, event_id, occurred_at, received_at, user_id, country, event_name, user_agent,
        lower({_tag("utm_source")}) AS utm_source, lower({_tag("utm_medium")}) AS utm_medium,
        {_tag("utm_campaign")} AS campaign, {_tag("utm_id")} AS campaign_id,
        {_tag("gclid")} AS gclid, {_tag("fbclid")} AS fbclid, {_tag("ttclid")} AS ttclid, {HOST} AS host
    FROM events"""
SOURCED = f"""SELECT *, {_named("coalesce(utm_source, clicked)")} AS tagged_source,
        coalesce(utm_source, clicked, utm_medium, campaign) IS NOT NULL AS is_tagged,
        host <> '' AND host NOT LIKE '%{OWN_HOST}' AND NOT regexp_matches(host, '{PROVIDERS}') AS is_sent,
        {SEARCH} AS engine, coalesce(gclid, fbclid, ttclid) AS click_id
    FROM (
        SELECT *, CASE WHEN utm_source IS NULL THEN
            CASE WHEN gclid IS NOT NULL THEN 'google' WHEN ttclid IS NOT NULL THEN 'tiktok'
                WHEN fbclid IS NOT NULL THEN 'facebook' END END AS clicked
        FROM ({TAGGED})
    )"""
TRAFFIC = f"""SELECT anonymous_id, event_id, occurred_at, received_at, user_id, country, event_name, user_agent,
        CASE WHEN is_tagged THEN tagged_source WHEN is_sent THEN coalesce(nullif(engine, ''), host) END AS source,
        CASE WHEN is_tagged THEN coalesce(utm_medium, CASE
            WHEN gclid IS NOT NULL AND tagged_source = 'google' THEN 'cpc'
            WHEN ttclid IS NOT NULL AND tagged_source = 'tiktok' THEN 'paid_social' END) END AS medium,
        CASE WHEN is_tagged OR NOT is_sent THEN NULL WHEN engine <> '' THEN 'organic' ELSE 'referral' END AS referred,
        campaign, campaign_id, coalesce(lower(campaign), campaign_id) AS campaign_key, click_id,
        is_tagged OR coalesce(is_sent, false) AS is_touch,
        NOT is_tagged AND coalesce(regexp_matches(host, '{PROVIDERS}'), false) AS is_return
    FROM ({SOURCED})"""
PAUSED = f"""SELECT *, CASE WHEN before IS NULL OR occurred_at - before > CASE WHEN is_return
            THEN INTERVAL {PAYMENT_HOURS} HOUR ELSE INTERVAL {PAUSE_MINUTES} MINUTE END THEN 1 ELSE 0 END AS splits,
        coalesce(known, first_value(user_id IGNORE NULLS) OVER device) AS owner
    FROM (
        SELECT *, lag(occurred_at) OVER upto AS before, last_value(user_id IGNORE NULLS) OVER upto AS known
        FROM ({TRAFFIC})
        WINDOW upto AS (PARTITION BY anonymous_id ORDER BY {ORDER} ROWS UNBOUNDED PRECEDING)
    )
    WINDOW device AS (
        PARTITION BY anonymous_id ORDER BY {ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )"""
SESSIONS = f"""WITH paused AS (
        SELECT *, sum(splits) OVER (PARTITION BY anonymous_id ORDER BY {ORDER} ROWS UNBOUNDED PRECEDING) AS stretch
        FROM ({PAUSED})
    ), by_source AS ({_split("paused", "stretch", ["source"], "source_run")}),
    by_medium AS ({_split("by_source", "source_run", ["medium"], "medium_run")}),
    by_campaign AS ({_split("by_medium", "medium_run", ["campaign_key", "click_id"], "session")}),
    grouped AS (
        SELECT anonymous_id, session, min(occurred_at) AS started_at, max(occurred_at) AS ended_at, count(*) AS events,
            count(*) FILTER (event_name = 'page_view') AS page_views,
            arg_min(user_id, {{'a': occurred_at, 'b': coalesce(received_at, TIMESTAMPTZ '1970-01-01'), 'c': event_id}})
                FILTER (user_id IS NOT NULL) AS named,
            arg_min({{'event_id': event_id, 'user_id': owner, 'country': country, 'user_agent': user_agent}},
                {{'a': occurred_at, 'b': coalesce(received_at, TIMESTAMPTZ '1970-01-01'), 'c': event_id}}) AS first,
            arg_min({{'source': source, 'medium': coalesce(medium, referred), 'campaign': campaign,
                'campaign_id': campaign_id}},
                {{'a': occurred_at, 'b': coalesce(received_at, TIMESTAMPTZ '1970-01-01'), 'c': event_id}})
                FILTER (is_touch) AS touch
        FROM by_campaign GROUP BY ALL
    ), heavy AS (
        SELECT DISTINCT anonymous_id FROM events GROUP BY anonymous_id, occurred_at::DATE
        HAVING count(*) > {BOT_EVENTS_PER_DAY}
    ), described AS (
        SELECT md5(anonymous_id || chr(10) || first.event_id) AS session_id, anonymous_id,
            coalesce(named, first.user_id) AS user_id,
            started_at, ended_at, events, page_views, first.country AS country,
            CASE WHEN touch IS NULL THEN '(direct)' ELSE coalesce(touch.source, '(not set)') END AS source,
            CASE WHEN touch IS NULL THEN '(none)' ELSE coalesce(touch.medium, '(not set)') END AS medium,
            touch.campaign AS campaign, touch.campaign_id AS campaign_id,
            coalesce(regexp_matches(lower(first.user_agent), '{ROBOTS}'), false)
                OR anonymous_id IN (SELECT anonymous_id FROM heavy) AS is_bot
        FROM grouped
    )
    SELECT *, {CHANNEL} AS channel FROM described"""
SHARES = {
    "first_click": ("CASE WHEN k > 1 THEN 1 ELSE 0 END", "1"),
    "last_click": ("0", "CASE WHEN k = n THEN 1 ELSE 0 END"),
    "u_shape": (
        "CASE WHEN k = 1 THEN 0 WHEN n = 2 THEN 0.5 ELSE 0.4 + 0.2 * (k - 2)::DOUBLE / (n - 2) END",
        "CASE WHEN k = n THEN 1 WHEN n = 2 THEN 0.5 ELSE 0.4 + 0.2 * (k - 1)::DOUBLE / (n - 2) END",
    ),
    "linear": ("(k - 1)::DOUBLE / n", "CASE WHEN k = n THEN 1 ELSE k::DOUBLE / n END"),
}
_STRUCTS = ", ".join(
    f"{{'model': '{model}', 'before': (CASE WHEN n = 0 THEN 0 ELSE {before} END)::DECIMAL(18, 12), "
    f"'upto': (CASE WHEN n = 0 THEN 1 ELSE {upto} END)::DECIMAL(18, 12)}}"
    for model, (before, upto) in SHARES.items()
)
CREDIT = f"""WITH found AS (
        SELECT c.conversion_id, c.conversion_type, c.converted_at, c.value AS whole, s.session_id, s.started_at,
            s.source, s.medium, s.campaign, s.campaign_id, coalesce(s.channel, '(unattributed)') AS channel
        FROM conversions c
        LEFT JOIN (SELECT * FROM sessions WHERE user_id IS NOT NULL AND NOT is_bot) s
            ON c.user_id = s.user_id AND s.started_at <= c.converted_at
            AND s.started_at >= c.converted_at - to_days({WINDOW_DAYS})
    ), touched AS (
        SELECT * EXCLUDE (session_id), coalesce(session_id, '(unattributed)') AS session_id,
            count(session_id) OVER (PARTITION BY conversion_id) AS n,
            CASE WHEN session_id IS NULL THEN 0 ELSE row_number() OVER (
                PARTITION BY conversion_id ORDER BY started_at, session_id) END AS k
        FROM found
    ), each AS (SELECT *, unnest([{_STRUCTS}]) AS share FROM touched)
    SELECT conversion_id, session_id, share.model AS model, conversion_type, converted_at, started_at AS touched_at,
        k AS touch, n AS touches, channel, source, medium, campaign, campaign_id,
        (share.upto - share.before)::DECIMAL(18, 12) AS weight,
        (round(whole * share.upto, 6) - round(whole * share.before, 6))::DECIMAL(18, 6) AS value
    FROM each"""
