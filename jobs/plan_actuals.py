"""Plan against actual: `bl.plan_actuals`, all plans beside what came of their months so far."""

from pma.planning.actuals import plan_actuals
from pma.planning.sources import actual_inputs, write_actuals
from pma.planning.words import actuals_text
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """Rows of all plans are made anew; a month that the data have no day of yet has none."""
    with job_run("plan_actuals", argv) as run:
        rows = plan_actuals(**actual_inputs(run.tables))
        write_actuals(run.tables, rows, run.settings.feeds.data_origin)
        print(actuals_text(rows, run.settings.marketing.spend.currency))


if __name__ == "__main__":
    main()
