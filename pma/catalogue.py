"""Every table of the house, from the rooms' declarations."""

from __future__ import annotations

import sys
from pathlib import Path

from pma.checks import QUARANTINE
from pma.embeddings.tables import TABLES as EMBEDDINGS
from pma.runs import RUNS
from pma.sources.tables import TABLES as SOURCES
from pma.tables import document

TABLES = (QUARANTINE, *SOURCES, *EMBEDDINGS, RUNS)

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(TABLES), encoding="utf-8")
