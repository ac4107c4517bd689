"""Every table of the house, from the rooms' declarations."""

from __future__ import annotations

import sys
from pathlib import Path

from pma.checks import QUARANTINE
from pma.embeddings.tables import TABLES as EMBEDDINGS
from pma.marketing.tables import TABLES as MARKETING
from pma.marketing.weekly_tables import TABLES as WEEKLY
from pma.mmm.fold_tables import TABLES as FOLDS
from pma.mmm.input.tables import TABLES as MMM_INPUTS
from pma.mmm.tables import TABLES as MMM
from pma.planning.tables import TABLES as PLANNING
from pma.runs import RUNS
from pma.simulation.tables import TABLES as TRUTH
from pma.sources.tables import TABLES as SOURCES
from pma.tables import document

TABLES = (QUARANTINE, *SOURCES, *EMBEDDINGS, *MARKETING, *WEEKLY, *MMM_INPUTS, *MMM, *FOLDS, *PLANNING, *TRUTH, RUNS)

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(TABLES), encoding="utf-8")
