"""Compact tables and delete files that no version within the retention needs."""

from pma.catalogue import TABLES
from pma.runs import job_run


def main(argv: list[str] | None = None) -> None:
    """Tables that are not there are passed over."""
    with job_run("maintain", argv) as run:
        for spec in TABLES:
            if run.tables.exists(spec):
                run.tables.maintain(spec)


if __name__ == "__main__":
    main()
