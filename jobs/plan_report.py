"""The plan for people: a page, a spreadsheet, and budgets as Google Ads and Meta take them."""

from pma.report.planning_page import planning_text, write_plan_report
from pma.report.planning_rows import read_plan
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """It is of the plan that planning.plan names, whichever runs made its rows."""
    with job_run("plan_report", argv) as run:
        settings, currency = run.settings, run.settings.marketing.spend.currency
        plan = settings.planning.plan
        rows = read_plan(run.tables, plan.plan_id, plan.use_flagged)
        written = write_plan_report(rows, currency, settings.report)
        print("\n".join([planning_text(rows, currency), *(str(path.resolve()) for path in written)]))


if __name__ == "__main__":
    main()
