"""Load exchange rates, context and lift tests, and make `il.ad_spend` of platforms' exports and hand-kept sheets."""

from functools import partial

from pma.marketing.ad_spend import ad_spend, campaigns, judge_rows, raw_names, require_conserved
from pma.marketing.context import context_names, from_feed, judge_context, named_context
from pma.marketing.spend_rules import read_spend_rules
from pma.marketing.tables import AD_SPEND, CAMPAIGNS, CONTEXT, EXCHANGE_RATES, LIFT_TESTS, VARIABLE_NAMES
from pma.marketing.variables import column_kinds, variable_names
from pma.runs import job_run
from pma.sources.exports import read_exports
from pma.sources.external import read_mapped
from pma.sources.google_sheets import fetch_drive
from pma.sources.landing import land
from pma.sources.platforms import read_platforms
from pma.sources.purchases import check_dimension, latest_clock
from pma.sources.sheets import read_sheets


def main(argv: list[str] | None = None) -> None:
    """Rates first: a currency without any is refused. Spend is held against its files before it is written."""
    with job_run("ad_spend", argv) as run:
        tables, feeds, settings = run.tables, run.settings.feeds.located(), run.settings.marketing
        mappings, rules = read_platforms(run.settings.rules), read_spend_rules(run.settings.rules)
        into = partial(land, tables, max_refused_share=feeds.max_refused_share, section="feeds")
        tables.ensure(LIFT_TESTS)
        mapped = partial(read_mapped, run.spark, feeds, section="feeds")
        for spec in (EXCHANGE_RATES, *([LIFT_TESTS] if feeds.lift_tests else [])):
            into(spec, check_dimension(mapped(spec), spec))
        exports = read_exports(run.spark, str(feeds.exports), mappings, feeds.export_tables)
        if feeds.drive:
            fetch_drive(feeds.drive, str(feeds.sheets))
        kinds = partial(column_kinds, run.spark, rules=rules.variables)
        sheets = read_sheets(run.spark, str(feeds.sheets), mappings, settings.spend.currency, kinds)
        context = named_context(from_feed(mapped(CONTEXT)).unionByName(sheets.context), rules).persist()
        into(CONTEXT, judge_context(context, rules))
        rows = exports.unionByName(sheets.spend).persist()
        rates = tables.read(EXCHANGE_RATES)
        judged = judge_rows(rows, rates, rules, settings, latest_clock().date()).persist()
        landed = ad_spend(judged, rates, settings, run.run_id)
        require_conserved(rows, landed)
        into(AD_SPEND, landed, source="exports")
        names = raw_names(judged).unionByName(context_names(context))
        tables.replace(VARIABLE_NAMES, variable_names(names, rules))
        tables.replace(CAMPAIGNS, campaigns(judged))


if __name__ == "__main__":
    main()
