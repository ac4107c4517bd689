"""The rules of marketing: YAML files in the folder of rules, read into frozen models."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from pma.section import Section
from pma.tables import TableError

Rules = TypeVar("Rules", bound=Section)


def read_rules(folder: str | Path, name: str, model: type[Rules], table: str) -> Rules:
    """Read one file of rules. Raises TableError with the table that needs it, the file and the fault."""
    path = Path(folder) / name
    if not path.exists():
        raise TableError(f"{table}: no {path}. Fix: set `rules` in the settings")
    try:
        return model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as fault:
        raise TableError(f"{table}: {path} is not as its model wants it. Fix: mend the file: {fault}") from fault
