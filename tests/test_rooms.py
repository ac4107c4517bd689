"""Rooms meet through tables: of another room, only the declaration of its tables is imported."""

import ast
from pathlib import Path

import pma

ROOT = Path(pma.__file__).parent
# Shared by all rooms, and no rooms: any engine for any function of a group; what spend becomes before it works.
ROOMS = sorted({file.parent.name for file in ROOT.glob("*/__init__.py")} - {"parallel", "media"})


def imported(file):
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_truth_is_read_by_no_room_but_the_simulation_that_writes_it():
    files = [file for file in ROOT.rglob("*.py") if file.parent.name != "simulation" and file.name != "catalogue.py"]
    jobs = [file for file in (ROOT.parent / "jobs").glob("*.py") if file.name != "simulate.py"]
    readers = [
        str(file.relative_to(ROOT.parent))
        for file in (*files, *jobs)
        if "pma.simulation.tables" in imported(file) or '"truth.' in file.read_text(encoding="utf-8")
    ]
    assert files and readers == []


def test_a_room_imports_nothing_of_another_but_its_tables():
    assert {"embeddings", "sources"} <= set(ROOMS)
    foreign = {
        (str(file.relative_to(ROOT)), module)
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        for module in imported(file)
        for other in ROOMS
        if other != room and f"{module}.".startswith(f"pma.{other}.") and not module.endswith(".tables")
    }
    assert foreign == set()
