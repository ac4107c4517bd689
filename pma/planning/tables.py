"""The tables of planning."""

from pma.mmm.tables import ORIGIN, RUN
from pma.tables import Column, TableSpec

# All countries, or channels, together.
ALL = "(all)"
# What binds a week of bl.campaign_plan that is over.
SPENT = "spent"
# The campaign of money that none may take.
UNPLACED = "(unplaced)"

UPLOAD_BRIDGE = TableSpec(
    name="bl.upload_bridge",
    grain="run x origin x destination country: what an upload becomes within the horizon",
    key=("run_id", "origin_country", "destination_country"),
    columns=(
        Column("origin_country", "string", "where it is uploaded"),
        Column("destination_country", "string", "where the buyer is"),
        Column("uploads", "bigint", "uploads of the origin that were watched", required=True),
        Column("orders", "bigint", "of them sold here so far", required=True),
        Column("horizon_days", "int", "days after an upload whose sales count", required=True),
        Column("days_watched", "int", "most days that an upload was watched; later sales are as in all origins"),
        Column("orders_per_upload", "double", "uploads that sell here within the horizon, share", required=True),
        Column("orders_per_upload_p05", "double", "lower end of its 90 % interval", required=True),
        Column("orders_per_upload_p95", "double", "upper end of it", required=True),
        Column("value_per_order", "double", "mean value less refunds, reporting currency", required=True),
        Column("gmv_per_upload", "double", "value that an upload makes here within the horizon", required=True),
        Column("p05", "double", "lower end of the 90 % interval of gmv_per_upload", required=True),
        Column("p95", "double", "upper end of it", required=True),
        Column("median_lag_days", "double", "days from upload to order, of those that sell here; null: none did"),
        ORIGIN,
        RUN,
    ),
    checks={"a_share_is_one": "orders_per_upload >= 0 AND orders_per_upload <= 1"},
    cluster_by=("origin_country",),
)

PLAN = Column("plan_id", "string", "name of the plan, see planning.plan.plan_id")
MONTH = Column("month", "date", "its first day")


def _interval(name: str, what: str) -> tuple[Column, ...]:
    """The mean over draws, and the interval."""
    return (
        Column(name, "double", f"{what}, mean over draws", required=True),
        Column(f"{name}_p05", "double", "lower end of its 90 % interval", required=True),
        Column(f"{name}_p50", "double", "its median", required=True),
        Column(f"{name}_p95", "double", "upper end of its 90 % interval", required=True),
    )


BUDGET_PLAN = TableSpec(
    name="bl.budget_plan",
    grain="plan x month x country x channel: how much money, what it brings, and why not more or less",
    key=("plan_id", "month", "country", "channel"),
    columns=(
        PLAN,
        MONTH,
        Column("country", "string", "the country"),
        Column("channel", "string", "the paid channel"),
        Column("current_spend", "double", "what a month like today costs, reporting currency", required=True),
        Column("planned_spend", "decimal(18,2)", "what the plan gives it, reporting currency", required=True),
        *_interval("response", "what the planned money adds to the objective, ads' later effect in it"),
        Column("current_response", "double", "what today's money would add, mean over draws", required=True),
        *_interval("gain", "response of the plan less that of today"),
        Column(
            "p_better", "double", "probability that its move brings more than that money, spread over the plan, would"
        ),
        Column("marginal_return", "double", "what one unit of money more would add", required=True),
        Column("binding_constraint", "string", "what keeps it from more or less money; null: nothing"),
        Column("most_seen", "double", "the most of a month that any weeks have seen: beyond it curves are a guess"),
        Column("is_seen", "boolean", "false: planned beyond that", required=True),
        ORIGIN,
        RUN,
    ),
)

BUDGET_PLANS = TableSpec(
    name="bl.budget_plans",
    grain="plan: what it is worth, and how near to the best it is",
    key=("plan_id",),
    columns=(
        PLAN,
        Column("objective", "string", "what it makes most of: gmv, margin, orders or uploads", required=True),
        Column("risk", "double", "share of draws, the worst, whose mean counts; 1: all", required=True),
        Column("quantile", "double", "the quantile of draws that counts in its place; null: none"),
        Column("first_month", "date", "its first month", required=True),
        Column("months", "int", "how many months", required=True),
        Column("current_spend", "double", "what these months cost as today, reporting currency", required=True),
        Column("planned_spend", "decimal(18,2)", "what the plan spends, reporting currency", required=True),
        *_interval("response", "what the plan's money brings"),
        Column("current_response", "double", "what today's money would bring, mean over draws", required=True),
        *_interval("gain", "response of the plan less that of today"),
        Column("p_better", "double", "probability that the plan brings more than today's money", required=True),
        Column(
            "value",
            "double",
            "the objective: mean response, that of the worst draws, or a quantile",
            required=True,
        ),
        Column("most", "double", "no plan within the limits is worth more", required=True),
        Column("gap", "double", "how far the plan may be from the best, share of `most`", required=True),
        Column("notes", "array<string>", "what a reader must know", required=True),
        ORIGIN,
        RUN,
    ),
    checks={"no_plan_is_better_than_the_best": "gap >= 0"},
)

DESIRED_UPLOADS = TableSpec(
    name="bl.desired_uploads",
    grain="plan x month x country: uploads to aim for, and what they become where",
    key=("plan_id", "month", "country"),
    columns=(
        PLAN,
        MONTH,
        Column("country", "string", "where it is uploaded"),
        Column("uploads", "double", "those that come anyway and those that the plan's money brings", required=True),
        Column("uploads_anyway", "double", "those that come without paid media, as of late", required=True),
        *_interval("uploads_paid", "those that the plan's money brings"),
        Column(
            "gmv_by_destination", "map<string,double>", "value of their orders by the buyer's country", required=True
        ),
        ORIGIN,
        RUN,
    ),
)


def _change(name: str, what: str) -> tuple[Column, ...]:
    """A difference to the plan, draw by draw; null where the plan does not know the metric."""
    return (
        Column(name, "double", f"{what}; mean over draws"),
        Column(f"{name}_p05", "double", "lower end of its 90 % interval"),
        Column(f"{name}_p95", "double", "upper end of its 90 % interval"),
    )


PLAN_SCENARIOS = TableSpec(
    name="il.plan_scenarios",
    grain="scenario: what people ask beside planning.scenarios, written by them",
    key=("name",),
    columns=(
        Column("name", "string", "how it is called"),
        Column("scenario", "string", "what it changes, YAML or JSON as in planning.scenarios, less the name", True),
        Column("plan_id", "string", "of this plan alone; null: of every plan"),
    ),
)

SCENARIOS = TableSpec(
    name="bl.scenarios",
    grain="plan x scenario x country x channel, (all) for sums: what if, beside the plan, draw by draw",
    key=("plan_id", "scenario", "country", "channel"),
    columns=(
        PLAN,
        Column("scenario", "string", "see planning.scenarios and il.plan_scenarios; `base`: the plan; `target: NAME`"),
        Column("country", "string", "the country, or (all)"),
        Column("channel", "string", "the paid channel, (all), or (anyway): what a moved event changes, in (all) too"),
        Column("spend", "double", "money over all months, reporting currency", required=True),
        Column("spend_change", "double", "less that of the plan", required=True),
        *_interval("response", "what the money brings"),
        *_interval("change", "response less that of the plan"),
        Column("return", "double", "what the money brings over it; null: no spend"),
        *_change("return_change", "return less that of the plan; null: no spend"),
        *_change("gmv_change", "value of orders, that of uploads in it, less that of the plan"),
        *_change("orders_change", "orders, those that uploads become in it, less those of the plan"),
        *_change("uploads_change", "uploads less those of the plan"),
        ORIGIN,
        RUN,
    ),
)

TARGETS = TableSpec(
    name="bl.targets",
    grain="plan x target: the least money that reaches it, with which probability, or the most that can be",
    key=("plan_id", "target"),
    columns=(
        PLAN,
        Column("target", "string", "name of the target, see planning.targets; its least plan is a row of bl.scenarios"),
        Column("metric", "string", "gmv, orders, uploads or roas", required=True),
        Column("country", "string", "of this country, or (all)", required=True),
        Column("month", "date", "of this month; null: of all months of the plan"),
        Column(
            "goal",
            "double",
            "what the months are to count, roas: a return",
            required=True,
        ),
        Column("probability", "double", "with so much probability", required=True),
        Column("is_reachable", "boolean", "false: no money within the limits reaches it", required=True),
        Column("most", "double", "the most that the limits allow to be reached with that probability", required=True),
        Column(
            "spend",
            "decimal(18,2)",
            "least money that reaches it, roas: most that keeps it; else that of the most",
            True,
        ),
        Column("spend_change", "double", "less that of the plan", required=True),
        *_interval("reached", "what the months count with that money, and what comes anyway; roas: its return"),
        Column("p_hit", "double", "probability that that money reaches the goal", required=True),
        Column("p_hit_plan", "double", "probability that the plan does", required=True),
        Column("p_hit_today", "double", "probability that today's money does", required=True),
        Column("message", "string", "all of it in a sentence", required=True),
        ORIGIN,
        RUN,
    ),
    checks={"a_probability_is_one": "p_hit >= 0 AND p_hit <= 1"},
)

BUDGET_FRONTIER = TableSpec(
    name="bl.budget_frontier",
    grain="plan x metric x country x budget: the best plan of so much money, and what it reaches how surely",
    key=("plan_id", "metric", "country", "budget_factor"),
    columns=(
        PLAN,
        Column("metric", "string", "gmv, orders or uploads; of countries that have a fit of it"),
        Column("country", "string", "the country, or (all)"),
        Column("budget_factor", "double", "times the money of the plan; 0: none"),
        Column("budget", "double", "money of all countries over all months, reporting currency", required=True),
        Column("spend", "double", "of it in this country", required=True),
        *_interval("response", "what the money brings, also later"),
        *_interval("reached", "what the months count: with what comes without that money, and what no model explains"),
        Column("reached_with_80", "double", "reached with a probability of 80 %", required=True),
        Column("reached_with_90", "double", "reached with a probability of 90 %", required=True),
        ORIGIN,
        RUN,
    ),
)

PLAN_OUTLOOK = TableSpec(
    name="bl.plan_outlook",
    grain="plan x month x country x metric: what is to be expected, to be held against what comes",
    key=("plan_id", "month", "country", "metric"),
    columns=(
        PLAN,
        MONTH,
        Column("country", "string", "the country, or (all)"),
        Column("metric", "string", "gmv, orders or uploads; of countries that have a fit of it"),
        Column("spend", "double", "the plan's money, reporting currency", required=True),
        *_interval("response", "what the money brings, also later"),
        *_interval("reached", "what the month counts: with what comes without that money, and what no model explains"),
        ORIGIN,
        RUN,
    ),
)

PLAN_ACTUALS = TableSpec(
    name="bl.plan_actuals",
    grain="plan x month x country x channel, (all) for sums: what was planned beside what came, as far as it is known",
    key=("plan_id", "month", "country", "channel"),
    columns=(
        PLAN,
        MONTH,
        Column("country", "string", "the country, or (all)"),
        Column("channel", "string", "the paid channel, or (all)"),
        Column("days", "int", "days of the month", required=True),
        Column("days_known", "int", "of them in whole weeks of the data", required=True),
        Column("planned_spend", "double", "of the whole month, reporting currency", required=True),
        Column("planned_so_far", "double", "of the days, by channel, whose spend is known", required=True),
        Column("actual_spend", "double", "of these days, weeks by days; null: none is known"),
        Column("spend_gap", "double", "actual less planned so far"),
        *(
            column
            for metric in ("uploads", "gmv")
            for column in (
                Column(f"expected_{metric}", "double", f"{metric} of the month by bl.plan_outlook; null: of a channel"),
                Column(f"expected_{metric}_p05", "double", "lower end of its 90 % interval"),
                Column(f"expected_{metric}_p95", "double", "upper end of its 90 % interval"),
                Column(
                    f"actual_{metric}",
                    "double",
                    f"{metric} of the days that are known; (all): of countries with a fit of it",
                ),
                Column(f"{metric}_as_expected", "boolean", "inside the interval; null: the month is not whole yet"),
            )
        ),
        ORIGIN,
        RUN,
    ),
    checks={"no_more_days_than_there_are": "days_known <= days"},
)

CAMPAIGN_PLAN = TableSpec(
    name="bl.campaign_plan",
    grain="plan x week x country x channel x campaign: its money, what it should bring, and why not more or less",
    key=("plan_id", "week_start", "country", "channel", "campaign_id"),
    columns=(
        PLAN,
        Column("week_start", "date", "Monday; the first of the month, where the week begins before it"),
        Column("country", "string", "the country"),
        Column("channel", "string", "the paid channel"),
        Column("campaign_id", "string", "see il.campaigns"),
        Column("week_end", "date", "its last day within the month", required=True),
        Column("month", "date", "first day of its month", required=True),
        Column("ad_platform", "string", "where the money is typed in", required=True),
        Column("campaign_name", "string", "its last name"),
        Column("campaign_status", "string", "enabled, paused, ended, deleted, unknown or new", required=True),
        Column("campaign_goal", "string", "supply or demand; null: not told"),
        Column("bidding_type", "string", "how the platform bids; null: not told"),
        Column("current_budget", "double", "what as many days like today cost, reporting currency", required=True),
        Column("budget", "decimal(18,2)", "what the plan gives it, reporting currency", required=True),
        Column("spent", "decimal(18,2)", "of budget, what was spent before the day that the plan is made as of"),
        Column("days_left", "int", "days of the week from that day on; 0: it is over"),
        Column("currency", "string", "of the ad account", required=True),
        Column("budget_local", "decimal(18,2)", "budget in that currency", required=True),
        Column("spent_local", "decimal(18,2)", "of it spent; what is left of it, over days_left, is a day's budget"),
        *_interval("uploads", "uploads that it should bring"),
        *_interval("response", "what it should add to the plan's objective"),
        Column("marginal_return", "double", "what one unit of money more would add to the objective", required=True),
        Column("binding_constraint", "string", "what keeps it from more or less money; null: nothing"),
        ORIGIN,
        RUN,
    ),
)

TABLES = (
    UPLOAD_BRIDGE,
    BUDGET_PLAN,
    BUDGET_PLANS,
    DESIRED_UPLOADS,
    PLAN_SCENARIOS,
    SCENARIOS,
    TARGETS,
    BUDGET_FRONTIER,
    PLAN_OUTLOOK,
    PLAN_ACTUALS,
    CAMPAIGN_PLAN,
)
