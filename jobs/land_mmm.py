"""The fits of `jobs/fit_mmm.py` where no Java is, as on a Ray cluster: they land here, that job writes the tables."""

import pandas as pd

from pma.marketing.tables import LIFT_TESTS
from pma.mmm.batches import Batches
from pma.mmm.choice import choices
from pma.mmm.fits import fit_tasks
from pma.mmm.fold_tables import MMM_SELECTION
from pma.mmm.input.tables import MMM_INPUT, MMM_READINESS
from pma.mmm.landing import make_tasks
from pma.mmm.tables import MMM_LANDED
from pma.parallel import check_threshold
from pma.runs import plain_run


def main(argv: list[str] | None = None) -> None:
    """Fits land in `st_il.mmm_landed` soon after they are done; what has landed is not made again."""
    with plain_run("land_mmm", argv) as run:
        tables, room, parallel = run.tables, run.settings.mmm, run.settings.parallel
        tests = tables.read(LIFT_TESTS) if tables.exists(LIFT_TESTS) else None
        is_chosen = room.fit.use_selection and tables.exists(MMM_SELECTION)
        chosen = choices(tables.read(MMM_SELECTION)) if is_chosen else None
        tasks = make_tasks(tables.read(MMM_INPUT), tables.read(MMM_READINESS), room, tests, chosen)
        todo = tasks.without(tables.read(MMM_LANDED, ["fit_id"])["fit_id"])

        def land(fits: pd.DataFrame) -> None:
            tables.append(MMM_LANDED, fits.assign(run_id=run.run_id))

        with Batches(land, room.fit.land_seconds) as batches:
            mapped = fit_tasks(todo, tests, room, parallel, batches.add)
        print(f"{todo['fit_id'].nunique() - len(mapped.errors)} fits landed; jobs/fit_mmm.py writes the tables of them")
        check_threshold(mapped, parallel)


if __name__ == "__main__":
    main()
