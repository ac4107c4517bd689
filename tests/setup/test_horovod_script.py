"""conf/bundle/init/horovod.sh with a pip that only notes what it is asked for."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "conf" / "bundle" / "init" / "horovod.sh"
# Notes its words; asked for a wheel, it also notes how it is to be compiled and leaves one in the folder named.
PYTHON = """
echo "$*" >> "$NOTES"
case "$*" in *"pip wheel "*)
    env | grep -E '^(HOROVOD|MAKEFLAGS)' | sort >> "$NOTES"
    while [ $# -gt 0 ]; do [ "$1" = --wheel-dir ] && touch "$2/horovod-0.28.1-cp312.whl"; shift; done ;;
esac
exit 0
"""
FLAGS = [
    "HOROVOD_WITHOUT_MPI=1",
    "HOROVOD_WITHOUT_MXNET=1",
    "HOROVOD_WITHOUT_PYTORCH=1",
    "HOROVOD_WITH_GLOO=1",
    "HOROVOD_WITH_TENSORFLOW=1",
]
TOOLS = [
    "bash",
    "basename",
    "cp",
    "dirname",
    "env",
    "getconf",
    "grep",
    "mkdir",
    "mktemp",
    "mv",
    "sort",
    "touch",
    "uname",
]


@pytest.fixture
def node(tmp_path):
    """`node(...)` runs the script as a node would and returns what pip and apt-get were asked for."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool))
    for name, body in {"python": PYTHON, "apt-get": 'echo "apt-get $*" >> "$NOTES"'}.items():
        (programs / name).write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
        (programs / name).chmod(0o755)

    def run(*words, has_compiler=True, **environment):
        notes = tmp_path / "notes"
        notes.unlink(missing_ok=True)
        for name in ("c++", "make"):
            (programs / name).unlink(missing_ok=True)
            if has_compiler:
                (programs / name).symlink_to(shutil.which("env"))
        known = {"PATH": str(programs), "NOTES": str(notes), "PMA_PYTHON": str(programs / "python"), "MAKEFLAGS": "w"}
        done = subprocess.run([SCRIPT, *words], env=known | environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return notes.read_text(encoding="utf-8").splitlines()

    return run


def test_a_node_installs_tensorflow_then_compiles_horovod_against_it_then_installs_the_wheel(node):
    notes = node()

    assert "tensorflow-cpu==2.18.1" in notes[0].split()
    assert notes[1].startswith("-m pip wheel --verbose --no-build-isolation --no-deps --no-cache-dir")
    assert notes[1].endswith(" horovod==0.28.1")
    assert notes[2:7] == FLAGS
    assert notes[7] == f"MAKEFLAGS=-j{os.cpu_count()}"
    assert notes[8].startswith("-m pip install --quiet --no-deps ")
    assert notes[8].endswith("/horovod-0.28.1-cp312.whl")
    assert len(notes) == 9


def test_a_node_without_a_compiler_gets_one(node):
    notes = node(has_compiler=False)

    assert notes[1:3] == ["apt-get update -q", "apt-get install -yq g++ make"]


def test_only_the_first_node_compiles_where_a_folder_for_wheels_is_named(node, tmp_path):
    first = node(PMA_WHEELS=str(tmp_path / "volume"))
    second = node(PMA_WHEELS=str(tmp_path / "volume"))

    assert [len([note for note in notes if " wheel --" in note]) for notes in (first, second)] == [1, 0]
    assert second[-1].endswith("/horovod-0.28.1-cp312.whl")
    (kept,) = (tmp_path / "volume").iterdir()
    assert kept.name == f"horovod-0.28.1-tensorflow-2.18.1-{os.uname().machine}"
    assert [wheel.name for wheel in kept.iterdir()] == ["horovod-0.28.1-cp312.whl"]


def test_a_laptop_only_compiles(node, tmp_path):
    notes = node("wheel", str(tmp_path / "bin" / "python"), str(tmp_path))

    assert notes[0].endswith(f"--wheel-dir {tmp_path} horovod==0.28.1")
    assert notes[1:6] == FLAGS
    assert (tmp_path / "horovod-0.28.1-cp312.whl").exists()


def test_an_unknown_word_is_refused():
    done = subprocess.run([SCRIPT, "weel"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "found weel; allowed: wheel PYTHON FOLDER, or nothing" in done.stderr
