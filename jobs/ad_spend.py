"""Load exchange rates, context and lift tests, and make `il.ad_spend` of platforms' exports and hand-kept sheets."""

from functools import partial

from pma.marketing.ad_spend import spend_tables
from pma.marketing.context import context_tables
from pma.marketing.spend_rules import read_spend_rules
from pma.marketing.tables import AD_SPEND, CAMPAIGNS, CONTEXT, EXCHANGE_RATES, LIFT_TESTS, VARIABLE_NAMES
from pma.marketing.variables import column_kinds, variable_names
from pma.runs import job_run
from pma.sources.loading import land_feed, load_dimension, read_feed, read_spend
from pma.sources.platforms import read_platforms
from pma.sources.purchases import latest_clock


def main(argv: list[str] | None = None) -> None:
    """Rates first: a currency without any is refused. Spend is held against its files before it is written."""
    with job_run("ad_spend", argv) as run:
        spark, tables, feeds, settings = run.spark, run.tables, run.settings.feeds.located(), run.settings.marketing
        mappings, rules = read_platforms(run.settings.rules), read_spend_rules(run.settings.rules)
        tables.ensure(LIFT_TESTS)
        for spec in (EXCHANGE_RATES, *([LIFT_TESTS] if feeds.lift_tests else [])):
            load_dimension(tables, feeds, spec)
        kinds = partial(column_kinds, spark, rules=rules.variables)
        found = read_spend(spark, feeds, mappings, settings.spend.currency, kinds)
        context = context_tables(read_feed(spark, feeds, CONTEXT), found.context, rules)
        land_feed(tables, feeds, CONTEXT, context.landed)
        rates, today = tables.read(EXCHANGE_RATES), latest_clock().date()
        spend = spend_tables(found.spend, rates, rules, settings, run.run_id, today)
        land_feed(tables, feeds, AD_SPEND, spend.landed, source="exports")
        tables.replace(CAMPAIGNS, spend.campaigns)
        tables.replace(VARIABLE_NAMES, variable_names(spend.names.unionByName(context.names), rules))
        fed = (EXCHANGE_RATES, LIFT_TESTS, CONTEXT, AD_SPEND, CAMPAIGNS, VARIABLE_NAMES)
        tables.say_origin(feeds.data_origin, *fed)


if __name__ == "__main__":
    main()
