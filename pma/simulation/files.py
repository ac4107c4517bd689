"""The folder of files that the marketplace's systems would export."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from pathlib import Path

import pandas as pd

from pma.settings import digest
from pma.simulation.exports import write_csv, write_exports, write_sheets
from pma.simulation.marketplace import Marketplace
from pma.simulation.settings import SimulationSettings
from pma.tables import TableError

logger = logging.getLogger(__name__)

MANIFEST = "MANIFEST.json"
LIFT_COLUMNS = [
    *("test_id", "target", "country", "channel", "starts_on", "ends_on"),
    *("spend", "spend_change", "lift", "standard_error"),
]


def settings_digest(settings: SimulationSettings) -> str:
    """Return twelve hex digits of all settings that make the world: where its files lie is none of them."""
    return digest(settings, exclude={"path"})


def world_name(marketplace: Marketplace) -> str:
    """Say that this is a simulated marketplace, and which."""
    settings = marketplace.settings
    return f"simulated marketplace, seed {settings.seed}, settings {settings_digest(settings)}"


def manifest(marketplace: Marketplace) -> dict[str, object]:
    """Return what MANIFEST.json says; `content` and `code` tell a world of other bike events or other code apart."""
    content = hashlib.sha256()
    for frame in (
        *(marketplace.campaigns, marketplace.spend, marketplace.upload_contributions, marketplace.demand),
        *(marketplace.flows, marketplace.exchange_rates, marketplace.context, marketplace.lift_tests),
    ):
        content.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    code = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py"))))
    return {
        "is_simulated": True,
        "world": world_name(marketplace),
        "seed": marketplace.settings.seed,
        "settings": settings_digest(marketplace.settings),
        "content": content.hexdigest()[:12],
        "code": code.hexdigest()[:12],
    }


def write_files(marketplace: Marketplace, folder: Path) -> None:
    """Write exports, sheets, exchange_rates.csv, context.csv, lift_tests.csv and MANIFEST.json.

    The folder is there whole or not at all, and what an older marketplace had in it is gone. Where it holds the same
    marketplace already nothing is written. Raises TableError for a folder with something else in it.
    """
    said = manifest(marketplace)
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MANIFEST).exists():
            raise TableError(
                f"{folder}: holds files but no {MANIFEST}, so it is no simulated marketplace and stays as it is. "
                "Fix: name another folder in simulation.path, or empty this one"
            )
        if json.loads((folder / MANIFEST).read_text(encoding="utf-8")) == said:
            logger.info("%s: holds this marketplace already", folder)
            return
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    write_exports(marketplace, beside / "exports")
    write_sheets(marketplace, beside / "sheets")
    write_csv(marketplace.exchange_rates, beside / "exchange_rates.csv", decimals=6)
    write_csv(marketplace.context, beside / "context.csv")
    write_csv(marketplace.lift_tests[LIFT_COLUMNS], beside / "lift_tests.csv", decimals=3)
    (beside / MANIFEST).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    _put(beside, folder)


def has_trade(folder: Path) -> bool:
    """Say whether listings, orders and events were written to their end; a new marketplace starts without them."""
    return all((folder / name / "_SUCCESS").exists() for name in ("listings", "orders", "events"))


def _put(beside: Path, folder: Path) -> None:
    """Let the new folder take the place of the old one; a rename is done or not done."""
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
