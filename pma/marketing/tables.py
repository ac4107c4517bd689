"""The tables of marketing measurement; those of the weekly report stand in `weekly_tables`."""

from pma.tables import Column, TableSpec

# Money is decimal: totals before and after a step are compared with equality. Six places hold a platform's micros.
MONEY = "decimal(18,6)"
WEIGHT = "decimal(18,12)"
# What stands where nobody knows a country, a channel, an account or a campaign.
UNKNOWN = "(unknown)"
# The platform of spend that people keep by hand.
SHEET = "sheet"
UNATTRIBUTED = "(unattributed)"
NO_CAMPAIGN = "(none)"
MODELS = (
    "first_click",
    "last_click",
    "u_shape",
    "linear",
    "last_non_direct",
    "time_decay",
    "position",
    "data_driven",
)
# The type of the conversions that each credit counts.
CONVERSIONS_OF = {"sales_ads": "sales_ad_created", "orders": "order_completed"}

RUN = Column("run_id", "string", "the run that wrote the row, see bl.runs", required=True)
ORIGIN = Column(
    "data_origin", "string", "where the rows come from; a simulated marketplace is called one", required=True
)
COUNTRY = Column("country", "string", "ISO 3166 code, or (unknown)")
REGION = Column("management_region", "string", "countries that are managed together", required=True)
CHANNEL = Column("channel", "string", "channel of the internal grouping, see conf/rules", required=True)

EXCHANGE_RATES = TableSpec(
    name="il.exchange_rates",
    grain="day x currency",
    key=("date", "currency"),
    columns=(
        Column("date", "date", "the day"),
        Column("currency", "string", "ISO 4217 code"),
        Column("rate", "decimal(18,10)", "units of the reporting currency for one of this currency", required=True),
    ),
    checks={"rate_is_positive": "rate > 0"},
)

VARIABLE_NAMES = TableSpec(
    name="il.variable_names",
    grain="raw name of a variable or media channel, in the source that uses it",
    key=("source", "raw_name"),
    columns=(
        Column("source", "string", "file, table or ad platform in which the name was seen"),
        Column("raw_name", "string", "the name as it came"),
        Column("variable", "string", "the clean name; null: no rule knows it"),
        Column("rule", "string", "the rule that named it, or none", required=True),
        Column("rules_version", "int", "version of conf/rules/variables.yml", required=True),
    ),
)

AD_SPEND = TableSpec(
    name="il.ad_spend",
    grain="day x platform x account x campaign x country",
    key=("date", "ad_platform", "account_id", "campaign_id", "country"),
    columns=(
        Column("date", "date", "day in the account's own time zone: daily exports cannot be cut anew"),
        Column("ad_platform", "string", "google, meta, microsoft, tiktok, ..., sheet"),
        Column("account_id", "string", "the platform's account"),
        Column("campaign_id", "string", "the platform's campaign: names change, ids do not"),
        COUNTRY,
        REGION,
        Column(
            "language_region", "string", "part of a country with a language of its own, such as BE-FR; null: all of it"
        ),
        Column(
            "country_rule",
            "string",
            "what told the country: export, targeting, campaign_name, account, sheet, none; after a plus what told the "
            "language region, where that is another",
            True,
        ),
        CHANNEL,
        Column("channel_rule", "string", "the rule of conf/rules that gave the channel", required=True),
        Column("campaign_name", "string", "its newest name"),
        Column("campaign_status", "string", "enabled, paused, ended, deleted or unknown"),
        Column("campaign_goal", "string", "supply, demand, brand or unknown"),
        Column("bidding_type", "string", "as the platform calls it, in small letters"),
        Column("currency", "string", "the account's currency", required=True),
        Column("spend_local", MONEY, "money in the account's currency; negative: a credit", required=True),
        Column("spend", MONEY, "money in the reporting currency at the day's rate; null: no rate for it"),
        Column("impressions", "bigint", "as the platform counts them; null: it does not say"),
        Column("clicks", "bigint", "clicks, swipes or taps; null: the platform does not say"),
        Column("platform_conversions", "double", "the platform's own claim; claims of platforms overlap"),
        Column("platform_value", MONEY, "the platform's own claim, in the account's currency"),
        Column("account_timezone", "string", "time zone of the account's days; null: not known"),
        Column("exported_at", "timestamp", "when the export was made that the row is from"),
        RUN,
    ),
    cluster_by=("date", "country"),
)

CAMPAIGNS = TableSpec(
    name="il.campaigns",
    grain="name that a campaign has had",
    key=("ad_platform", "campaign_id", "campaign_name"),
    columns=(
        Column("ad_platform", "string", "see il.ad_spend"),
        Column("campaign_id", "string", "see il.ad_spend"),
        Column("campaign_name", "string", "one of its names, as it came"),
        CHANNEL,
        Column("campaign_goal", "string", "supply, demand, brand or unknown"),
        Column("bidding_type", "string", "its newest"),
        Column("campaign_status", "string", "its newest"),
        Column("country", "string", "its country where it has one alone; null: several"),
        Column("first_day", "date", "first day with this name", required=True),
        Column("last_day", "date", "last day with this name", required=True),
    ),
)

CONTEXT = TableSpec(
    name="il.context",
    grain="day x country x variable",
    key=("date", "country", "variable"),
    columns=(
        Column("date", "date", "the day, or the first day of the week that the value is for"),
        COUNTRY,
        Column("variable", "string", "clean name, such as newsletter_sends, price_index, temperature"),
        Column("value", "double", "in the unit of its source", required=True),
    ),
)

LIFT_TESTS = TableSpec(
    name="il.lift_tests",
    grain="geo experiment x target",
    key=("test_id", "target"),
    columns=(
        Column("test_id", "string", "the experiment"),
        Column("target", "string", "uploads or gmv"),
        COUNTRY,
        Column("channel", "string", "the channel whose spend was changed", required=True),
        Column("starts_on", "date", "first day", required=True),
        Column("ends_on", "date", "last day", required=True),
        Column(
            "spend", "double", "spend that the channel would have had over the whole test, reporting currency", True
        ),
        Column("spend_change", "double", "change of spend over the whole test, reporting currency", required=True),
        Column("lift", "double", "measured change of the target over the whole test", required=True),
        Column("standard_error", "double", "of the lift", required=True),
    ),
    checks={"error_is_positive": "standard_error > 0"},
)

EVENTS = TableSpec(
    name="st_il.st_events",
    grain="event of the website, sent once or more often",
    key=("event_id",),
    columns=(
        Column("event_id", "string", "the event"),
        Column("anonymous_id", "string", "the browser or device", required=True),
        Column("user_id", "string", "who was logged in; null: nobody"),
        Column("occurred_at", "timestamp", "UTC, by the device's clock", required=True),
        Column("received_at", "timestamp", "UTC, by the server's clock"),
        Column("event_name", "string", "page_view, sales_ad_created, order_completed, login, ...", required=True),
        Column("country", "string", "country of the website that was visited"),
        Column("page_url", "string", "as it came"),
        Column("referrer", "string", "as it came"),
        Column("user_agent", "string", "as it came"),
    ),
    cluster_by=("anonymous_id",),
)

IDENTITIES = TableSpec(
    name="il.identities",
    grain="stretch of time in which a device is one user's, as known at one date",
    key=("map_version", "anonymous_id", "valid_from"),
    columns=(
        Column("map_version", "date", "what was known before this date", required=True),
        Column("anonymous_id", "string", "the browser or device"),
        Column("valid_from", "timestamp", "from here on, inclusive; the first stretch begins in 1970", required=True),
        Column("valid_to", "timestamp", "until here, exclusive; null: still"),
        Column("user_id", "string", "whose it is", required=True),
    ),
)

SESSIONS = TableSpec(
    name="il.fct_user_sessions",
    grain="session: one device, no pause over 30 minutes, no new campaign",
    key=("session_id",),
    columns=(
        Column("session_id", "string", "digest of device and first event"),
        Column("anonymous_id", "string", "the browser or device", required=True),
        Column("user_id", "string", "whose device it was at that time, see il.identities; null: not known"),
        Column("map_version", "date", "the identities that were asked; null: none"),
        Column("started_at", "timestamp", "UTC, first event", required=True),
        Column("ended_at", "timestamp", "UTC, last event", required=True),
        Column("session_date", "date", "day of the start in the reporting time zone", required=True),
        COUNTRY,
        Column("source", "string", "cleaned: decoded, trimmed, small letters, aliases resolved", required=True),
        Column("medium", "string", "cleaned", required=True),
        Column("campaign", "string", "utm_campaign, decoded and trimmed; null: none"),
        Column("campaign_id", "string", "utm_id, or the platform's own parameter; null: none"),
        Column("content", "string", "utm_content"),
        Column("term", "string", "utm_term"),
        Column("click_id", "string", "gclid, fbclid, ... as it came; null: none"),
        Column("click_id_type", "string", "name of its parameter"),
        Column("referrer_host", "string", "host that sent the visit, without www.; null: none, or our own"),
        Column("landing_page", "string", "path of the first page"),
        CHANNEL,
        Column("channel_ga4", "string", "Google Analytics' default channel group by the same values", required=True),
        Column("rules_version", "int", "version of the internal grouping", required=True),
        Column("events", "bigint", "events in it", required=True),
        Column("page_views", "bigint", "pages seen in it", required=True),
        Column("is_bot", "boolean", "true: no person; kept, and left out of attribution", required=True),
        Column("bot_rule", "string", "why; null: a person"),
        Column("made_with", "string", "digest of the rules and settings; sessions made with others are made anew"),
    ),
    checks={"ends_after_it_starts": "ended_at >= started_at"},
    cluster_by=("session_date", "country"),
)

LISTINGS = TableSpec(
    name="il.listings",
    grain="bike that was uploaded for sale",
    key=("listing_id",),
    columns=(
        Column("listing_id", "string", "the listing"),
        Column("user_id", "string", "who sells", required=True),
        Column("country", "string", "where it was uploaded", required=True),
        Column("created_at", "timestamp", "UTC", required=True),
        Column("price", MONEY, "asked for, reporting currency", required=True),
    ),
    checks={"price_not_negative": "price >= 0"},
)

ORDERS = TableSpec(
    name="il.orders",
    grain="order of one bike",
    key=("order_id",),
    columns=(
        Column("order_id", "string", "the order"),
        Column("listing_id", "string", "what was bought, see il.listings", required=True),
        Column("user_id", "string", "who buys", required=True),
        Column("country", "string", "where the buyer is", required=True),
        Column("completed_at", "timestamp", "UTC", required=True),
        Column("value", MONEY, "order value, reporting currency", required=True),
        Column("refunded_value", MONEY, "money given back later, reporting currency", required=True),
    ),
    checks={"value_not_negative": "value >= 0"},
)

CONVERSIONS = TableSpec(
    name="il.conversions",
    grain="conversion: an upload or an order",
    key=("conversion_id",),
    columns=(
        Column("conversion_id", "string", "upload: or order:, then the listing or order"),
        Column("conversion_type", "string", "sales_ad_created or order_completed", required=True),
        Column("user_id", "string", "seller or buyer", required=True),
        Column("converted_at", "timestamp", "UTC", required=True),
        Column("listing_id", "string", "what was uploaded or bought", required=True),
        Column("origin_country", "string", "where it was uploaded", required=True),
        Column("destination_country", "string", "where the buyer is; null for an upload"),
        Column("country", "string", "where the conversion counts: an upload's origin, an order's destination", True),
        Column("value", MONEY, "reporting currency; 0 for an upload", required=True),
        Column("refunded_value", MONEY, "money given back later; not taken off `value`", required=True),
        Column("is_first", "boolean", "the user's first of its type", required=True),
        ORIGIN,
    ),
    checks={
        "type_is_known": "conversion_type IN ('sales_ad_created', 'order_completed')",
        "value_not_negative": "value >= 0",
    },
    cluster_by=("converted_at",),
)

EVENT_ATTRIBUTION = TableSpec(
    name="st_il.st_event_attribution",
    grain="conversion x session that may have led to it x model",
    key=("conversion_id", "session_id", "model"),
    columns=(
        Column("conversion_id", "string", "see il.conversions"),
        Column("session_id", "string", "see il.fct_user_sessions, or (unattributed)"),
        Column("model", "string", "first_click, last_click, u_shape, ..."),
        Column("conversion_type", "string", "see il.conversions", required=True),
        Column("converted_at", "timestamp", "UTC", required=True),
        Column("country", "string", "where the conversion counts", required=True),
        Column("is_first", "boolean", "the user's first conversion of its type", required=True),
        Column("touched_at", "timestamp", "start of the session; null: unattributed"),
        Column("touch", "int", "1 for the first session in the window; 0: unattributed", required=True),
        Column("touches", "int", "sessions in the window", required=True),
        CHANNEL,
        Column("source", "string", "of the session"),
        Column("medium", "string", "of the session"),
        Column("campaign", "string", "of the session"),
        Column("campaign_id", "string", "of the session"),
        Column("weight", WEIGHT, "share of the conversion; exactly 1 over its sessions, per model", required=True),
        Column("value", MONEY, "share of its value; exactly its value over its sessions, per model", required=True),
    ),
    checks={"weight_is_a_share": "weight >= 0 AND weight <= 1"},
    cluster_by=("model", "converted_at"),
)

TABLES = (
    EXCHANGE_RATES,
    VARIABLE_NAMES,
    AD_SPEND,
    CAMPAIGNS,
    CONTEXT,
    LIFT_TESTS,
    EVENTS,
    IDENTITIES,
    SESSIONS,
    LISTINGS,
    ORDERS,
    CONVERSIONS,
    EVENT_ATTRIBUTION,
)
