"""Make a marketplace with known truth: the files of its systems, and what it knows of itself in `truth`."""

from pathlib import Path

from pma.mmm.input.bike_events import read_bike_events
from pma.runs import job_run
from pma.simulation.calendar import dated
from pma.simulation.files import has_trade, write_files
from pma.simulation.marketplace import simulate
from pma.simulation.tables import TABLES
from pma.simulation.trade import write_trade
from pma.simulation.truth import as_rows, truth_frames


def main(argv: list[str] | None = None) -> None:
    """Files that are there already, of the same marketplace, are not written again."""
    with job_run("simulate", argv) as run:
        settings = run.settings.simulation
        folder = Path(settings.path)
        marketplace = simulate(settings, dated(read_bike_events(run.settings.rules).events, settings))
        write_files(marketplace, folder)
        if not has_trade(folder):
            write_trade(run.spark, marketplace, folder)
        frames = truth_frames(marketplace)
        for spec in TABLES:
            run.tables.replace(spec, as_rows(run.spark, frames[spec.name], spec))


if __name__ == "__main__":
    main()
