"""Where compiled functions are kept: code that numba would compile again has a folder of its own."""

import os
import shutil
from pathlib import Path

import pytest

import pma.mmm
from pma.mmm.compiled import cache_folder


@pytest.fixture
def room(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(shutil.copytree(Path(pma.mmm.__file__).parent, tmp_path / "here"))


def test_the_same_code_has_the_same_folder(room, tmp_path):
    assert cache_folder(room) == cache_folder(room)
    assert cache_folder(room).parent == tmp_path / "cache"


def test_the_same_code_in_another_place_has_another_folder(room, tmp_path):
    other = Path(shutil.copytree(room, tmp_path / "there"))
    assert cache_folder(other) != cache_folder(room)


def test_code_that_was_checked_out_again_has_another_folder(room):
    before = cache_folder(room)
    os.utime(room / "density.py", ns=(1, 1))
    assert cache_folder(room) != before


def test_where_the_cache_cannot_be_written_the_temporary_folder_is_taken(room, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cache_folder(room).parent == tmp_path
