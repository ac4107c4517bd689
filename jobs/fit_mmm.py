"""The media mix model of every geo that is ready, landing as they are done: `bl.mmm_runs`, `bl.mmm_contributions`."""

from pma.mmm.choice import selected
from pma.mmm.fits import fit_missing, lift_tests, write_fits
from pma.mmm.input.tables import MMM_INPUT, MMM_READINESS
from pma.mmm.landing import fits_text, make_tasks
from pma.mmm.tables import MMM_RUNS
from pma.parallel import check_threshold
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """A geo that fails becomes a row with its message; a job that was killed goes on with the geos that are missing."""
    with job_run("fit_mmm", argv) as run:
        tables, room, parallel = run.tables, run.settings.mmm, run.settings.parallel
        inputs, readiness = tables.read(MMM_INPUT).toPandas(), tables.read(MMM_READINESS).toPandas()
        tasks = make_tasks(inputs, readiness, room, lift_tests(tables), selected(tables, room))
        mapped = fit_missing(tables, tasks, room, parallel)
        write_fits(tables, tasks, mapped.errors, room.fit, parallel.engine, run.settings.feeds.data_origin)
        print(fits_text(tables.read(MMM_RUNS).toPandas()))
        check_threshold(mapped, parallel)


if __name__ == "__main__":
    main()
