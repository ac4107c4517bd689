"""Cross-validation over time of candidates for every geo, and the choice: `bl.mmm_validation`, `bl.mmm_selection`."""

from pma.mmm.fold_landing import score_missing, write_selection
from pma.mmm.fold_tasks import make_fold_tasks
from pma.mmm.input.tables import MMM_INPUT, MMM_READINESS
from pma.mmm.selection import selection_text
from pma.parallel import check_threshold
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """A fold that fails becomes a row with its message; a job that was killed goes on with those that are missing."""
    with job_run("select_mmm", argv) as run:
        tables, room, parallel = run.tables, run.settings.mmm, run.settings.parallel
        tasks = make_fold_tasks(tables.read(MMM_INPUT).toPandas(), tables.read(MMM_READINESS).toPandas(), room)
        mapped = score_missing(tables, tasks, room, parallel)
        print(selection_text(write_selection(tables, tasks, mapped.errors, parallel)))
        check_threshold(mapped, parallel)


if __name__ == "__main__":
    main()
