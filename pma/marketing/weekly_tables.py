"""The table of the Weekly Growth Update: what it credits, by which models, and beside which weeks."""

from pma.marketing.tables import COUNTRY, MONEY, ORIGIN, RUN
from pma.tables import Column, TableSpec

# What is credited, per model: counts of the two conversions, money, and first orders (for the cost of a new customer).
CREDITS = ("sales_ads", "orders", "gmv", "new_customers")
# The models of the weekly report, and what it compares with the week and the year before.
REPORT_MODELS = ("first_click", "last_click", "u_shape", "linear", "last_non_direct", "time_decay", "data_driven")
PLATFORM_METRICS = ("spend", "impressions", "clicks")
COMPARED = (*PLATFORM_METRICS, *[f"{c}_{m}" for c in CREDITS for m in REPORT_MODELS[:3]])
_PLATFORM_TYPES = {"spend": MONEY, "impressions": "bigint", "clicks": "bigint"}


def _credit(credit: str, model: str) -> Column:
    if credit == "gmv":
        return Column(f"gmv_{model}", "decimal(28,6)", f"order value credited by {model}, reporting currency")
    return Column(f"{credit}_{model}", "decimal(28,12)", f"{credit.replace('_', ' ')} credited by {model}")


def _compared(name: str, back: str) -> Column:
    kind = _PLATFORM_TYPES.get(name) or ("decimal(28,6)" if name.startswith("gmv_") else "decimal(28,12)")
    kind = "decimal(28,6)" if name == "spend" else kind
    return Column(
        f"{name}_{back}",
        kind,
        f"{name} of {'the week before' if back == 'last_week' else 'the same week, a year before'}",
    )


WEEKLY_GROWTH = TableSpec(
    name="bl.report_weekly_growth_update",
    grain="week x region x country x channel x campaign x platform, with spend or credit then, a week or a year before",
    key=("yearweek", "management_region", "country", "channel", "campaign_id", "ad_platform"),
    columns=(
        Column("yearweek", "int", "ISO year and week, 202601"),
        Column("week_start", "date", "its Monday", required=True),
        Column("management_region", "string", "countries that are managed together"),
        COUNTRY,
        Column("channel", "string", "channel of the internal grouping, or (unattributed)"),
        Column("campaign_id", "string", "see il.ad_spend; (none): credit without a known campaign"),
        Column("ad_platform", "string", "see il.ad_spend; (none): no platform sells it"),
        Column("campaign_name", "string", "its newest name"),
        Column("campaign_status", "string", "its newest"),
        Column("campaign_goal", "string", "supply, demand, brand or unknown"),
        Column("bidding_type", "string", "its newest"),
        Column(
            "is_complete_week", "boolean", "false: a platform or the conversions end before its Sunday", required=True
        ),
        Column(
            "waits_for", "string", "which, as in `tiktok (data to 2026-11-05)`, with commas between; null: complete"
        ),
        Column("account_timezones", "string", "time zones of the accounts' days, with commas between"),
        Column("spend", "decimal(28,6)", "reporting currency", required=True),
        Column("spend_rows_without_rate", "bigint", "rows of il.ad_spend whose currency has no rate: not in spend"),
        Column("impressions", "bigint", "as the platforms count them", required=True),
        Column("clicks", "bigint", "as the platforms count them", required=True),
        *[_credit(credit, model) for model in REPORT_MODELS for credit in CREDITS],
        *[Column(f"cpa_sales_ads_{m}", "double", "spend per credited upload; null: none") for m in REPORT_MODELS],
        *[Column(f"cpa_orders_{m}", "double", "spend per credited order; null: none") for m in REPORT_MODELS],
        *[
            Column(f"roas_{m}", "double", "credited order value per unit of spend; null: no spend")
            for m in REPORT_MODELS
        ],
        *[Column(f"cac_{m}", "double", "spend per credited new customer; null: none") for m in REPORT_MODELS],
        *[_compared(name, back) for back in ("last_week", "last_year") for name in COMPARED],
        ORIGIN,
        RUN,
    ),
    cluster_by=("yearweek", "country"),
)

TABLES = (WEEKLY_GROWTH,)
