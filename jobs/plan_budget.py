"""The monthly plan of countries and channels, what if, and what goals take: `bl.budget_plan`, `bl.targets` and more."""

from pma.planning.plan import plan_budget
from pma.planning.sources import plan_inputs, write_plan
from pma.planning.words import plan_text
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """A plan of the same name is replaced; those of other names stay."""
    with job_run("plan_budget", argv) as run:
        asked = run.settings.planning
        planned = plan_budget(plan_inputs(run.tables, asked.plan.plan_id), asked)
        write_plan(run.tables, planned, run.settings.feeds.data_origin)
        print(plan_text(planned, run.settings.marketing.spend.currency))


if __name__ == "__main__":
    main()
