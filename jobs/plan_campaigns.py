"""The weekly plan of campaigns: `bl.campaign_plan`."""

from pma.marketing.weekly_tables import WEEKLY_GROWTH
from pma.planning.campaign_sources import campaign_inputs, write_campaigns
from pma.planning.campaign_words import campaigns_text
from pma.planning.campaigns import plan_campaigns
from pma.planning.sources import fit_inputs
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """The weeks of a plan of the same name are replaced; those of other names stay."""
    with job_run("plan_campaigns", argv) as run:
        currency = run.settings.marketing.spend.currency
        inputs = campaign_inputs(run.tables, run.tables.read(WEEKLY_GROWTH), run.settings.planning, currency)
        rows = plan_campaigns(fit_inputs(run.tables), inputs, run.settings.planning)
        write_campaigns(run.tables, rows, run.settings.feeds.data_origin)
        print(campaigns_text(rows, inputs.desired, currency))


if __name__ == "__main__":
    main()
