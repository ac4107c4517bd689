"""What the simulator knows. Recovery studies read these tables; no model may."""

from pma.tables import Column, TableSpec

COUNTRY = Column("country", "string", "ISO 3166 code")
TARGET = Column("target", "string", "uploads (count) or gmv (reporting currency)")
CHANNEL = Column("channel", "string", "paid channel, by its clean name")
WORLD = Column("world", "string", "simulated marketplace, its seed and digest of settings", required=True)
NOTE = "truth of a simulated marketplace"

CHANNEL_ROAS = TableSpec(
    name="truth.channel_roas",
    grain=f"country x target x channel: {NOTE}",
    key=("country", "target", "channel"),
    columns=(
        COUNTRY,
        TARGET,
        CHANNEL,
        Column("spend", "double", "over all weeks, reporting currency, missing feeds included", required=True),
        Column(
            "contribution",
            "double",
            "of the target over all weeks, by the channel itself: interactions and later sales of uploads stand apart",
            required=True,
        ),
        Column("value", "double", "contribution per unit of spend; null: no spend"),
        Column("marginal", "double", "of 1 % more spend in every week, per unit of it; null: no spend"),
        WORLD,
    ),
)

CONTRIBUTIONS = TableSpec(
    name="truth.contributions",
    grain=f"country x target x week x component: {NOTE}",
    key=("country", "target", "week_start", "component"),
    columns=(
        COUNTRY,
        TARGET,
        Column("week_start", "date", "Monday"),
        Column(
            "component", "string", "a channel, newsletter, seo, baseline, seasonality, trend, an event, tv x ..., noise"
        ),
        Column(
            "kind", "string", "paid, organic, baseline, seasonality, trend, event, context, interaction or noise", True
        ),
        Column(
            "value", "double", "of the target; the components of a week add up to its expected value", required=True
        ),
        WORLD,
    ),
    cluster_by=("country", "target"),
)

PARAMETERS = TableSpec(
    name="truth.parameters",
    grain=f"country x target x channel x parameter: {NOTE}",
    key=("country", "target", "channel", "parameter"),
    columns=(
        COUNTRY,
        TARGET,
        CHANNEL,
        Column("parameter", "string", "adstock_alpha, saturation_half, saturation_slope, beta, ..."),
        Column("value", "double", "as the simulator used it", required=True),
        WORLD,
    ),
)

CAMPAIGN_RESPONSE = TableSpec(
    name="truth.campaign_response",
    grain=f"country x target x campaign: {NOTE}",
    key=("country", "target", "campaign_id"),
    columns=(
        COUNTRY,
        TARGET,
        Column("campaign_id", "string", "see il.ad_spend"),
        CHANNEL,
        Column("spend", "double", "over all weeks, reporting currency", required=True),
        Column(
            "contribution", "double", "of the target; the campaigns of a channel add up to the channel's", required=True
        ),
        Column("value", "double", "contribution per unit of spend; null: no spend"),
        WORLD,
    ),
)

UPLOAD_FLOWS = TableSpec(
    name="truth.upload_flows",
    grain=f"origin x destination country: {NOTE}",
    key=("country", "destination_country"),
    columns=(
        Column("country", "string", "where it is uploaded"),
        Column("destination_country", "string", "where the buyer is"),
        Column("value", "double", "share of uploads that sell there, in the end", required=True),
        Column("mean_price", "double", "reporting currency", required=True),
        Column("median_lag_days", "double", "from upload to order", required=True),
        WORLD,
    ),
)

OPTIMAL_BUDGET = TableSpec(
    name="truth.optimal_budget",
    grain=f"country x channel: {NOTE}",
    key=("country", "channel"),
    columns=(
        COUNTRY,
        CHANNEL,
        Column("current_spend", "double", "mean of the last 4 weeks, per week, reporting currency", required=True),
        Column(
            "value", "double", "spend per week that makes most gmv in the long run with the same total", required=True
        ),
        Column("response", "double", "gmv per week that it makes, uploads' later sales included", required=True),
        Column("current_response", "double", "gmv per week that today's spend makes, likewise", required=True),
        WORLD,
    ),
)

LIFT_TRUTH = TableSpec(
    name="truth.lift_tests",
    grain=f"geo experiment x target: {NOTE}",
    key=("test_id", "target"),
    columns=(
        Column("test_id", "string", "see il.lift_tests"),
        Column("target", "string", "uploads or gmv"),
        Column("value", "double", "true lift over the test", required=True),
        WORLD,
    ),
)

TABLES = (CHANNEL_ROAS, CONTRIBUTIONS, PARAMETERS, CAMPAIGN_RESPONSE, UPLOAD_FLOWS, OPTIMAL_BUDGET, LIFT_TRUTH)
