"""What select_mmm chose, for those who fit with it or show it."""

from __future__ import annotations

import pandas as pd

from pma.mmm.fold_tables import MMM_SELECTION
from pma.mmm.settings import MmmSettings
from pma.warehouse import Warehouse

GROUP = ["geo_level", "geo", "target"]


def selected(tables: Warehouse, room: MmmSettings) -> dict[tuple[str, str, str], str]:
    """Return what select_mmm chose, the JSON of a change of mmm.model, by level, geo and target.

    None at all unless `mmm.fit.use_selection`, nor before select_mmm has run.
    """
    return choices(selection_rows(tables)) if room.fit.use_selection else {}


def selection_rows(tables: Warehouse) -> pd.DataFrame:
    """Return the rows of bl.mmm_selection; none where select_mmm has never run."""
    if tables.exists(MMM_SELECTION):
        return tables.read(MMM_SELECTION).toPandas()
    return pd.DataFrame(columns=[column.name for column in MMM_SELECTION.columns])


def choices(selection: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    """Return the chosen change of mmm.model, as JSON, by level, geo and target, of rows of bl.mmm_selection."""
    chosen = selection[selection["settings"].notna()]
    return {tuple(row[name] for name in GROUP): row["settings"] for row in chosen.to_dict("records")}
